"""Canaille, a real identity provider, with one client and a few people in its memory; a process of its own.

``python -m tests.servers.canaille_process PORT REDIRECT_URI`` says ``ready`` when it serves.
"""

from __future__ import annotations

import datetime
import sys
import warnings
from typing import Any

CLIENT, SECRET = "potluck", "the client's secret/+ü"
PASSWORD = "correct horse battery staple"
PEOPLE = ("anna", "bert", "ada", "carla", "dora")


def exact(backend: Any) -> None:
    """Canaille's memory finds what fits any of several conditions, where its databases find what fits all: a code of
    another client's, another's consent. Here it finds what fits all, too."""
    fits_any = backend.do_query

    def fits_all(self: Any, model: Any, *args: Any, **conditions: Any) -> list[Any]:
        found = fits_any(self, model, *args, **dict(list(conditions.items())[:1]))
        for condition in list(conditions.items())[1:]:
            ids = {each.id for each in fits_any(self, model, **dict([condition]))}
            found = [each for each in found if each.id in ids]
        return list(found)

    backend.do_query = fits_all


def main(port: int, redirect_uri: str) -> None:
    warnings.simplefilter("ignore")  # of its dependencies
    from canaille import create_app
    from canaille.app import models
    from canaille.backends import Backend
    from joserfc.jwk import RSAKey
    from werkzeug.serving import make_server

    key = RSAKey.generate_key(2048, auto_kid=True).as_dict(private=True)
    app: Any = create_app(
        {
            "SECRET_KEY": "only for tests",
            "SERVER_NAME": f"127.0.0.1:{port}",
            "PREFERRED_URL_SCHEME": "http",
            "CANAILLE": {"DATABASE": "memory", "SMTP": None, "LOGGING": None},
            "CANAILLE_OIDC": {"ACTIVE_JWKS": [key], "TRUSTED_DOMAINS": []},
        },
        env_file=None,
    )
    exact(type(Backend.instance))
    with app.app_context(), Backend.instance.session():
        for name in PEOPLE:
            user = models.User(
                user_name=name,
                display_name=name,
                formatted_name=f"{name.title()} Example",
                family_name="Example",
                emails=[f"{name}@example.org"],
                password=PASSWORD,
            )
            Backend.instance.save(user)
        Backend.instance.save(
            models.Group(display_name="staff", members=[Backend.instance.get(models.User, user_name="ada")])
        )
        client = models.Client(
            client_id=CLIENT,
            client_secret=SECRET,
            client_name="Potluck",
            client_uri="https://potluck.example",
            redirect_uris=[redirect_uri],
            scope=["openid", "profile", "email", "groups"],
            grant_types=["authorization_code"],
            response_types=["code"],
            token_endpoint_auth_method="client_secret_basic",
            client_id_issued_at=datetime.datetime.now(datetime.UTC),
        )
        Backend.instance.save(client)
        client.audience = [client]  # what its id tokens are for
        Backend.instance.save(client)
    server = make_server("127.0.0.1", port, app, threaded=True)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])

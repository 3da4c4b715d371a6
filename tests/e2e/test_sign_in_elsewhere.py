"""Who comes in without a key of Potluck's: a real service, clients as they are, and connections from several addresses.

All of 127.0.0.0/8 is this machine on Linux: 127.0.0.1 is the trusted network here, 127.0.0.9 the proxy.
"""

from __future__ import annotations

import base64
import sys
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import ollama
import pytest

from potluck.surfaces.doors import DOORS
from tests.e2e.processes import Fake, Service, fake, service

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems have one loopback address")

MODEL = "olla-fake:1b"
NEAR, PROXY, ELSEWHERE = "127.0.0.1", "127.0.0.9", "127.0.0.7"
HELLO = {"model": MODEL, "stream": False, "messages": [{"role": "user", "content": "repeat 2"}]}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, Fake]]:
    home = tmp_path_factory.mktemp("elsewhere")
    with ExitStack() as stack:
        engine = stack.enter_context(fake("--dialect", "ollama", "--model", f"{MODEL},capabilities=completion+insert"))
        config = home / "potluck.yaml"
        config.write_text(
            f"nodes: {{one: {{address: 127.0.0.1, engines: [{{kind: ollama, port: {engine.port}, slots: 4}}]}}}}\n"
            "local: false\n"
            "access:\n"
            "  trusted_header:\n"
            f"    {{proxies: [{PROXY}], email: X-Email, groups: {{header: X-Groups, roles: {{family: member}}}}}}\n"
            f"  trusted_networks: [{{range: {NEAR}, as: living room}}]\n"
        )
        yield stack.enter_context(service(home, "--config", str(config))), engine


def client(house: tuple[Service, Fake], address: str, **headers: str) -> httpx.Client:
    """A client whose connections come from ``address``."""
    return httpx.Client(
        base_url=house[0].url, headers=headers, transport=httpx.HTTPTransport(local_address=address), timeout=20
    )


def test_an_ollama_client_without_a_key_is_its_networks_guest(house: tuple[Service, Fake]) -> None:
    with ollama.Client(house[0].url) as unmodified:
        assert unmodified.chat(MODEL, [{"role": "user", "content": "repeat 3"}]).message.content == "w1 w2 w3"
        assert MODEL in [each.model for each in unmodified.list().models]
        with pytest.raises(ollama.ResponseError, match="guest") as refused:
            unmodified.delete(MODEL)
        assert refused.value.status_code == 403
    users = {user["name"]: user["role"] for user in house[0].get("/api/v1/users")["users"]}
    assert users == {"owner": "owner", "living room": "guest"}
    asked = [each for each in house[0].get("/api/v1/requests")["requests"] if each["asked_model"] == MODEL]
    assert asked


def test_an_ollama_client_with_a_wrong_key_and_one_from_elsewhere_are_refused(house: tuple[Service, Fake]) -> None:
    wrong = {"Authorization": "Bearer wrong"}
    with ollama.Client(house[0].url, headers=wrong) as mistaken, pytest.raises(ollama.ResponseError):
        mistaken.chat(MODEL, [{"role": "user", "content": "hello"}])
    with client(house, ELSEWHERE) as stranger:
        assert stranger.post("/api/chat", json=HELLO).status_code == 401
        assert stranger.get("/api/tags").status_code == 401
        assert stranger.get("/api/version").status_code == 200


def test_whom_the_proxy_names_asks_models_and_has_an_account_and_engines_never_hear_of_it(
    house: tuple[Service, Fake],
) -> None:
    named = {"X-Forwarded-User": "Anna", "X-Groups": "tennis, family", "X-Email": "anna@example.org"}
    with client(house, PROXY, **named, X_Forwarded_User="owner") as anna:
        assert anna.post("/v1/chat/completions", json=HELLO).status_code == 200
        assert anna.post("/api/chat", json=HELLO).status_code == 200
        me = anna.get("/api/v1/users/me").json()
        assert (me["name"], me["role"]) == ("Anna", "member")
        assert anna.get("/api/v1/users").status_code == 403
        assert anna.post("/api/v1/keys", json={"name": "annas"}).status_code == 201
        # A cookie would outlive the proxy's word.
        assert anna.post("/api/v1/sessions").status_code == 400
        evil = {"Origin": "https://evil.example"}
        assert anna.post("/v1/chat/completions", json=HELLO, headers=evil).status_code == 403
        assert anna.post("/api/v1/keys", json={"name": "evil"}, headers=evil).status_code == 403
    heard = [name.lower() for request in house[1].requests() for name in dict(request["headers"])]
    assert heard
    assert not {"x-forwarded-user", "x_forwarded_user", "x-groups", "x-email"} & set(heard)


def test_whom_anybody_else_names_is_nobody(house: tuple[Service, Fake]) -> None:
    for headers in (
        {"X-Forwarded-User": "Anna", "X-Groups": "family"},
        {"X-Forwarded-User": "Anna", "X-Groups": "family", "X-Forwarded-For": PROXY},
    ):
        with client(house, ELSEWHERE, **headers) as liar:
            assert liar.post("/v1/chat/completions", json=HELLO).status_code == 401
            assert liar.get("/api/v1/users/me").status_code == 401
    with client(house, PROXY, **{"X-Forwarded-User": "Bert"}) as bert:
        assert bert.get("/api/v1/users/me").status_code == 403


def test_a_key_is_taken_as_every_client_presents_it_on_every_surface(house: tuple[Service, Fake]) -> None:
    key = house[0].key
    basic = base64.b64encode(f"user:{key}".encode()).decode()
    ways = [{"Authorization": f"Bearer {key}"}, {"x-api-key": key}, {"Authorization": f"Basic {basic}"}]
    listings = ("/v1/models", "/api/tags", "/api/v1/models", "/v1/health", "/v1beta/models", "/metrics", "/docs")
    with client(house, ELSEWHERE) as stranger:
        for way in ways:
            for path in listings:
                assert stranger.get(path, headers=way).status_code == 200, (path, way)
            for door in DOORS:  # whatever each makes of an empty body, it is not for who asks
                status = stranger.request(door.method, door.path, headers=way, json={}).status_code
                assert status not in (401, 403), (door.path, status)
        for path in (*listings, *(door.path for door in DOORS)):
            method = "GET" if path in listings else "POST"
            assert stranger.request(method, path, headers={"x-api-key": "wrong"}, json={}).status_code == 401, path

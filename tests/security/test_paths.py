"""No name in a path leads out of where it is looked up, and none is too odd to be refused in the usual way."""

from __future__ import annotations

import re

from potluck.surfaces.application import ROUTES
from potluck.surfaces.v1.routes import NATIVE_ROUTES
from tests.e2e.processes import Fronted
from tests.security.attacker import ask

NAMES = re.compile(r"{\w+(:\w+)?}")
TRAVERSALS = (
    "..%2f..%2f..%2f..%2fetc%2fpasswd",
    "%2e%2e%2f%2e%2e%2fowner.key",
    "..%5c..%5cwindows%5cwin.ini",
    "....//....//etc/passwd",
    "%2fetc%2fpasswd",
    "..%252f..%252fetc%252fpasswd",
    "x%00.json",
    "%ff%fe",
    "%c0%ae%c0%ae%c0%afetc",
    "sha256:..%2f..%2fpotluck.db",
    "%F0%9F%92%A9" * 50,
    "a" * 5000,
    "%0d%0aset-cookie:%20a=b",
)


def with_names() -> list[tuple[str, str]]:
    """Method and path of every route that takes a name from its path."""
    listed = {(route.method, route.path) for route in NATIVE_ROUTES}
    for route in ROUTES:
        listed |= {(method, route.path) for method in getattr(route, "methods", None) or ()}
    return sorted((method, path) for method, path in listed if "{" in path)


def test_every_name_in_a_path_is_looked_up_and_nothing_else(fronted: Fronted) -> None:
    service = fronted.service
    before = sorted(path for path in service.data.parent.rglob("*") if "run" not in path.parts)
    tried = 0
    for method, path in with_names():
        for name in TRAVERSALS:
            target = NAMES.sub(lambda _, name=name: name, path)
            answer = ask(service.url, method, target, key=service.key)
            tried += 1
            assert 400 <= answer.status < 500, (method, target, answer.status, answer.body[:300])
            assert b"root:" not in answer.body
            assert str(service.data).encode() not in answer.body
            assert service.key.encode() not in answer.body
            assert not answer.header("set-cookie").startswith("a=b")
    assert tried > 200
    after = sorted(path for path in service.data.parent.rglob("*") if "run" not in path.parts)
    assert set(after) - set(before) <= {path for path in after if path.is_relative_to(service.data)}

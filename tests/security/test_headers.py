"""Every answer tells browsers what to refuse: each route of the tables, the doors, errors, and what is no HTTP."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser

import pytest
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from potluck.gateway import guard_headers
from potluck.surfaces.application import ROUTES
from potluck.surfaces.auth import OPEN_ROUTES, PUBLIC_PATHS
from potluck.surfaces.doors import DOORS
from potluck.surfaces.guarding import Guarding
from potluck.surfaces.v1.routes import NATIVE_ROUTES
from tests.e2e.processes import OLLAMA_MODEL, Fronted
from tests.security.attacker import Answer, ask, say

# Followed for ever by who has a key; without one it is refused like others.
_ENDLESS = {"/v1/events", "/api/v1/events"}


def filled(path: str) -> str:
    return re.sub(r"{\w+(:\w+)?}", "x", path)


def guarded(answer: Answer, *, page: bool = False) -> None:
    """Assert that all headers are there once, and right for what it is."""
    for name, value in guard_headers.EVERYWHERE:
        assert answer.header(name) == value, name
    policy = answer.header("content-security-policy")
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.header("cache-control") in ("no-store", "no-cache")
    assert (answer.header("cross-origin-opener-policy") == "same-origin") is page
    assert not answer.header("strict-transport-security"), "this came without TLS"


def served() -> list[tuple[str, str]]:
    """Method and path of every route and door."""
    listed = [(route.method, filled(route.path)) for route in NATIVE_ROUTES]
    for route in ROUTES:
        methods = getattr(route, "methods", None) or {"GET"}
        listed += [(method, filled(route.path)) for method in sorted(methods)]
    listed += [(door.method, filled(door.path)) for door in DOORS]
    return sorted(set(listed))


@pytest.mark.parametrize("key", ["", "pk-wrong"])
def test_who_is_not_let_in_is_told_so_in_a_guarded_answer(fronted: Fronted, key: str) -> None:
    for method, path in served():
        answer = ask(fronted.service.url, method, path, key=key)
        public = path in PUBLIC_PATHS or (method, path) in OPEN_ROUTES
        assert answer.status in ((200, 400, 401, 404, 405, 503) if public else (401,)), (method, path)
        guarded(answer, page=answer.header("content-type").startswith("text/html"))


def test_what_can_be_read_is_guarded_too(fronted: Fronted) -> None:
    seen: list[str] = []
    for method, path in served():
        if method == "GET" and path not in _ENDLESS:
            answer = ask(fronted.service.url, method, path, key=fronted.service.key)
            assert answer.status < 500, path
            page = answer.header("content-type").startswith("text/html")
            guarded(answer, page=page)
            seen += [path] if page else []
    assert "/docs" in seen


@pytest.mark.parametrize("stream", [False, True])
def test_a_models_answer_is_guarded(fronted: Fronted, stream: bool) -> None:
    asked = b'{"model": "%b", "messages": [{"role": "user", "content": "hi"}], "stream": %b}'
    body = asked % (OLLAMA_MODEL.encode(), b"true" if stream else b"false")
    for path in ("/v1/chat/completions", "/api/chat"):
        answer = ask(fronted.service.url, "POST", path, key=fronted.service.key, body=body)
        assert answer.status == 200
        guarded(answer)


def test_errors_without_a_route_are_guarded(fronted: Fronted) -> None:
    url, key = fronted.service.url, fronted.service.key
    for method, path in (
        ("GET", "/nothing"),
        ("PUT", "/healthz"),
        ("GET", "/v1/chat/completions"),
        ("GET", "/api/v1/x"),
    ):
        guarded(ask(url, method, path, key=key))
    guarded(ask(url, "POST", "/v1/chat/completions", key=key, body=b"{"))
    asked = {"origin": "http://localhost:3000", "access-control-request-method": "POST"}
    guarded(ask(url, "OPTIONS", "/v1/chat/completions", headers=asked))
    guarded(ask(url, "GET", "/healthz", headers={"origin": "http://evil.example"}))


@pytest.mark.parametrize("said", [b"NONSENSE\r\n\r\n", b"GET //[ HTTP/1.1\r\nhost: x\r\n\r\n"])
def test_what_is_no_request_gets_a_guarded_answer_too(fronted: Fronted, said: bytes) -> None:
    head = say(fronted.service.url, said).partition(b"\r\n\r\n")[0].lower()
    for name, value in guard_headers.EVERYWHERE:
        assert head.count(f"\r\n{name}: {value}".lower().encode()) == 1, head


class Page(HTMLParser):
    """What a page would have a browser run or load."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.styles: list[str] = []
        self.loads: list[str] = []
        self.inline: list[str] = []
        self._in = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in = tag
        named = dict(attrs)
        self.inline += [name for name in named if name.startswith("on") or name == "style"]
        if tag == "script" and "src" not in named:
            self.inline.append("script")
        if tag in ("script", "link", "img", "iframe"):
            self.loads.append(named.get("src") or named.get("href") or "")

    def handle_data(self, data: str) -> None:
        if self._in == "style":
            self.styles.append(data)

    def handle_endtag(self, tag: str) -> None:
        self._in = ""


def test_no_page_has_a_script_or_style_of_its_own_that_its_policy_does_not_name(fronted: Fronted) -> None:
    url, key = fronted.service.url, fronted.service.key
    for method, path in served():
        if method != "GET" or path in _ENDLESS:
            continue
        answer = ask(url, method, path, key=key, headers={"accept": "text/html"})
        if not answer.header("content-type").startswith("text/html"):
            continue
        page, policy = Page(answer.body.decode()), answer.header("content-security-policy")
        assert page.inline == [], path
        assert all(load.startswith("/") and not load.startswith("//") for load in page.loads), page.loads
        for style in page.styles:
            assert f"'sha256-{b64encode(sha256(style.encode()).digest()).decode()}'" in policy, path


def test_browsers_stay_with_https_where_that_is_what_they_came_by() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"cache-control", b"max-age=60")]})
        await send({"type": "http.response.body"})

    answer = TestClient(Guarding(app), base_url="https://potluck").get("/")
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
    assert answer.headers["cache-control"] == "max-age=60", "what an answer says itself stays"
    assert "strict-transport-security" not in TestClient(Guarding(app)).get("/").headers

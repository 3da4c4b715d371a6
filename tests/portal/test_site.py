"""The portal's addresses, on a portal built for the purpose: one page, a script with its compressed ones, an icon."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from potluck.portal.site import VIEWS, Portal

SCRIPT = "/assets/index-abc.js"
BROWSER = {"accept": "text/html,*/*;q=0.8"}
JS = "text/javascript; charset=utf-8"
FILES = {
    "/index.html": {
        "type": "text/html; charset=utf-8",
        "size": 4,
        "hash": "h1",
        "br": 2,
        "gz": 3,
        "styles": ["sha256-x="],
    },
    SCRIPT: {"type": JS, "size": 4, "hash": "h2", "br": 2, "gz": 3},
    "/icons/icon.svg": {"type": "image/svg+xml", "size": 4, "hash": "h3"},
    "/sw.js": {"type": JS, "size": 4, "hash": "h4"},
    "/frames/preview.html": {"type": "text/html; charset=utf-8", "size": 4, "hash": "h5"},
}


async def rest(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("the rest", 418)(scope, receive, send)


def build(root: Path) -> None:
    for path in FILES:
        file = root / path[1:]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"asis")
        file.with_name(f"{file.name}.br").write_bytes(b"br")
        file.with_name(f"{file.name}.gz").write_bytes(b"gzp")
    (root / "secret").write_text("not named, so not served")
    (root / "files.json").write_text(json.dumps({"files": FILES}))


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    build(tmp_path)
    async with _client(tmp_path) as client:
        yield client


def _client(root: Path) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(Portal(rest, root)), base_url="http://potluck")


async def raw(client: httpx.AsyncClient, path: str, method: str = "GET", **headers: str) -> httpx.Response:
    """The answer with its body as it was sent."""
    async with client.stream(
        method, path, headers={name.replace("_", "-"): value for name, value in headers.items()}
    ) as answer:
        answer._content = b"".join([each async for each in answer.aiter_raw()])
    return answer


@pytest.mark.parametrize("path", ["/", *(f"/{view}" for view in sorted(VIEWS)), "/chat/c_1", "/admin/users", "/chat/"])
async def test_every_view_is_one_page_that_needs_nobody_to_be_signed_in(client: httpx.AsyncClient, path: str) -> None:
    served = await raw(client, path, accept="text/html", accept_encoding="identity")
    assert (served.status_code, served.content) == (200, b"asis")
    assert served.headers["content-type"] == "text/html; charset=utf-8"
    assert served.headers["cache-control"] == "no-cache"


async def test_a_view_with_a_page_of_its_own_is_shown_by_that(tmp_path: Path) -> None:
    build(tmp_path)
    page = {"type": "text/html; charset=utf-8", "size": 3, "hash": "h6", "styles": ["sha256-y="]}
    (tmp_path / "views").mkdir()
    (tmp_path / "views" / "chat.html").write_bytes(b"own")
    (tmp_path / "files.json").write_text(json.dumps({"files": {**FILES, "/views/chat.html": page}}))
    async with _client(tmp_path) as client:
        served = await raw(client, "/chat/c_1", accept_encoding="identity")
        assert (served.content, served.headers["vary"]) == (b"own", "accept, accept-encoding")
        assert "style-src 'self' 'sha256-y='" in served.headers["content-security-policy"]
        assert (await raw(client, "/code", accept_encoding="identity")).content == b"asis"
        assert (await raw(client, "/views/chat.html")).status_code == 418


@pytest.mark.parametrize("accept", ["*/*", "application/json"])
async def test_a_program_at_the_root_is_told_what_ollamas_clients_look_for(
    client: httpx.AsyncClient, accept: str
) -> None:
    assert (await raw(client, "/", accept=accept)).status_code == 418


@pytest.mark.parametrize(
    "path", ["/api/v1/boot", "/v1/models", "/sign-in", "/docs", "/chats", "/assets", "/icons/", "/pages/account.js"]
)
async def test_all_other_addresses_are_the_applications(client: httpx.AsyncClient, path: str) -> None:
    assert (await raw(client, path)).status_code == 418


async def test_what_changes_something_is_never_the_portals(client: httpx.AsyncClient) -> None:
    assert (await raw(client, "/chat", "POST")).status_code == 418


async def test_the_pages_policy_lets_nothing_in_from_elsewhere_and_nothing_inline(client: httpx.AsyncClient) -> None:
    headers = (await raw(client, "/chat")).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["script-src"] == "'self'"
    assert policy["style-src"] == "'self' 'sha256-x='"
    assert policy["connect-src"] == policy["default-src"] == "'self'"
    assert policy["object-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cross-origin-opener-policy"] == "same-origin"


@pytest.mark.parametrize(
    ("accepted", "encoding", "body"),
    [("gzip, br", "br", b"br"), ("gzip", "gzip", b"gzp"), ("identity", None, b"asis"), ("br;q=0", None, b"asis")],
)
async def test_files_come_compressed_as_the_client_takes_them(
    client: httpx.AsyncClient, accepted: str, encoding: str | None, body: bytes
) -> None:
    served = await raw(client, SCRIPT, accept_encoding=accepted)
    assert (served.headers.get("content-encoding"), served.content) == (encoding, body)
    assert served.headers["content-length"] == str(len(body))
    assert served.headers["vary"] == "accept-encoding"


async def test_named_files_are_kept_for_ever_and_others_asked_for(client: httpx.AsyncClient) -> None:
    assert (await raw(client, SCRIPT)).headers["cache-control"] == "public, max-age=31536000, immutable"
    served = await raw(client, "/icons/icon.svg")
    assert served.headers["cache-control"] == "no-cache"
    again = await raw(client, "/icons/icon.svg", if_none_match=f'W/"other", W/{served.headers["etag"]}')
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", served.headers["etag"])


async def test_each_encoding_has_a_tag_of_its_own(client: httpx.AsyncClient) -> None:
    tags = {(await raw(client, SCRIPT, accept_encoding=each)).headers["etag"] for each in ("br", "gzip", "identity")}
    assert len(tags) == 3


async def test_head_says_what_get_would(client: httpx.AsyncClient) -> None:
    got, head = await raw(client, SCRIPT), await raw(client, SCRIPT, "HEAD")
    assert (head.status_code, head.headers) == (200, got.headers)


@pytest.mark.parametrize(
    "path", ["/assets/../secret", "/assets/%2e%2e/secret", "/assets/..%2fsecret", "/assets//etc/passwd", "/assets/x.js"]
)
async def test_what_the_build_does_not_name_is_not_there(client: httpx.AsyncClient, path: str) -> None:
    served = await raw(client, path)
    assert served.status_code in (404, 418)
    assert b"not named" not in served.content


async def test_a_frames_page_may_run_and_reach_nobody(client: httpx.AsyncClient) -> None:
    headers = (await raw(client, "/frames/preview.html")).headers
    assert headers["content-security-policy"].startswith("sandbox allow-scripts; default-src 'none'")
    assert "connect-src 'none'" in headers["content-security-policy"]
    assert headers["x-frame-options"] == "SAMEORIGIN"


async def test_where_it_is_not_built_a_page_says_how_and_a_build_is_found_at_once(tmp_path: Path) -> None:
    async with _client(tmp_path) as client:
        for path in ("/", "/chat"):
            served = await client.get(path, headers=BROWSER)
            assert served.status_code == 503
            assert "make web" in served.text
        assert (await client.get("/sw.js")).status_code == 503
        assert (await client.get("/")).status_code == 418
        build(tmp_path)
        assert (await raw(client, "/chat")).status_code == 200


async def test_a_build_that_replaces_another_is_taken(tmp_path: Path) -> None:
    build(tmp_path)
    async with _client(tmp_path) as client:
        assert (await raw(client, "/chat")).status_code == 200
        (tmp_path / SCRIPT[1:]).unlink()
        assert (await raw(client, SCRIPT, accept_encoding="identity")).status_code == 503
        build(tmp_path)
        (tmp_path / "assets" / "new.js").write_bytes(b"news")
        plain = {"/index.html": {**FILES["/index.html"], "styles": []}}
        listing = {"files": {**FILES, **plain, "/assets/new.js": {"type": JS, "size": 4, "hash": "h6"}}}
        (tmp_path / "files.json").write_text(json.dumps(listing))
        os.utime(tmp_path / "files.json", ns=(1, 1))
        assert (await raw(client, "/assets/new.js")).content == b"news"
        assert "sha256" not in (await raw(client, "/chat")).headers["content-security-policy"]

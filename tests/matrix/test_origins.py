"""Web pages: a browser is told who may call, before it does and with each answer, on every route."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio
from msgspec.structs import replace

from tests.matrix.surfaces import TEXTS, Surface, Wish, both_ways
from tests.matrix.world import ALL, World, engine, world

pytestmark = pytest.mark.asyncio(loop_scope="session")

OURS, THEIRS = "https://chat.example.org", "https://evil.example"
GRANT = "access-control-allow-origin"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def paged(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[World]:
    folder = tmp_path_factory.mktemp("pages")
    spec = engine("llamacpp", "llamacpp", f"m,capabilities={ALL}")
    change = lambda config: replace(config, server=replace(config.server, origins=(OURS,)))  # noqa: E731
    async with world(folder, spec, change=change) as made:
        yield made


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages", "/api/chat", "/v1/models", "/api/v1/nodes"])
async def test_a_browser_that_asks_first_needs_no_key(paged: World, path: str) -> None:
    """A preflight never carries one (https://fetch.spec.whatwg.org/#cors-preflight-fetch)."""
    wish = {"access-control-request-method": "POST", "access-control-request-headers": "authorization,x-stainless-os"}
    async with paged.client.connection() as connection:
        reply = await connection.ask("OPTIONS", path, key="", headers={"origin": OURS, **wish})
        assert (reply.status, reply.headers[GRANT]) == (200, OURS)
        assert "POST" in reply.headers["access-control-allow-methods"]
        assert "x-stainless-os" in reply.headers["access-control-allow-headers"].lower()
        refused = await connection.ask("OPTIONS", path, key="", headers={"origin": THEIRS, **wish})
        assert refused.status == 400
        assert GRANT not in refused.headers


@both_ways(*TEXTS)
async def test_an_answer_says_that_the_page_may_read_it(paged: World, surface: Surface, stream: bool) -> None:
    body = surface.body(Wish("m", "say: hi", stream=stream, suffix="\n    return 1\n" if surface.code else ""))
    async with paged.client.connection() as connection:
        for origin, granted in ((OURS, OURS), (THEIRS, None), ("http://localhost:5173", "http://localhost:5173")):
            reply = await connection.ask("POST", surface.path, body, headers={"origin": origin})
            assert (reply.status, reply.headers.get(GRANT)) == (200, granted)
        reply = await connection.ask("POST", surface.path, body)
        assert GRANT not in reply.headers


async def test_a_refusal_can_be_read_by_the_page_too(paged: World) -> None:
    async with paged.client.connection() as connection:
        for path, key, status in (
            ("/v1/chat/completions", "wrong", 401),
            ("/v1/chat/completions", None, 400),
            ("/api/v1/nodes", "wrong", 401),
        ):
            method = "GET" if "nodes" in path else "POST"
            reply = await connection.ask(method, path, {}, key=key, headers={"origin": OURS})
            assert (reply.status, reply.headers[GRANT]) == (status, OURS)


async def test_options_of_no_browser_are_told_the_method(paged: World) -> None:
    async with paged.client.connection() as connection:
        reply = await connection.ask("OPTIONS", "/v1/chat/completions")
        assert (reply.status, reply.headers["allow"]) == (405, "POST")

"""Servers that speak OpenAI's API in their own way: a translation writes it right, and what passes can be parsed.

Streams of OpenAI's own clients pass as the server wrote them. What is legal there, though odd, stays as it is: lines
that end with CRLF, no space behind ``data:``, a role in every delta, text in the chunk that finishes, one chunk more
behind it. What would mislead a client does not: a stream without its end, usage that is missing.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import openai
import pytest
import pytest_asyncio

from potluck_fake_engine.dialects.openai import QUIRKS
from tests.matrix.surfaces import CHATS, COMPLETION, MISTRAL, OPENAI_CHAT, Surface, Wish, both_ways
from tests.matrix.test_tools import TOOLS
from tests.matrix.world import World, engine, world

pytestmark = pytest.mark.asyncio(loop_scope="session")

QUIRKY = sorted(QUIRKS)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def odd(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[World]:
    """A server for every quirk, and one that has them all."""
    specs = [
        engine(quirk, "openai", f"m-{quirk},capabilities=completion+tools", quirks=frozenset({quirk}))
        for quirk in QUIRKY
    ]
    specs.append(engine("all", "openai", "m-all,capabilities=completion+tools", quirks=frozenset(QUIRKY)))
    async with world(tmp_path_factory.mktemp("odd"), *specs) as made:
        yield made


PASSES = frozenset({"crlf", "no-space", "role-every-delta", "finish-with-content", "extra-after-finish", "all"})


def passes(surface: Surface, quirk: str, *, stream: bool) -> bool:
    return stream and surface in (OPENAI_CHAT, COMPLETION) and quirk in PASSES


@pytest.mark.parametrize("quirk", [*QUIRKY, "all"])
@both_ways(*CHATS, COMPLETION, MISTRAL)
async def test_a_quirk_does_not_reach_the_client(odd: World, surface: Surface, stream: bool, quirk: str) -> None:
    suffix = "\n    return nothing_else\n" if surface is MISTRAL else ""
    wish = Wish(f"m-{quirk}", "say: grüße, 日本", stream=stream, suffix=suffix)
    if passes(surface, quirk, stream=stream):
        return
    reply = await odd.client.post(surface.path, surface.body(wish))
    said = surface.read(wish, reply)
    assert (said.text, said.finish) == ("grüße, 日本", "stop")
    if not (surface is MISTRAL and stream):
        assert said.prompt
        assert said.completion
    story = await odd.story(reply.headers["x-potluck-request-id"])
    assert story["usage"]["estimated"] == (quirk in ("no-usage", "all"))


@pytest.mark.parametrize("quirk", [*QUIRKY, "all"])
@both_ways(*(each for each in CHATS if each.name in ("openai chat", "messages", "responses", "ollama chat")))
async def test_nor_in_a_tool_call(odd: World, surface: Surface, stream: bool, quirk: str) -> None:
    text = 'call weather {"city": "A", "days": 1}\ncall clock {"zone": "B"}'
    wish = Wish(f"m-{quirk}", text, stream=stream, tools=TOOLS)
    if passes(surface, quirk, stream=stream):
        return
    said = surface.read(wish, await odd.client.post(surface.path, surface.body(wish)))
    assert [call.arguments for call in said.calls] == [{"city": "A", "days": 1}, {"zone": "B"}]
    assert said.finish == "tools"


@pytest.mark.parametrize("quirk", [*QUIRKY, "all"])
async def test_the_sdk_understands_what_passes(odd: World, quirk: str) -> None:
    async with openai.AsyncOpenAI(base_url=f"{odd.client.url}/v1", api_key=odd.client.key, max_retries=0) as client:
        tools: Any = OPENAI_CHAT.body(Wish("", tools=TOOLS))["tools"]
        text, finishes, usages = "", [], []
        async for chunk in await client.chat.completions.create(
            model=f"m-{quirk}",
            messages=[{"role": "user", "content": "say: grüße, 日本"}],
            stream=True,
            stream_options={"include_usage": True},
        ):
            usages += [chunk.usage] if chunk.usage else []
            for choice in chunk.choices:
                text += choice.delta.content or ""
                finishes += [choice.finish_reason] if choice.finish_reason else []
        assert (text, finishes, len(usages)) == ("grüße, 日本", ["stop"], 1)
        assert usages[0].completion_tokens > 0
        async with client.chat.completions.stream(
            model=f"m-{quirk}",
            messages=[{"role": "user", "content": 'call weather {"city": "A", "days": 1}'}],
            tools=tools,
        ) as stream:
            final = await stream.get_final_completion()
        calls = final.choices[0].message.tool_calls
        assert calls is not None
        assert [call.function.name for call in calls] == ["weather"]
        pieces = [
            piece.choices[0].text
            async for piece in await client.completions.create(
                model=f"m-{quirk}", prompt="say: grüße", stream=True, max_tokens=20
            )
            if piece.choices
        ]
        assert "".join(pieces) == "grüße"


async def test_every_stream_ends_as_streams_end(odd: World) -> None:
    for quirk in (*QUIRKY, "all"):
        for surface in (OPENAI_CHAT, COMPLETION):
            wish = Wish(f"m-{quirk}", "say: x", stream=True)
            reply = await odd.client.post(surface.path, surface.body(wish))
            assert reply.body.count(b"[DONE]") == 1, quirk
            assert reply.body.rstrip().endswith(b"[DONE]"), quirk
            assert reply.body.count(b'"usage":{') == 1, quirk

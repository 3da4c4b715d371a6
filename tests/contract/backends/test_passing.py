"""Asks whose bytes go to an engine that speaks their shape, and its bytes back."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from potluck.wire.ollama.asks import read_chat as read_ollama_chat
from potluck.wire.ollama.asks import read_embed, read_embeddings, read_generate
from potluck.wire.openai.asks import read_chat, read_completion, read_embedding
from potluck.wire.port import AnswerMeta, Ask, Shape
from tests.contract.backends.rigs import Rig

pytestmark = pytest.mark.asyncio(loop_scope="session")

META = AnswerMeta("a" * 24, "chat", 1_800_000_000.0)
TURN = [{"role": "user", "content": "Say hello."}]
OPTIONS = {"num_predict": 8, "temperature": 0}

ASKS: dict[Shape, tuple[Any, dict[str, Any]]] = {
    Shape.OPENAI_CHAT: (read_chat, {"messages": TURN, "max_tokens": 8, "temperature": 0}),
    Shape.OPENAI_COMPLETION: (read_completion, {"prompt": "One, two,", "max_tokens": 8, "temperature": 0}),
    Shape.OPENAI_EMBEDDING: (read_embedding, {"input": ["a", "b"]}),
    Shape.OLLAMA_CHAT: (read_ollama_chat, {"messages": TURN, "options": OPTIONS}),
    Shape.OLLAMA_GENERATE: (read_generate, {"prompt": "Say hello.", "options": OPTIONS}),
    Shape.OLLAMA_EMBED: (read_embed, {"input": ["a", "b"]}),
    Shape.OLLAMA_EMBEDDINGS: (read_embeddings, {"prompt": "a"}),
}
EMBEDDINGS = {Shape.OPENAI_EMBEDDING, Shape.OLLAMA_EMBED, Shape.OLLAMA_EMBEDDINGS}


def ask_of(shape: Shape, *, stream: bool) -> Ask:
    read, fields = ASKS[shape]
    streamed = {} if shape in EMBEDDINGS else {"stream": stream}
    ask: Ask = read(msgspec.json.encode({"model": "chat", **fields, **streamed}))
    return ask


async def passed(rig: Rig, ask: Ask) -> tuple[int, bytes]:
    """The engine's status and body for an ask whose bytes pass."""
    model = await rig.model()
    path, body = rig.backend.pass_through(ask, model)
    return await rig.posted(path, body, model, ask.needs)


def streams_of(rig: Rig, shape: Shape) -> tuple[bool, ...]:
    """Whether it passes as a stream, as a whole, or either way."""
    if shape in EMBEDDINGS:
        return (False,)
    return (True,) if rig.backend.hears_only_streams else (True, False)


@pytest.mark.parametrize("shape", ASKS)
async def test_what_passes_is_answered_and_accounted_for(rig: Rig, shape: Shape) -> None:
    if shape not in rig.backend.shapes:
        pytest.skip("this engine does not speak it")
    for stream in streams_of(rig, shape):
        ask = ask_of(shape, stream=stream)
        status, body = await passed(rig, ask)
        assert status == 200
        passage = ask.passage(META)
        out = passage.open()
        if stream:
            out += passage.forward(body, META.created_s) + passage.end(META.created_s)
        else:
            out += passage.whole(body, META.created_s)
        assert b"prompt_progress" not in out
        assert len(out) > 20
        usage = passage.account().usage
        assert shape is Shape.OLLAMA_EMBEDDINGS or (usage is not None and usage.prompt > 0)

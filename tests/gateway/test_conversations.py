"""Conversations go back to the engine that has read them, as long as it is free."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from potluck.core.model import EngineId, UserId
from potluck.core.openings import conversation_name
from potluck.core.scheduling.rates import Timing
from potluck.gateway.seats import Seat
from potluck.wire.anthropic import read_messages
from potluck.wire.code.infill import read_infill
from potluck.wire.ollama.asks import read_chat as read_ollama_chat
from potluck.wire.ollama.asks import read_embed, read_generate
from potluck.wire.openai.asks import read_chat, read_completion, read_embedding
from potluck.wire.port import Ask
from potluck.wire.responses.request import read_responses
from tests.gateway.test_dispatch import Caller, Hall
from tests.gateway.world import EngineSide, until, world

# What an engine tells of a call that it answered as fast as every other.
TIMING = Timing(1000, 1.0, 50, 1.0)


class Turn(Caller):
    """One turn of a conversation, of a thousand tokens."""

    def __init__(self, name: str, conversation: str) -> None:
        super().__init__(name)
        self.wish = replace(self.wish, prompt_tokens=1000)
        self.conversation = conversation


def learned(slots: int) -> Hall:
    """Two engines that have shown to be equally fast."""
    hall = Hall(slots, slots)
    for number, other in enumerate(("e1", "e0")):
        caller = Caller(f"first{number}", tried=frozenset({EngineId(other)}))
        hall.dispatcher.seek(caller)
        assert caller.seat is not None
        answered(hall, caller.seat)
    return hall


def begun(hall: Hall, name: str, conversation: str) -> Seat:
    hall.now += 1
    turn = Turn(name, conversation)
    hall.dispatcher.seek(turn)
    assert turn.seat is not None
    return turn.seat


def answered(hall: Hall, seat: Seat) -> EngineId:
    hall.now += 2
    hall.dispatcher.release(seat, lambda seat, now: TIMING)
    return seat.engine


@pytest.mark.parametrize("slots", [1, 4])
def test_conversations_that_take_turns_each_return_to_their_engine(slots: int) -> None:
    hall = learned(slots)
    first = {talk: answered(hall, begun(hall, f"{talk}0", talk)) for talk in ("a", "b")}
    for turn in range(1, 5):
        for talk, engine in first.items():
            assert answered(hall, begun(hall, f"{talk}{turn}", talk)) == engine


def test_two_conversations_do_not_push_each_other_out_while_an_engine_is_unused() -> None:
    hall = learned(1)
    assert answered(hall, begun(hall, "1", "a")) != answered(hall, begun(hall, "2", "b"))


def test_a_conversation_whose_engine_is_busy_goes_to_the_other() -> None:
    hall = learned(1)
    home = answered(hall, begun(hall, "1", "a"))
    held = begun(hall, "2", "a")
    assert held.engine == home
    assert answered(hall, begun(hall, "3", "a")) != home


def body(**fields: Any) -> bytes:
    return json.dumps({"model": "m", **fields}).encode()


def messages(*texts: str) -> list[dict[str, str]]:
    roles = ("user", "assistant")
    return [{"role": roles[index % 2], "content": text} for index, text in enumerate(texts)]


LONG = "def f():\n    pass\n" * 50
READ: list[tuple[Callable[[bytes], Ask], Callable[..., bytes]]] = [
    (read_chat, lambda *said: body(messages=messages(*said))),
    (read_ollama_chat, lambda *said: body(messages=messages(*said))),
    (read_messages, lambda *said: body(max_tokens=5, system="s", messages=messages(*said))),
    (read_responses, lambda *said: body(instructions="s", input=messages(*said))),
    (read_completion, lambda *said: body(prompt=said[0] + LONG + "".join(said[1:]))),
    (read_generate, lambda *said: body(prompt=said[0] + LONG + "".join(said[1:]))),
    (read_infill, lambda *said: body(input_prefix=said[0] + LONG + "".join(said[1:]))),
]


@pytest.mark.parametrize(("read", "made"), READ)
def test_every_dialects_later_turns_are_known_by_the_first(
    read: Callable[[bytes], Ask], made: Callable[..., bytes]
) -> None:
    def name(*said: str, user: str = "anna") -> str:
        return conversation_name(UserId(user), read(made(*said)).opening)

    assert name("hello") == name("hello", "hi", "how are you?")
    assert name("hello") not in ("", name("good evening"), name("hello", user="bert"))


@pytest.mark.parametrize("ask", [read_embedding(body(input=LONG)), read_embed(body(input=LONG))])
def test_texts_to_embed_are_no_conversation(ask: Ask) -> None:
    assert ask.opening == ()


async def test_the_scheduler_is_told_which_conversation_a_call_belongs_to() -> None:
    go = asyncio.Event()

    async def slow(engine: EngineSide) -> None:
        await go.wait()
        engine.reply(b"{}", status="500 Broken")

    async with world(slow, slow) as w:
        for said in (("hello",), ("hello", "hi", "how are you?")):
            (await w.connect()).post(body(messages=messages(*said)))
        await until(lambda: len(w.relay.exchanges) == 2)
        starts = [exchange.decision for exchange in w.relay.exchanges]
        names = {start.ask.conversation for start in starts if start is not None}
        assert len(names) == 1
        assert "" not in names
        go.set()
        await until(w.nothing_is_held)

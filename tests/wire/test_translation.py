"""A reader and a writer joined: what came before trouble arrives, and the bill is always told."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from potluck.core.answer import (
    Answer,
    Event,
    Failed,
    Finish,
    FinishReason,
    Logprobs,
    Reasoning,
    Text,
    Timings,
    ToolArguments,
    ToolStart,
    Usage,
)
from potluck.core.errors import MalformedAnswer, NodeFailed, PotluckError
from potluck.wire.port import Account
from potluck.wire.translation import Translation

STOP = Finish(FinishReason.STOP)
BROKEN = Failed(NodeFailed("boom"))


class Scripted:
    """A reader that answers each byte with the events of its number; the last ones at the end."""

    def __init__(self, *script: Sequence[Event]) -> None:
        self.script = [list(events) for events in script]

    def feed(self, data: bytes) -> list[Event]:
        return [event for number in data for event in self.script[number]]

    def end(self) -> list[Event]:
        if not self.script[-1]:
            raise MalformedAnswer("broke off")
        return self.script[-1]

    def whole(self, body: bytes) -> list[Event]:
        return self.feed(body)


class Telling:
    """A writer whose dialect is the events' own words."""

    stream_type = "text/plain"
    keep_alive = b"."

    def open(self) -> bytes:
        return b"<"

    def write(self, events: Sequence[Event], now_s: float) -> bytes:
        return "".join(f"{type(event).__name__}@{now_s:.0f};" for event in events).encode()

    def close(self, now_s: float) -> bytes:
        return b">"

    def fail(self, error: PotluckError, request_id: str) -> bytes:
        return f"{error}:{request_id}".encode()

    def whole(self, answer: Answer, now_s: float) -> bytes:
        return repr(answer.usage).encode()


def translation(*script: Sequence[Event]) -> Translation:
    return Translation(Scripted(*script), Telling(), prompt_tokens=9)


def test_events_are_written_as_they_come_and_the_ends_are_told() -> None:
    through = translation([Text("ab")], [], [STOP, Usage(1, 2), Timings(decode_s=1.0)])
    assert (through.stream_type, through.keep_alive) == ("text/plain", b".")
    assert through.open() == b"<"
    assert through.forward(b"\x00", 1.0) == b"Text@1;"
    assert through.forward(b"\x01", 2.0) == b""
    assert through.end(3.0) == b"Finish@3;Usage@3;Timings@3;>"
    assert through.account() == Account(Usage(1, 2), Timings(decode_s=1.0), FinishReason.STOP, 2)


def test_usage_that_the_engine_does_not_tell_is_estimated() -> None:
    events: list[Event] = [Reasoning("é"), Text("abc"), ToolStart(0, "i", "n"), ToolArguments(0, "{}"), Logprobs({})]
    through = translation(events, [STOP])
    through.forward(b"\x00", 0.0)
    assert through.account() == Account(text_bytes=7)
    assert through.end(0.0) == b"Finish@0;Usage@0;>"
    assert through.account() == Account(Usage(9, 2, estimated=True), None, FinishReason.STOP, 7)


def test_what_came_before_a_failure_arrives_and_then_it_is_raised() -> None:
    through = translation([Text("a"), BROKEN, Text("b")], [STOP])
    assert through.forward(b"\x00", 0.0) == b"Text@0;"
    with pytest.raises(NodeFailed, match="boom"):
        through.forward(b"\x01", 0.0)
    with pytest.raises(NodeFailed, match="boom"):
        through.end(0.0)


def test_a_failure_with_nothing_before_it_is_raised_at_once() -> None:
    with pytest.raises(NodeFailed, match="boom"):
        translation([BROKEN]).forward(b"\x00", 0.0)


@pytest.mark.parametrize("events", [[BROKEN], [Text("a"), BROKEN]])
def test_a_failure_at_the_end_is_raised(events: list[Event]) -> None:
    with pytest.raises(NodeFailed, match="boom"):
        translation([], events).end(0.0)


def test_a_stream_that_breaks_off_is_malformed() -> None:
    with pytest.raises(MalformedAnswer):
        translation([Text("a")], []).end(0.0)


def test_failing_is_the_writers() -> None:
    assert translation([]).fail(NodeFailed("x"), "r") == b"x:r"


def test_a_whole_answer_has_its_usage_or_an_estimate() -> None:
    through = translation([Text("abcd"), STOP])
    assert through.whole(b"\x00", 0.0) == repr(Usage(9, 1, estimated=True)).encode()
    assert through.account() == Account(Usage(9, 1, estimated=True), None, FinishReason.STOP, 4)
    assert translation([STOP, Usage(1, 2)]).whole(b"\x00", 0.0) == repr(Usage(1, 2)).encode()


def test_a_whole_answer_that_failed_is_raised() -> None:
    with pytest.raises(NodeFailed, match="boom"):
        translation([Text("a"), BROKEN]).whole(b"\x00", 0.0)

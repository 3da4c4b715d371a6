from __future__ import annotations

from collections.abc import Sequence

from potluck.core.answer import Event, Finish, FinishReason, Text
from potluck.wire.filtered import FilteredReader
from potluck.wire.port import AnswerReader


class Letters:
    """A reader of a dialect in which every byte is a word and the end is the end."""

    def feed(self, data: bytes) -> list[Event]:
        return [Text(letter) for letter in data.decode()]

    def end(self) -> list[Event]:
        return [Finish(FinishReason.STOP)]

    def whole(self, body: bytes) -> list[Event]:
        return [*self.feed(body), *self.end()]


class Late:
    """Gives everything one event later, and adds its name at the end."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.held: list[Event] = []

    def feed(self, events: Sequence[Event]) -> list[Event]:
        self.held += events
        ready, self.held = self.held[:-1], self.held[-1:]
        return ready

    def end(self) -> list[Event]:
        return [*self.held, Text(self.name)]


def test_events_pass_all_filters_and_each_is_heard_to_its_end() -> None:
    reader: AnswerReader = FilteredReader(Letters(), Late("1"), Late("2"))
    assert reader.feed(b"abc") == [Text("a")]
    assert reader.end() == [Text("b"), Text("c"), Finish(FinishReason.STOP), Text("1"), Text("2")]


def test_a_whole_body_gives_what_the_stream_gives() -> None:
    reader = FilteredReader(Letters(), Late("1"))
    assert reader.whole(b"a") == [Text("a"), Finish(FinishReason.STOP), Text("1")]

"""A reader whose events pass a filter of the core: forced tool calls, cleaned code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from potluck.core.answer import Event
from potluck.wire.port import AnswerReader


class EventFilter(Protocol):
    """Changes a stream of events; may hold some back until it knows more."""

    def feed(self, events: Sequence[Event]) -> list[Event]: ...

    def end(self) -> list[Event]:
        """What was held back."""
        ...


class FilteredReader:
    """An `AnswerReader` in front of one or more filters. The last word of each is heard before the stream ends."""

    def __init__(self, reader: AnswerReader, *filters: EventFilter) -> None:
        self._reader = reader
        self._filters = filters

    def feed(self, data: bytes) -> list[Event]:
        return self._through(self._reader.feed(data))

    def end(self) -> list[Event]:
        return self._ended(self._reader.end())

    def whole(self, body: bytes) -> list[Event]:
        return self._ended(self._reader.whole(body))

    def _through(self, events: list[Event]) -> list[Event]:
        for one in self._filters:
            events = one.feed(events)
        return events

    def _ended(self, events: list[Event]) -> list[Event]:
        for one in self._filters:
            events = one.feed(events) + one.end()
        return events

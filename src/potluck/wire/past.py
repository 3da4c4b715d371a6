"""The beginning of a long stream that passes untouched: read once, and kept by what it told instead of as it came."""

from __future__ import annotations

from copy import deepcopy

from potluck.core.answer import Event, Reasoning, Text, ToolArguments, ToolStart
from potluck.core.errors import MalformedAnswer
from potluck.core.rescue import Told
from potluck.wire.port import AnswerReader


class Past:
    """What a ``reader`` makes of whole events in the order in which they were sent, so that another engine may go on
    with a stream of any length.

    Reading costs some ten microseconds a token, several times what passing on does: it is for what is too long to be
    kept.
    """

    def __init__(self, reader: AnswerReader) -> None:
        self._reader = reader
        self._told = Told()
        self._known: list[Event] = []
        self._understood = True

    def take(self, sent: bytes) -> None:
        """Keep what ``sent`` tells; the bytes may be dropped."""
        try:
            events = self._reader.feed(sent)
        except MalformedAnswer:
            self._understood = False
            return
        for event in events:
            self._told.take(event)
        # Of texts a writer must know that there was one, of tools each piece.
        said = [event for event in events[:1] if not self._known and isinstance(event, Text | Reasoning)]
        self._known += [*said, *(event for event in events if isinstance(event, ToolStart | ToolArguments))]

    def with_rest(self, sent: bytes) -> tuple[Told, list[Event]] | None:
        """All that was told, and what a writer must know of it, ``sent`` being the rest. None for what is passed on
        but not understood. Changes nothing."""
        if not self._understood:
            return None
        reader = deepcopy(self._reader)
        try:
            events = reader.feed(sent)
            reader.feed(b"")  # what it could not read behind good events, it says the next time
        except MalformedAnswer:
            return None
        told = self._told.copy()
        for event in events:
            told.take(event)
        return told, [*self._known, *events]

"""An engine's answer in one dialect on its way to a client of another: a reader and a writer joined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from potluck.core.answer import (
    Answer,
    Event,
    Failed,
    Finish,
    FinishReason,
    Reasoning,
    Text,
    Timings,
    ToolArguments,
    Usage,
    collect,
)
from potluck.core.errors import PotluckError
from potluck.wire.estimates import estimate
from potluck.wire.port import Account, AnswerReader, AnswerWriter


class Translation:
    """Reads events with one codec and writes them with the other.

    A `Failed` event is not written: what came before it is returned, and the next `forward` or `end` raises its
    error; if nothing came before it in the same piece, it is raised at once. Where the engine tells no usage, an
    estimate is written in its place; ``prompt_tokens`` is the caller's for the prompt.
    """

    def __init__(self, reader: AnswerReader, writer: AnswerWriter, *, prompt_tokens: int = 0) -> None:
        self._reader = reader
        self._writer = writer
        self._prompt_tokens = prompt_tokens
        self.stream_type = writer.stream_type
        self.keep_alive = writer.keep_alive
        self._usage: Usage | None = None
        self._timings: Timings | None = None
        self._finish: FinishReason | None = None
        self._text_bytes = 0
        self._trouble: PotluckError | None = None

    def open(self) -> bytes:
        return self._writer.open()

    def forward(self, data: bytes, now_s: float) -> bytes:
        if self._trouble is not None:
            raise self._trouble
        events = self._good(self._reader.feed(data))
        return self._writer.write(events, now_s) if events else b""

    def end(self, now_s: float) -> bytes:
        """What is left, with the usage if the engine told none. Raises what the reader does, or a `Failed` event's."""
        if self._trouble is not None:
            raise self._trouble
        events = self._good(self._reader.end())
        if self._trouble is not None:
            raise self._trouble
        if self._usage is None:
            self._usage = estimate(self._text_bytes, self._prompt_tokens)
            events.append(self._usage)
        return self._writer.write(events, now_s) + self._writer.close(now_s)

    def fail(self, error: PotluckError, request_id: str) -> bytes:
        return self._writer.fail(error, request_id)

    def whole(self, body: bytes, now_s: float) -> bytes:
        events = self._reader.whole(body)
        answer: Answer = collect(events)
        self._good(events)
        if self._usage is None:
            self._usage = estimate(self._text_bytes, self._prompt_tokens)
        return self._writer.whole(replace(answer, usage=self._usage), now_s)

    def account(self) -> Account:
        return Account(self._usage, self._timings, self._finish, self._text_bytes)

    def _good(self, events: Sequence[Event]) -> list[Event]:
        """The events up to a failure, counted. Raises the failure if nothing stands before it."""
        for place, event in enumerate(events):
            match event:
                case Text() | Reasoning():
                    self._text_bytes += len(event.text.encode())
                case ToolArguments():
                    self._text_bytes += len(event.fragment.encode())
                case Finish():
                    self._finish = self._finish or event.reason
                case Usage():
                    self._usage = event
                case Timings():
                    self._timings = event
                case Failed():
                    self._trouble = event.error
                    if not place:
                        raise event.error
                    return list(events[:place])
                case _:
                    pass
        return list(events)

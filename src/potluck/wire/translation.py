"""An engine's answer in one dialect on its way to a client of another: a reader and a writer joined."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
from potluck.core.errors import MalformedAnswer, PotluckError
from potluck.core.rescue import Told
from potluck.wire.estimates import estimate
from potluck.wire.port import Account, AnswerReader, AnswerWriter, Broken


class _Nothing:
    """Reads the answer of an engine that is gone."""

    def feed(self, data: bytes) -> list[Event]:
        return []

    def end(self) -> list[Event]:
        raise MalformedAnswer("The engine's answer broke off.")

    def whole(self, body: bytes) -> list[Event]:
        return self.end()


def interrupted(broken: Broken, *, prompt_tokens: int) -> Translation:
    """The passage of an answer that waits for another engine to go on with it: it can fail, and tell its account."""
    return Translation(_Nothing(), broken.writer, prompt_tokens=prompt_tokens, told=broken.told)


class Translation:
    """Reads events with one codec and writes them with the other.

    A `Failed` event is not written: what came before it is returned, and the next `forward` or `end` raises its
    error; if nothing came before it in the same piece, it is raised at once. Where the engine tells no usage, an
    estimate is written in its place; ``prompt_tokens`` is the caller's for the prompt. ``told`` is what the writer
    wrote before, where it goes on with an answer that another engine began: then it is open already.
    """

    def __init__(
        self, reader: AnswerReader, writer: AnswerWriter, *, prompt_tokens: int = 0, told: Told | None = None
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._prompt_tokens = prompt_tokens
        self.stream_type = writer.stream_type
        self.keep_alive = writer.keep_alive
        self._usage: Usage | None = None
        self._timings: Timings | None = None
        self._finish: FinishReason | None = None
        self._opened = told is not None
        self._told = told.copy() if told is not None else Told()
        self._text_bytes = self._told.size_bytes
        self._trouble: PotluckError | None = None

    def open(self) -> bytes:
        return b"" if self._opened else self._writer.open()

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

    def broken(self, fresh: Callable[[], AnswerWriter]) -> Broken:
        return Broken(self._told.copy(), self._writer)

    def _good(self, events: Sequence[Event]) -> list[Event]:
        """The events up to a failure, counted. Raises the failure if nothing stands before it."""
        for place, event in enumerate(events):
            self._told.take(event)
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

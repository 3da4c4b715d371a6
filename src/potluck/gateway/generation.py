"""One answer under way: what came of it so far, who reads it, and how it came to its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from typing import NamedTuple, TypeVar

from potluck.core.answer import Timings, Usage
from potluck.core.call import Message, Role, TextPart
from potluck.core.errors import PotluckError
from potluck.core.generations import Standing
from potluck.core.model import ModelId
from potluck.core.rescue import Told
from potluck.storage.conversation_records import MessageDetails, RescueNote
from potluck.storage.generations import (
    ENDS,
    Began,
    Done,
    End,
    Entry,
    Failure,
    GenerationEvent,
    GenerationHead,
    Outcome,
    Rescued,
    Resumed,
    Said,
    Stopped,
    Thought,
)
from potluck.storage.records import NewMessage

T = TypeVar("T", bound=GenerationEvent)


class Numbered(NamedTuple):
    """An event with its number, which counts from 1."""

    number: int
    event: GenerationEvent


class Written(NamedTuple):
    """What an answer's events come to."""

    text: str
    reasoning: str
    began: Began | None
    end: End | None

    @classmethod
    def of(cls, events: Sequence[GenerationEvent]) -> Written:
        text = "".join(event.text for event in events if isinstance(event, Said))
        reasoning = "".join(event.text for event in events if isinstance(event, Thought))
        last = events[-1] if events else None
        return cls(text, reasoning, first(events, Began), last if isinstance(last, ENDS) else None)


def first(events: Iterable[GenerationEvent], kind: type[T]) -> T | None:
    return next((event for event in events if isinstance(event, kind)), None)


class Generation:
    """An answer under way. Changed by `gateway.generations.Generations` alone.

    ``error`` is what ended it, as it was raised. ``why`` is set when it is to stop early, ``outcome`` as soon as its
    end is known. ``over``: no event follows, whether it has ended or is left to the next start.
    """

    def __init__(self, head: GenerationHead, entries: Sequence[Entry], now_s: float) -> None:
        """``now_s`` is monotonic: from then on nobody reads it."""
        self.head = head
        self.events: list[GenerationEvent] = []
        self.outcome: Outcome | None = None
        self.tries = 0
        for entry in entries:
            match entry.what:
                case Outcome():
                    self.outcome = entry.what
                case Resumed():
                    self.tries += 1
                case event:
                    self.events.append(event)
        self.readers = 0
        self.since_s = self.left_s = now_s
        self.standing: Standing | None = None
        self.logged = True
        self.error: PotluckError | None = None
        self.why = ""
        self.over = False
        self.work: asyncio.Task[None] | None = None
        self.writing = asyncio.Lock()
        self._more = asyncio.Event()
        # When text came first and last, on the clock of ``now_s``, and how much of it was behind the first.
        self._first_s: float | None = None
        self._last_s = now_s
        self._pieces = 0

    @property
    def began(self) -> Began | None:
        return first(self.events, Began)

    def told(self) -> Told:
        """For the rescue that goes on with it. Thoughts that a cut answer began with are over: none goes on with
        those."""
        found, beginning = Told(), self.head.beginning
        if beginning is not None and self.began is None:
            return Told(texts=[beginning.text], pieces=beginning.pieces)
        events = self.events if beginning is None else [each for each in self.events if not isinstance(each, Thought)]
        for event in events:
            if isinstance(event, Said):
                found.texts.append(event.text)
                found.pieces += event.pieces
            elif isinstance(event, Thought):
                found.thoughts.append(event.text)
                found.pieces += event.pieces
        return found

    def message(self, outcome: Outcome) -> NewMessage:
        """What is kept of it in its conversation."""
        written, end = Written.of(self.events), outcome.end
        done = end if isinstance(end, Done) else Done(None, None, None, self.first_token_s, self.tokens_per_s())
        began, usage = written.began, end.usage if isinstance(end, Done) else None
        return NewMessage(
            self.head.message,
            Message(Role.ASSISTANT, (TextPart(written.text),) if written.text else (), reasoning=written.reasoning),
            outcome.state,
            model=began.model if began else ModelId(self.head.call.model),
            node=began.node if began else None,
            request=began.request if began else None,
            finish=end.finish if isinstance(end, Done) else None,
            prompt_tokens=usage.prompt if usage else None,
            completion_tokens=usage.completion if usage else None,
            error=end.message if isinstance(end, Failure) else "",
            details=MessageDetails(
                first_token_s=done.first_token_s,
                tokens_per_s=done.tokens_per_s,
                rescues=tuple(RescueNote(each.node, each.way) for each in self.events if isinstance(each, Rescued)),
                failure=end.kind if isinstance(end, Failure) else "",
                hint=end.hint if isinstance(end, Failure) else "",
                stopped=end.why if isinstance(end, Stopped) else "",
                asked=self.head.asked,
            ),
        )

    # --- how fast ---

    @property
    def first_token_s(self) -> float | None:
        """From the request to the first text; None if there was none, or another gateway saw it."""
        return None if self._first_s is None or self.tries else round(self._first_s - self.since_s, 4)

    def tokens_per_s(self, usage: Usage | None = None, timings: Timings | None = None) -> float | None:
        """By the engine's own account, else by what came in which time; None where nothing tells."""
        if usage is not None and timings is not None and timings.decode_s > 0 and usage.completion:
            return round(usage.completion / timings.decode_s, 2)
        passed_s = self._last_s - (self._first_s or self._last_s)
        return round(self._pieces / passed_s, 2) if passed_s > 0 and self._pieces else None

    def _measure(self, event: Said | Thought, now_s: float) -> None:
        if self._first_s is None:
            self._first_s = now_s
        elif now_s > self._first_s:
            self._pieces += event.pieces
        self._last_s = now_s

    # --- readers ---

    def take(self, events: Iterable[GenerationEvent], now_s: float) -> None:
        """More events, which are in the log. ``now_s`` is on the clock that it was made by."""
        beginning = False
        for event in events:
            self.events.append(event)
            beginning = beginning or isinstance(event, Began)  # what a cut answer had said already comes with it
            if isinstance(event, Said | Thought) and not beginning:
                self._measure(event, now_s)
        self._tell()

    def end(self) -> None:
        self.over = True
        self._tell()

    def _tell(self) -> None:
        more, self._more = self._more, asyncio.Event()
        more.set()

    async def ended(self) -> None:
        while not self.over:
            await self._more.wait()

    async def read(self, after: int) -> AsyncIterator[Numbered]:
        """Every event with a number above ``after``, each once, as they come; until it is over."""
        while True:
            while after < len(self.events):
                after += 1
                yield Numbered(after, self.events[after - 1])
            if self.over:
                return
            await self._more.wait()

    @contextmanager
    def attended(self, clock: Callable[[], float]) -> Generator[None]:
        """Somebody reads it for the length of a block."""
        self.readers += 1
        try:
            yield
        finally:
            self.readers -= 1
            self.left_s = clock()

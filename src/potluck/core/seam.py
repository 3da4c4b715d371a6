"""Where two engines' parts of one answer meet: what arrives again is taken out, and limits hold over the seam."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from potluck.core.answer import (
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
    Vector,
)
from potluck.core.errors import MalformedAnswer
from potluck.core.rescue import PROVABLE, REPEATING, Told, Way


class AnotherAnswer(MalformedAnswer):
    """The engine did not say again what the client has. It is well, but cannot go on with this answer in this way."""


@dataclass(slots=True)
class _Again:
    """Something that is said a second time."""

    wanted: str
    at: int = 0

    @property
    def done(self) -> bool:
        return self.at == len(self.wanted)

    def rest(self, piece: str) -> str:
        """What of ``piece`` lies behind it. Raises `AnotherAnswer` if it differs."""
        count = min(len(piece), len(self.wanted) - self.at)
        if not self.wanted.startswith(piece[:count], self.at):
            raise AnotherAnswer("The engine gave another answer.", detail=f"after {self.at} characters")
        self.at += count
        return piece[count:]


class Seam:
    """The events of an engine that goes on, as those of the one answer. A `wire.filtered.EventFilter`.

    What was ``told`` and arrives again is held to be the same, whatever the pieces, and left out; a call of a tool
    keeps the id that it was told with. Where only the rest arrives, usage is summed up. ``stop`` are the call's stop
    sequences: one that begins in the text so far ends the answer as if one engine had written both. ``spent``: all
    tokens that the client allows are told, so that only the reason of the end is still to come.
    """

    def __init__(self, told: Told, way: Way, *, stop: Sequence[str] = (), spent: bool = False) -> None:
        again = way in REPEATING
        self._text = _Again(told.text if again else "")
        self._reasoning = _Again(told.reasoning if again else "")
        self._tools = [(tool.name, _Again("".join(tool.arguments))) for tool in told.tools] if again else []
        self._seen_tools = 0
        self._space = told.text[len(told.stem) :] if way in PROVABLE else ""
        self._respaced = False
        written_again = told.behind_stem if way in PROVABLE else 0
        self._told_tokens = 0 if again else told.tokens - written_again
        self._tail = "" if again else told.text[-max(map(len, stop), default=0) :]
        self._stop = stop if self._tail else ()
        self._held = ""
        self._matched: str | None = None
        self._mute = spent and not again

    def feed(self, events: Sequence[Event]) -> list[Event]:
        """Raises `AnotherAnswer`."""
        return [told for event in events for told in self._one(event)]

    def end(self) -> list[Event]:
        """Raises `AnotherAnswer` if not all that was told came again."""
        self._check_all_said()
        return []

    def _one(self, event: Event) -> Iterator[Event]:  # noqa: C901 - one arm per kind of event
        match event:
            case Text():
                if rest := self._fresh(self._unspaced(self._text.rest(event.text))):
                    yield replace(event, text=rest)
            case Reasoning():
                if rest := self._reasoning.rest(event.text):
                    yield replace(event, text=rest)
            case ToolStart():
                yield from self._tool(event)
            case ToolArguments():
                rest = self._tools[event.index][1].rest(event.fragment) if self._known(event.index) else event.fragment
                if rest:
                    yield replace(event, fragment=rest)
            case Logprobs():
                if self._text.done:
                    yield event
            case Finish():
                yield from self._finish(event)
            case Usage():
                yield self._summed(event)
            case Timings() | Vector() | Failed():
                yield event
            case _:
                assert_never(event)

    def _known(self, index: int) -> bool:
        return index < len(self._tools)

    def _tool(self, event: ToolStart) -> Iterator[Event]:
        if not self._known(event.index):
            yield event
            return
        if self._tools[event.index][0] != event.name:
            raise AnotherAnswer("The engine called another tool.", detail=event.name)
        self._seen_tools += 1

    def _finish(self, event: Finish) -> Iterator[Event]:
        self._check_all_said()
        if self._held:
            yield Text(self._held, event.choice)
            self._held = ""
        if self._matched is not None:
            event = Finish(FinishReason.STOP, event.choice, self._matched)
        yield event

    def _check_all_said(self) -> None:
        tools = all(again.done for _, again in self._tools) and self._seen_tools == len(self._tools)
        if not (self._text.done and self._reasoning.done and tools):
            raise AnotherAnswer("The engine ended its answer sooner.", detail=f"after {self._text.at} characters")

    def _summed(self, usage: Usage) -> Usage:
        told = self._told_tokens
        if not told:
            return usage
        prompt = max(0, usage.prompt - told)
        return replace(
            usage, prompt=prompt, completion=usage.completion + told, cached=min(usage.cached, prompt), estimated=True
        )

    def _unspaced(self, text: str) -> str:
        """Without the space that the text so far ended with, which the model writes again (`Told.stem`). Where a line
        end was told and it writes a blank instead, the line end stays."""
        while text and self._space:
            if text[0] == self._space[0]:
                text, self._space, self._respaced = text[1:], self._space[1:], True
            elif self._space[0] in "\r\n" and text[0] in " \t" and not self._respaced:
                text = text[1:]
            else:
                self._space = ""
        return text

    def _fresh(self, text: str) -> str:
        """What of new text is shown: nothing behind a stop sequence that began in the text so far, and nothing yet of
        what may still become one."""
        if self._mute or self._matched is not None:
            return ""
        if not self._stop:
            return text
        text, self._held = self._held + text, ""
        joined = self._tail + text
        pending = False
        for start in range(len(self._tail)):
            for word in self._stop:
                if joined.startswith(word, start) and start + len(word) > len(self._tail):
                    self._matched = word
                    return ""
                pending = pending or word.startswith(joined[start:])
        if pending:
            self._held = text
            return ""
        self._stop = ()
        return text

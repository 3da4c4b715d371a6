"""What an engine answers, in no dialect: events while it streams, one `Answer` when it is whole.

Order in a stream: any deltas, then for each choice one `Finish`, then at most one `Usage` and one `Timings` in any
order. `ToolStart` opens a tool call; its `ToolArguments` follow, joined by ``index``. Readers emit this order
whatever the engine sent; writers may rely on it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias, assert_never

from potluck.core.call import ToolCall
from potluck.core.errors import PotluckError
from potluck.core.model import Json


class FinishReason(StrEnum):
    """Why a choice ended. ``LOAD`` and ``UNLOAD`` end a `LoadCall`."""

    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    CONTENT_FILTER = "content_filter"
    LOAD = "load"
    UNLOAD = "unload"


@dataclass(frozen=True, slots=True)
class Text:
    text: str
    choice: int = 0


@dataclass(frozen=True, slots=True)
class Reasoning:
    text: str
    choice: int = 0


@dataclass(frozen=True, slots=True)
class ToolStart:
    """A tool call begins. ``index`` counts the calls of this choice from 0."""

    index: int
    id: str
    name: str
    choice: int = 0


@dataclass(frozen=True, slots=True)
class ToolArguments:
    """A piece of the JSON text of a tool call's arguments."""

    index: int
    fragment: str
    choice: int = 0


@dataclass(frozen=True, slots=True)
class Logprobs:
    """OpenAI's ``logprobs`` object of one delta, as the engine sent it."""

    value: Json
    choice: int = 0


@dataclass(frozen=True, slots=True)
class Finish:
    """``stop_sequence`` is the one that matched, where the engine tells; empty otherwise."""

    reason: FinishReason
    choice: int = 0
    stop_sequence: str = ""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens spent. ``prompt`` includes ``cached``; ``completion`` includes ``reasoning``.

    ``estimated`` marks figures that the gateway guessed because the engine told none.
    """

    prompt: int = 0
    completion: int = 0
    cached: int = 0
    reasoning: int = 0
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class Timings:
    """An engine's own seconds: loading the model, reading the prompt, writing the answer.

    ``read_tokens`` of the prompt were read in that time; None: not told, as by engines that count cached tokens too.
    """

    load_s: float = 0.0
    prefill_s: float = 0.0
    decode_s: float = 0.0
    read_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Vector:
    """One embedding; ``index`` is its input's place."""

    index: int
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Failed:
    """The engine said in-band that it failed. Nothing follows."""

    error: PotluckError


Event: TypeAlias = Text | Reasoning | ToolStart | ToolArguments | Logprobs | Finish | Usage | Timings | Vector | Failed


@dataclass(frozen=True, slots=True)
class Choice:
    """One whole answer. ``finish`` is None if the stream ended without saying why."""

    text: str = ""
    reasoning: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    finish: FinishReason | None = None
    stop_sequence: str = ""
    logprobs: Json = None


@dataclass(frozen=True, slots=True)
class Answer:
    """All choices of a call in order, or all vectors in order of their inputs."""

    choices: tuple[Choice, ...] = ()
    vectors: tuple[tuple[float, ...], ...] = ()
    usage: Usage | None = None
    timings: Timings | None = None


@dataclass(slots=True)
class _Growing:
    text: list[str] = field(default_factory=list[str])
    reasoning: list[str] = field(default_factory=list[str])
    tools: dict[int, tuple[ToolStart, list[str]]] = field(default_factory=dict[int, tuple[ToolStart, list[str]]])
    finish: Finish | None = None
    logprobs: list[Json] = field(default_factory=list[Json])

    def choice(self) -> Choice:
        calls = (ToolCall(start.id, start.name, "".join(pieces)) for _, (start, pieces) in sorted(self.tools.items()))
        return Choice(
            text="".join(self.text),
            reasoning="".join(self.reasoning),
            tool_calls=tuple(calls),
            finish=self.finish.reason if self.finish else None,
            stop_sequence=self.finish.stop_sequence if self.finish else "",
            logprobs=_joined_logprobs(self.logprobs),
        )


def _joined_logprobs(pieces: list[Json]) -> Json:
    """The deltas' ``content`` lists as one (API-CONTRACTS.md 1.1)."""
    content: list[Json] = []
    for piece in pieces:
        if not isinstance(piece, dict) or not isinstance(tokens := piece.get("content"), list):
            return pieces[-1]
        content.extend(tokens)
    return {"content": content} if pieces else None


def collect(events: Iterable[Event]) -> Answer:  # noqa: C901 - one arm per kind of event
    """Join a finished stream's events into one `Answer`.

    Raises the error of a `Failed` event: a failed answer is not a short one.
    """
    choices: dict[int, _Growing] = {}
    vectors: dict[int, tuple[float, ...]] = {}
    usage: Usage | None = None
    timings: Timings | None = None
    for event in events:
        match event:
            case Text():
                choices.setdefault(event.choice, _Growing()).text.append(event.text)
            case Reasoning():
                choices.setdefault(event.choice, _Growing()).reasoning.append(event.text)
            case ToolStart():
                choices.setdefault(event.choice, _Growing()).tools[event.index] = (event, [])
            case ToolArguments():
                choices.setdefault(event.choice, _Growing()).tools[event.index][1].append(event.fragment)
            case Logprobs():
                choices.setdefault(event.choice, _Growing()).logprobs.append(event.value)
            case Finish():
                choices.setdefault(event.choice, _Growing()).finish = event
            case Usage():
                usage = event
            case Timings():
                timings = event
            case Vector():
                vectors[event.index] = event.values
            case Failed():
                raise event.error
            case _:
                assert_never(event)
    return Answer(
        choices=tuple(growing.choice() for _, growing in sorted(choices.items())),
        vectors=tuple(values for _, values in sorted(vectors.items())),
        usage=usage,
        timings=timings,
    )

"""An answer whose engine broke after its client had seen part of it: what was told, and how another engine may go on.

What a client has seen cannot be taken back, so a way to go on is sound only if the whole reads as one answer: the text
so far exactly once, and behind it what the model would have said. Where no way is sound the answer ends in the
dialect's error. It is never given an end that no engine said.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import takewhile
from typing import assert_never

from potluck.core.answer import (
    Event,
    Failed,
    Finish,
    Logprobs,
    Reasoning,
    Text,
    Timings,
    ToolArguments,
    ToolStart,
    Usage,
    Vector,
)
from potluck.core.call import Call, ChatCall, FormatKind, InfillCall, TextCall
from potluck.core.model import Capability, Model

# Engines send a token at a time, of four bytes as a rule and seldom more than twelve. Larger pieces are several tokens.
_BYTES_OF_ONE_TOKEN = 12
_BYTES_PER_TOKEN = 4
# Writing this much anew takes a small machine ten seconds; reading it, one. From there on exactness must be worth it.
REPLAYED_ALWAYS_TOKENS = 256
# And this much takes minutes: then a text that reads on well is better than the very same one.
REPLAYED_TOKENS = 4096


class Way(StrEnum):
    """How an engine goes on with an answer that another one began.

    ``REPLAY``: from the original prompt, made to say the text so far by a grammar; the only exact one.
    ``EXTEND``: a prompt without a template, with the text behind it.
    ``PREFILL``: the text as a last message of the assistant's, which the engine goes on with.
    ``FINAL``: the same in vLLM's words (``continue_final_message``).
    ``REPEAT``: asked anew, and held to say the same.
    ``RESTART``: asked anew, as nothing was told.
    """

    REPLAY = "replay"
    EXTEND = "extend"
    PREFILL = "prefill"
    FINAL = "final"
    REPEAT = "repeat"
    RESTART = "restart"


PROVABLE = frozenset({Way.PREFILL, Way.FINAL})
"""Ways that depend on a model's template: an engine may begin a new turn, or drop a space."""

REPEATING = frozenset({Way.REPLAY, Way.REPEAT})
"""Ways by which the text so far arrives again."""


@dataclass(slots=True)
class ToldTool:
    """A tool call as far as it was told."""

    name: str
    arguments: list[str] = field(default_factory=list[str])


@dataclass(slots=True)
class Told:
    """What an engine has said of one answer so far. ``pieces`` counts the events that held some of it; ``hidden`` are
    tokens that came to light when an engine counted them (`count`)."""

    texts: list[str] = field(default_factory=list[str])
    thoughts: list[str] = field(default_factory=list[str])
    tools: list[ToldTool] = field(default_factory=list[ToldTool])
    pieces: int = 0
    several: bool = False
    hidden: int = 0

    @classmethod
    def of(cls, events: Iterable[Event]) -> Told:
        told = cls()
        for event in events:
            told.take(event)
        return told

    def take(self, event: Event) -> None:
        match event:
            case Text() if event.text:
                self.texts.append(event.text)
                self._count(event.choice)
            case Reasoning() if event.text:
                self.thoughts.append(event.text)
                self._count(event.choice)
            case ToolStart():
                self.tools.append(ToldTool(event.name))
                self._count(event.choice)
            case ToolArguments():
                self.tools[event.index].arguments.append(event.fragment)
                self._count(event.choice)
            case Text() | Reasoning() | Logprobs() | Finish() | Usage() | Timings() | Vector() | Failed():
                pass
            case _:
                assert_never(event)

    def _count(self, choice: int) -> None:
        self.pieces += 1
        self.several = self.several or choice > 0

    def copy(self) -> Told:
        tools = [ToldTool(tool.name, list(tool.arguments)) for tool in self.tools]
        return Told(list(self.texts), list(self.thoughts), tools, self.pieces, self.several, self.hidden)

    @property
    def text(self) -> str:
        return "".join(self.texts)

    @property
    def stem(self) -> str:
        """The text without the space at its end, unless it is nothing else.

        This is what a model goes on with by a template. Some templates drop the space there, others keep it, and
        nobody could say whether a line end that then comes is the one that was told, or a second one.
        """
        return self.text.rstrip() or self.text

    @property
    def behind_stem(self) -> int:
        """How many pieces are nothing but space behind the `stem`."""
        if self.stem == self.text:
            return 0
        return sum(1 for _ in takewhile(str.isspace, reversed(self.texts)))

    @property
    def reasoning(self) -> str:
        return "".join(self.thoughts)

    @property
    def size_bytes(self) -> int:
        """All that the model wrote, in UTF-8."""
        said = (*self.texts, *self.thoughts, *(piece for tool in self.tools for piece in tool.arguments))
        return sum(len(piece.encode("utf-8", "surrogatepass")) for piece in said)

    @property
    def tokens(self) -> int:
        """About how many tokens that was: one for each piece, as engines send them, unless the pieces are large, and
        those that were hidden in them."""
        return self._by_pieces + self.hidden

    @property
    def _by_pieces(self) -> int:
        size = self.size_bytes
        return self.pieces if size <= _BYTES_OF_ONE_TOKEN * self.pieces else -(-size // _BYTES_PER_TOKEN)

    def count(self, tokens: int) -> None:
        """Take an engine's own count of the `text`. What is said from here on is added to it."""
        self.hidden = max(0, tokens - self._by_pieces)


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is done for one answer: ``attempts`` to go on with it, all begun ``within_s`` of the first break, and
    none for a text of more than ``tokens``."""

    attempts: int = 3
    within_s: float = 120.0
    tokens: int = 32_768

    def allow(self, told: Told, attempts: int, since_s: float) -> bool:
        """Whether one more attempt may begin, after ``attempts``, ``since_s`` after the first break."""
        return attempts < self.attempts and since_s <= self.within_s and told.tokens <= self.tokens


def ways(told: Told, call: Call, model: Model, offered: frozenset[Way]) -> tuple[Way, ...]:
    """The sound ways among those that an engine ``offered``, the best first.

    1. Several answers in one stream: none.
    2. Nothing was told yet: ask anew.
    3. Text in a free form: a replay where it is short or must be exact, else by reading it, else by a long replay.
    4. Thoughts, tool calls, output held to a form, or nothing better: ask anew, where the same can be expected.
    """
    if told.several or not isinstance(call, ChatCall | TextCall | InfillCall) or _many(call):
        return ()
    if not told.pieces:
        return (Way.RESTART,)
    found = [way for way in _freely(told, call, model) if way in offered] if _free(told, call) else []
    if _repeatable(call):
        found.append(Way.REPEAT)
    return tuple(found)


def _many(call: ChatCall | TextCall | InfillCall) -> bool:
    """Whether several answers come in one stream."""
    match call:
        case ChatCall():
            return call.choices > 1
        case TextCall():
            return call.choices * len(call.prompts) > 1
        case InfillCall():
            return False
        case _:
            assert_never(call)


def to_count(told: Told, call: Call, way: Way) -> bool:
    """Whether an engine should count the tokens of the text so far, before it is asked for the rest alone: how much of
    the call's limit is left depends on them. Engines hold back a character of several tokens until it is whole, and
    what may become a stop sequence; such pieces are more than one token each."""
    if way in REPEATING or way is Way.RESTART or not isinstance(call, ChatCall | TextCall | InfillCall):
        return False
    return bool(call.sampling.stop) or not told.text.isascii()


def _repeatable(call: ChatCall | TextCall | InfillCall) -> bool:
    """Whether an engine asked twice says the same, but for the order in which floating point adds up."""
    sampling = call.sampling
    return sampling.temperature == 0 or sampling.top_k == 1 or sampling.seed is not None


def _exact(call: ChatCall | TextCall | InfillCall) -> bool:
    """Whether there is only one right answer."""
    return call.sampling.temperature == 0 or call.sampling.top_k == 1


def _free(told: Told, call: ChatCall | TextCall | InfillCall) -> bool:
    """Whether the answer is text that nothing but the model decides, and that can be sent to an engine. Thoughts come
    first: an answer that began without any goes on without."""
    if told.tools or told.thoughts or any("\ud800" <= char <= "\udfff" for char in told.text):
        return False
    if isinstance(call, InfillCall):
        return True
    if call.format.kind is not FormatKind.TEXT or (isinstance(call, ChatCall) and call.tool_choice.forced):
        return False
    return not {"grammar", "json_schema"} & call.hints.extra.keys()


def _freely(told: Told, call: ChatCall | TextCall | InfillCall, model: Model) -> Iterator[Way]:
    """In order of preference."""
    if isinstance(call, InfillCall):
        # Without the ability the model was told in words to fill in, and may not go on with its own code.
        if Capability.INSERT in model.capabilities:
            yield Way.EXTEND
        return
    raw = isinstance(call, TextCall) and not call.templated
    # llama.cpp takes no grammar beside tools.
    replays = not (isinstance(call, ChatCall) and call.tools) and told.tokens <= REPLAYED_TOKENS
    first = replays and (_exact(call) or told.tokens <= REPLAYED_ALWAYS_TOKENS)
    if first:
        yield Way.REPLAY
    if raw:
        if isinstance(call, TextCall) and all(isinstance(prompt, str) for prompt in call.prompts):
            yield Way.EXTEND
    elif not (isinstance(call, TextCall) and call.template):
        yield Way.PREFILL
        yield Way.FINAL
    if replays and not first:
        yield Way.REPLAY

"""Filling in code with models that were never taught to, and cleaning what models answer (API-CONTRACTS.md 4).

Completions are put into a file as they are: a fence, a repeated line or a marker token is an error in somebody's
program, and a space too few is another.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from potluck.core.answer import Event, Finish, FinishReason, Text
from potluck.core.call import ChatCall, InfillCall, Message, Role, TextPart, Thinking

CURSOR = "<|cursor|>"

# Code has few right answers: what is likely is wanted, not what is inventive.
_TEMPERATURE = 0.1

_RULES = (
    f"You complete code. The user shows a file in which {CURSOR} marks the cursor. Answer with the missing code only: "
    f"the text that {CURSOR} stands for, beginning with its first character, with the right indentation. "
    "Do not repeat what stands before or after the cursor. No explanation, no Markdown, no code fence."
)


def instruct(call: InfillCall) -> ChatCall:
    """The same wish in words, for a model without fill-in-the-middle. Its answer goes through an `InfillCleaner`."""
    about = [f"File: {call.path}"] if call.path else []
    if call.language:
        about.append(f"Language: {call.language}")
    about += [f"Another file, {snippet.path or 'unnamed'}:\n{snippet.text}" for snippet in call.snippets]
    shown = f"{call.prefix}{call.prompt}{CURSOR}{call.suffix}"
    sampling = call.sampling
    if sampling.temperature is None:
        sampling = replace(sampling, temperature=_TEMPERATURE)
    return ChatCall(
        model=call.model,
        messages=(
            Message(Role.SYSTEM, (TextPart(_RULES),)),
            Message(Role.USER, (TextPart("\n\n".join([*about, shown])),)),
        ),
        # A keystroke is no time for a train of thought.
        thinking=Thinking(enabled=False),
        sampling=sampling,
        hints=call.hints,
    )


class _Stage(Protocol):
    """One step of cleaning. Cutting its input anywhere changes nothing in all that it gives out.

    ``closed`` becomes true when the code has ended and whatever follows is dropped.
    """

    closed: bool

    def feed(self, text: str) -> str: ...

    def end(self, *, cut: bool) -> str:
        """What was held back. ``cut``: the answer met its limit, so what looks begun was begun."""
        ...


_DROPPED = (
    CURSOR,
    "<|fim_prefix|>",
    "<|fim_suffix|>",
    "<|fim_middle|>",
    "<|fim_pad|>",
    "<fim_prefix>",
    "<fim_suffix>",
    "<fim_middle>",
    "<fim_pad>",
    "<｜fim▁begin｜>",
    "<｜fim▁hole｜>",
    "<｜fim▁end｜>",
    "<PRE>",
    "<SUF>",
    "<MID>",
)
_ENDING = (
    "<|endoftext|>",
    "<|end_of_text|>",
    "<|im_end|>",
    "<|eot_id|>",
    "<|file_sep|>",
    "<|file_separator|>",
    "<|repo_name|>",
    "<file_sep>",
    "<｜end▁of▁sentence｜>",
    "<EOT>",
)


_MARKER = re.compile(f"(?P<ending>{'|'.join(map(re.escape, _ENDING))})|{'|'.join(map(re.escape, _DROPPED))}")
_LONGEST_MARKER = max(map(len, _DROPPED + _ENDING))


@dataclass(slots=True)
class _Markers:
    """Takes out the tokens of fill-in-the-middle templates; one that ends a text ends the code.

    ``</s>`` and ``[SUFFIX]`` are not among them: they are HTML and an index as well.
    """

    closed: bool = False
    _held: str = ""

    def feed(self, text: str) -> str:
        text, start, out = self._held + text, 0, ""
        for marker in _MARKER.finditer(text):
            out += text[start : marker.start()]
            start = marker.end()
            if marker["ending"]:
                self.closed, self._held = True, ""
                return out
        hold = _begun_at(text, start)
        self._held = text[hold:]
        return out + text[start:hold]

    def end(self, *, cut: bool) -> str:
        held, self._held = self._held, ""
        return held


def _begun_at(text: str, start: int) -> int:
    """Where a marker begins that the end of ``text`` may have cut; its length if none does."""
    for place in range(max(start, len(text) - _LONGEST_MARKER + 1), len(text)):
        if any(marker.startswith(text[place:]) for marker in _DROPPED + _ENDING):
            return place
    return len(text)


# How far into an answer a fence may open; words before it are an explanation. A longer text without one is code.
# A fence is indented by three spaces at most (CommonMark 4.5): one deeper stands in a docstring.
_PREAMBLE = 240
_OPENING = re.compile(r"^ {0,3}```(?P<info>[^\n`]{0,40})\n", re.MULTILINE)
_OPENING_LENGTH = 60
_CLOSING = re.compile(r"\n {0,3}```")
_CLOSING_BEGUN = re.compile(r"\n {0,3}`{0,2}\Z")


@dataclass(slots=True)
class _Fence:
    """Takes the code out of its fence, and the explanations before and after it.

    The line end before the closing fence is the fence's. An answer that only closes a fence has it taken off too.
    """

    closed: bool = False
    _begun: bool = False
    _held: str = ""
    # The line end of an opening fence stays in front, so that a fence that closes at once is found; it is no code.
    _borrowed: int = 0

    def feed(self, text: str) -> str:
        self._held += text
        if self._begun:
            return self._code()
        opening = _OPENING.search(self._held, 0, _PREAMBLE + _OPENING_LENGTH)
        if opening is None and len(self._held) < _PREAMBLE + _OPENING_LENGTH:
            return ""
        self._begun = True
        if opening is not None and _opens(opening["info"], self._held[: opening.start()]):
            self._held, self._borrowed = self._held[opening.end() - 1 :], 1
        return self._code()

    def end(self, *, cut: bool) -> str:
        held, self._held = self._held, ""
        if not self._begun and held.lstrip().startswith("```") and "\n" not in held:
            return ""  # broken off within its first line
        self._held = held
        code = self._code()
        rest, self._held = self._held[self._borrowed :], ""
        return code + rest

    def _code(self) -> str:
        """What is certainly code; a line that may become the closing fence is held."""
        closing = _CLOSING.search(self._held)
        self.closed = closing is not None
        held_from = closing or _CLOSING_BEGUN.search(self._held)
        cut = held_from.start() if held_from else len(self._held)
        code, self._held = self._held[:cut], "" if closing else self._held[cut:]
        if code and self._borrowed:
            self._borrowed = 0
            return code[1:]
        return code


def _opens(info: str, before: str) -> bool:
    """Whether a fence after the words ``before`` opens the code. A bare one after code closes it."""
    return bool(info.strip()) or not before.strip() or before.rstrip().endswith((":", ".", "!"))


# Fewer visible characters than this may come twice by chance: "i" or a bracket before the cursor; more of them behind
# it, where closing brackets follow each other.
_TELLING = 2
_TELLING_END = 5
# An echo begins at the start of one of the last lines before the cursor.
_ECHOED_LINES = 12
_ECHOED_CHARACTERS = 1200
# So much of the suffix, word for word, is no chance; and so little is held back at most.
_SUFFIX_HEAD = 200


def _telling(text: str, least: int) -> bool:
    return len("".join(text.split())) >= least


def _echoes(written: str) -> tuple[str, ...]:
    """Ends of ``written`` that an answer may begin with again, longest first: whole lines, with or without indent."""
    recent = written[-_ECHOED_CHARACTERS:]
    starts = {0} if len(recent) == len(written) else set[int]()
    starts |= {place + 1 for place, letter in enumerate(recent) if letter == "\n"}
    ends = [recent[start:] for start in sorted(starts)[-_ECHOED_LINES:]]
    ends += [end.lstrip(" \t") for end in ends]
    return tuple(sorted({end for end in ends if _telling(end, _TELLING)}, key=len, reverse=True))


@dataclass(slots=True)
class _PrefixEcho:
    """Takes off what stands before the cursor already. ``echoes`` come longest first."""

    echoes: tuple[str, ...]
    closed: bool = False
    _decided: bool = False
    _held: str = ""

    def feed(self, text: str) -> str:
        if self._decided:
            return text
        self._held += text
        for echo in self.echoes:
            if len(self._held) <= len(echo):
                if echo.startswith(self._held):
                    return ""  # it may still become one; one letter more shows whether a word ends there
            elif self._held.startswith(echo) and _ends_word(echo, self._held[len(echo)]):
                return self._decide(len(echo))
        return self._decide(0)

    def end(self, *, cut: bool) -> str:
        if self._decided:
            return ""
        if cut and _telling(self._held, _TELLING_END) and any(echo.startswith(self._held) for echo in self.echoes):
            return self._decide(len(self._held))
        fits = (len(echo) for echo in self.echoes if self._held.startswith(echo))
        return self._decide(next(fits, 0))

    def _decide(self, cut: int) -> str:
        self._decided = True
        code, self._held = self._held[cut:], ""
        return code


def _ends_word(echo: str, following: str) -> bool:
    """``for`` before the cursor is not echoed by ``format``."""
    return not (_is_word(echo[-1]) and _is_word(following))


def _is_word(letter: str) -> bool:
    return letter.isalnum() or letter == "_"


@dataclass(slots=True)
class _SuffixEcho:
    """Ends the code where it begins to repeat what follows the cursor. ``head`` is the first part of that."""

    head: str
    closed: bool = False
    _held: str = ""

    def feed(self, text: str) -> str:
        text = self._held + text
        if (place := text.find(self.head)) >= 0:
            self.closed, self._held = True, ""
            return text[:place]
        place = next(
            (
                place
                for place in range(max(0, len(text) - len(self.head) + 1), len(text))
                if self.head.startswith(text[place:])
            ),
            len(text),
        )
        self._held = text[place:]
        return text[:place]

    def end(self, *, cut: bool) -> str:
        held, self._held = self._held, ""
        return "" if _telling(held, _TELLING_END) else held


def _stages(call: InfillCall) -> list[_Stage]:
    """For an instructed model's answer. In Markdown a fence is as good as any line."""
    stages: list[_Stage] = [_Markers()]
    if call.language.lower() not in ("markdown", "md") and not call.path.lower().endswith((".md", ".mdx")):
        stages.append(_Fence())
    if echoes := _echoes(call.prefix + call.prompt):
        stages.append(_PrefixEcho(echoes))
    if _telling(head := call.suffix[:_SUFFIX_HEAD], _TELLING_END):
        stages.append(_SuffixEcho(head))
    return stages


@dataclass(slots=True)
class InfillCleaner:
    """Cleans a stream of events of everything that is not the missing code; holds back a few lines at most.

    Whitespace at either end of the code is never touched: it belongs to the file.
    """

    make: Callable[[], list[_Stage]]
    _choices: dict[int, list[_Stage]] = field(default_factory=dict[int, list[_Stage]])

    @classmethod
    def raw(cls) -> InfillCleaner:
        """For a model that fills in by itself: only marker tokens can be wrong."""
        return cls(lambda: [_Markers()])

    @classmethod
    def instructed(cls, call: InfillCall) -> InfillCleaner:
        """For the answer to ``instruct(call)``: fences, explanations and echoes go too."""
        return cls(lambda: _stages(call))

    def feed(self, events: Sequence[Event]) -> list[Event]:
        out: list[Event] = []
        for event in events:
            match event:
                case Text():
                    out += self._text(event)
                case Finish():
                    out += self._finish(event)
                case _:
                    out.append(event)
        return out

    def end(self) -> list[Event]:
        """What was held back of choices that never finished."""
        ended = [(choice, _last(stages, cut=False)) for choice, stages in sorted(self._choices.items())]
        self._choices.clear()
        return [Text(text, choice) for choice, text in ended if text]

    def _text(self, event: Text) -> list[Event]:
        text = event.text
        for stage in self._choices.setdefault(event.choice, self.make()):
            text = "" if stage.closed else stage.feed(text)
        return [replace(event, text=text)] if text else []

    def _finish(self, event: Finish) -> list[Event]:
        """An answer that ran on after the code had ended was not cut short."""
        stages = self._choices.pop(event.choice, [])
        text = _last(stages, cut=event.reason is FinishReason.LENGTH)
        if event.reason is FinishReason.LENGTH and any(stage.closed for stage in stages):
            event = replace(event, reason=FinishReason.STOP)
        return [Text(text, event.choice), event] if text else [event]


def _last(stages: Sequence[_Stage], *, cut: bool) -> str:
    """What all stages hold back, each hearing what the one before it gave out last."""
    text = ""
    for stage in stages:
        text = "" if stage.closed else stage.feed(text) + stage.end(cut=cut)
    return text

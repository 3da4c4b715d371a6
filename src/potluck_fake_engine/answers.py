"""What the fake says: a pure function of the last user message, the seed and the model, so tests know it beforehand.

A line of the last user message may command the answer:

* ``say: TEXT`` (to the end of the message) answers exactly that text;
* ``repeat N`` answers ``w1 w2 ... wN``, one token per word up to 9,999;
* ``echo-request`` answers the request's body as the engine received it;
* ``call NAME {"json": "arguments"}``, one line per call, calls tools if tools were given;
* ``think: TEXT`` sets the reasoning of a model that thinks.

Otherwise a few sentences come out of a hash. A prompt without a chat template is continued word by word, each word
following from the text before it, so a text that was cut off goes on as it would have.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from enum import IntEnum
from hashlib import blake2b
from typing import NamedTuple

import msgspec

from potluck_fake_engine import schema as schemas
from potluck_fake_engine import tokens
from potluck_fake_engine.asking import Ask, Message, Tool

# At most five letters each, so that a word with the space before it is one token.
WORDS = [
    "amber",
    "basil",
    "cedar",
    "delta",
    "ember",
    "fjord",
    "grove",
    "haven",
    "iris",
    "jade",
    "kite",
    "lemon",
    "maple",
    "north",
    "olive",
    "pearl",
    "quilt",
    "river",
    "sable",
    "thyme",
    "umber",
    "viola",
    "wheat",
    "xenon",
    "yucca",
    "zebra",
    "acorn",
    "birch",
    "coral",
    "dune",
    "elm",
    "fern",
]

_SAY = re.compile(r"^say: ", re.MULTILINE)
_REPEAT = re.compile(r"^repeat (\d+)\s*$", re.MULTILINE)
_ECHO = re.compile(r"^echo-request\s*$", re.MULTILINE)
_CALL = re.compile(r"^call ([\w.-]+)(?: (\{.*\}))?\s*$", re.MULTILINE)
_THINK = re.compile(r"^think: (.*)$\n?", re.MULTILINE)
# One word in so many ends a continued text: about two sentences.
_END_ONE_IN = 24
_WALK_CHARS = 2000
# More than a walk is long: with a short memory it could go in circles, and would not end.
_WALK_SEES_CHARS = 4000


class Kind(IntEnum):
    TEXT = 0
    THINK = 1
    CALL = 2
    """A call begins; the text is the tool's name."""
    ARGS = 3
    """A piece of the arguments of the call that began last."""


class Piece(NamedTuple):
    """One generated token."""

    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class Answer:
    """``stopping_word`` is the stop sequence that ended it. ``prefix`` is the assistant's text that it goes on from."""

    pieces: tuple[Piece, ...]
    finish: str
    stopping_word: str = ""
    prefix: str = ""

    def text(self, kind: Kind = Kind.TEXT) -> str:
        return "".join(piece.text for piece in self.pieces if piece.kind is kind)

    def calls(self) -> list[tuple[str, str]]:
        """(tool, arguments as JSON) of each call, in order."""
        found: list[tuple[str, str]] = []
        for kind, text in self.pieces:
            if kind is Kind.CALL:
                found.append((text, ""))
            elif kind is Kind.ARGS:
                name, arguments = found[-1]
                found[-1] = (name, arguments + text)
        return found


def answer(ask: Ask, room: int = sys.maxsize) -> Answer:
    """The whole answer, cut at a stop sequence, at ``max_tokens``, and at `room` tokens."""
    prefix = _prefix(ask.messages)
    thoughts = _thinking(ask) if ask.think and not prefix else ""
    pieces = [Piece(Kind.THINK, token) for token in tokens.pieces(thoughts)]
    finish, word = "stop", ""
    if calls := _calls(ask):
        finish = "tool_calls"
        for name, arguments in calls:
            pieces.append(Piece(Kind.CALL, name))
            pieces += [Piece(Kind.ARGS, token) for token in tokens.pieces(arguments)]
    else:
        text, word = _stopped(_continued(ask, prefix), ask.stop)
        pieces += [Piece(Kind.TEXT, token) for token in tokens.pieces(text)]
    limit = room if ask.max_tokens is None else min(ask.max_tokens, room)
    if limit < len(pieces):
        pieces, finish, word = pieces[:limit], "length", ""
    return Answer(tuple(pieces), finish, word, prefix)


def last_user(messages: tuple[Message, ...]) -> str:
    for message in reversed(messages):
        if message.role == "user":
            return message.content
    return ""


def _prefix(messages: tuple[Message, ...]) -> str:
    return messages[-1].content if messages and messages[-1].role == "assistant" else ""


def _continued(ask: Ask, prefix: str) -> str:
    """What is left to say after `prefix`, or everything if the prefix is none of ours."""
    whole = _whole(ask)
    if ask.forced_prefix and not whole.startswith(ask.forced_prefix):
        whole = ask.forced_prefix + whole
    return whole.removeprefix(prefix)


def _whole(ask: Ask) -> str:
    said = _commanded(ask)
    if ask.schema is not None:
        return said if said is not None and _is_json(said) else _by_schema(ask)
    if said is not None:
        return said
    results = _tool_results(ask.messages)
    if results:
        return "The tools say: " + "; ".join(results)
    if ask.raw:
        return _walk(ask)
    return _sentences(ask)


def _commanded(ask: Ask) -> str | None:
    user = _THINK.sub("", last_user(ask.messages))
    if say := _SAY.search(user):
        return user[say.end() :]
    if repeat := _REPEAT.search(user):
        return " ".join(f"w{i}" for i in range(1, int(repeat[1]) + 1))
    if _ECHO.search(user):
        return ask.received.decode("utf-8", "replace")
    return None


def _is_json(text: str) -> bool:
    try:
        msgspec.json.decode(text)
    except msgspec.DecodeError:
        return False
    return True


def _by_schema(ask: Ask) -> str:
    try:
        value = schemas.instance(ask.schema) if ask.schema else {"answer": _sentences(ask)}
    except schemas.NoInstance:
        value = {}
    return msgspec.json.encode(value).decode()


def _tool_results(messages: tuple[Message, ...]) -> list[str]:
    """What tools answered since the user last spoke."""
    results: list[str] = []
    for message in reversed(messages):
        if message.role == "user":
            break
        if message.role == "tool":
            results.append(message.content)
    return results[::-1]


def _calls(ask: Ask) -> list[tuple[str, str]]:
    if not ask.tools or _tool_results(ask.messages):
        return []
    asked = [(name, arguments or "{}") for name, arguments in _CALL.findall(last_user(ask.messages))]
    if asked or not ask.force:
        return [call for call in asked if not ask.force or call[0] in ask.force]
    return [_forced_call(next(tool for tool in ask.tools if tool.name in ask.force))]


def _forced_call(tool: Tool) -> tuple[str, str]:
    return tool.name, msgspec.json.encode(schemas.instance(tool.parameters)).decode()


def _thinking(ask: Ask) -> str:
    user = last_user(ask.messages)
    if told := _THINK.search(user):
        return told[1]
    return f"The user says {len(user)} characters. I answer as {ask.model}."


def _sentences(ask: Ask) -> str:
    digest = _digest(ask, last_user(ask.messages))
    words = [WORDS[byte % len(WORDS)] for byte in digest[: 8 + digest[31] % 16]]
    return f"{words[0].capitalize()} {' '.join(words[1:])}."


def _walk(ask: Ask) -> str:
    """Words that each follow from the text before them; so any cut goes on with the same words."""
    text = start = ask.messages[-1].content
    while len(text) - len(start) < _WALK_CHARS:
        digest = _digest(ask, f"{text[-_WALK_SEES_CHARS:]}\x00{ask.suffix}")
        text += " " + WORDS[digest[0] % len(WORDS)]
        if digest[1] % _END_ONE_IN == 0:
            break
    return text[len(start) :]


def _digest(ask: Ask, text: str) -> bytes:
    return blake2b(f"{ask.model}\x00{ask.seed}\x00{text}".encode("utf-8", "surrogatepass"), digest_size=32).digest()


def _stopped(text: str, stop: tuple[str, ...]) -> tuple[str, str]:
    """`text` up to the stop sequence that comes first, and that sequence."""
    places = [(place, word) for word in stop if word and (place := text.find(word)) >= 0]
    if not places:
        return text, ""
    place, word = min(places)
    return text[:place], word

"""Dynamic prompts: ``{red|blue} boat``, ``{2$$fog|rain|snow}``, ``__season__`` (the syntax of sd-dynamic-prompts).

- ``{a|b|c}`` is one of them; ``{3::a|b}`` takes ``a`` three times as often.
- ``{2$$a|b|c}`` is two different ones, joined by a comma; ``{1-3$$ and $$a|b|c}`` one to three, joined by " and ".
- ``__name__`` is a line of the list called ``name``.
- All of it may stand in all of it. Braces without ``|`` or ``$$`` mean nothing, and stay: prompts may hold JSON or
  another program's emphasis. A backslash before ``{``, ``}`` or ``|`` takes its meaning away.

The same chance gives the same prompt, on every version of Python: only `random.Random.random` is asked.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final, NamedTuple, TypeAlias

from potluck.core.errors import BadRequest

# A list may name itself, and choices multiply: both ends are the client's fault, not our memory's.
_DEEPEST: Final = 24
_MOST_CHOICES: Final = 1_000
_LONGEST: Final = 20_000

_TOKEN: Final = re.compile(r"\\[{}|]|[{}|]|__([^\W_][\w./-]{0,63}?)__")
_COUNT: Final = re.compile(r"\s*([0-9]{0,3})(-?)([0-9]{0,3})\s*\$\$(?:([^$]{0,40})\$\$)?")
_WEIGHT: Final = re.compile(r"\s*([0-9]{1,6}(?:\.[0-9]{1,6})?)::")
_COMMA: Final = ", "


def is_dynamic(prompt: str) -> bool:
    """Whether `expanded` would look at anything in it."""
    return _TOKEN.search(prompt) is not None


def expanded(prompt: str, lists: Mapping[str, Sequence[str]], chance: random.Random) -> str:
    """One prompt out of all that it may be. Raises `BadRequest` for an unknown or empty list, a count that the choices
    cannot give, and where choices have no end."""
    expansion = _Expansion(lists, chance)
    expansion.text(prompt, 0)
    return "".join(expansion.made)


# --- A text as a tree -----------------------------------------------------------------------------------------------


class _Listed(NamedTuple):
    name: str


class _Count(NamedTuple):
    least: int
    most: int
    between: str


@dataclass(frozen=True, slots=True)
class _Braces:
    parts: list[list[_Item]]


_Item: TypeAlias = str | _Listed | _Braces


def _parsed(text: str) -> list[_Item]:
    """In one pass, whatever is in it: an open brace that is never closed is a brace."""
    open_parts: list[list[list[_Item]]] = [[[]]]
    at = 0
    for token in _TOKEN.finditer(text):
        _add(open_parts[-1][-1], text[at : token.start()])
        at = token.end()
        match token[0]:
            case "{":
                open_parts.append([[]])
                if len(open_parts) > _DEEPEST:
                    raise BadRequest("The prompt's braces stand too deep in each other.", param="prompt")
            case "}" if len(open_parts) > 1:
                parts = open_parts.pop()
                open_parts[-1][-1].append(_Braces(parts))
            case "|" if len(open_parts) > 1:
                open_parts[-1].append([])
            case _ if token[1]:
                open_parts[-1][-1].append(_Listed(token[1]))
            case char:
                _add(open_parts[-1][-1], char[-1])
    _add(open_parts[-1][-1], text[at:])
    while len(open_parts) > 1:
        unclosed = open_parts.pop()
        _add(open_parts[-1][-1], "{")
        for number, part in enumerate(unclosed):
            open_parts[-1][-1].extend(["|", *part] if number else part)
    return open_parts[0][0]


def _add(items: list[_Item], text: str) -> None:
    """Text stays in one piece, as marks are looked for at its beginning."""
    if text and items and isinstance(items[-1], str):
        items[-1] += text
    elif text:
        items.append(text)


# --- What becomes of it ---------------------------------------------------------------------------------------------


class _Expansion:
    def __init__(self, lists: Mapping[str, Sequence[str]], chance: random.Random) -> None:
        self._lists = lists
        self._chance = chance
        self._choices = 0
        self._length = 0
        self.made: list[str] = []

    def text(self, text: str, depth: int) -> None:
        if depth > _DEEPEST:
            raise BadRequest(
                "The prompt's wildcards go round in a circle.", param="prompt", hint="A list must not name itself."
            )
        self._items(_parsed(text), depth)

    def _items(self, items: Sequence[_Item], depth: int) -> None:
        for item in items:
            match item:
                case str():
                    self._say(item)
                case _Listed(name):
                    self.text(self._line(name), depth + 1)
                case _:
                    self._braces(item.parts, depth)

    def _say(self, text: str) -> None:
        self._length += len(text)
        if self._length > _LONGEST:
            raise BadRequest(f"The prompt is longer than {_LONGEST} characters.", param="prompt")
        self.made.append(text)

    def _braces(self, parts: list[list[_Item]], depth: int) -> None:
        count, parts = _counted(parts)
        if count is None and len(parts) == 1:
            self._items(["{", *parts[0], "}"], depth)
            return
        least, most, between = count or _Count(1, 1, "")
        left = [_weighed(part) for part in parts]
        if most > len(left):
            raise BadRequest(
                f"The prompt asks for {most} of {len(left)} choices.",
                param="prompt",
                hint="Name as many choices as are to be taken: {2$$fog|rain|snow}.",
            )
        for number in range(least + self._below(most - least + 1)):
            self._say(between if number else "")
            _, chosen = left.pop(self._weighted([weight for weight, _ in left]))
            self._items(chosen, depth)

    def _line(self, name: str) -> str:
        lines = self._lists.get(name)
        if lines:
            return lines[self._below(len(lines))]
        if lines is not None:
            raise BadRequest(f"The list of wildcards '{name}' is empty.", param="prompt")
        near = get_close_matches(name, list(self._lists), n=3)
        raise BadRequest(
            f"There is no list of wildcards called '{name}'.",
            param="prompt",
            hint=f"Did you mean {', '.join(near)}?" if near else "",
        )

    def _below(self, end: int) -> int:
        self._choices += 1
        if self._choices > _MOST_CHOICES:
            raise BadRequest("The prompt has too many choices in it.", param="prompt", hint="Use fewer wildcards.")
        return int(self._chance.random() * end)

    def _weighted(self, weights: Sequence[float]) -> int:
        """Where all that is left has no weight, all are alike."""
        whole = sum(weights)
        if not whole:
            return self._below(len(weights))
        at = self._chance.random() * whole
        chosen = 0
        for index, weight in enumerate(weights):
            if weight and at >= 0:
                chosen = index
            at -= weight
        return chosen


def _counted(parts: list[list[_Item]]) -> tuple[_Count | None, list[list[_Item]]]:
    """How many are to be taken, if the first part begins by saying so; and the parts without that."""
    first, *others = parts
    found = _COUNT.match(first[0]) if first and isinstance(first[0], str) else None
    if found is None or not (found[1] or found[3]):
        return None, parts
    assert isinstance(first[0], str)
    least = int(found[1] or 0)
    most = int(found[3] or len(parts)) if found[2] else least
    rest: list[_Item] = [first[0][found.end() :], *first[1:]]
    return _Count(min(least, most), max(least, most), _COMMA if found[4] is None else found[4]), [rest, *others]


def _weighed(part: list[_Item]) -> tuple[float, list[_Item]]:
    if part and isinstance(part[0], str) and (found := _WEIGHT.match(part[0])):
        return float(found[1]), [part[0][found.end() :], *part[1:]]
    return 1.0, part

"""Styles: prompts with a place for another one (A1111, ``modules/styles.py``)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

PLACE: Final = "{prompt}"


class Style(NamedTuple):
    """Where a text has `PLACE`, the prompt goes there; else the text follows behind it."""

    name: str
    prompt: str = ""
    negative: str = ""


def styled(prompt: str, negative: str, styles: Iterable[Style]) -> tuple[str, str]:
    """Both prompts with all styles on, one after the other.

    >>> styled("a cat", "", [Style("film", "photo of {prompt}, 35mm"), Style("dim", "low key", "bright")])
    ('photo of a cat, 35mm, low key', 'bright')
    """
    for style in styles:
        prompt = _one(prompt, style.prompt)
        negative = _one(negative, style.negative)
    return prompt, negative


def _one(prompt: str, style: str) -> str:
    if PLACE in style:
        return style.replace(PLACE, prompt)
    return ", ".join(part for part in (prompt.strip(), style.strip()) if part)

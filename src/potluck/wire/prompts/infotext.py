"""Infotext: how a picture was made, as AUTOMATIC1111 writes it into the picture (``modules/infotext_utils.py``).

::

    a harbour at night, (neon:1.2)
    Negative prompt: blurry
    Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 965400086, Size: 512x512, Model hash: 45dee52b, Model: v1-5

The last line holds the settings, and is known by having three of them or more. A value with a comma, a colon or a line
end stands as a JSON string. The prompt has no quotes of its own: a line of it that begins with ``Negative prompt:``
would end it. Such a line is written with a space before the colon, which is the same to every tokenizer that splits at
punctuation, and the prompt as it was goes beside the settings, where `read` finds it.

Texts come out of uploaded files: reading costs one pass, whatever is in them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import msgspec

# What tells the line of settings from the last line of a prompt.
FEWEST_SETTINGS: Final = 3

_NEGATIVE: Final = "Negative prompt:"
_NAME: Final = re.compile(r"\w[\w /-]*[\w/-]")
_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*"(?=\s*(?:,|$))')
# A1111 looks for its own spelling only, others for any.
_SEPARATOR: Final = re.compile(r"^([^\S\n]*negative prompt):", re.IGNORECASE | re.MULTILINE)
# A prompt that the format itself cannot hold. Nobody else knows these names, and everybody keeps what they do not know.
_EXACT_PROMPT: Final = "Exact prompt"
_EXACT_NEGATIVE: Final = "Exact negative prompt"


class Infotext(msgspec.Struct, frozen=True):
    """``settings`` in their order; values are text as written, such as ``Size`` ``512x768``."""

    prompt: str = ""
    negative: str = ""
    settings: Mapping[str, str] = {}


def write(infotext: Infotext) -> str:
    """As one text, which `read` gives back, but for blanks at the ends of a prompt's lines.

    Raises `ValueError` for fewer settings than `FEWEST_SETTINGS`, which all readers would take for a part of the
    prompt, and for a name that none of them would know again.
    """
    if len(infotext.settings) < FEWEST_SETTINGS:
        raise ValueError(f"{FEWEST_SETTINGS} settings are the fewest that are known again.")
    plain = _assembled(infotext, {})
    found = read(plain)
    exact: dict[str, str] = {}
    if found.prompt != _trimmed(infotext.prompt):
        exact[_EXACT_PROMPT] = infotext.prompt
    if found.negative != _trimmed(infotext.negative):
        exact[_EXACT_NEGATIVE] = infotext.negative
    return _assembled(infotext, exact) if exact else plain


def read(text: str) -> Infotext:
    """What a text tells. One without settings is a prompt, and maybe a negative one."""
    *lines, last = text.strip().split("\n")
    settings = _settings(last)
    if len(settings) < FEWEST_SETTINGS:
        lines.append(last)
        settings = {}
    prompt, negative = _prompts(lines)
    return Infotext(settings.pop(_EXACT_PROMPT, prompt), settings.pop(_EXACT_NEGATIVE, negative), settings)


def read_size(value: str) -> tuple[int, int] | None:
    """Width and height of a ``Size``; None where it is none.

    >>> read_size("512x768")
    (512, 768)
    """
    found = re.fullmatch(r"([1-9][0-9]{0,5})x([1-9][0-9]{0,5})", value.strip())
    return (int(found[1]), int(found[2])) if found else None


def _assembled(infotext: Infotext, exact: Mapping[str, str]) -> str:
    parts = [_defused(infotext.prompt)]
    if infotext.negative:
        parts.append(f"{_NEGATIVE} {_defused(infotext.negative)}")
    parts.append(
        ", ".join(f"{_name(name)}: {_quoted(value)}" for name, value in {**infotext.settings, **exact}.items())
    )
    return "\n".join(parts).strip()


def _defused(prompt: str) -> str:
    return _SEPARATOR.sub(r"\1 :", prompt)


def _name(name: str) -> str:
    if not _NAME.fullmatch(name) or "\n" in name:
        raise ValueError(f"{name!r} cannot be the name of a setting.")
    return name


def _quoted(value: str) -> str:
    """As A1111 does it, and in the few cases besides in which its own would not come back the same."""
    if value and value == value.strip() and not value.startswith('"') and not re.search(r"[,:\n]", value):
        return value
    return msgspec.json.encode(value).decode()


def _prompts(lines: list[str]) -> tuple[str, str]:
    """The prompt and the negative one. As A1111 does, later lines may say again that they are negative."""
    prompt: list[str] = []
    negative: list[str] = []
    into = prompt
    for each in lines:
        line = each.strip()
        if line.startswith(_NEGATIVE):
            into = negative
            line = line[len(_NEGATIVE) :].strip()
        into.append(line)
    return "\n".join(prompt).strip(), "\n".join(negative).strip()


def _trimmed(prompt: str) -> str:
    return "\n".join(line.strip() for line in prompt.split("\n")).strip()


def _settings(line: str) -> dict[str, str]:
    """All that looks like a setting. What stands between two of them belongs to none."""
    found: dict[str, str] = {}
    at = 0
    while (colon := line.find(":", at)) >= 0:
        name = line[max(at, line.rfind(",", at, colon) + 1) : colon].strip()
        value, at = _value(line, colon + 1)
        if _NAME.fullmatch(name):
            found[name] = value
    return found


def _value(line: str, start: int) -> tuple[str, int]:
    """The value that begins at ``start``, and where the next setting may begin."""
    while start < len(line) and line[start].isspace():
        start += 1
    if quoted := _QUOTED.match(line, start):
        comma = line.find(",", quoted.end())
        return _unquoted(quoted[0]), len(line) if comma < 0 else comma + 1
    comma = line.find(",", start)
    end = len(line) if comma < 0 else comma
    return line[start:end].strip(), end + 1


def _unquoted(text: str) -> str:
    try:
        return msgspec.json.decode(text, type=str)
    except msgspec.DecodeError:
        return text

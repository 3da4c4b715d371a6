"""Embeddings (textual inversions) in a prompt: A1111 knows them by their bare names, ComfyUI by ``embedding:NAME``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from potluck.core.pictures.catalogue import Extra

COMFYUI: Final = "embedding:"


def spoken(prompt: str, known: Iterable[Extra], mark: str = "") -> str:
    """The prompt with each embedding that an engine has as that engine writes it: its own word behind ``mark``.

    >>> spoken("a fox, easynegative", [Extra("EasyNegative", "EasyNegative")], COMFYUI)
    'a fox, embedding:EasyNegative'
    """
    files: Mapping[str, str] = {each.name.lower(): each.file for each in known if each.name}
    if not files:
        return prompt
    names = "|".join(re.escape(name) for name in sorted(files, key=len, reverse=True))
    word = re.compile(rf"(?<![\w.-])(?:{COMFYUI})?({names})(?![\w-])", re.IGNORECASE)
    return word.sub(lambda found: mark + files[found[1].lower()], prompt)

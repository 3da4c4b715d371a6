"""What an answer said, whatever its dialect."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Called:
    id: str
    name: str
    arguments: Any


@dataclass
class Said:
    """``finish`` is ``stop``, ``length`` or ``tools``, None if the dialect does not tell. ``model`` likewise.

    ``prompt`` and ``completion`` are tokens; None if not told. ``others`` holds further choices' texts.
    """

    text: str = ""
    reasoning: str = ""
    calls: list[Called] = field(default_factory=list)
    finish: str | None = None
    prompt: int | None = None
    completion: int | None = None
    model: str | None = None
    others: list[str] = field(default_factory=list)
    stop_sequence: str | None = None

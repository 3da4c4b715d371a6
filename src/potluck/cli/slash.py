"""What a line typed at the prompt of ``potluck chat`` means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import Final, TypeAlias


class Slash(StrEnum):
    MODEL = "model"
    MODELS = "models"
    NEW = "new"
    SYSTEM = "system"
    SAVE = "save"
    HISTORY = "history"
    OPEN = "open"
    RETRY = "retry"
    HELP = "help"
    EXIT = "exit"


SLASHES: Final[Mapping[Slash, tuple[str, str]]] = {
    Slash.MODEL: ("NAME", "Answer with this model from now on; without NAME, tell which one answers."),
    Slash.MODELS: ("", "List the models."),
    Slash.NEW: ("", "Begin a new conversation."),
    Slash.SYSTEM: ("TEXT", "Set the instructions from now on; without TEXT, show them."),
    Slash.SAVE: ("FILE", "Write this conversation to a file as Markdown."),
    Slash.HISTORY: ("WORDS", "List your conversations; with WORDS, those that contain them."),
    Slash.OPEN: ("ID", "Go on with an earlier conversation; 'last' is the newest."),
    Slash.RETRY: ("", "Ask the last question again."),
    Slash.HELP: ("", "Show this."),
    Slash.EXIT: ("", "Leave; Ctrl-D does the same."),
}
"""Each command's argument and its line of help."""

_ALSO: Final = {"quit": Slash.EXIT, "bye": Slash.EXIT, "?": Slash.HELP}


@dataclass(frozen=True, slots=True)
class Say:
    """Something to ask the model."""

    text: str


@dataclass(frozen=True, slots=True)
class Do:
    """A command with the rest of its line."""

    slash: Slash
    argument: str = ""


@dataclass(frozen=True, slots=True)
class Unknown:
    """A command that there is not; ``near`` are similar ones."""

    name: str
    near: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Nothing:
    """An empty line."""


Meaning: TypeAlias = Say | Do | Unknown | Nothing


def meaning(line: str) -> Meaning:
    """What a line means. Only one word of letters after the slash is a command: ``/etc/hosts is …`` is a question."""
    text = line.strip()
    if not text:
        return Nothing()
    if not text.startswith("/"):
        return Say(text)
    word, _, argument = text[1:].partition(" ")
    if word in _ALSO:
        return Do(_ALSO[word])
    if word in SLASHES:
        return Do(Slash(word), argument.strip())
    if word and not word.isalpha():
        return Say(text)
    return Unknown(word, tuple(get_close_matches(word, list(Slash), n=2)))


def help_text() -> str:
    """All commands, one a line."""
    heads = {slash: f"/{slash} {argument}".rstrip() for slash, (argument, _) in SLASHES.items()}
    width = max(map(len, heads.values()))
    lines = [f"{heads[slash]:<{width}}  {line}" for slash, (_, line) in SLASHES.items()]
    return "\n".join(
        [
            *lines,
            f"{'@path':<{width}}  Put a text file or an image into the question.",
            f"{'Alt-Enter':<{width}}  Begin a new line. Ctrl-C stops an answer.",
        ]
    )

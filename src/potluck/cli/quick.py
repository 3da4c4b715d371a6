"""Plain command lines read without typer, which takes 20 MB and a tenth of a second on a fast machine.

The commands that stay (`up` and `agent`) are read here where they are plain. Whatever is not plain (help, an error, an
option of a later release) goes to typer, whose declarations tests hold this reading to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

PORTS: Final = range(65536)


def words(
    arguments: Sequence[str], options: Mapping[str, str], switches: Mapping[str, tuple[str, bool]]
) -> tuple[dict[str, str], dict[str, bool]] | None:
    """What options and switches were given, by their names; None if something else stands there.

    ``options`` maps ``--option`` to a name, ``switches`` ``--switch`` to a name and the value that it means.
    """
    given: dict[str, str] = {}
    switched: dict[str, bool] = {}
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if word in switches:
            name, meant = switches[word]
            switched[name] = meant
            continue
        option, equals, value = word.partition("=")
        if option not in options or (not equals and (not rest or rest[0].startswith("-"))):
            return None
        value = value if equals else rest.pop(0)
        if not value:
            return None
        given[options[option]] = value
    return given, switched


def port(text: str) -> int | None:
    """A port as plain digits; None for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and int(text) in PORTS else None

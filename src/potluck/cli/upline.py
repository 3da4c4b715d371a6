"""The command line of ``potluck up``, read without typer.

typer takes 20 MB and a tenth of a second on a fast machine, several on a slow one, and `up` is the command that stays.
So the plain case is read here; whatever is not plain (help, an error, an option of a later release) goes to typer,
whose declaration in `up` a test holds this one to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class LogLevel(StrEnum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    TEXT = "text"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class UpLine:
    """What the user said; empty or None where nothing was said."""

    config: str = ""
    data: str = ""
    host: str = ""
    port: int | None = None
    local: bool | None = None
    log_level: LogLevel = LogLevel.INFO
    log_format: LogFormat = LogFormat.TEXT


PORTS: Final = range(65536)

DATA_VARIABLE: Final = "POTLUCK_DATA"

_OPTIONS: Final = {
    "--config": "config",
    "--data": "data",
    "--host": "host",
    "--port": "port",
    "--log-level": "log_level",
    "--log-format": "log_format",
}
_SWITCHES: Final = {"--local": True, "--no-local": False}


def read(arguments: Sequence[str], environment: Mapping[str, str]) -> UpLine | None:
    """The arguments after ``potluck up``; None if they are not plain and typer has to look at them."""
    given = {"data": environment.get(DATA_VARIABLE, "")}
    local: bool | None = None
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if word in _SWITCHES:
            local = _SWITCHES[word]
            continue
        option, equals, value = word.partition("=")
        if option not in _OPTIONS or (not equals and (not rest or rest[0].startswith("-"))):
            return None
        value = value if equals else rest.pop(0)
        if not value:
            return None
        given[_OPTIONS[option]] = value
    return _checked(given, local)


def _checked(given: Mapping[str, str], local: bool | None) -> UpLine | None:
    port = given.get("port")
    try:
        level, form = LogLevel(given.get("log_level", "info")), LogFormat(given.get("log_format", "text"))
    except ValueError:
        return None
    if port is not None and not (port.isascii() and port.isdecimal() and int(port) in PORTS):
        return None
    return UpLine(
        config=given.get("config", ""),
        data=given["data"],
        host=given.get("host", ""),
        port=None if port is None else int(port),
        local=local,
        log_level=level,
        log_format=form,
    )

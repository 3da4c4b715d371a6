"""The command line of ``potluck up``, read quickly where it is plain (`quick`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from potluck.cli import quick


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


DATA_VARIABLE: Final = "POTLUCK_DATA"

_OPTIONS: Final = {
    "--config": "config",
    "--data": "data",
    "--host": "host",
    "--port": "port",
    "--log-level": "log_level",
    "--log-format": "log_format",
}
_SWITCHES: Final = {"--local": ("local", True), "--no-local": ("local", False)}


def read(arguments: Sequence[str], environment: Mapping[str, str]) -> UpLine | None:
    """The arguments after ``potluck up``; None if they are not plain and typer has to look at them."""
    read = quick.words(arguments, _OPTIONS, _SWITCHES)
    if read is None:
        return None
    given, switched = read
    return _checked({"data": environment.get(DATA_VARIABLE, ""), **given}, switched.get("local"))


def _checked(given: Mapping[str, str], local: bool | None) -> UpLine | None:
    port = quick.port(given["port"]) if "port" in given else None
    try:
        level, form = LogLevel(given.get("log_level", "info")), LogFormat(given.get("log_format", "text"))
    except ValueError:
        return None
    if port is None and "port" in given:
        return None
    return UpLine(
        config=given.get("config", ""),
        data=given["data"],
        host=given.get("host", ""),
        port=port,
        local=local,
        log_level=level,
        log_format=form,
    )

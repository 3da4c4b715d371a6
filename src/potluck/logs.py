"""Logs: one line per event on stderr, for people or as JSON. Secrets are cut out before anything is written."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, Literal

# structlog looks for rich, to print traces in colour: 6 MB in a process that writes lines to a journal. A module that
# is None in `sys.modules` is not found. The command line, which does use it, has imported it by then or finds it later.
if "rich" not in sys.modules:
    sys.modules["rich"] = None  # type: ignore[assignment]
    import structlog

    del sys.modules["rich"]
else:
    import structlog

LogFormat = Literal["text", "json"]

# Keys as Potluck makes them, and whatever stands behind "Bearer": neither may ever be written.
_SECRETS = re.compile(r"(pk-[0-9A-Za-z]{6})[0-9A-Za-z]{20,}|(?i:(bearer\s+))\S+|(?i:([?&](?:key|token)=))[^&\s]+")


class Meant(str):
    """Text with a secret in it that the log is the way to hand over; it is not cut out."""

    __slots__ = ()


def redacted(text: str) -> str:
    """``text`` without keys: what is left of one is its shown prefix."""
    return _SECRETS.sub(lambda match: f"{match[1] or match[2] or match[3]}…", text)


def _redact(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for name, value in event.items():
        if isinstance(value, str) and not isinstance(value, Meant):
            event[name] = redacted(value)
    return event


def _without_empty(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """People do not want to read ``detail=``; programs want the same fields in every line."""
    return {name: value for name, value in event.items() if value not in ("", None, [])}


def configure(level: str, form: LogFormat) -> None:
    """Set up structlog and send the libraries' own logs the same way. ``level`` is debug, info, warning or error."""
    shared: list[structlog.types.Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _redact,
    ]
    renderer: structlog.types.Processor = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    if form == "text":
        shared.append(_without_empty)
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processor=renderer, foreign_pre_chain=shared))
    root = logging.getLogger()
    root.handlers = [handler]
    # Libraries tell the owner something only when something is wrong.
    root.setLevel(max(number, logging.WARNING))

"""The command line of ``potluck agent``, read quickly where it is plain (`quick`)."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import Final

from potluck.agent.options import LONGEST_INTERVAL_S, SHORTEST_INTERVAL_S, AgentOptions
from potluck.cli import quick

_OPTIONS: Final = {
    "--host": "host",
    "--port": "port",
    "--interval": "interval",
    "--key-file": "key_file",
    "--disks": "disks",
}
_SWITCHES: Final = {"--announce": ("announce", True)}
_SECONDS: Final = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6})?")


def read(arguments: Sequence[str], environment: Mapping[str, str]) -> AgentOptions | None:
    """The arguments after ``potluck agent``; None if they are not plain and typer has to look at them."""
    words = quick.words(arguments, _OPTIONS, _SWITCHES)
    if words is None:
        return None
    given, switched = words
    plain = AgentOptions()
    port = quick.port(given["port"]) if "port" in given else plain.port
    interval_s = _seconds(given["interval"]) if "interval" in given else plain.interval_s
    if port is None or interval_s is None:
        return None
    return AgentOptions(
        host=given.get("host", plain.host),
        port=port,
        interval_s=interval_s,
        key_file=given.get("key_file", ""),
        disks=folders(given.get("disks", "")),
        announce=switched.get("announce", False),
    )


def folders(listed: str) -> tuple[str, ...]:
    """Folders as a search path lists them.

    >>> folders("/mnt/models:/srv")
    ('/mnt/models', '/srv')
    """
    return tuple(folder for folder in listed.split(os.pathsep) if folder)


def _seconds(text: str) -> float | None:
    if not _SECONDS.fullmatch(text) or not SHORTEST_INTERVAL_S <= float(text) <= LONGEST_INTERVAL_S:
        return None
    return float(text)

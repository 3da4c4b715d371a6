"""Where a command that works with and without a service finds what it works on."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from potluck.cli.client import Client
from potluck.cli.failure import Unreachable
from potluck.cli.output import note
from potluck.cli.places import config_file
from potluck.cli.service import find
from potluck.config.load import load
from potluck.config.model import Config

T = TypeVar("T")


def service_or_directory(
    url: str,
    key: str,
    data: Path,
    config: Path | None,
    remote: Callable[[Client], T],
    stored: Callable[[Path, Config], T],
) -> T:
    """``remote`` of the running service; if none runs and none was named, ``stored`` of the data directory.

    Raises `Unreachable` for a service that was named and does not answer, and what reading the configuration raises.
    """
    client = Client(find(url, key, data))
    try:
        client.raw("GET", "/healthz")
    except Unreachable:
        if url:
            raise
        note("No service runs: using the data directory.")
        return stored(data.expanduser(), load(config_file(config), os.environ))
    return remote(client)

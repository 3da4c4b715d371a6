"""Where the service is and with which key to knock: options, environment, data directory, in this order."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from potluck.cli.failure import USAGE, CliError
from potluck.cli.places import ADDRESS, DEFAULT_URL, OWNER_KEY, first_line

Url = Annotated[str, typer.Option("--url", envvar="POTLUCK_URL", help="Where the service answers.", metavar="URL")]
Key = Annotated[
    str, typer.Option("--key", envvar="POTLUCK_KEY", help="The API key to use.", metavar="KEY", show_envvar=True)
]
Data = Annotated[
    Path, typer.Option("--data", envvar="POTLUCK_DATA", help="The data directory of a local service.", metavar="DIR")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@dataclass(frozen=True, slots=True)
class Service:
    """A service to talk to. ``url`` has no trailing slash; ``key`` is empty if none is known."""

    url: str
    key: str = ""


def find(url: str, key: str, data: Path) -> Service:
    """The service that the options name, or else the one that this data directory belongs to.

    The owner's key of the data directory goes only to its own service or to this machine: never to a foreign
    address. Raises `CliError` for a URL that is none.
    """
    data = data.expanduser()
    local = _checked(first_line(data / ADDRESS) or DEFAULT_URL)
    chosen = _checked(url) if url else local
    if not key and (chosen == local or _is_loopback(chosen)):
        key = first_line(data / OWNER_KEY)
    return Service(chosen, key)


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _checked(url: str) -> str:
    url = url if "://" in url else f"http://{url}"
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise CliError(f"'{url}' is not a URL of a service.", hint=f"It looks like {DEFAULT_URL}.", code=USAGE)
    return url.rstrip("/")

"""Where things lie on this machine when nobody says otherwise. Standard library only: `up` reads it too."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from potluck.cli.failure import USAGE, CliError

DEFAULT_URL: Final = "http://127.0.0.1:8420"
DEFAULT_CONFIG: Final = Path("potluck.yaml")
DEFAULT_DATA: Final = Path("~/.local/share/potluck")

OWNER_KEY: Final = Path("owner.key")
ADDRESS: Final = Path("run") / "address"
DATABASE: Final = Path("potluck.db")
"""Files of the data directory: the owner's key, the URL that the running service wrote down, and the database."""


def config_file(given: Path | None) -> Path | None:
    """The configuration that `up` reads; None for the defaults. Raises `CliError` for a file that is not there."""
    if given is None:
        return DEFAULT_CONFIG if DEFAULT_CONFIG.is_file() else None
    if not given.is_file():
        raise CliError(f"There is no file '{given}'.", hint="Leave --config out to use the defaults.", code=USAGE)
    return given


def first_line(path: Path) -> str:
    """The first line of a small file; empty if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8").strip().partition("\n")[0].strip()
    except (OSError, UnicodeDecodeError):
        return ""

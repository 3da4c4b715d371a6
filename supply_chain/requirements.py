"""The hashed requirement files, as `uv pip compile --generate-hashes` writes them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PINNED = re.compile(
    r"^(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)==(?P<version>[^\s;\\]+)(?:\s*;\s*(?P<marker>[^\\]+?))?\s*\\?$"
)
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_VIA = re.compile(r"^\s+#\s+(?:via\s+)?(\S.*)$")


@dataclass(frozen=True, slots=True)
class Pinned:
    """One requirement: ``hashes`` are those of all its files, ``via`` who asks for it beside the .in file."""

    name: str
    version: str
    marker: str = ""
    hashes: tuple[str, ...] = ()
    via: tuple[str, ...] = ()


class Unpinned(Exception):
    """A line that says no version, or has no hash."""


def pinned(file: Path) -> Iterator[Pinned]:
    """Every requirement of a file, in its order. Raises `Unpinned`."""
    found: Pinned | None = None
    for line in file.read_text(encoding="utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        if line[0].isspace():
            if found is not None:
                found = _more(found, line)
            continue
        if found is not None:
            yield _whole(found)
        start = _PINNED.match(line)
        if start is None:
            raise Unpinned(f"{file.name}: {line}")
        found = Pinned(normal(start["name"]), start["version"], (start["marker"] or "").strip())
    if found is not None:
        yield _whole(found)


def normal(name: str) -> str:
    """A project's name as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _more(found: Pinned, line: str) -> Pinned:
    if (own := _HASH.search(line)) is not None:
        return Pinned(found.name, found.version, found.marker, (*found.hashes, own[1]), found.via)
    if (via := _VIA.match(line)) is not None and via[1] != "via" and not via[1].startswith("-r"):
        return Pinned(found.name, found.version, found.marker, found.hashes, (*found.via, normal(via[1])))
    return found


def _whole(found: Pinned) -> Pinned:
    if not found.hashes:
        raise Unpinned(f"{found.name}=={found.version} has no hash")
    return found

"""The files of a built portal. ``files.json``, written by the build (web/scripts/packed.js), names every one of them:
what it does not name is not served, so no path leads out of the folder.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from potluck.portal.negotiation import Encoding

DIST = Path(__file__).parent / "dist"
"""Where the build writes to, and what the wheel holds."""

_LISTING = "files.json"
_ENDS = {"br": ".br", "gzip": ".gz", "": ""}


class File(msgspec.Struct, frozen=True):
    """``hash`` is of what is in it; ``br`` and ``gz`` are the sizes in bytes of the compressed ones that lie beside.
    ``styles`` are the hashes of the style sheets that stand in it, where it is a page."""

    type: str
    size: int
    hash: str
    br: int = 0
    gz: int = 0
    styles: tuple[str, ...] = ()

    @property
    def encodings(self) -> tuple[Encoding, ...]:
        """Those it is there in, the smallest first."""
        offered: list[Encoding] = []
        if self.br:
            offered.append("br")
        if self.gz:
            offered.append("gzip")
        return tuple(offered)


class _Listing(msgspec.Struct):
    files: dict[str, File]


def made_at(root: Path) -> int:
    """When the portal in a folder was built, in nanoseconds; 0 where none is."""
    try:
        return (root / _LISTING).stat().st_mtime_ns
    except OSError:
        return 0


class Files:
    """A built portal. ``made`` tells one build from the next."""

    def __init__(self, root: Path, listing: _Listing, made: int) -> None:
        self._root = root
        self.made = made
        self._files = listing.files

    @classmethod
    def open(cls, root: Path = DIST) -> Files | None:
        """None where no portal was built, or only half of one."""
        try:
            made = made_at(root)
            listing = msgspec.json.decode((root / _LISTING).read_bytes(), type=_Listing)
        except (OSError, msgspec.MsgspecError):
            return None
        return cls(root, listing, made)

    def get(self, path: str) -> File | None:
        """The file of an address."""
        return self._files.get(path)

    def read(self, path: str, encoding: Encoding) -> bytes:
        """What is in a file that `get` knows. Raises `OSError` where it was removed since."""
        return (self._root / f"{path.lstrip('/')}{_ENDS[encoding]}").read_bytes()

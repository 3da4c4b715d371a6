"""What the rest may ask of storage about files. What `ports` says of all holds here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from potluck.core.model import UserId
from potluck.storage.records import BlobRecord, BlobState, Digest, FileId, FilePage, FileRecord, FileTotals


class FileStore(Protocol):
    """Files, and which bytes of the blob store they refer to. A file of another user is `NotFound`.

    A reference is written before its bytes, and bytes are removed only after it is written that they will be
    (`begin_removal`), which nothing that refers to them is left for: so no order of events removes what is referred to.
    """

    async def claim(self, record: FileRecord, quota_bytes: int) -> BlobState:
        """Keep a file whose bytes are still to be stored; nobody removes these from now on. How they stand.

        Nothing is kept for bytes that are being ``REMOVING`` in these seconds: try again. Raises `QuotaExceeded` if the
        user's files would take more than ``quota_bytes``, however many come at once, `Conflict` for an id that is
        taken, and `NotFound` for the user.
        Pictures' files (`core.files.HIDDEN`) are counted apart from all others.
        """
        ...

    async def ready(self, file: FileId, now: float, *, stored: bool) -> FileRecord:
        """Let a claimed file be seen. ``stored``: its bytes are in the store; else they will be (`stored`).

        Raises `NotFound` for one that was given up meanwhile.
        """
        ...

    async def stored(self, digest: Digest, now: float) -> None:
        """Note that bytes are in the store now; harmless for those that nothing refers to any more."""
        ...

    async def get(self, file: FileId, now: float, user: UserId | None = None) -> tuple[FileRecord, BlobState]:
        """A file that can be seen, of ``user`` or of anybody, and how its bytes stand. Raises `NotFound`."""
        ...

    async def list(
        self,
        user: UserId,
        now: float,
        *,
        limit: int,
        after: FileId | None = None,
        purpose: str = "",
        oldest_first: bool = False,
    ) -> FilePage:
        """Those that follow ``after``, newest first, without pictures'. Raises `BadRequest` for an ``after`` that is
        not the user's."""
        ...

    async def totals(self, user: UserId, *, hidden: bool = False) -> FileTotals:
        """``hidden``: of pictures' files, else of all others."""
        ...

    async def delete(self, file: FileId, user: UserId | None = None) -> None:
        """Raises `NotFound`; pictures' files are not a user's to delete."""
        ...

    async def give_up(self, *, claimed_before_s: float, now: float) -> int:
        """Delete files that are over, and those that were claimed before and never became ready; how many they were."""
        ...

    async def blobs(self, *, limit: int, after: str = "") -> tuple[BlobRecord, ...]:
        """All bytes that are known, by their digests."""
        ...

    async def adopt(self, found: Sequence[tuple[Digest, int]], now: float) -> int:
        """Take up bytes, with their sizes, that lie in the store and are not known; they are unused. How many are."""
        ...

    async def mark_unused(self, now: float) -> int:
        """Note since when bytes are unused that nothing refers to; how many were not noted before."""
        ...

    async def unused(self, before_s: float, now: float, *, limit: int) -> tuple[Digest, ...]:
        """Bytes that were noted as unused before, or whose removal was not brought to its end."""
        ...

    async def begin_removal(self, digest: Digest, now: float) -> bool:
        """Whether the bytes may be removed now: nothing refers to them, and nothing will until `end_removal`, or for
        `REMOVAL_S`, after which a remover counts as dead."""
        ...

    async def end_removal(self, digest: Digest) -> None:
        """The bytes are gone from the store."""
        ...


REMOVAL_S = 600.0
"""How long the removal of one blob may take: a store answers, or is given up, within a minute."""

"""What the native API says of backups."""

from __future__ import annotations

import msgspec

from potluck.storage.backups import Manifest
from potluck.surfaces.v1.shapes import rfc3339


class BackupInfo(msgspec.Struct):
    """A backup. ``size_bytes`` are the database's and the files'; ``files`` lie with it unless they are in a bucket.
    ``missing`` files had no bytes when it was made. ``verified_at`` is when all of it was last read and found whole,
    null if never. ``version`` is Potluck's that made it."""

    name: str
    made_at: str
    size_bytes: int
    files: int
    with_files: bool
    missing: int
    verified_at: str | None
    version: str

    @classmethod
    def of(cls, manifest: Manifest) -> BackupInfo:
        return cls(
            name=manifest.name,
            made_at=rfc3339(manifest.made_s),
            size_bytes=manifest.database_bytes + manifest.files_bytes,
            files=manifest.files,
            with_files=manifest.with_files,
            missing=len(manifest.missing),
            verified_at=None if manifest.verified_s is None else rfc3339(manifest.verified_s),
            version=manifest.version,
        )


class BackupStep(msgspec.Struct):
    """One that is being made: ``done`` of ``total`` of a ``stage``, which is ``database``, ``files`` or
    ``checking``."""

    stage: str
    done: int
    total: int
    since: str


class BackupReply(msgspec.Struct):
    """``possible``: one can be made here; else ``why`` says why not. ``trouble`` is what became of the last try,
    empty if that was well. ``backups`` are those in the data directory, the newest first; ``keep`` of them are kept."""

    possible: bool
    why: str
    under_way: BackupStep | None
    trouble: str
    backups: list[BackupInfo]
    keep: int

"""Open the store for bytes that the configuration names."""

from __future__ import annotations

from pathlib import Path

from potluck.storage.blobs.disk import DiskBlobs
from potluck.storage.blobs.port import BlobStore
from potluck.storage.blobs.spool import INCOMING


def open_blobs(url: str | None, folder: Path) -> BlobStore:
    """The bucket of ``s3://…``, or the store in ``folder``, where a bucket's blobs wait on their way in, too.

    Raises `OperatorError` for a URL that is not understood. Nothing is connected or made yet.
    """
    if url is None:
        return DiskBlobs(folder)
    from potluck.storage.blobs.s3 import S3Blobs, open_bucket  # noqa: PLC0415 - 10 MB that a disk does not need

    return S3Blobs(open_bucket(url), folder / INCOMING)

"""Blobs in a bucket of any server that speaks S3."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterable, Generator
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

from obstore.exceptions import BaseError
from obstore.store import S3Store

from potluck.core.errors import NotFound, OperatorError, StorageAway
from potluck.storage.blobs.port import CHUNK_BYTES, Blob, Listed, Spooled, is_digest, key_of
from potluck.storage.blobs.spool import spooled
from potluck.storage.records import Digest

if TYPE_CHECKING:
    from obstore import GetOptions
    from obstore.store import S3Config

_CONNECT = timedelta(seconds=5)
# For a part of a file, not for all of it.
_ANSWER = timedelta(seconds=60)
# A server that was only busy is asked once more; one that is away is told while somebody still waits for it.
_RETRY_FOR = timedelta(seconds=2)
_RETRY_S = 10.0
_PART_BYTES = 8 * 1024 * 1024  # S3 takes none below 5 MiB
_PARTS_AT_ONCE = 4
_LISTED_AT_ONCE = 1000
# No bytes are known that have this digest: asked for, to hear whether the server answers.
_NOBODYS = Digest("0" * 64)

# What servers answer to a wrong key, a bucket that is not there, or a right that is missing; not a matter of time.
_REFUSED = re.compile(r"\b(?:401|403|NoSuchBucket|InvalidAccessKeyId|SignatureDoesNotMatch|AccessDenied)\b")


class S3Blobs:
    """See `potluck.storage.blobs.port.BlobStore`. ``spool`` is a folder for blobs on their way in."""

    def __init__(self, store: S3Store, spool: Path) -> None:
        self._store = store
        self._spool = spool

    async def look(self) -> None:
        with suppress(NotFound):
            await self.size(_NOBODYS)

    def spooled(self, chunks: AsyncIterable[bytes], *, most_bytes: int) -> AbstractAsyncContextManager[Spooled]:
        return spooled(chunks, self._spool, most_bytes=most_bytes)

    async def add(self, whole: Spooled) -> None:
        with _told():
            await self._store.put_async(
                key_of(whole.blob.digest), whole.file, chunk_size=_PART_BYTES, max_concurrency=_PARTS_AT_ONCE
            )

    async def put(self, chunks: AsyncIterable[bytes], *, most_bytes: int) -> Blob:
        async with self.spooled(chunks, most_bytes=most_bytes) as whole:
            await self.add(whole)
        return whole.blob

    async def size(self, digest: Digest) -> int:
        with _told():
            return (await self._store.head_async(key_of(digest)))["size"]

    async def read(self, digest: Digest, start: int = 0, end: int | None = None) -> AsyncGenerator[bytes, None]:
        size = await self.size(digest)
        end = size if end is None else min(end, size)
        if start >= end:
            return
        options: GetOptions = {"range": (start, end)}
        with _told():
            found = await self._store.get_async(key_of(digest), options=options)
            async for chunk in found.stream(min_chunk_size=CHUNK_BYTES):
                yield bytes(chunk)

    async def delete(self, digest: Digest) -> None:
        with _told():
            try:
                await self._store.delete_async(key_of(digest))
            except FileNotFoundError:
                return

    async def link(self, digest: Digest, within_s: float) -> str | None:
        from obstore import sign_async  # noqa: PLC0415 - only buckets of S3 have it

        with _told():
            return await sign_async(self._store, "GET", key_of(digest), timedelta(seconds=within_s))

    async def all(self) -> AsyncGenerator[Listed, None]:
        with _told():
            async for some in self._store.list(chunk_size=_LISTED_AT_ONCE):
                for each in some:
                    name = each["path"].rpartition("/")[2]
                    if is_digest(name):  # a bucket may hold others' things
                        yield Listed(Digest(name), each["size"], each["last_modified"].timestamp())


def open_bucket(url: str) -> S3Store:
    """The bucket of ``s3://KEY:SECRET@BUCKET/PREFIX?endpoint=http://HOST:PORT&region=R``.

    Key and secret may stand in AWS's own variables instead, the endpoint is AWS's if left out, and the prefix may be
    empty. Raises `OperatorError` for a URL without a bucket. Nothing is connected yet.
    """
    # A secret may hold slashes, which would end it: AWS makes such ones.
    place, question, query_text = url.partition("?")
    names, at, place = place.removeprefix("s3://").rpartition("@")
    key, _, secret = names.partition(":")
    parts = urlsplit(f"s3://{place}{question}{query_text}" if url.startswith("s3://") else "")
    if parts.scheme != "s3" or not parts.hostname:
        raise OperatorError(
            "storage.blobs is not understood.", hint="It looks like s3://KEY:SECRET@BUCKET?endpoint=http://HOST:PORT."
        )
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    settings: S3Config = {}
    if "region" in query:
        settings["region"] = query["region"]
    if "endpoint" in query:
        settings["endpoint"] = query["endpoint"]
    if at:
        settings["access_key_id"], settings["secret_access_key"] = unquote(key), unquote(secret)
    return S3Store(
        parts.hostname,
        prefix=parts.path.strip("/") or None,
        config=settings,
        client_options={
            "allow_http": query.get("endpoint", "").startswith("http://"),
            "connect_timeout": _CONNECT,
            "timeout": _ANSWER,
        },
        retry_config={"max_retries": 1, "retry_timeout": _RETRY_FOR},
    )


@contextmanager
def _told() -> Generator[None, None, None]:
    """Says what an error means to who asked, and to the owner. A server's words may hold keys: they go to the log."""
    try:
        yield
    except FileNotFoundError as error:
        if "NoSuchBucket" in str(error):
            raise _refused(error) from error
        raise NotFound("This file is not stored here.", hint="It may have been deleted.") from error
    except BaseError as error:
        if _REFUSED.search(str(error)):
            raise _refused(error) from error
        raise StorageAway(
            "The store for files does not answer.",
            retry_after_s=_RETRY_S,
            hint="See whether it runs and can be reached from here.",
            detail=str(error),
        ) from error


def _refused(error: Exception) -> OperatorError:
    return OperatorError(
        "The store for files refuses us.",
        hint="See bucket, key and secret in storage.blobs.",
        detail=str(error),
    )

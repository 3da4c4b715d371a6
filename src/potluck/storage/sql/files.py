"""`FileStore` in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, exists, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from potluck.core.errors import BadRequest, Conflict, NotFound, QuotaExceeded
from potluck.core.files import HIDDEN
from potluck.core.model import UserId
from potluck.storage.file_ports import REMOVAL_S
from potluck.storage.records import (
    BlobRecord,
    BlobState,
    Digest,
    FileId,
    FilePage,
    FileRecord,
    FileTotals,
)
from potluck.storage.sql.content import clean
from potluck.storage.sql.database import Database
from potluck.storage.sql.schema import blobs, files, users


class SqlFiles:
    """See `potluck.storage.file_ports.FileStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, record: FileRecord, quota_bytes: int) -> BlobState:
        def work(connection: Connection) -> BlobState:
            # 1. One of a user's claims after the other, so that two together do not pass the quota.
            _lock_user(connection, record.user)
            used = _totals(connection, record.user, hidden=record.purpose in HIDDEN).bytes
            if used + record.size_bytes > quota_bytes:
                raise QuotaExceeded(used, quota_bytes)
            # 2. The bytes' row, locked: whoever would remove them waits, or has begun to.
            blob = self._locked_blob(connection, record)
            if blob.removing_s is not None and record.created_s < blob.removing_s + REMOVAL_S:
                return BlobState.REMOVING
            # 3. What somebody began to remove, and left, may be there or not.
            stored_s = blob.stored_s if blob.removing_s is None else None
            free = {"unused_s": None, "removing_s": None, "stored_s": stored_s}
            connection.execute(update(blobs).where(blobs.c.digest == record.digest).values(**free))
            # 4. The reference.
            connection.execute(insert(files).values(**_values(record)))
            return BlobState.COMING if stored_s is None else BlobState.STORED

        try:
            return await self._database.write(work)
        except IntegrityError as error:
            raise Conflict("There is such a file already.", hint="Try again.") from error

    def _locked_blob(self, connection: Connection, record: FileRecord) -> Row[Any]:
        new = {"digest": record.digest, "size_bytes": record.size_bytes, "created_s": record.created_s}
        connection.execute(self._database.traits.insert_new(blobs).values(**new))
        return connection.execute(select(blobs).where(blobs.c.digest == record.digest).with_for_update()).one()

    async def ready(self, file: FileId, now: float, *, stored: bool) -> FileRecord:
        def work(connection: Connection) -> FileRecord:
            connection.execute(update(files).where(files.c.id == file).values(ready_s=now))
            row = connection.execute(select(files).where(files.c.id == file)).first()
            if row is None:
                raise _missing()
            if stored:
                connection.execute(_store(Digest(row.digest), now))
            return _record(row)

        return await self._database.write(work)

    async def stored(self, digest: Digest, now: float) -> None:
        await self._database.write(lambda connection: connection.execute(_store(digest, now)).close())

    async def get(self, file: FileId, now: float, user: UserId | None = None) -> tuple[FileRecord, BlobState]:
        statement = (
            select(files, blobs.c.stored_s, blobs.c.removing_s)
            .join(blobs, blobs.c.digest == files.c.digest)
            .where(files.c.id == file, *_seen(now), *([] if user is None else [files.c.user_id == user]))
        )
        row = await self._database.read(lambda connection: connection.execute(statement).first())
        if row is None:
            raise _missing()
        return _record(row), _state(row)

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
        order = [files.c.created_s, files.c.id] if oldest_first else [files.c.created_s.desc(), files.c.id.desc()]
        own = (files.c.user_id == user, files.c.purpose.not_in(HIDDEN), *_seen(now))
        statement = select(files).where(*own).order_by(*order).limit(limit + 1)
        if purpose:
            statement = statement.where(files.c.purpose == purpose)
        last = select(files.c.created_s).where(files.c.id == after, files.c.user_id == user)

        def work(connection: Connection) -> Sequence[Row[Any]]:
            if after is None:
                return connection.execute(statement).all()
            created_s = connection.execute(last).scalar()
            if created_s is None:
                raise BadRequest(
                    f"There is no file '{after[:80]}' to go on after.", param="after", hint="Begin the listing again."
                )
            return connection.execute(statement.where(_beyond(created_s, after, oldest_first=oldest_first))).all()

        rows = await self._database.read(work)
        return FilePage(tuple(_record(row) for row in rows[:limit]), len(rows) > limit)

    async def totals(self, user: UserId, *, hidden: bool = False) -> FileTotals:
        return await self._database.read(lambda connection: _totals(connection, user, hidden=hidden))

    async def delete(self, file: FileId, user: UserId | None = None) -> None:
        own = [] if user is None else [files.c.user_id == user, files.c.purpose.not_in(HIDDEN)]
        statement = delete(files).where(files.c.id == file, *own)
        if await self._database.write(lambda connection: connection.execute(statement).rowcount) == 0:
            raise _missing()

    async def give_up(self, *, claimed_before_s: float, now: float) -> int:
        abandoned = and_(files.c.ready_s.is_(None), files.c.created_s < claimed_before_s)
        statement = delete(files).where(or_(abandoned, files.c.expires_s <= now))
        return await self._database.write(lambda connection: connection.execute(statement).rowcount)

    # --- bytes ---

    async def blobs(self, *, limit: int, after: str = "") -> tuple[BlobRecord, ...]:
        counted = select(func.count()).where(files.c.digest == blobs.c.digest).scalar_subquery()
        statement = (
            select(blobs, counted.label("files")).where(blobs.c.digest > after).order_by(blobs.c.digest).limit(limit)
        )
        rows = await self._database.read(lambda connection: connection.execute(statement).all())
        return tuple(
            BlobRecord(Digest(row.digest), row.size_bytes, _state(row), row.files, row.unused_s) for row in rows
        )

    async def adopt(self, found: Sequence[tuple[Digest, int]], now: float) -> int:
        unknown = self._database.traits.insert_new(blobs)
        rows = [
            {"digest": digest, "size_bytes": size, "created_s": now, "stored_s": now, "unused_s": now}
            for digest, size in found
        ]

        def work(connection: Connection) -> int:
            known = select(blobs.c.digest).where(blobs.c.digest.in_([row["digest"] for row in rows]))
            there = set(connection.execute(known).scalars())
            new = [row for row in rows if row["digest"] not in there]
            if new:
                connection.execute(unknown, new)
            return len(new)

        return await self._database.write(work) if rows else 0

    async def mark_unused(self, now: float) -> int:
        statement = update(blobs).where(blobs.c.unused_s.is_(None), ~_referred()).values(unused_s=now)
        return await self._database.write(lambda connection: connection.execute(statement).rowcount)

    async def unused(self, before_s: float, now: float, *, limit: int) -> tuple[Digest, ...]:
        free = or_(blobs.c.removing_s.is_(None), blobs.c.removing_s < now - REMOVAL_S)
        statement = (
            select(blobs.c.digest).where(blobs.c.unused_s < before_s, free).order_by(blobs.c.unused_s).limit(limit)
        )
        rows = await self._database.read(lambda connection: connection.execute(statement).scalars().all())
        return tuple(Digest(digest) for digest in rows)

    async def begin_removal(self, digest: Digest, now: float) -> bool:
        this = blobs.c.digest == digest

        def work(connection: Connection) -> bool:
            # Two statements: only the second one sees what a claim wrote that the lock had to wait for.
            blob = connection.execute(select(blobs).where(this).with_for_update()).first()
            if blob is None or (blob.removing_s is not None and now < blob.removing_s + REMOVAL_S):
                return False
            if connection.execute(select(files.c.id).where(files.c.digest == digest).limit(1)).first() is not None:
                connection.execute(update(blobs).where(this).values(unused_s=None))
                return False
            connection.execute(update(blobs).where(this).values(removing_s=now))
            return True

        return await self._database.write(work)

    async def end_removal(self, digest: Digest) -> None:
        statement = delete(blobs).where(blobs.c.digest == digest, blobs.c.removing_s.is_not(None))
        await self._database.write(lambda connection: connection.execute(statement).close())


def _lock_user(connection: Connection, user: UserId) -> None:
    if connection.execute(select(users.c.id).where(users.c.id == user).with_for_update()).first() is None:
        raise NotFound("There is no such user.", hint="'potluck users ls' lists them.")


def _totals(connection: Connection, user: UserId, *, hidden: bool) -> FileTotals:
    counts = files.c.purpose.in_(HIDDEN) if hidden else files.c.purpose.not_in(HIDDEN)
    counted = select(func.count(), func.sum(files.c.size_bytes)).where(files.c.user_id == user, counts)
    count, size = connection.execute(counted).one()
    return FileTotals(count, int(size or 0))


def _store(digest: Digest, now: float) -> Any:
    return update(blobs).where(blobs.c.digest == digest, blobs.c.removing_s.is_(None)).values(stored_s=now)


def _referred() -> ColumnElement[bool]:
    return exists().where(files.c.digest == blobs.c.digest)


def _seen(now: float) -> tuple[ColumnElement[bool], ...]:
    return files.c.ready_s.is_not(None), or_(files.c.expires_s.is_(None), files.c.expires_s > now)


def _beyond(created_s: float, after: FileId, *, oldest_first: bool) -> ColumnElement[bool]:
    if oldest_first:
        return or_(files.c.created_s > created_s, and_(files.c.created_s == created_s, files.c.id > after))
    return or_(files.c.created_s < created_s, and_(files.c.created_s == created_s, files.c.id < after))


def _missing() -> NotFound:
    return NotFound("There is no such file.", hint="GET /api/v1/files lists yours.")


def _state(row: Row[Any]) -> BlobState:
    if row.removing_s is not None:
        return BlobState.REMOVING
    return BlobState.COMING if row.stored_s is None else BlobState.STORED


def _values(record: FileRecord) -> dict[str, object]:
    return {
        "id": record.id,
        "user_id": record.user,
        "digest": record.digest,
        "size_bytes": record.size_bytes,
        "name": clean(record.name),
        "media_type": record.media_type,
        "purpose": record.purpose,
        "created_s": record.created_s,
        "ready_s": record.ready_s,
        "expires_s": record.expires_s,
    }


def _record(row: Row[Any]) -> FileRecord:
    return FileRecord(
        id=FileId(row.id),
        user=UserId(row.user_id),
        digest=Digest(row.digest),
        size_bytes=row.size_bytes,
        name=row.name,
        media_type=row.media_type,
        purpose=row.purpose,
        created_s=row.created_s,
        ready_s=row.ready_s,
        expires_s=row.expires_s,
    )

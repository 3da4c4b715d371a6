"""`PictureStore` in SQL."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Executable,
    Row,
    Select,
    and_,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)

from potluck.core.errors import BadRequest, NotFound
from potluck.core.files import HIDDEN
from potluck.core.model import UserId
from potluck.storage.pictures import (
    MOST_AT_ONCE,
    MOST_TAGS,
    MOST_WORDS,
    Counted,
    PictureChange,
    PictureFilter,
    PictureId,
    PicturePage,
    PictureRecord,
    PictureTotals,
)
from potluck.storage.records import Digest, FileId
from potluck.storage.sql.content import clean, fold
from potluck.storage.sql.database import Database
from potluck.storage.sql.schema import blobs, files, picture_tags, pictures, users


class SqlPictures:
    """See `potluck.storage.pictures.PictureStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, picture: PictureRecord, stored: Sequence[tuple[FileId, bool]], now: float) -> PictureRecord:
        def work(connection: Connection) -> PictureRecord:
            # 1. Its user, locked, so that it does not leave meanwhile; and of two tries of one job the second waits.
            if (
                connection.execute(select(users.c.id).where(users.c.id == picture.user).with_for_update()).first()
                is None
            ):
                raise NotFound("There is no such user.")
            if (there := _one(connection, picture.id, picture.user)) is not None:
                return there
            # 2. Its files may be seen from now on.
            for file, in_store in stored:
                _ready(connection, file, now, stored=in_store)
            # 3. The picture.
            connection.execute(insert(pictures).values(**_values(picture)))
            _tag(connection, [picture.id], picture.tags)
            return _with_tags(connection, [_row(connection, picture.id)])[0]

        return await self._database.write(work)

    async def get(self, picture: PictureId, user: UserId) -> PictureRecord:
        found = await self._database.read(lambda connection: _one(connection, picture, user))
        if found is None:
            raise NotFound("There is no such picture.", hint="GET /api/v1/images lists yours.")
        return found

    async def some(self, asked: Sequence[PictureId], user: UserId) -> tuple[PictureRecord, ...]:
        once = list(dict.fromkeys(asked))[:MOST_AT_ONCE]
        statement = select(pictures).where(pictures.c.id.in_(once), pictures.c.user_id == user)

        def work(connection: Connection) -> tuple[PictureRecord, ...]:
            return _with_tags(connection, connection.execute(statement).all())

        found = {each.id: each for each in await self._database.read(work)}
        return tuple(found[each] for each in once if each in found)

    async def list(
        self,
        user: UserId,
        where: PictureFilter,
        *,
        limit: int,
        after: PictureId | None = None,
        oldest_first: bool = False,
    ) -> PicturePage:
        order = (
            [pictures.c.created_s, pictures.c.id]
            if oldest_first
            else [pictures.c.created_s.desc(), pictures.c.id.desc()]
        )
        statement = _narrowed(select(pictures).where(pictures.c.user_id == user), where)
        statement = statement.order_by(*order).limit(limit + 1)
        last = select(pictures.c.created_s).where(pictures.c.id == after, pictures.c.user_id == user)

        def work(connection: Connection) -> tuple[PictureRecord, ...]:
            wanted = statement
            if after is not None:
                created_s = connection.execute(last).scalar()
                if created_s is None:
                    raise BadRequest(
                        "There is no such picture to go on after.", param="after", hint="Begin the listing again."
                    )
                wanted = wanted.where(_beyond(created_s, after, oldest_first=oldest_first))
            return _with_tags(connection, connection.execute(wanted).all())

        found = await self._database.read(work)
        return PicturePage(found[:limit], len(found) > limit)

    async def totals(self, user: UserId) -> PictureTotals:
        count = select(func.count()).where(pictures.c.user_id == user).scalar_subquery()
        size = select(func.sum(files.c.size_bytes)).where(files.c.user_id == user, files.c.purpose.in_(HIDDEN))

        def work(connection: Connection) -> PictureTotals:
            row = connection.execute(select(count, size.scalar_subquery())).one()
            return PictureTotals(row[0], int(row[1] or 0))

        return await self._database.read(work)

    async def tags(self, user: UserId, *, limit: int) -> tuple[Counted, ...]:
        joined = picture_tags.join(pictures, pictures.c.id == picture_tags.c.picture_id)
        counted = func.count().label("pictures")
        statement = (
            select(func.min(picture_tags.c.tag).label("name"), counted)
            .select_from(joined)
            .where(pictures.c.user_id == user)
            .group_by(picture_tags.c.folded)
            .order_by(counted.desc(), picture_tags.c.folded)
            .limit(limit)
        )
        return await self._counted(statement)

    async def models(self, user: UserId, *, limit: int) -> tuple[Counted, ...]:
        counted = func.count().label("pictures")
        statement = (
            select(pictures.c.model.label("name"), counted)
            .where(pictures.c.user_id == user, pictures.c.model != "")
            .group_by(pictures.c.model)
            .order_by(counted.desc(), pictures.c.model)
            .limit(limit)
        )
        return await self._counted(statement)

    async def _counted(self, statement: Executable) -> tuple[Counted, ...]:
        rows = await self._database.read(lambda connection: connection.execute(statement).all())
        return tuple(Counted(row.name, row.pictures) for row in rows)

    async def change(self, asked: Sequence[PictureId], user: UserId, change: PictureChange) -> int:
        def work(connection: Connection) -> int:
            own = _own(connection, asked, user)
            if change.favourite is not None and own:
                these = update(pictures).where(pictures.c.id.in_(own))
                connection.execute(these.values(favourite=change.favourite))
            if own:
                _retag(connection, own, change)
            return len(own)

        return await self._database.write(work)

    async def delete(self, asked: Sequence[PictureId], user: UserId) -> int:
        return await self._database.write(lambda connection: _delete(connection, _own(connection, asked, user)))

    async def expire(self, user: UserId, before_s: float, *, limit: int) -> int:
        over = (
            select(pictures.c.id)
            .where(pictures.c.user_id == user, pictures.c.created_s < before_s, pictures.c.favourite.is_(False))
            .order_by(pictures.c.created_s)
            .limit(limit)
        )
        return await self._database.write(
            lambda connection: _delete(connection, connection.execute(over).scalars().all())
        )


# --- one ---


def _one(connection: Connection, picture: PictureId, user: UserId) -> PictureRecord | None:
    row = connection.execute(select(pictures).where(pictures.c.id == picture, pictures.c.user_id == user)).first()
    return None if row is None else _with_tags(connection, [row])[0]


def _row(connection: Connection, picture: PictureId) -> Row[Any]:
    return connection.execute(select(pictures).where(pictures.c.id == picture)).one()


def _ready(connection: Connection, file: FileId, now: float, *, stored: bool) -> None:
    """As `FileStore.ready`, in this transaction."""
    row = connection.execute(select(files.c.digest).where(files.c.id == file)).first()
    if row is None:
        raise NotFound("The picture's file was given up meanwhile.", hint="Make it again.")
    connection.execute(update(files).where(files.c.id == file).values(ready_s=now))
    if stored:
        free = and_(blobs.c.digest == row.digest, blobs.c.removing_s.is_(None))
        connection.execute(update(blobs).where(free).values(stored_s=now))


# --- which ---


def _narrowed(statement: Select[Any], where: PictureFilter) -> Select[Any]:
    same = {
        pictures.c.model: where.model,
        pictures.c.task: where.task,
        pictures.c.node: where.node,
        pictures.c.job_id: where.job,
        pictures.c.parent_id: where.parent,
    }
    wanted: list[ColumnElement[bool]] = [column == asked for column, asked in same.items() if asked]
    wanted += [pictures.c.folded.contains(word, autoescape=True) for word in fold(where.text).split()[:MOST_WORDS]]
    if where.tag:
        wanted.append(
            exists().where(picture_tags.c.picture_id == pictures.c.id, picture_tags.c.folded == fold(where.tag))
        )
    if where.favourite is not None:
        wanted.append(pictures.c.favourite.is_(where.favourite))
    if where.since_s is not None:
        wanted.append(pictures.c.created_s >= where.since_s)
    if where.until_s is not None:
        wanted.append(pictures.c.created_s < where.until_s)
    return statement.where(*wanted)


def _beyond(created_s: float, after: PictureId, *, oldest_first: bool) -> ColumnElement[bool]:
    if oldest_first:
        return or_(pictures.c.created_s > created_s, and_(pictures.c.created_s == created_s, pictures.c.id > after))
    return or_(pictures.c.created_s < created_s, and_(pictures.c.created_s == created_s, pictures.c.id < after))


def _own(connection: Connection, asked: Sequence[PictureId], user: UserId) -> Sequence[str]:
    """Those of them that are the user's, locked in the order of their ids: so no two changes wait for each other."""
    some = list(dict.fromkeys(asked))[:MOST_AT_ONCE]
    own = select(pictures.c.id).where(pictures.c.id.in_(some), pictures.c.user_id == user)
    return connection.execute(own.order_by(pictures.c.id).with_for_update()).scalars().all()


# --- changes ---


def _delete(connection: Connection, own: Sequence[str]) -> int:
    if not own:
        return 0
    columns = (pictures.c.file_id, pictures.c.small_id, pictures.c.large_id)
    rows = connection.execute(select(*columns).where(pictures.c.id.in_(own))).all()
    connection.execute(delete(pictures).where(pictures.c.id.in_(own)))
    gone = [file for row in rows for file in row if file is not None]
    connection.execute(delete(files).where(files.c.id.in_(gone), files.c.purpose.in_(HIDDEN)))
    return len(rows)


def _retag(connection: Connection, own: Sequence[str], change: PictureChange) -> None:
    if change.tags is not None:
        connection.execute(delete(picture_tags).where(picture_tags.c.picture_id.in_(own)))
        _tag(connection, own, change.tags)
    if change.untag:
        gone = {fold(tag) for tag in change.untag}
        connection.execute(
            delete(picture_tags).where(picture_tags.c.picture_id.in_(own), picture_tags.c.folded.in_(gone))
        )
    _tag(connection, own, change.tag)
    full = (
        select(picture_tags.c.picture_id)
        .where(picture_tags.c.picture_id.in_(own))
        .group_by(picture_tags.c.picture_id)
        .having(func.count() > MOST_TAGS)
    )
    if (change.tags or change.tag) and connection.execute(full.limit(1)).first() is not None:
        raise BadRequest(f"A picture has up to {MOST_TAGS} tags.", param="tags", hint="Remove some first.")


def _tag(connection: Connection, own: Sequence[str], tags: Iterable[str]) -> None:
    new = {fold(tag): clean(tag) for tag in tags}
    if not new:
        return
    there = select(picture_tags.c.picture_id, picture_tags.c.folded).where(
        picture_tags.c.picture_id.in_(own), picture_tags.c.folded.in_(new)
    )
    known = {(row.picture_id, row.folded) for row in connection.execute(there)}
    rows = [
        {"picture_id": picture, "folded": folded, "tag": tag}
        for picture in own
        for folded, tag in new.items()
        if (picture, folded) not in known
    ]
    if rows:
        connection.execute(insert(picture_tags), rows)


# --- records ---


def _with_tags(connection: Connection, rows: Sequence[Row[Any]]) -> tuple[PictureRecord, ...]:
    tags: defaultdict[str, list[str]] = defaultdict(list)
    if rows:
        statement = select(picture_tags).where(picture_tags.c.picture_id.in_([row.id for row in rows]))
        for tagged in connection.execute(statement.order_by(picture_tags.c.folded)):
            tags[tagged.picture_id].append(tagged.tag)
    return tuple(_record(row, tags) for row in rows)


def _values(picture: PictureRecord) -> dict[str, object]:
    return {
        "id": picture.id,
        "user_id": picture.user,
        "job_id": picture.job,
        "file_id": picture.file,
        "small_id": picture.small,
        "large_id": picture.large,
        "digest": picture.digest,
        "size_bytes": picture.size_bytes,
        "media_type": picture.media_type,
        "width": picture.width,
        "height": picture.height,
        "created_s": picture.created_s,
        "task": picture.task,
        "prompt": clean(picture.prompt),
        "folded": fold(picture.prompt),
        "negative": clean(picture.negative),
        "parameters": clean(picture.parameters),
        "model": clean(picture.model),
        "hash": clean(picture.hash),
        "engine": picture.engine,
        "node": picture.node,
        "seconds": picture.seconds,
        "seed": None if picture.seed is None else str(picture.seed),
        "favourite": picture.favourite,
        "parent_id": picture.parent,
    }


def _record(row: Row[Any], tags: Mapping[str, Sequence[str]]) -> PictureRecord:
    return PictureRecord(
        id=PictureId(row.id),
        user=UserId(row.user_id),
        job=row.job_id,
        file=FileId(row.file_id),
        digest=Digest(row.digest),
        size_bytes=row.size_bytes,
        media_type=row.media_type,
        width=row.width,
        height=row.height,
        created_s=row.created_s,
        small=None if row.small_id is None else FileId(row.small_id),
        large=None if row.large_id is None else FileId(row.large_id),
        task=row.task,
        prompt=row.prompt,
        negative=row.negative,
        parameters=row.parameters,
        model=row.model,
        hash=row.hash,
        engine=row.engine,
        node=row.node,
        seconds=row.seconds,
        seed=None if row.seed is None else int(row.seed),
        favourite=row.favourite,
        tags=tuple(tags.get(row.id, ())),
        parent=None if row.parent_id is None else PictureId(row.parent_id),
    )

"""`GenerationLogs` in SQL, for gateways that share a database: who is killed is gone on for by another one.

Every log has the term of the leader that writes it (`core.leadership`). Who takes over takes the logs as well, in one
statement; from then on what the one before may still write finds no row. Entries do not wait for the disk of the
server: what it loses with its power is what files would lose, too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import msgspec
from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from potluck.core.errors import Conflict, NotFound
from potluck.storage.generations import Entry, GenerationHead, GenerationId, Kept
from potluck.storage.sql.bulk import NewRows
from potluck.storage.sql.database import Database
from potluck.storage.sql.schema import generation_entries, generations

_encode: Final = msgspec.json.Encoder().encode
_head: Final = msgspec.json.Decoder(GenerationHead)
_entry: Final = msgspec.json.Decoder(Entry)


class SqlGenerations:
    """A `GenerationLogs`. ``term`` is that of this gateway's leadership; ``clock`` is Unix seconds."""

    def __init__(self, database: Database, *, term: int, clock: Callable[[], float]) -> None:
        self._database = database
        self._term = term
        self._clock = clock
        self._rows = NewRows(generation_entries, database.traits)

    async def begin(self, head: GenerationHead) -> None:
        text = _encode(head).decode()
        row = {
            "id": head.id,
            "term": self._term,
            "head": text,
            "ended": False,
            "length": 0,
            "size_bytes": len(text),
            "written_s": self._clock(),
        }
        try:
            await self._database.write(lambda connection: connection.execute(insert(generations).values(row)).rowcount)
        except IntegrityError as error:
            raise Conflict("There is a generation of this id.") from error

    async def append(self, generation: GenerationId, entries: Sequence[Entry]) -> None:
        texts = [_encode(entry).decode() for entry in entries]
        now, size = self._clock(), sum(map(len, texts))

        def work(connection: Connection) -> None:
            if self._database.traits.hasty:
                connection.exec_driver_sql(self._database.traits.hasty)
            of_it = (generations.c.id == generation, generations.c.term == self._term)
            longer = update(generations).where(*of_it)
            changed = connection.execute(
                longer.values(
                    length=generations.c.length + len(texts),
                    size_bytes=generations.c.size_bytes + size,
                    written_s=now,
                )
            )
            if not changed.rowcount:
                raise _missing()
            length: int = connection.execute(select(generations.c.length).where(*of_it)).scalar_one()
            first = length - len(texts)
            self._rows.add(connection, [(generation, first + place, text) for place, text in enumerate(texts)])

        await self._database.write(work)

    async def finish(self, generation: GenerationId) -> None:
        ends = update(generations).where(generations.c.id == generation, generations.c.term == self._term)
        await self._database.write(lambda connection: connection.execute(ends.values(ended=True)).rowcount)

    async def read(self, generation: GenerationId) -> Kept:
        of_it = select(generations).where(generations.c.id == generation)
        texts = (
            select(generation_entries.c.entry)
            .where(generation_entries.c.generation_id == generation)
            .order_by(generation_entries.c.place)
        )

        def work(connection: Connection) -> Kept:
            row = connection.execute(of_it).one_or_none()
            if row is None:
                raise _missing()
            entries = tuple(_entry.decode(text) for text in connection.execute(texts).scalars())
            return Kept(_head.decode(row.head), entries, row.written_s, row.size_bytes)

        return await self._database.read(work)

    async def unfinished(self) -> tuple[GenerationId, ...]:
        """Those of every leader before, which are this one's from now on."""
        open_ = generations.c.ended.is_(False)
        take = update(generations).where(open_, generations.c.term < self._term).values(term=self._term)
        own = select(generations.c.id).where(open_, generations.c.term == self._term).order_by(generations.c.id)

        def work(connection: Connection) -> tuple[GenerationId, ...]:
            connection.execute(take)
            return tuple(GenerationId(each) for each in connection.execute(own).scalars())

        return await self._database.write(work)

    async def finished(self) -> tuple[GenerationId, ...]:
        ended = select(generations.c.id).where(generations.c.ended.is_(True)).order_by(generations.c.id)
        found = await self._database.read(lambda connection: connection.execute(ended).scalars().all())
        return tuple(GenerationId(each) for each in found)

    async def forget(self, generation: GenerationId) -> None:
        gone = delete(generations).where(
            generations.c.id == generation, generations.c.ended.is_(True) | (generations.c.term == self._term)
        )
        await self._database.write(lambda connection: connection.execute(gone).rowcount)


def _missing() -> NotFound:
    return NotFound("There is no such generation.", hint="It may be another's, or be forgotten by now.")

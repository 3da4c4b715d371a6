"""`LeadershipStore` in SQL."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from potluck.core.leadership import Record
from potluck.storage.leadership import GatewayHere, HeldSeat
from potluck.storage.sql.database import Database
from potluck.storage.sql.schema import gateways, leadership

_THE_ROW: Final = 1
_record = select(leadership.c.holder, leadership.c.url, leadership.c.term, leadership.c.beat)
_held: Final = msgspec.json.Decoder(tuple[HeldSeat, ...])


class SqlLeadership:
    """See `potluck.storage.leadership.LeadershipStore`. `secret` makes the row, and comes first."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def secret(self, fresh: str) -> str:
        first = self._database.traits.insert_new(leadership).values(
            id=_THE_ROW, holder="", url="", term=0, beat=0, secret=fresh
        )

        def work(connection: Connection) -> str:
            connection.execute(first)
            secret: str = connection.execute(select(leadership.c.secret)).scalar_one()
            return secret

        return await self._database.write(work)

    async def look(self) -> Record:
        return await self._database.read(_look)

    async def swap(self, before: Record, after: Record) -> Record | None:
        change = (
            update(leadership)
            .where(leadership.c.term == before.term, leadership.c.beat == before.beat)
            .values(holder=after.holder, url=after.url, term=after.term, beat=after.beat)
        )

        def work(connection: Connection) -> Record | None:
            return None if connection.execute(change).rowcount else _look(connection)

        return await self._database.write(work)

    async def meet(self, own: GatewayHere, forget: Collection[str] = ()) -> tuple[GatewayHere, ...]:
        fields = {
            "name": own.name,
            "url": own.url,
            "beat": own.beat,
            "held": msgspec.json.encode(own.held).decode(),
        }

        def work(connection: Connection) -> tuple[GatewayHere, ...]:
            if not connection.execute(update(gateways).where(gateways.c.id == own.id).values(fields)).rowcount:
                connection.execute(insert(gateways).values(id=own.id, **fields))
            if forget:
                connection.execute(delete(gateways).where(gateways.c.id.in_(sorted(forget))))
            rows = connection.execute(select(gateways).order_by(gateways.c.name, gateways.c.id))
            return tuple(GatewayHere(row.id, row.name, row.url, row.beat, _held.decode(row.held)) for row in rows.all())

        return await self._database.write(work)

    async def leave(self, gateway: str) -> None:
        gone = delete(gateways).where(gateways.c.id == gateway)
        await self._database.write(lambda connection: connection.execute(gone).rowcount)


def _look(connection: Connection) -> Record:
    row = connection.execute(_record).one()
    return Record(row.holder, row.url, row.term, row.beat)

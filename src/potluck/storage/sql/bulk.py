"""Many new rows of one table, written with as little of our own time as a database allows.

A row at a time through SQLAlchemy costs some 30 µs, through the driver's ``executemany`` some 8 and a hand-over of the
interpreter's lock for each row, which the event loop has to wait for. So rows go by the dozen in one statement that is
compiled once.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from sqlalchemy import Connection, Table

from potluck.storage.sql.database import Traits

# Rows of one statement, largest first; what is left over takes the next size. With 22 columns the largest stays far
# below the 32,766 parameters that SQLite takes (SQLITE_MAX_VARIABLE_NUMBER) and the 65,535 of PostgreSQL's protocol.
_SIZES = (64, 8, 1)


class NewRows:
    """Inserts rows whose key is not there yet, and passes over the others; of two in one batch the first stays."""

    def __init__(self, table: Table, traits: Traits) -> None:
        self._table = table
        self._traits = traits
        self._statements: dict[int, str] = {}  # two threads may make the same one: either will do

    def add(self, connection: Connection, rows: Sequence[Sequence[object]]) -> set[object]:
        """``rows`` hold a value for each column, in the table's order and as the driver takes them. The first column is
        the key: those that were not there yet are returned."""
        at, new = 0, set[object]()
        for size in _SIZES:
            while len(rows) - at >= size:
                values = tuple(chain.from_iterable(rows[at : at + size]))
                new.update(row[0] for row in connection.exec_driver_sql(self._statement(connection, size), values))
                at += size
        return new

    def _statement(self, connection: Connection, size: int) -> str:
        statement = self._statements.get(size)
        if statement is None:
            names = [column.name for column in self._table.columns]
            key = self._table.columns[0]
            insert = self._traits.insert_new(self._table).values([dict.fromkeys(names)] * size).returning(key)
            statement = self._statements[size] = str(insert.compile(dialect=connection.dialect))
        return statement

"""Move all rows of one database into another: in batches, resumable after a kill at any moment, verified row by row.

What is known of the move stands in the target, written in the same transaction as the rows it tells of. Which tables
there are is told by `schema.metadata`, and checked against what the source has: none is left out silently.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from types import GenericAlias
from typing import Any

import msgspec
from sqlalchemy import (
    Connection,
    Engine,
    Row,
    Table,
    delete,
    func,
    insert,
    inspect,
    literal,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.exc import DBAPIError

from potluck.core.errors import Conflict, OperatorError
from potluck.core.people import OWNER_ID
from potluck.storage.sql.database import WRITE_OPTION, Traits
from potluck.storage.sql.move_progress import MOVED, MOVING, VERIFIED, WHOLE, progress
from potluck.storage.sql.schema import HEAD, metadata, users
from potluck.storage.sql.word_index import INDEX_TABLES

_ROWS = 500
# A row may be a message with pictures in it: fewer at a time than a transaction's memory would take.
_BATCH_BYTES = 16_000_000
_VERSIONS = "alembic_version"
_SET_COUNTER = text("SELECT setval(CAST(:counter AS regclass), :most)")
_AGAIN = "Nothing of the source was changed. If a service has used it meanwhile, move it anew with --again."


class Place(msgspec.Struct, frozen=True):
    """A database, opened."""

    engine: Engine
    traits: Traits

    @contextmanager
    def reading(self) -> Generator[Connection]:
        with self._explained(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Generator[Connection]:
        with self._explained(), self.engine.execution_options(**{WRITE_OPTION: True}).begin() as connection:
            yield connection

    @contextmanager
    def _explained(self) -> Generator[None]:
        try:
            yield
        except DBAPIError as error:
            raise self.traits.explain(error) from error


class Step(msgspec.Struct, frozen=True):
    """How far it is: ``rows`` of ``of`` are done in one table."""

    doing: str
    table: str
    rows: int
    of: int


class TableReport(msgspec.Struct, frozen=True):
    """One table: its rows, and a digest of all of them in the order of their keys, the same on both sides."""

    table: str
    rows: int
    sha256: str


Tell = Callable[[Step], None]


def move(source: Place, target: Place, tell: Tell, *, again: bool = False) -> Sequence[TableReport] | None:
    """Move everything, or go on where an earlier call was ended, and compare it; None if that was done before.

    ``again`` first empties a target that an earlier call has not finished: for a source that was changed since.
    Raises `Conflict` for a target that holds something else, `OperatorError`.
    """
    tables = checked_tables(source)
    name = _name(source)
    if again:
        _empty(target, tables, name)
    if _begin(target, tables, name) == VERIFIED:
        return None
    for table in tables:
        _move_table(source, target, table, tell)
    _set_counters(target, tables)
    reports = verify(source, target, tell)
    # From now on a service may use it.
    with target.writing() as connection:
        connection.execute(update(progress).where(progress.c.table_name == WHOLE).values(state=VERIFIED))
    return reports


def _name(source: Place) -> str:
    """What tells installations apart: when each one's owner was made, to the microsecond."""
    with source.reading() as connection:
        made_s = connection.execute(select(users.c.created_s).where(users.c.id == OWNER_ID)).scalar()
    return hashlib.sha256(repr(made_s).encode()).hexdigest()


def checked_tables(source: Place) -> Sequence[Table]:
    """The tables to be moved, those that are referred to first. Raises `OperatorError` if there are others."""
    with source.reading() as connection:
        there = _tables(connection)
        revision = connection.execute(text(f"SELECT version_num FROM {_VERSIONS}")).scalar()  # noqa: S608
    if revision != HEAD:
        raise OperatorError(
            f"The source's schema is {revision}, not {HEAD}.", hint="Start Potluck on it once with this version."
        )
    known = {table.name for table in metadata.sorted_tables}
    if there != known:
        odd = ", ".join(sorted(there ^ known))
        raise OperatorError(f"The source's tables are not those of this version: {odd}.", hint="Use the same version.")
    return metadata.sorted_tables


def _tables(connection: Connection) -> set[str]:
    """Those that have something to be moved."""
    names = set(inspect(connection).get_table_names()) - {_VERSIONS, progress.name}
    return {name for name in names if not name.startswith(INDEX_TABLES)}


def _empty(target: Place, tables: Sequence[Table], name: str) -> None:
    with target.writing() as connection:
        if progress.name not in inspect(connection).get_table_names():
            return
        whole = connection.execute(select(progress).where(progress.c.table_name == WHOLE)).one()
        _same_source(whole, name)
        if whole.state == VERIFIED:
            raise Conflict("The move was finished: the target may be in use.", hint="Empty it by hand, if it is not.")
        for table in reversed(tables):
            connection.execute(delete(table))
        progress.drop(connection)


def _same_source(whole: Row[Any], name: str) -> None:
    if whole.source != name:
        raise Conflict(
            "Another installation was moved, or is being moved, into the target.",
            hint="Give each one a database of its own.",
        )


# --- Moving ----------------------------------------------------------------------------------------------------------


def _begin(target: Place, tables: Sequence[Table], name: str) -> str:
    """The state of the move as a whole; begun here if it has not been."""
    with target.writing() as connection:
        if target.traits.schema_lock:  # two moves at once would both find it empty
            connection.exec_driver_sql(target.traits.schema_lock)
        if progress.name in inspect(connection).get_table_names():
            whole = connection.execute(select(progress).where(progress.c.table_name == WHOLE)).one()
            _same_source(whole, name)
            return str(whole.state)
        if full := next((table.name for table in tables if connection.execute(select(table).limit(1)).first()), None):
            raise Conflict(
                f"The target is in use: its table {full!r} is not empty.",
                hint="Name an empty database; nothing was changed in this one.",
            )
        progress.create(connection)
        rows = [{"table_name": each, "rows_moved": 0, "state": MOVING, "source": name} for each in _names(tables)]
        connection.execute(insert(progress), rows)
    return MOVING


def _names(tables: Sequence[Table]) -> list[str]:
    return [WHOLE, *(table.name for table in tables)]


def _move_table(source: Place, target: Place, table: Table, tell: Tell) -> None:
    this = progress.c.table_name == table.name
    with target.reading() as connection:
        done = connection.execute(select(progress).where(this)).one()
    if done.state == MOVED:
        return
    last = None if done.last_key is None else _key_of_text(table, done.last_key)
    moved, names = done.rows_moved, [column.name for column in table.columns]
    with source.reading() as reading:
        total = _count(reading, table)
        tell(Step("moving", table.name, moved, total))
        for rows in _batches(reading, table, last):
            moved += len(rows)
            with target.writing() as connection:
                connection.execute(insert(table), [dict(zip(names, row, strict=True)) for row in rows])
                values = {"last_key": _text_of_key(table, rows[-1]), "rows_moved": moved}
                connection.execute(update(progress).where(this).values(**values))
            tell(Step("moving", table.name, moved, total))
    with target.writing() as connection:
        connection.execute(update(progress).where(this).values(state=MOVED))


def _batches(connection: Connection, table: Table, last: Sequence[Any] | None) -> Iterator[Sequence[Row[Any]]]:
    """All rows behind ``last`` in the order of their keys."""
    while True:
        keys = list(table.primary_key)
        statement = select(table).order_by(*keys).limit(_ROWS)
        if last is not None:
            statement = statement.where(_behind(table, last))
        rows = _few(connection, statement)
        if not rows:
            return
        yield rows
        last = _key(table, rows[-1])


def _few(connection: Connection, statement: Any) -> Sequence[Row[Any]]:
    """As many of the rows as do not fill the memory; one at least, if there is one."""
    rows: list[Row[Any]] = []
    size = 0
    with connection.execution_options(stream_results=True).execute(statement) as result:
        for row in result:
            rows.append(row)
            size += sum(len(value) for value in row if isinstance(value, str | bytes))
            if size > _BATCH_BYTES:
                break
    return rows


def _behind(table: Table, last: Sequence[Any]) -> Any:
    keys = list(table.primary_key)
    if len(keys) == 1:
        return keys[0] > last[0]
    return tuple_(*keys) > tuple_(*(literal(value, key.type) for key, value in zip(keys, last, strict=True)))


def _set_counters(target: Place, tables: Sequence[Table]) -> None:
    """PostgreSQL counts keys that it makes itself apart from the rows."""
    if target.engine.dialect.name != "postgresql":
        return
    with target.writing() as connection:
        for table in tables:
            column = table.autoincrement_column
            if column is None:
                continue
            counter = connection.execute(select(func.pg_get_serial_sequence(table.name, column.name))).scalar()
            most = connection.execute(select(func.max(column))).scalar()
            if counter is not None and most is not None:
                connection.execute(_SET_COUNTER, {"counter": counter, "most": most})


# --- Comparing -------------------------------------------------------------------------------------------------------


def verify(source: Place, target: Place, tell: Tell) -> Sequence[TableReport]:
    """Compare every row. Raises `OperatorError` that names the first one that differs."""
    with source.reading() as reading:
        names = sorted(_tables(reading))
    return [_compare(source, target, name, tell) for name in names]


def _compare(source: Place, target: Place, name: str, tell: Tell) -> TableReport:
    table = metadata.tables.get(name)
    if table is None:
        raise OperatorError(f"The table {name!r} is not one of this version's.", hint="Use the same version.")
    digest, seen = hashlib.sha256(), 0
    with source.reading() as here, target.reading() as there:
        total = _count(here, table)
        for rows in _batches(here, table, None):
            same = _by_key(there, table, rows)
            for row in rows:
                told = _canonical(row)
                if same.get(_key(table, row)) != told:
                    raise OperatorError(
                        f"The row {_shown(table, row)} of {name!r} is not the same in the target.",
                        hint=_AGAIN,
                    )
                digest.update(told)
            seen += len(rows)
            tell(Step("comparing", name, seen, total))
        if (found := _count(there, table)) != seen:
            raise OperatorError(
                f"The target has {found} rows in {name!r}, the source {seen}.",
                hint=_AGAIN,
            )
    return TableReport(name, seen, digest.hexdigest())


def _by_key(connection: Connection, table: Table, rows: Sequence[Row[Any]]) -> dict[tuple[Any, ...], bytes]:
    keys = list(table.primary_key)
    wanted = [_key(table, row) for row in rows]
    where = keys[0].in_([key[0] for key in wanted]) if len(keys) == 1 else tuple_(*keys).in_(wanted)
    return {_key(table, row): _canonical(row) for row in connection.execute(select(table).where(where))}


def _canonical(row: Row[Any]) -> bytes:
    """The same bytes for the same values, whichever database they come from."""
    return msgspec.msgpack.encode(list(row))


def _count(connection: Connection, table: Table) -> int:
    return connection.execute(select(func.count()).select_from(table)).scalar_one()


def _key(table: Table, row: Row[Any]) -> tuple[Any, ...]:
    columns = list(table.columns)
    return tuple(row[columns.index(key)] for key in table.primary_key)


def _shown(table: Table, row: Row[Any]) -> str:
    return ", ".join(str(value) for value in _key(table, row))[:100]


def _text_of_key(table: Table, row: Row[Any]) -> str:
    return msgspec.json.encode(_key(table, row)).decode()


def _key_of_text(table: Table, written: str) -> Sequence[Any]:
    """JSON has no bytes: msgspec writes them as Base64, and reads them where bytes are wanted."""
    kinds = GenericAlias(tuple, tuple(key.type.python_type for key in table.primary_key))
    key: Sequence[Any] = msgspec.json.decode(written, type=kinds)
    return key

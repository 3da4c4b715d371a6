"""A database with rows in every table, made from the schema alone: so tables that are added later have some, too."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Double, Integer, LargeBinary, create_engine, insert

from potluck.storage.open import open_storage, sqlite_url
from potluck.storage.sql.schema import metadata


def value(column: Column[Any], number: int) -> Any:
    match column.type:
        case Boolean():
            return number % 2 == 0
        case BigInteger():
            return 3_000_000_000 + number
        case Integer():
            return number
        case Double():
            return number + 0.1
        case LargeBinary():
            return f"\0{column.name}{number}".encode()
        case _:
            return f"{column.name} {number} ä'\n\U0001f600"


def row(table: Any, number: int) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for column in table.columns:
        referred = next(iter(column.foreign_keys), None)
        made[column.name] = value(column if referred is None else referred.column, number)
        if column.nullable and number % 3 == 0:
            made[column.name] = None
    return made


async def made(file: Path, rows: int) -> str:
    """The URL of such a database, with so many rows in each table."""
    async with open_storage(sqlite_url(file), clock=time.monotonic):
        pass
    await asyncio.to_thread(fill, file, rows)
    return sqlite_url(file)


def fill(file: Path, rows: int) -> None:
    engine = create_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        for table in metadata.sorted_tables:
            connection.execute(insert(table), [row(table, number) for number in range(1, rows + 1)])
        connection.exec_driver_sql("UPDATE users SET id = 'owner' WHERE rowid = 1")
    engine.dispose()

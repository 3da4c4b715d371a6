"""How far a move into a database has come: a table that stands in the target, and in no other database."""

from __future__ import annotations

from sqlalchemy import Column, Connection, Integer, MetaData, Table, Text, inspect, select

progress = Table(
    "move_progress",
    MetaData(),
    Column("table_name", Text, primary_key=True),
    Column("last_key", Text),  # a JSON list: the primary key of the last row that was moved; null before the first
    Column("rows_moved", Integer, nullable=False),
    Column("state", Text, nullable=False),  # "moving", "moved"; of the row "" of the move as a whole: "verified", too
    Column("source", Text, nullable=False),
)
WHOLE = ""
MOVING, MOVED, VERIFIED = "moving", "moved", "verified"


def is_unfinished(connection: Connection) -> bool:
    """Whether a database is the target of a move that has not come to its end."""
    if not inspect(connection).has_table(progress.name):
        return False
    return connection.execute(select(progress.c.state).where(progress.c.table_name == WHOLE)).scalar() != VERIFIED

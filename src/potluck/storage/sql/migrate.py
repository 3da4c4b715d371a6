"""Run Alembic. Only a schema that must change imports this module, because Alembic comes with it."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

_FOLDER = Path(__file__).parent / "migrations"


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Bring the schema to ``revision`` within the transaction that is open: all of it, or none."""
    command.upgrade(alembic_config(connection), revision)


def alembic_config(connection: Connection | None = None) -> Config:
    """Alembic's settings, without a file of their own."""
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))  # % means something to it
    config.attributes["connection"] = connection
    return config

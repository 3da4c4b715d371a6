"""Run by Alembic, with the connection that `potluck.storage.sql.migrate` hands over."""

from __future__ import annotations

from alembic import context

from potluck.storage.sql.schema import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    # SQLite can do this too, once transactions begin when they are told to (`storage.sql.sqlite`).
    transactional_ddl=True,
    render_as_batch=connection.dialect.name == "sqlite",
)
with context.begin_transaction():
    context.run_migrations()

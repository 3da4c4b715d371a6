"""Users: keys, conversations and requests belong to one.

Until now a key was all there was of its user. Each key's user gets the key's own id, so that what belonged to the key
belongs to its user as it stands; only the owner's keys, of which there may have been several, become one user's.
"""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

# As `core.people` has them; written out, because a migration must do for ever what it did at first.
_OWNER = "owner"


def upgrade() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_folded", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("created_s", sa.Double, nullable=False),
        sa.Column("disabled_s", sa.Double),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("name_folded", name="uq_users_name_folded"),
    )
    # Named as they are on both databases. SQLite would build the tables anew for a foreign key, and to drop the old
    # ones would take their messages along.
    op.add_column("api_keys", sa.Column("user_id", sa.Text(), nullable=False, server_default=""))
    op.add_column("requests", sa.Column("user_id", sa.Text()))
    op.drop_index("ix_conversations_key_updated", "conversations")
    op.execute("ALTER TABLE conversations RENAME COLUMN key_id TO user_id")
    op.create_index("ix_conversations_user_updated", "conversations", ["user_id", "updated_s", "id"])
    _fill(op.get_bind())


def _fill(connection: sa.Connection) -> None:
    keys = connection.execute(
        # Live ones first: of two with one name it is theirs.
        sa.text("SELECT id, name, owner, created_s, revoked_s FROM api_keys ORDER BY revoked_s IS NOT NULL, created_s")
    ).all()
    connection.execute(sa.text("UPDATE api_keys SET user_id = CASE WHEN owner THEN 'owner' ELSE id END"))
    for table in ("conversations", "requests"):
        column = "user_id" if table == "conversations" else "key_id"
        connection.execute(
            sa.text(
                f"UPDATE {table} SET user_id = CASE WHEN {column} IN (SELECT id FROM api_keys WHERE owner) "  # noqa: S608
                f"THEN 'owner' ELSE {column} END"
            )
        )
    owners = [key for key in keys if key.owner]
    people = [(_OWNER, _OWNER, _OWNER, min(key.created_s for key in owners), None)] if owners else []
    # A key that was revoked let nobody in; its user is not to let anybody in either before the owner says so.
    people += [(key.id, key.name, "member", key.created_s, key.revoked_s) for key in keys if not key.owner]
    taken = {_OWNER}
    for user, name, role, created_s, disabled_s in people:
        shown = name if user == _OWNER else _free(name, taken)
        taken.add(shown.casefold())
        connection.execute(
            sa.text("INSERT INTO users VALUES (:id, :name, :folded, :role, :created_s, :disabled_s)"),
            {
                "id": user,
                "name": shown,
                "folded": shown.casefold(),
                "role": role,
                "created_s": created_s,
                "disabled_s": disabled_s,
            },
        )


def _free(name: str, taken: Iterable[str]) -> str:
    """The name, with a number behind it if somebody has it already."""
    shown, number = name, 2
    while shown.casefold() in taken:
        shown, number = f"{name} {number}", number + 1
    return shown

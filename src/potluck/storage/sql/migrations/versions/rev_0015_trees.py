"""What conversations are shown by, and what is told of messages."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    for column in (
        sa.Column("removed", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("leaf_id", sa.Text()),
        sa.Column("pinned_s", sa.Double),
        sa.Column("archived_s", sa.Double),
        sa.Column("folder_id", sa.Text()),
        sa.Column("tags", sa.Text(), nullable=False, server_default="[]"),
        sa.Column("system", sa.Text(), nullable=False, server_default=""),
        sa.Column("params", sa.Text()),
        sa.Column("titled", sa.Text(), nullable=False, server_default="words"),
    ):
        op.add_column("conversations", column)
    op.add_column("messages", sa.Column("details", sa.Text()))
    # Whatever title there is may be one that somebody chose.
    op.execute("UPDATE conversations SET titled = 'person'")

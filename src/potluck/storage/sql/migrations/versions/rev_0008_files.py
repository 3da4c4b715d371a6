"""Files, and the bytes that they refer to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "blobs",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("created_s", sa.Double, nullable=False),
        sa.Column("stored_s", sa.Double),
        sa.Column("unused_s", sa.Double),
        sa.Column("removing_s", sa.Double),
        sa.PrimaryKeyConstraint("digest", name="pk_blobs"),
    )
    op.create_index("ix_blobs_unused", "blobs", ["unused_s"])
    op.create_table(
        "files",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("created_s", sa.Double, nullable=False),
        sa.Column("ready_s", sa.Double),
        sa.Column("expires_s", sa.Double),
        sa.PrimaryKeyConstraint("id", name="pk_files"),
        sa.ForeignKeyConstraint(["digest"], ["blobs.digest"], name="fk_files_digest"),
    )
    op.create_index("ix_files_user_created", "files", ["user_id", "created_s", "id"])
    op.create_index("ix_files_digest", "files", ["digest"])

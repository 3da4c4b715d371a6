"""Pictures: what is in galleries, and by which tags."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.create_table(
        "pictures",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("job_id", sa.Text(), nullable=False),
        sa.Column("file_id", sa.Text(), nullable=False),
        sa.Column("small_id", sa.Text()),
        sa.Column("large_id", sa.Text()),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("created_s", sa.Double, nullable=False),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("prompt", sa.Text(), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.Column("negative", sa.Text(), nullable=False),
        sa.Column("parameters", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("engine", sa.Text(), nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("seconds", sa.Double, nullable=False),
        sa.Column("seed", sa.Text()),
        sa.Column("favourite", sa.Boolean(), nullable=False),
        sa.Column("parent_id", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_pictures"),
    )
    op.create_index("ix_pictures_user_created", "pictures", ["user_id", "created_s", "id"])
    op.create_table(
        "picture_tags",
        sa.Column("picture_id", sa.Text(), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["picture_id"], ["pictures.id"], name="fk_picture_tags_picture_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("picture_id", "folded", name="pk_picture_tags"),
    )
    op.create_index("ix_picture_tags_folded", "picture_tags", ["folded"])

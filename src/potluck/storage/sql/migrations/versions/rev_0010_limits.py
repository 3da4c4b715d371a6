"""What users and keys may use."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column("users", sa.Column("limits", sa.Text()))
    op.add_column("api_keys", sa.Column("limits", sa.Text()))

"""What `auto` chose, and why, beside each request."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("requests", sa.Column("choice", sa.Text(), nullable=False, server_default=""))

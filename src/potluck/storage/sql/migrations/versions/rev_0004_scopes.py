"""What a key is limited to, and until when it is valid."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("api_keys", sa.Column("expires_s", sa.Double))
    op.add_column("api_keys", sa.Column("surfaces", sa.Text()))
    op.add_column("api_keys", sa.Column("models", sa.Text()))

"""Folders, shares, prompts and preferences, and the words that messages are found by."""

from __future__ import annotations

import hashlib

import sqlalchemy as sa
from alembic import op

from potluck.core.searching import words_of

revision = "0017"
down_revision = "0016"

_ROWS = 500


def upgrade() -> None:
    op.create_table(
        "message_words",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("conversation_id", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_message_words"),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.id"], name="fk_message_words_conversation_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_message_words_conversation", "message_words", ["conversation_id"])
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE VIRTUAL TABLE message_fts USING fts5(words, content='message_words', content_rowid='id', "
            "tokenize='unicode61 remove_diacritics 0')"
        )
        op.execute(
            "CREATE TRIGGER message_words_in AFTER INSERT ON message_words BEGIN "
            "INSERT INTO message_fts(rowid, words) VALUES (new.id, new.words); END"
        )
        op.execute(
            "CREATE TRIGGER message_words_out AFTER DELETE ON message_words BEGIN "
            "INSERT INTO message_fts(message_fts, rowid, words) VALUES ('delete', old.id, old.words); END"
        )
    else:
        op.execute(
            "CREATE INDEX ix_message_words_words ON message_words "
            "USING gin (array_to_tsvector(string_to_array(words, ' ')))"
        )
    _fill()
    op.create_table(
        "folders",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_s", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_folders"),
        sa.UniqueConstraint("user_id", "name", name="uq_folders_user_id_name"),
    )
    op.create_table(
        "shares",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("conversation_id", sa.Text(), nullable=False),
        sa.Column("leaf_id", sa.Text(), nullable=False),
        sa.Column("public", sa.Boolean(), nullable=False),
        sa.Column("created_s", sa.Double, nullable=False),
        sa.Column("expires_s", sa.Double),
        sa.PrimaryKeyConstraint("id", name="pk_shares"),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.id"], name="fk_shares_conversation_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_shares_user", "shares", ["user_id"])
    op.create_index("ix_shares_conversation", "shares", ["conversation_id"])
    op.create_table(
        "prompts",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("created_s", sa.Double, nullable=False),
        sa.Column("updated_s", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_prompts"),
    )
    op.create_index("ix_prompts_user", "prompts", ["user_id"])
    op.create_table(
        "preferences",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("updated_s", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("user_id", name="pk_preferences"),
    )


def _fill() -> None:
    """Whatever was said so far is found from now on."""
    messages = sa.table("messages", sa.column("id"), sa.column("conversation_id"), sa.column("folded"))
    words = sa.table(
        "message_words", sa.column("id"), sa.column("conversation_id"), sa.column("message_id"), sa.column("words")
    )
    last = ""
    while True:
        some = sa.select(messages).where(messages.c.id > last).order_by(messages.c.id).limit(_ROWS)
        rows = op.get_bind().execute(some).all()
        if not rows:
            return
        last = rows[-1].id
        found = [
            {
                "id": int.from_bytes(hashlib.sha256(row.id.encode()).digest()[:8]) >> 1,
                "conversation_id": row.conversation_id,
                "message_id": row.id,
                "words": " ".join(words_of(row.folded)),
            }
            for row in rows
        ]
        op.get_bind().execute(sa.insert(words), found)

"""The tables, in types that SQLite and PostgreSQL share.

JSON is kept as text that `storage.sql.content` and msgspec write and read: the database never looks inside. A change
here goes with a new revision under ``migrations/versions`` and a line in `REVISIONS`; a test compares them.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

REVISIONS = tuple(f"{number:04}" for number in range(1, 19))
"""Every revision of the schema, oldest first: known here so that a start needs Alembic only to change something."""

HEAD = REVISIONS[-1]

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
    }
)

users = Table(
    "users",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("name_folded", Text, nullable=False, unique=True),  # `core.people.folded`
    Column("role", Text, nullable=False),
    Column("created_s", Double, nullable=False),
    Column("disabled_s", Double),
    Column("limits", Text),  # JSON, `core.limits.Limits`; null is no limit
)

# What belongs to a user names it without a foreign key: SQLite cannot add one to a table that is there. `users.remove`
# takes it along.
api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("prefix", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("owner", Boolean, nullable=False),
    Column("created_s", Double, nullable=False),
    Column("revoked_s", Double),
    Column("last_used_s", Double),
    Column("user_id", Text, nullable=False, server_default=""),
    Column("expires_s", Double),
    Column("surfaces", Text),  # a JSON list, as models; null is no limit
    Column("models", Text),
    Column("limits", Text),
)
# A revoked key gives its name back. PostgreSQL is told the same in the migration and not here, where an argument of its
# own would have SQLAlchemy load all that it knows of PostgreSQL: 2.6 MB.
Index("ix_api_keys_live_name", api_keys.c.name, unique=True, sqlite_where=api_keys.c.revoked_s.is_(None))

sessions = Table(
    "sessions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("agent", Text, nullable=False),
    Column("created_s", Double, nullable=False),
    Column("last_used_s", Double, nullable=False),
)

passwords = Table(
    "passwords",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("hash", Text, nullable=False),
    Column("changed_s", Double, nullable=False),
)

second_factors = Table(
    "second_factors",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("secret", LargeBinary, nullable=False),
    Column("created_s", Double, nullable=False),
    Column("confirmed_s", Double),
    Column("last_step", Integer, nullable=False),
)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("digest", LargeBinary, primary_key=True),
)

links = Table(
    "links",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("made_by", Text, nullable=False),
    Column("created_s", Double, nullable=False),
    Column("expires_s", Double, nullable=False),
    Column("user_id", Text, nullable=False),  # empty for an invitation
    Column("role", Text, nullable=False),
    Column("name", Text, nullable=False),
)

identities = Table(
    "identities",
    metadata,
    Column("id", Text, primary_key=True),
    Column("issuer", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("created_s", Double, nullable=False),
    Column("last_used_s", Double, nullable=False),
    UniqueConstraint("issuer", "subject"),
)

conversations = Table(
    "conversations",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("title_folded", Text, nullable=False),  # what a search looks at: `content.fold`
    Column("model", Text, nullable=False),
    Column("created_s", Double, nullable=False),
    Column("updated_s", Double, nullable=False),
    Column("last_seq", Integer, nullable=False),
    Column("removed", Integer, nullable=False, server_default="0"),  # messages that were deleted
    Column("leaf_id", Text),  # null: the newest message
    Column("pinned_s", Double),
    Column("archived_s", Double),
    Column("folder_id", Text),
    Column("tags", Text, nullable=False, server_default="[]"),  # a JSON list
    Column("system", Text, nullable=False, server_default=""),
    Column("params", Text),  # JSON, `conversation_records.ChatParams`
    Column("titled", Text, nullable=False, server_default="words"),
)
Index("ix_conversations_user_updated", conversations.c.user_id, conversations.c.updated_s, conversations.c.id)

messages = Table(
    "messages",
    metadata,
    Column("id", Text, primary_key=True),
    Column("conversation_id", Text, ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False),
    Column("seq", Integer, nullable=False),
    # No foreign key: it would have every delete of a message look for its children. `append` checks it instead.
    Column("parent_id", Text),
    Column("created_s", Double, nullable=False),
    Column("role", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("folded", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("model", Text),
    Column("node", Text),
    Column("request_id", Text),
    Column("finish", Text),
    Column("prompt_tokens", Integer),
    Column("completion_tokens", Integer),
    Column("error", Text, nullable=False),
    Column("details", Text),  # JSON, `conversation_records.MessageDetails`
    UniqueConstraint("conversation_id", "seq"),
)

# What a search finds a message by (`core.searching.words_of`), apart from the messages because SQLite's full text
# search wants numbers for keys: `storage.sql.word_index` makes them. Rows are never changed.
message_words = Table(
    "message_words",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("conversation_id", Text, ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False),
    Column("message_id", Text, nullable=False),
    Column("words", Text, nullable=False),
)
Index("ix_message_words_conversation", message_words.c.conversation_id)

folders = Table(
    "folders",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("created_s", Double, nullable=False),
    UniqueConstraint("user_id", "name"),
)

# Conversations that others may read, each as far as one message. The id is what their readers must know.
shares = Table(
    "shares",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("conversation_id", Text, ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False),
    Column("leaf_id", Text, nullable=False),
    Column("public", Boolean, nullable=False),
    Column("created_s", Double, nullable=False),
    Column("expires_s", Double),
)
Index("ix_shares_user", shares.c.user_id)
Index("ix_shares_conversation", shares.c.conversation_id)

prompts = Table(
    "prompts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("shared", Boolean, nullable=False),
    Column("created_s", Double, nullable=False),
    Column("updated_s", Double, nullable=False),
)
Index("ix_prompts_user", prompts.c.user_id)

preferences = Table(
    "preferences",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("value", Text, nullable=False),  # JSON
    Column("updated_s", Double, nullable=False),
)

requests = Table(
    "requests",
    metadata,
    Column("id", Text, primary_key=True),
    Column("time_s", Double, nullable=False),
    Column("key_id", Text),
    Column("family", Text, nullable=False),
    Column("route", Text, nullable=False),
    Column("asked_model", Text, nullable=False),
    Column("served_model", Text),
    Column("node", Text),
    Column("engine", Text),
    Column("status", Text, nullable=False),
    Column("http_status", Integer, nullable=False),
    Column("attempts", Text, nullable=False),
    Column("candidates", Text, nullable=False),
    Column("queue_s", Double, nullable=False),
    Column("first_byte_s", Double),
    Column("total_s", Double, nullable=False),
    Column("prompt_tokens", Integer, nullable=False),
    Column("completion_tokens", Integer, nullable=False),
    Column("cached_tokens", Integer, nullable=False),
    Column("estimated", Boolean, nullable=False),
    Column("error", Text, nullable=False),
    Column("choice", Text, nullable=False, server_default=""),
    Column("user_id", Text),
)
Index("ix_requests_time", requests.c.time_s)

# Bytes in the blob store. A row is there before its bytes are, and until they are gone.
blobs = Table(
    "blobs",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("size_bytes", BigInteger, nullable=False),
    Column("created_s", Double, nullable=False),
    Column("stored_s", Double),  # null: not in the store yet
    Column("unused_s", Double),  # since when no file refers to them, as far as is known
    Column("removing_s", Double),  # since when they are being removed
)
Index("ix_blobs_unused", blobs.c.unused_s)

files = Table(
    "files",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("digest", Text, ForeignKey("blobs.digest"), nullable=False),  # what is referred to cannot be removed
    Column("size_bytes", BigInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("created_s", Double, nullable=False),
    Column("ready_s", Double),  # null: its bytes are on their way in
    Column("expires_s", Double),
)
Index("ix_files_user_created", files.c.user_id, files.c.created_s, files.c.id)
Index("ix_files_digest", files.c.digest)

# A picture's files are claimed before it is written, and deleted with it: no foreign keys, for users leave all at once.
pictures = Table(
    "pictures",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("job_id", Text, nullable=False),  # empty for none
    Column("file_id", Text, nullable=False),
    Column("small_id", Text),
    Column("large_id", Text),
    Column("digest", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("created_s", Double, nullable=False),
    Column("task", Text, nullable=False),
    Column("prompt", Text, nullable=False),
    Column("folded", Text, nullable=False),  # of the prompt, what a search looks at
    Column("negative", Text, nullable=False),
    Column("parameters", Text, nullable=False),  # JSON
    Column("model", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Column("engine", Text, nullable=False),
    Column("node", Text, nullable=False),
    Column("seconds", Double, nullable=False),
    Column("seed", Text),  # an engine's may have 64 bits without a sign
    Column("favourite", Boolean, nullable=False),
    Column("parent_id", Text),
)
Index("ix_pictures_user_created", pictures.c.user_id, pictures.c.created_s, pictures.c.id)

picture_tags = Table(
    "picture_tags",
    metadata,
    Column("picture_id", Text, ForeignKey("pictures.id", ondelete="CASCADE"), primary_key=True),
    Column("folded", Text, primary_key=True),
    Column("tag", Text, nullable=False),
)
Index("ix_picture_tags_folded", picture_tags.c.folded)


# Sums of the request log (`storage.sql.usage`), which outlast it: ids of users and keys that are gone stay. Empty is
# none: a null would be another row each time.
def _usage(name: str, period: str) -> Table:
    return Table(
        name,
        metadata,
        Column(period, Text, primary_key=True),
        Column("user_id", Text, primary_key=True),
        Column("key_id", Text, primary_key=True),
        Column("model", Text, primary_key=True),
        Column("node", Text, primary_key=True),
        Column("calls", BigInteger, nullable=False),
        Column("failed", BigInteger, nullable=False),
        Column("prompt_tokens", BigInteger, nullable=False),
        Column("completion_tokens", BigInteger, nullable=False),
        Column("cached_tokens", BigInteger, nullable=False),
        Column("images", BigInteger, nullable=False),
        Column("engine_s", Double, nullable=False),
        Column("energy_j", Double),
    )


usage = _usage("usage", "day")
# The same by the hour, for as long as the request log is kept.
usage_hours = _usage("usage_hours", "hour")

settings = Table(
    "settings",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Column("updated_s", Double, nullable=False),
)

# Each row is bound to the one before it (`core.audit`); rows are never changed.
audit_log = Table(
    "audit_log",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("time_ms", BigInteger, nullable=False),
    Column("id", Text, nullable=False, unique=True),  # of the fact, so that it can be told again after a doubt
    Column("event", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("key_prefix", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("previous", Text, nullable=False),
    Column("hash", Text, nullable=False),
)
Index("ix_audit_log_time", audit_log.c.time_ms)

jobs = Table(
    "jobs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("request", Text, nullable=False),  # JSON of the kind's own
    Column("idempotency", Text),
    Column("state", Text, nullable=False),
    Column("created_s", Double, nullable=False),
    Column("started_s", Double),
    Column("ended_s", Double),
    Column("not_before_s", Double, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("lost", Integer, nullable=False),  # leases that ran out since something was kept
    Column("worker", Text, nullable=False),  # who has it, empty for nobody
    Column("fence", Integer, nullable=False),  # counts its leases
    Column("beat", Integer, nullable=False),  # counts signs of life
    Column("cancelling", Boolean, nullable=False),
    Column("done", Integer, nullable=False),
    Column("total", Integer, nullable=False),
    Column("last_event", Integer, nullable=False),
    Column("failure", Text),
    UniqueConstraint("user_id", "idempotency"),
)
Index("ix_jobs_state_user", jobs.c.state, jobs.c.user_id)
Index("ix_jobs_user_started", jobs.c.user_id, jobs.c.started_s)
Index("ix_jobs_user_created", jobs.c.user_id, jobs.c.created_s, jobs.c.id)

job_parts = Table(
    "job_parts",
    metadata,
    Column("job_id", Text, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("content", Text, nullable=False),
)

job_events = Table(
    "job_events",
    metadata,
    Column("job_id", Text, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("time_s", Double, nullable=False),
    Column("name", Text, nullable=False),
    Column("data", Text, nullable=False),
)

# One row: who leads (`core.leadership.Record`), and what gateways sign with that speak to each other.
leadership = Table(
    "leadership",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("term", Integer, nullable=False),
    Column("beat", Integer, nullable=False),
    Column("secret", Text, nullable=False),
)

gateways = Table(
    "gateways",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("beat", Integer, nullable=False),
    Column("held", Text, nullable=False),  # the seats that its calls still have, a JSON list
)

# Logs of answers under way, where several gateways may go on with them; one alone keeps them in files. Who writes has
# the row's term: a leader that was replaced writes nothing more.
generations = Table(
    "generations",
    metadata,
    Column("id", Text, primary_key=True),
    Column("term", Integer, nullable=False),
    Column("head", Text, nullable=False),
    Column("ended", Boolean, nullable=False),
    Column("length", Integer, nullable=False),
    Column("size_bytes", Integer, nullable=False),
    Column("written_s", Double, nullable=False),
)

generation_entries = Table(
    "generation_entries",
    metadata,
    Column("generation_id", Text, ForeignKey("generations.id", ondelete="CASCADE"), primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("entry", Text, nullable=False),
)

# What went wrong and when (`core.incidents`).
incidents = Table(
    "incidents",
    metadata,
    Column("id", Text, primary_key=True),
    Column("cause", Text, nullable=False),
    Column("node", Text, nullable=False),
    Column("engine", Text, nullable=False),  # empty for what concerns the node
    Column("since_s", Double, nullable=False),
    Column("until_s", Double),  # null: it is not over
    Column("why", Text, nullable=False),
    Column("times", Integer, nullable=False),
    Column("requests", Text, nullable=False),  # a JSON list of some calls' ids
)
Index("ix_incidents_since", incidents.c.since_s, incidents.c.id)
Index("ix_incidents_until", incidents.c.until_s)

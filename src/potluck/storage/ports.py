"""What the rest may ask of storage. Every implementation passes tests/contract/storage.

A method that has returned has written to disk: a crash or ``kill -9`` afterwards loses nothing. Each method is one
transaction, whole or not at all, also when its caller is cancelled. Beside the errors named below, every method raises
`OperatorError` where the database itself fails (disk full, file gone, server away).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from potluck.core.audit import Entry, Head
from potluck.core.model import Json, RequestId
from potluck.storage.conversation_ports import ConversationStore, FolderStore, PreferenceStore, PromptStore, ShareStore
from potluck.storage.file_ports import FileStore
from potluck.storage.incidents import IncidentStore
from potluck.storage.jobs import JobStore
from potluck.storage.people_ports import CredentialStore, IdentityStore, KeyStore, LinkStore, SessionStore, UserStore
from potluck.storage.pictures import PictureStore
from potluck.storage.records import AuditFilter, Noted, RequestFilter, RequestRecord, UsageQuery, UsageRow


class RequestLog(Protocol):
    """Calls that have ended, for the owner's questions."""

    async def add(self, records: Sequence[RequestRecord]) -> None:
        """Write a batch, and count it in the usage (`UsageStore`) in the same step. One whose id is stored already is
        passed over, and not counted again, so that a batch can be tried again."""
        ...

    async def get(self, request: RequestId) -> RequestRecord:
        """Raises `NotFound`."""
        ...

    async def recent(self, *, limit: int, where: RequestFilter | None = None) -> tuple[RequestRecord, ...]:
        """Newest first."""
        ...

    async def prune(self, before_s: float) -> int:
        """Forget requests that came before; how many they were."""
        ...


class UsageStore(Protocol):
    """What was used by whom, by the day and by the hour: sums of the request log, which outlast it and the users. Calls
    of strangers, who showed no valid key, are not counted."""

    async def tell(self, query: UsageQuery, *, limit: int) -> tuple[UsageRow, ...]:
        """Sums in the order of what they are told apart by; at most so many."""
        ...

    async def prune(self, before_day: str, hours_before_day: str) -> int:
        """Forget the days before, and the hours of those before the other one; how many rows of days they were."""
        ...


class SettingsStore(Protocol):
    """Small JSON values by name."""

    async def get(self, name: str) -> Json:
        """None for a name that is not there."""
        ...

    async def set(self, name: str, value: Json, now: float) -> None:
        """Create or overwrite."""
        ...

    async def all(self) -> Mapping[str, Json]: ...


class AuditLog(Protocol):
    """Security events in a chain of hashes (`core.audit`), with numbers from 1 without gaps however many append."""

    async def append(self, noted: Sequence[Noted]) -> Head:
        """Add facts to the end, in their order; the head with them. One whose id is there already is passed over, so
        that facts can be told again."""
        ...

    async def head(self) -> Head:
        """The end of the chain; `EMPTY` before the first entry."""
        ...

    async def page(self, *, after: int, limit: int) -> tuple[Entry, ...]:
        """The entries behind number ``after``, oldest first."""
        ...

    async def recent(self, *, limit: int, where: AuditFilter | None = None) -> tuple[Entry, ...]:
        """Newest first."""
        ...

    async def prune(self, *, before_ms: int, now_ms: int, id: str) -> int:
        """Forget the entries at the beginning that are older than ``before_ms``, behind a new entry that says so, which
        is never among them; how many they were."""
        ...


class Storage(msgspec.Struct, frozen=True):
    """All stores of one database."""

    users: UserStore
    keys: KeyStore
    sessions: SessionStore
    credentials: CredentialStore
    links: LinkStore
    identities: IdentityStore
    conversations: ConversationStore
    requests: RequestLog
    usage: UsageStore
    settings: SettingsStore
    audit: AuditLog
    files: FileStore
    jobs: JobStore
    pictures: PictureStore
    incidents: IncidentStore
    folders: FolderStore
    shares: ShareStore
    prompts: PromptStore
    preferences: PreferenceStore

"""What the rest may ask of storage. Every implementation passes tests/contract/storage.

A method that has returned has written to disk: a crash or ``kill -9`` afterwards loses nothing. Each method is one
transaction, whole or not at all, also when its caller is cancelled. Beside the errors named below, every method raises
`OperatorError` where the database itself fails (disk full, file gone, server away).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

import msgspec

from potluck.core.allowances import Claim, Hold, Level, Verdict
from potluck.core.audit import Entry, Head
from potluck.core.limits import Limits
from potluck.core.model import Json, KeyId, RequestId, UserId
from potluck.core.people import Role
from potluck.storage.conversation_records import (
    EVERY,
    ConversationChange,
    ConversationFilter,
    Folder,
    Prompt,
    PromptChange,
    Share,
)
from potluck.storage.incidents import IncidentStore
from potluck.storage.jobs import JobStore
from potluck.storage.pictures import PictureStore
from potluck.storage.records import (
    AuditFilter,
    BlobRecord,
    BlobState,
    Conversation,
    ConversationId,
    ConversationPage,
    Digest,
    FactorRecord,
    FileId,
    FilePage,
    FileRecord,
    FileTotals,
    GatewayRecord,
    Heard,
    IdentityId,
    IdentityRecord,
    KeyRecord,
    LinkId,
    LinkRecord,
    MessageId,
    NewMessage,
    Noted,
    PasswordRecord,
    Place,
    RequestFilter,
    RequestRecord,
    SearchPage,
    SessionId,
    SessionRecord,
    SignInWays,
    StoredMessage,
    Thread,
    Topic,
    UsageQuery,
    UsageRow,
    UserRecord,
)


class UserStore(Protocol):
    """People and programs that may use the service."""

    async def add(self, record: UserRecord) -> None:
        """Keep a new user. Raises `Conflict` if its name, whatever the case, or its id is taken."""
        ...

    async def all(self) -> tuple[UserRecord, ...]:
        """Every user, disabled ones too, oldest first."""
        ...

    async def set_role(self, user: UserId, role: Role) -> UserRecord:
        """Raises `NotFound`."""
        ...

    async def set_disabled(self, user: UserId, disabled_s: float | None) -> UserRecord:
        """``disabled_s`` is since when the user is kept out, None to let it in. Raises `NotFound`."""
        ...

    async def set_limits(self, user: UserId, limits: Limits | None) -> UserRecord:
        """What a user may use; None for no limits of its own. Raises `NotFound`."""
        ...

    async def remove(self, user: UserId) -> None:
        """Remove a user with its keys, conversations, files, pictures and jobs; the request log and the usage stay.

        Raises `NotFound`.
        """
        ...


class KeyStore(Protocol):
    """API keys, of which only digests are kept."""

    async def add(self, record: KeyRecord) -> None:
        """Keep a new key. Raises `Conflict` if a live key has its name, or any key its id or digest."""
        ...

    async def all(self) -> tuple[KeyRecord, ...]:
        """Every key, revoked ones too, oldest first."""
        ...

    async def revoke(self, key: KeyId, now: float) -> KeyRecord:
        """End a key; one that has ended already stays as it is. Raises `NotFound`."""
        ...

    async def replace(self, old: KeyId, new: KeyRecord, now: float) -> None:
        """Revoke ``old`` from ``now`` on, which may be to come, and add ``new``, which may have its name; both at once.

        Raises `NotFound` and `Conflict`.
        """
        ...

    async def set_limits(self, key: KeyId, limits: Limits | None) -> KeyRecord:
        """How much may be used by a key; None for no limits of its own. Raises `NotFound`."""
        ...

    async def touch(self, used: Mapping[KeyId, float]) -> None:
        """Note when keys were last used. A time never goes back; keys that are not there are passed over."""
        ...


class SessionStore(Protocol):
    """Sessions of browsers, of whose tokens only digests are kept."""

    async def add(self, record: SessionRecord) -> None: ...

    async def all(self) -> tuple[SessionRecord, ...]:
        """Every session, oldest first."""
        ...

    async def remove(self, session: SessionId, user: UserId) -> None:
        """End a session. Raises `NotFound`, also for another user's."""
        ...

    async def touch(self, used: Mapping[SessionId, float]) -> None:
        """Note when sessions were last used. A time never goes back; those that are not there are passed over."""
        ...

    async def prune(self, *, begun_before_s: float, used_before_s: float) -> int:
        """Forget sessions that began, or were last used, at these times or before; how many they were."""
        ...


class CredentialStore(Protocol):
    """How users sign in who show no key. What is secret comes here hashed or encrypted."""

    async def standing(self) -> Mapping[UserId, SignInWays]:
        """How each user can sign in; who has neither password nor second factor is left out."""
        ...

    async def password(self, user: UserId) -> PasswordRecord | None: ...

    async def set_password(self, record: PasswordRecord, *, keep: SessionId | None = None) -> None:
        """Set or change a password; the user's sessions but ``keep``, and links for another password, are over.

        Raises `NotFound` for the user.
        """
        ...

    async def rehash(self, old: PasswordRecord, hash_: str) -> bool:
        """Put another hash of the same password in place; not if the password was changed meanwhile."""
        ...

    async def factor(self, user: UserId) -> FactorRecord | None: ...

    async def begin_factor(self, record: FactorRecord) -> None:
        """Keep a second factor that is not confirmed, in place of another such. Raises `Conflict` if one is."""
        ...

    async def confirm_factor(self, begun: FactorRecord, step: int, codes: Collection[bytes], now: float) -> None:
        """Have it asked for from now on; ``codes`` are digests of codes that stand in for it once each.

        Raises `Conflict` if it is not that one any more that waits for this.
        """
        ...

    async def take_step(self, user: UserId, step: int) -> bool:
        """Take the code of a step, if neither it nor a later one was taken. Of any number at once one is told True."""
        ...

    async def take_code(self, user: UserId, digest: bytes) -> bool:
        """Use a recovery code up. Of any number at once one is told True."""
        ...

    async def codes_left(self, user: UserId) -> int: ...

    async def drop_factor(self, user: UserId) -> None:
        """Remove the second factor with its recovery codes. Raises `NotFound`."""
        ...


class LinkStore(Protocol):
    """One-time links, of whose tokens only digests are kept."""

    async def add(self, record: LinkRecord) -> None:
        """Keep a link, in place of all others of its kind for the same user, and forget those that are over."""
        ...

    async def all(self) -> tuple[LinkRecord, ...]:
        """Every link, oldest first; some may be over."""
        ...

    async def find(self, digest: bytes) -> LinkRecord | None: ...

    async def remove(self, link: LinkId) -> None:
        """Raises `NotFound`."""
        ...

    async def redeem(self, digest: bytes, user: UserRecord, password: PasswordRecord) -> None:
        """Use a link up: ``user`` is added, or gets that name, with this password; all sessions of it end.

        All of it or nothing, and by one of any number at once. Raises `NotFound` if the link is not there any more, or
        was over at the password's time, or is for set-up and the owner has a password; `Conflict` for the name.
        """
        ...


class IdentityStore(Protocol):
    """Who users are at OpenID Connect providers."""

    async def find(self, issuer: str, subject: str) -> IdentityRecord | None: ...

    async def of_user(self, user: UserId) -> tuple[IdentityRecord, ...]:
        """A user's, oldest first."""
        ...

    async def add(self, record: IdentityRecord, *, user: UserRecord | None = None, invitation: bytes = b"") -> None:
        """Keep who somebody is: a user that is there or, with ``user``, one that is added with it.

        ``invitation`` is the digest of an invitation that is used up with that. All of it or nothing, and by one of any
        number at once. Raises `NotFound` if the user or the invitation is not there any more, or that was over at
        ``record.created_s``; `Conflict` if the identity is somebody's already, or the user's name is.
        """
        ...

    async def seen(self, identity: IdentityId, email: str, now: float) -> None:
        """Note a sign-in. One that is not there is passed over."""
        ...

    async def remove(self, identity: IdentityId, user: UserId) -> None:
        """Raises `NotFound`, also for another user's."""
        ...


class ConversationStore(Protocol):
    """Conversations and their messages. A conversation of another user is `NotFound`, as if it did not exist."""

    async def create(self, conversation: Conversation) -> None:
        """Keep a new, empty conversation; its ``messages`` is ignored. Raises `Conflict` if the id is taken."""
        ...

    async def list(
        self, user: UserId, *, limit: int, cursor: str | None = None, where: ConversationFilter = EVERY
    ) -> ConversationPage:
        """Newest first by ``updated_s``. Raises `BadRequest` for a cursor that `list` did not make.

        One that changes between two pages moves to the front: the later page then lacks it, none comes twice.
        """
        ...

    async def get(self, conversation: ConversationId, user: UserId) -> Thread:
        """Raises `NotFound`."""
        ...

    async def change(
        self, conversation: ConversationId, user: UserId, change: ConversationChange, now: float
    ) -> Conversation:
        """Raises `NotFound`, for the conversation, a ``leaf`` that is not in it, or a folder.

        A title of a model's is passed over where a person has chosen one.
        """
        ...

    async def delete(self, conversation: ConversationId, user: UserId) -> None:
        """Remove it with all its messages. Raises `NotFound`."""
        ...

    async def append(
        self,
        conversation: ConversationId,
        user: UserId,
        messages: Sequence[NewMessage],
        now: float,
        *,
        after: MessageId | Place = Place.END,
        model: str = "",
        follows: bool = False,
        replaces: MessageId | None = None,
    ) -> tuple[StoredMessage, ...]:
        """Write messages, each following the one before it and the first following ``after``.

        ``Place.END`` is the newest message of all, ``Place.START`` makes a new first one. Appends that run at the same
        time get different ``seq``, each one's in a row. ``model``, if given, becomes the conversation's. The last
        message becomes the conversation's leaf; with ``follows`` only where the leaf is what the first one follows, or
        is replaced. ``replaces`` is deleted, if it is there and nothing follows it.

        Raises `NotFound` (the conversation, or ``after`` in it) and `Conflict` (a message's id is taken).
        """
        ...

    async def delete_messages(
        self, conversation: ConversationId, user: UserId, root: MessageId
    ) -> tuple[Conversation, frozenset[MessageId]]:
        """Delete a message and all that follow it; which those were. If the leaf was among them, it is then the newest
        one of what stands beside them. Raises `NotFound`."""
        ...

    async def search(self, user: UserId, text: str, *, limit: int, cursor: str | None = None) -> SearchPage:
        """Conversations whose title, or one of whose messages, has all that ``text`` asks for (`core.searching`), the
        newest first, each once. Where no word begins with what is asked for, what stands inside of words is found.

        Raises `BadRequest` for a text that is empty or over 200 characters, and for a cursor that it did not make.
        """
        ...

    async def take_in(self, conversation: Conversation, messages: Sequence[StoredMessage]) -> int:
        """Keep a conversation from elsewhere, or what of it is not here yet; how many messages that were. Times and
        ``seq`` of the messages are theirs, in a new one; those that come to one that is here follow it. A parent comes
        before its children.

        Raises `Conflict` if another user has a conversation or a message of such an id.
        """
        ...


class FolderStore(Protocol):
    """Folders of conversations. A folder of another user is `NotFound`."""

    async def all(self, user: UserId) -> tuple[Folder, ...]:
        """By name."""
        ...

    async def add(self, folder: Folder) -> None:
        """Raises `Conflict` if the user has one of that name."""
        ...

    async def rename(self, folder: str, user: UserId, name: str) -> Folder:
        """Raises `NotFound` and `Conflict`."""
        ...

    async def remove(self, folder: str, user: UserId) -> None:
        """What is in it is in none then. Raises `NotFound`."""
        ...


class ShareStore(Protocol):
    """Conversations that others may read. A share of another user is `NotFound` but to `open`."""

    async def add(self, share: Share) -> None:
        """Raises `NotFound` if its conversation is not its user's, or the leaf is not in that."""
        ...

    async def all(self, user: UserId, conversation: ConversationId | None = None) -> tuple[Share, ...]:
        """The newest first, of all conversations or one; those that are over too."""
        ...

    async def remove(self, share: str, user: UserId) -> None:
        """Raises `NotFound`."""
        ...

    async def open(self, share: str, now: float) -> tuple[Share, Thread]:
        """What is shared, as far as it is. Raises `NotFound`, also for one that is over."""
        ...


class PromptStore(Protocol):
    """Prompts, one's own and shared ones."""

    async def visible(self, user: UserId) -> tuple[Prompt, ...]:
        """One's own and all that are shared, by name."""
        ...

    async def add(self, prompt: Prompt) -> None: ...

    async def change(self, prompt: str, user: UserId | None, change: PromptChange, now: float) -> Prompt:
        """``user`` None changes anybody's that is shared. Raises `NotFound`, also for another user's."""
        ...

    async def remove(self, prompt: str, user: UserId | None) -> None:
        """As `change`. Raises `NotFound`."""
        ...


class PreferenceStore(Protocol):
    """What each user prefers, as JSON that the caller understands."""

    async def get(self, user: UserId) -> str | None: ...

    async def set(self, user: UserId, value: str, now: float) -> None: ...


class FileStore(Protocol):
    """Files, and which bytes of the blob store they refer to. A file of another user is `NotFound`.

    A reference is written before its bytes, and bytes are removed only after it is written that they will be
    (`begin_removal`), which nothing that refers to them is left for: so no order of events removes what is referred to.
    """

    async def claim(self, record: FileRecord, quota_bytes: int) -> BlobState:
        """Keep a file whose bytes are still to be stored; nobody removes these from now on. How they stand.

        Nothing is kept for bytes that are being ``REMOVING`` in these seconds: try again. Raises `QuotaExceeded` if the
        user's files would take more than ``quota_bytes``, however many come at once, `Conflict` for an id that is
        taken, and `NotFound` for the user.
        Pictures' files (`core.files.HIDDEN`) are counted apart from all others.
        """
        ...

    async def ready(self, file: FileId, now: float, *, stored: bool) -> FileRecord:
        """Let a claimed file be seen. ``stored``: its bytes are in the store; else they will be (`stored`).

        Raises `NotFound` for one that was given up meanwhile.
        """
        ...

    async def stored(self, digest: Digest, now: float) -> None:
        """Note that bytes are in the store now; harmless for those that nothing refers to any more."""
        ...

    async def get(self, file: FileId, now: float, user: UserId | None = None) -> tuple[FileRecord, BlobState]:
        """A file that can be seen, of ``user`` or of anybody, and how its bytes stand. Raises `NotFound`."""
        ...

    async def list(
        self,
        user: UserId,
        now: float,
        *,
        limit: int,
        after: FileId | None = None,
        purpose: str = "",
        oldest_first: bool = False,
    ) -> FilePage:
        """Those that follow ``after``, newest first, without pictures'. Raises `BadRequest` for an ``after`` that is
        not the user's."""
        ...

    async def totals(self, user: UserId, *, hidden: bool = False) -> FileTotals:
        """``hidden``: of pictures' files, else of all others."""
        ...

    async def delete(self, file: FileId, user: UserId | None = None) -> None:
        """Raises `NotFound`; pictures' files are not a user's to delete."""
        ...

    async def give_up(self, *, claimed_before_s: float, now: float) -> int:
        """Delete files that are over, and those that were claimed before and never became ready; how many they were."""
        ...

    async def blobs(self, *, limit: int, after: str = "") -> tuple[BlobRecord, ...]:
        """All bytes that are known, by their digests."""
        ...

    async def adopt(self, found: Sequence[tuple[Digest, int]], now: float) -> int:
        """Take up bytes, with their sizes, that lie in the store and are not known; they are unused. How many are."""
        ...

    async def mark_unused(self, now: float) -> int:
        """Note since when bytes are unused that nothing refers to; how many were not noted before."""
        ...

    async def unused(self, before_s: float, now: float, *, limit: int) -> tuple[Digest, ...]:
        """Bytes that were noted as unused before, or whose removal was not brought to its end."""
        ...

    async def begin_removal(self, digest: Digest, now: float) -> bool:
        """Whether the bytes may be removed now: nothing refers to them, and nothing will until `end_removal`, or for
        `REMOVAL_S`, after which a remover counts as dead."""
        ...

    async def end_removal(self, digest: Digest) -> None:
        """The bytes are gone from the store."""
        ...


REMOVAL_S = 600.0
"""How long the removal of one blob may take: a store answers, or is given up, within a minute."""


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


class SharedMeter(Protocol):
    """Buckets and places that all gateways of an installation share (`core.allowances.Meter`), exact however many ask.

    It has a clock of its own, which never goes back. Raises `StorageAway` where its server does not answer.
    """

    async def take(self, claims: Sequence[Claim], holds: Sequence[Hold] = (), call: str = "") -> Verdict:
        """Pay all claims and take all holds for a ``call``, or none."""
        ...

    async def charge(self, claims: Sequence[Claim], holds: Sequence[Hold] = (), call: str = "") -> None:
        """Pay for what has been used already, into debt if need be; a cost below 0 gives back. Free a call's holds."""
        ...

    async def keep(self, held: Mapping[str, Sequence[Hold]]) -> None:
        """Say which calls still run, and what they hold: places that nobody speaks for are free after `LEASE_S`."""
        ...

    async def levels(self, claims: Sequence[Claim]) -> tuple[Level, ...]:
        """How the buckets of claims stand."""
        ...


class Subscription(Protocol):
    """What one listener of a `Bus` has not heard yet."""

    async def next(self) -> Heard:
        """The next word, once it comes. What was said several times meanwhile comes once."""
        ...


class Bus(Protocol):
    """Word between gateways that something has changed, so that nobody needs to look all the time.

    A hint and no more: the truth is in the database. Who listens hears what its own gateway says at once, what others
    say a moment later, and a word about nothing in particular (`Heard.what` is empty) whenever some may have been
    missed: at the beginning, when the server was away, or when it lags far behind. While the server is away nobody
    hears of others: whoever must know looks from time to time as well.
    """

    def publish(self, topic: Topic, what: str = "") -> None:
        """Say that something has changed. Neither waits nor fails."""
        ...

    def listen(self, *topics: Topic) -> AbstractContextManager[Subscription]:
        """Hear what is said of these from now on, to the end of the block."""
        ...

    async def relaying(self) -> None:
        """Pass words between gateways, for as long as it runs: the composition root runs it once. Where there is only
        one gateway it returns at once."""
        ...


class Presence(Protocol):
    """Which gateways of an installation are alive. Raises `StorageAway` where its server does not answer."""

    async def here(self, gateway: GatewayRecord, ttl_s: float) -> None:
        """Say that one is alive, and will say so again within ``ttl_s``, or it counts as gone."""
        ...

    async def leave(self, gateway: str) -> None:
        """One stops in good order. One that is not there is passed over."""
        ...

    async def all(self) -> tuple[GatewayRecord, ...]:
        """Those that are alive, the first to start first."""
        ...


class JobSpread(Protocol):
    """Tells gateways that jobs wait: each job one of them, so that not all run for it. Which job that one takes then
    the database decides. While its server is away nobody is told, and gateways look from time to time as they do
    anyway.
    """

    async def announce(self, job: str) -> None:
        """Say that a job waits. Never fails."""
        ...

    async def next(self) -> str:
        """A job of which nobody else was told; once it comes, also if that is long. Who dies before `settle` has said
        nothing: another gateway is told then."""
        ...

    async def settle(self, told: str) -> None:
        """The gateway has looked for work since it was told. Never fails."""
        ...


class Shared(msgspec.Struct, frozen=True):
    """What gateways of one installation share beside its database. ``server`` tells how the server is that it takes;
    None where there is none, and one gateway shares with nobody."""

    bus: Bus
    presence: Presence
    meter: SharedMeter
    jobs: JobSpread
    server: ServerState | None = None


class ServerState(Protocol):
    """How a server is, from memory."""

    @property
    def trouble(self) -> str:
        """Why it is not used now, in an owner's words; empty if it is."""
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

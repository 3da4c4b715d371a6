"""What is kept, as frozen records. Times are Unix seconds (``_s``), durations too; ids are made by the caller.

The request log's are structs of msgspec: one is made for each call, and a frozen dataclass costs ten times as much.
They hold no cycle, and thousands of them wait to be written: ``gc=False`` keeps the collector from looking at them.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, StrEnum
from typing import Final, NewType

import msgspec

from potluck.core.answer import FinishReason
from potluck.core.audit import Fact
from potluck.core.call import Message
from potluck.core.limits import Limits
from potluck.core.model import EngineId, KeyId, ModelId, NodeId, RequestId, UserId
from potluck.core.people import Role
from potluck.core.scheduling.explain import Candidate
from potluck.core.searching import Piece
from potluck.core.usage import Dimension
from potluck.storage.conversation_records import NO_DETAILS, NO_PARAMS, ChatParams, MessageDetails, Titled
from potluck.storage.cursors import Mark

ConversationId = NewType("ConversationId", str)
MessageId = NewType("MessageId", str)
SessionId = NewType("SessionId", str)
IdentityId = NewType("IdentityId", str)
LinkId = NewType("LinkId", str)
FileId = NewType("FileId", str)
Digest = NewType("Digest", str)
"""SHA-256 of a file's bytes: 64 hexadecimal digits, in small letters."""


class UserRecord(msgspec.Struct, frozen=True):
    """Somebody, or a program. ``disabled_s`` is since when it is kept out, ``limits`` what it may use, beside what its
    role may."""

    id: UserId
    name: str
    role: Role
    created_s: float
    disabled_s: float | None = None
    limits: Limits | None = None

    @property
    def disabled(self) -> bool:
        return self.disabled_s is not None


class KeyRecord(msgspec.Struct, frozen=True):
    """An API key without the key: ``digest`` is its SHA-256 (`core.keys.digest`), ``prefix`` what may be shown.

    ``user`` is whose it is. ``owner`` marks the key that lies in the data directory. ``revoked_s``
    may be to come, for a key that another one follows. ``surfaces`` and ``models`` limit what it is for
    (`core.scopes`), ``limits`` how much may be used by it.
    """

    id: KeyId
    name: str
    prefix: str
    digest: bytes
    created_s: float
    owner: bool = False
    revoked_s: float | None = None
    last_used_s: float | None = None
    user: UserId = UserId("")
    expires_s: float | None = None
    surfaces: tuple[str, ...] | None = None
    models: tuple[str, ...] | None = None
    limits: Limits | None = None

    @property
    def live(self) -> bool:
        """Whether the name is this key's: neither revoked nor followed by another."""
        return self.revoked_s is None

    @property
    def end_s(self) -> float | None:
        """When it is refused, or was; None for never."""
        return min((each for each in (self.revoked_s, self.expires_s) if each is not None), default=None)


class SessionRecord(msgspec.Struct, frozen=True):
    """A browser's session without its token, of which ``digest`` is kept as of a key. ``key`` is the one it was begun
    with, and ends with, or `core.people.own_key` where it was begun without; ``agent`` is what the browser called
    itself."""

    id: SessionId
    user: UserId
    key: KeyId
    digest: bytes
    agent: str
    created_s: float
    last_used_s: float


class PasswordRecord(msgspec.Struct, frozen=True):
    """``hash`` is Argon2's own text, with its parameters in it. ``changed_s`` is when the user chose the password."""

    user: UserId
    hash: str
    changed_s: float


class FactorRecord(msgspec.Struct, frozen=True):
    """A user's second factor (RFC 6238), asked for from ``confirmed_s`` on; None: it was only begun. ``secret`` is
    encrypted. ``last_step`` is the period of 30 s whose code was taken last: none is taken twice."""

    user: UserId
    secret: bytes
    created_s: float
    confirmed_s: float | None = None
    last_step: int = 0


class SignInWays(msgspec.Struct, frozen=True):
    """How a user can sign in."""

    password: bool = False
    factor: bool = False


class IdentityRecord(msgspec.Struct, frozen=True):
    """Who a user is at an OpenID Connect provider: ``issuer`` and ``subject`` together are one person for ever.
    ``email`` is what the provider said last, to be shown; empty for none that it has verified."""

    id: IdentityId
    issuer: str
    subject: str
    user: UserId
    email: str
    created_s: float
    last_used_s: float


class LinkKind(StrEnum):
    """What a one-time link is for: a new user, a new password, the first password of the owner."""

    INVITE = "invite"
    RESET = "reset"
    SETUP = "setup"


class LinkRecord(msgspec.Struct, frozen=True):
    """A one-time link without its token, of which ``digest`` is kept as of a key. ``by`` is who made it. ``user`` is
    whose password it sets; of an invitation it is empty, ``role`` what the new one will be, and ``name`` a proposal."""

    id: LinkId
    kind: LinkKind
    digest: bytes
    by: UserId
    created_s: float
    expires_s: float
    user: UserId = UserId("")
    role: Role = Role.MEMBER
    name: str = ""


class FileRecord(msgspec.Struct, frozen=True):
    """A file that somebody keeps: a name, and a reference to bytes that others may have files of as well.

    ``ready_s`` is None as long as the bytes are on their way in: nobody sees it yet. At ``expires_s`` it is gone.
    """

    id: FileId
    user: UserId
    digest: Digest
    size_bytes: int
    name: str
    media_type: str
    purpose: str
    created_s: float
    ready_s: float | None = None
    expires_s: float | None = None


class FilePage(msgspec.Struct, frozen=True):
    """``more``: others follow."""

    files: tuple[FileRecord, ...]
    more: bool = False


class FileTotals(msgspec.Struct, frozen=True):
    """What somebody keeps, and what is on its way in."""

    files: int = 0
    bytes: int = 0


class BlobState(StrEnum):
    """What is known of bytes that some file referred to: ``COMING``: not in the store yet, if they ever will be."""

    COMING = "coming"
    STORED = "stored"
    REMOVING = "removing"


class BlobRecord(msgspec.Struct, frozen=True):
    """Bytes, as the database knows them. ``unused_s`` is since when nothing is known to refer to them."""

    digest: Digest
    size_bytes: int
    state: BlobState
    files: int
    unused_s: float | None = None


class MessageState(StrEnum):
    """How a message came to its end. ``INTERRUPTED``: the text is real but not all there could have been."""

    COMPLETE = "complete"
    INTERRUPTED = "interrupted"
    FAILED = "failed"


class NewMessage(msgspec.Struct, frozen=True):
    """A message to be kept. ``error`` says in words what a failed one failed of, safe to show."""

    id: MessageId
    message: Message
    state: MessageState = MessageState.COMPLETE
    model: ModelId | None = None
    node: NodeId | None = None
    request: RequestId | None = None
    finish: FinishReason | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    error: str = ""
    details: MessageDetails = NO_DETAILS


class StoredMessage(msgspec.Struct, frozen=True):
    """A kept message. ``seq`` counts from 1 in its conversation, in the order of writing; those of messages that were
    deleted are not used again.

    ``parent`` is the message it follows; None for a first one. Several messages with one parent are branches.
    """

    conversation: ConversationId
    seq: int
    parent: MessageId | None
    created_s: float
    new: NewMessage

    @property
    def id(self) -> MessageId:
        return self.new.id

    @property
    def message(self) -> Message:
        return self.new.message


class Place(Enum):
    """Where messages are appended if not after a certain one."""

    START = "start"
    END = "end"


class Conversation(msgspec.Struct, frozen=True):
    """``updated_s`` is the time of its last message or change of title. ``messages`` counts all branches.

    ``user`` is whose it is; nobody else sees it. ``model`` is what the client asked for last, empty if nothing.
    ``leaf`` is the last message of the branch that is shown, None for the newest one. ``pinned_s`` and ``archived_s``
    are since when it is. ``system`` and ``params`` are for answers whose requests do not say.
    """

    id: ConversationId
    user: UserId
    title: str
    created_s: float
    updated_s: float
    model: str = ""
    messages: int = 0
    leaf: MessageId | None = None
    pinned_s: float | None = None
    archived_s: float | None = None
    folder: str | None = None
    tags: tuple[str, ...] = ()
    system: str = ""
    params: ChatParams = NO_PARAMS
    titled: Titled = Titled.WORDS


class ConversationPage(msgspec.Struct, frozen=True):
    """``next`` is the cursor of the following page, None on the last one."""

    conversations: tuple[Conversation, ...]
    next: str | None = None


class Thread(msgspec.Struct, frozen=True):
    """A conversation with all its messages by ``seq``."""

    conversation: Conversation
    messages: tuple[StoredMessage, ...]

    def branch(self, leaf: MessageId | None = None) -> tuple[StoredMessage, ...]:
        """The messages from the first to ``leaf``, in order; by default to the conversation's own, or the newest. Empty
        if there is none such."""
        by_id = {message.id: message for message in self.messages}
        leaf = leaf or self.conversation.leaf
        at = by_id.get(leaf) if leaf is not None else (self.messages[-1] if self.messages else None)
        path: list[StoredMessage] = []
        while at is not None:
            path.append(at)
            at = by_id.get(at.parent) if at.parent is not None else None
        return tuple(reversed(path))


def below(parents: Mapping[MessageId, MessageId | None], root: MessageId) -> frozenset[MessageId]:
    """A message and all that follow it, on whatever branch. ``parents`` tells what each follows, in the order of
    writing."""
    found = {root}
    for each, parent in parents.items():
        if parent in found:
            found.add(each)
    return frozenset(found)


def newest_leaf(parents: Mapping[MessageId, MessageId | None], under: MessageId | None) -> MessageId | None:
    """Where the newest branch below a message ends; ``under`` None: that of all. ``parents`` as of `below`."""
    newest = {parent: each for each, parent in parents.items()}
    at = under
    while at in newest:
        at = newest[at]
    return at


class SearchHit(msgspec.Struct, frozen=True):
    """``message`` is the newest one that matches, None if only the title does. ``snippet`` is text around the match, in
    pieces."""

    conversation: Conversation
    message: MessageId | None
    snippet: tuple[Piece, ...]


class SearchPage(msgspec.Struct, frozen=True):
    """``next`` is the cursor of the following page, None on the last one."""

    hits: tuple[SearchHit, ...]
    next: str | None = None


class CallStatus(StrEnum):
    """How a call ended, by who would have to act (`core.errors`)."""

    OK = "ok"
    CLIENT_ERROR = "client_error"
    OVERLOADED = "overloaded"
    NODE_ERROR = "node_error"
    CANCELLED = "cancelled"


WENT_ON: Final = "It went on by"
"""How `AttemptRecord.why` begins for one that went on with what another engine had begun."""


class AttemptRecord(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One try: ``outcome`` is ``ok`` or the error's class in words, ``why`` one sentence for the owner. ``began_s`` and
    ``ended_s`` are measured from the call's arrival; None for a call's only try, whose times are the call's."""

    engine: EngineId
    outcome: str
    why: str = ""
    began_s: float | None = None
    ended_s: float | None = None


class RequestRecord(msgspec.Struct, frozen=True, gc=False):
    """One call as it went. ``time_s`` is its arrival; ``first_byte_s`` and ``total_s`` are measured from there.

    ``key`` and ``user`` are None where no valid key was shown, ``served_model``, ``node`` and ``engine`` where no
    engine answered. ``http_status`` is what the client was sent. ``estimated`` marks guessed tokens. ``error`` is safe
    to show. ``choice`` says what was chosen, and why, for a call that left the choice of a model to us. ``images`` and
    ``energy_j`` are for the usage alone.
    """

    id: RequestId
    time_s: float
    family: str
    asked_model: str
    status: CallStatus
    http_status: int
    total_s: float
    key: KeyId | None = None
    route: str = ""
    served_model: ModelId | None = None
    node: NodeId | None = None
    engine: EngineId | None = None
    attempts: tuple[AttemptRecord, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    queue_s: float = 0.0
    first_byte_s: float | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    estimated: bool = False
    error: str = ""
    choice: str = ""
    user: UserId | None = None
    images: int = 0
    energy_j: float | None = None

    @property
    def engine_s(self) -> float:
        """For how long engines worked for it, or waited for it to be read."""
        return max(0.0, self.total_s - self.queue_s) if self.engine is not None else 0.0


class UsageRow(msgspec.Struct, frozen=True):
    """Figures of calls that have one ``day``, ``hour``, ``user``, ``key``, ``model`` and ``node``; what was not asked
    by is empty, as it is of a call that no engine answered. ``failed`` are among ``calls``. ``energy_j`` is None if
    nothing measured it."""

    day: str = ""
    hour: str = ""
    user: str = ""
    key: str = ""
    model: str = ""
    node: str = ""
    calls: int = 0
    failed: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    images: int = 0
    engine_s: float = 0.0
    energy_j: float | None = None


class UsageQuery(msgspec.Struct, frozen=True):
    """Which usage to tell: of the days from ``first`` to ``last`` (ISO dates, both included), told apart ``by``."""

    first: str
    last: str
    by: tuple[Dimension, ...] = ()
    user: UserId | None = None
    key: KeyId | None = None


class RequestFilter(msgspec.Struct, frozen=True):
    """Which requests to list; every field that is set must hold. ``model`` is the asked or the served name. ``after``
    leaves out the row of that mark, and those that come before it. ``rescued``: whether one engine went on with what
    another had begun; ``retried``: whether more than one was tried.
    """

    user: UserId | None = None
    node: NodeId | None = None
    model: str | None = None
    status: CallStatus | None = None
    before_s: float | None = None
    since_s: float | None = None
    after: Mark | None = None
    rescued: bool | None = None
    retried: bool | None = None


class Noted(msgspec.Struct, frozen=True):
    """A fact for the audit log, as it was told: ``time_ms`` is Unix milliseconds, ``id`` its own."""

    id: str
    time_ms: int
    fact: Fact


class AuditFilter(msgspec.Struct, frozen=True):
    """Which entries to list; every field that is set must hold. ``event`` may be the beginning of one, ``before`` is an
    entry's number, which is left out."""

    event: str | None = None
    actor: str | None = None
    since_ms: int | None = None
    before: int | None = None


class Topic(StrEnum):
    """What gateways tell each other of. ``PEOPLE``: users, keys and sessions, and no one in particular; ``JOBS``: a
    job, by its id, and ``CANCELLED_JOBS`` one that is to end; ``CONVERSATIONS``: one whose listing is another now, as
    `gateway.announcements` writes it."""

    PEOPLE = "people"
    JOBS = "jobs"
    CANCELLED_JOBS = "cancelled-jobs"
    CONVERSATIONS = "conversations"


class Heard(msgspec.Struct, frozen=True):
    """Something of a topic has changed: ``what`` names it, and is empty where it may be anything."""

    topic: Topic
    what: str = ""


class GatewayRecord(msgspec.Struct, frozen=True):
    """A gateway that runs. ``id`` is another one after each start; ``url`` is where others reach it, empty if it did
    not say."""

    id: str
    name: str
    url: str
    version: str
    started_s: float

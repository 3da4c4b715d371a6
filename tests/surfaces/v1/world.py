"""A native API on fakes: scripted calls, stores in memory, and clients that may leave when they like."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import httpx
import msgspec
from starlette.applications import Starlette

from potluck.backends.port import Child, PullOrder
from potluck.config.changeable import changed
from potluck.config.effective import Setting, settings
from potluck.config.model import Config
from potluck.core.answer import Event, Finish, FinishReason, Text, Timings, Usage
from potluck.core.audit import EMPTY, Entry, Head, bounded, chained
from potluck.core.call import Call
from potluck.core.discovery import Proposal
from potluck.core.drill import Home, Homed, How, Objection, Plan, Stage
from potluck.core.drill_verdict import Ending, outcome
from potluck.core.errors import BadRequest, Conflict, ModelNotFound, NotFound, OperatorError, PotluckError, RateLimited
from potluck.core.generations import Bounds, Standing
from potluck.core.history import History, Series
from potluck.core.incidents import Incident
from potluck.core.limits import Limits
from potluck.core.model import (
    Capability,
    Engine,
    EngineId,
    EngineKind,
    Health,
    Json,
    KeyId,
    Model,
    ModelId,
    NodeId,
    RequestId,
    UserId,
)
from potluck.core.passwords import Cost
from potluck.core.people import OWNER_ID, Role, folded
from potluck.core.scheduling.classes import Kind
from potluck.core.scheduling.rates import Rates
from potluck.core.scheduling.residency import Move, MoveState
from potluck.core.scheduling.standing import UserTurn
from potluck.core.searching import Piece
from potluck.core.sessions import Lifetimes
from potluck.gateway.accounts import accounts
from potluck.gateway.attachments import Attachments
from potluck.gateway.audit import Audit
from potluck.gateway.discovery.discovery import Source, Ways
from potluck.gateway.discovery.kept import AcceptedNode
from potluck.gateway.dispatch import Decided
from potluck.gateway.drains import Draining
from potluck.gateway.drills import Drill, Order
from potluck.gateway.files import Standing as FilesStanding
from potluck.gateway.generations import Generations
from potluck.gateway.hashing import Hashing
from potluck.gateway.images import refusal
from potluck.gateway.last_minute import Minute
from potluck.gateway.machines import Machine
from potluck.gateway.models import PullStep, Target
from potluck.gateway.people import People
from potluck.gateway.picture_progress import Progresses
from potluck.gateway.placed import ANYWHERE, Where
from potluck.gateway.port import Begun, Caller, Generation
from potluck.gateway.seats import Queued, Running
from potluck.gateway.tasks import Tasks
from potluck.gateway.vault import Vault
from potluck.storage.backups import Manifest
from potluck.storage.backups import Step as BackupStep
from potluck.storage.conversation_records import EVERY, ConversationChange, ConversationFilter, Titled
from potluck.storage.owed import longer
from potluck.storage.ports import Storage
from potluck.storage.records import (
    AuditFilter,
    CallStatus,
    Conversation,
    ConversationId,
    ConversationPage,
    FactorRecord,
    IdentityRecord,
    KeyRecord,
    LinkRecord,
    MessageId,
    NewMessage,
    Noted,
    PasswordRecord,
    Place,
    RequestFilter,
    RequestRecord,
    SearchHit,
    SearchPage,
    SessionId,
    SessionRecord,
    SignInWays,
    StoredMessage,
    Thread,
    UsageQuery,
    UsageRow,
    UserRecord,
    below,
    newest_leaf,
)
from potluck.storage.shared.memory import MemoryBus, MemoryJobSpread, MemoryMeter, MemoryPresence
from potluck.storage.shared_ports import ServerState, Shared
from potluck.storage.temporary import WithTemporary
from potluck.surfaces.live import Live
from potluck.surfaces.services import PainterView, Services
from potluck.surfaces.v1.errors import failure_of
from potluck.surfaces.v1.routes import starlette_routes
from potluck.wire.terms import NO_TERMS, Terms
from tests.storage.generation_memory import MemoryGenerations

ANNA = Caller(KeyId("anna-laptop"), "Anna's laptop", UserId("anna"))
BERT = Caller(KeyId("bert-phone"), "Bert's phone", UserId("bert"))
OWNER = Caller(KeyId("owner-key"), "owner", OWNER_ID, Role.OWNER)
ADMIN = Caller(KeyId("ada-key"), "Ada's desk", UserId("ada"), Role.ADMIN)
GUEST = Caller(KeyId("gast-key"), "hall", UserId("gast"), Role.GUEST)


class Hang:
    """In a script: the engine falls silent until the client leaves."""


Step = Event | PotluckError | Hang
Script = Callable[[Call], Sequence[Step] | PotluckError]


def says(*texts: str, finish: FinishReason = FinishReason.STOP) -> tuple[Step, ...]:
    return (*map(Text, texts), Finish(finish), Usage(prompt=7, completion=len(texts)), Timings(decode_s=0.5))


@dataclass
class FakeGeneration:
    steps: Sequence[Step]
    request: RequestId
    hanging: asyncio.Event
    node: NodeId
    model: ModelId
    attempts: int = 1
    queue_s: float = 0.25
    renamed: Mapping[str, str] = field(default_factory=lambda: {"x-potluck-model": "coder:1b"})
    _said: AsyncIterator[Event] | None = None

    async def events(self) -> AsyncIterator[Event]:
        for step in self.steps:
            await asyncio.sleep(0)
            if isinstance(step, Hang):
                self.hanging.set()
                await asyncio.Event().wait()
            elif isinstance(step, PotluckError):
                raise step
            else:
                yield step

    async def more(self, pause_s: float = 0.0) -> Sequence[Event]:
        if self._said is None:
            self._said = self.events()
        return [event async for event in _one(self._said)]


async def _one(events: AsyncIterator[Event]) -> AsyncIterator[Event]:
    with suppress(StopAsyncIteration):
        yield await anext(events)


class FakeCalls:
    """Answers by a script; counts generations that are open."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.calls: list[Call] = []
        self.open = 0
        self.most_open = 0
        self.hanging = asyncio.Event()
        self._numbers = itertools.count(1)
        self.kinds: list[Kind] = []
        self.standings: dict[str, Standing] = {}
        self.waits = False  # in line, for ever
        self.terms: list[Terms] = []
        self.begun: list[Begun | None] = []
        self.nodes: list[str] = []

    @asynccontextmanager
    async def generate(
        self,
        call: Call,
        caller: Caller,
        *,
        family: str = "native",
        kind: Kind = Kind.CHAT,
        whole: bool = False,
        request: str = "",
        terms: Terms = NO_TERMS,
        begun: Begun | None = None,
        node: str = "",
    ) -> AsyncIterator[Generation]:
        self.calls.append(call)
        self.begun.append(begun)
        self.nodes.append(node)
        self.kinds.append(kind)
        self.terms.append(terms)
        steps = self.script(call)
        if isinstance(steps, PotluckError):
            raise steps
        if self.waits:
            await asyncio.Event().wait()
        self.open += 1
        self.most_open = max(self.open, self.most_open)
        try:
            request = RequestId(request or f"gen{next(self._numbers)}")
            yield FakeGeneration(steps, request, self.hanging, NodeId("agx0"), ModelId("coder:1b"))
        finally:
            self.open -= 1

    def under_way(self, request: RequestId) -> Standing | None:
        return self.standings.get(request)

    def ready(self, model: str) -> bool:
        return True

    def default_model(self, call: Call) -> str:
        return "default:1b"


class FakeFleet:
    def __init__(self, *engines: Engine) -> None:
        self.engines = engines
        self.alias_of: dict[str, str] = {}
        self.running: list[Running] = []

    def snapshot(self) -> Sequence[Engine]:
        return self.engines

    def where(self, model: str) -> Sequence[tuple[Engine, Model]]:
        return [(engine, known) for engine in self.engines for known in engine.models.values() if known.id == model]

    def aliases(self) -> Mapping[str, str]:
        return self.alias_of

    def listing(self) -> Sequence[Model]:
        known = {model.id: model for engine in self.engines for model in engine.models.values()}
        named = [replace(TALKER, id=ModelId(name)) for name in (*self.alias_of, "coding", "auto")]
        return (*known.values(), *named)

    def starts_s(self, engine: EngineId, model: ModelId) -> float | None:
        if engine == DOWN.id:
            return None
        return 0.0 if model == CODER.id else 3.25

    def children(self, engine: EngineId) -> Sequence[Child]:
        local = any(known.id == engine and known.kind is EngineKind.LOCAL for known in self.engines)
        return [Child("coder:1b", "chat", 4711, "ready", 2, "killed by signal 9")] if local else []

    def waiting(self) -> int:
        return 3

    def under_way(self) -> Sequence[Running]:
        return self.running

    def waiting_by_node(self) -> Mapping[NodeId, int]:
        return {AGX0.node: 2}

    def queue(self) -> Sequence[Queued]:
        users = (ANNA.user, BERT.user, ANNA.user)
        return [
            Queued(RequestId(f"q{place}"), user, "coder", Kind.REVIEW, 2.5, place, 8.0 * place)
            for place, user in enumerate(users, start=1)
        ]

    def turns(self) -> Mapping[UserId, UserTurn]:
        return {BERT.user: UserTurn(1, 0.5), ANNA.user: UserTurn(2, 12.25)}

    def rates(self) -> Mapping[tuple[EngineId, ModelId], Rates]:
        return {(AGX0.id, CODER.id): Rates(800.0, 52.5, load_s=3.0, readings=9)}

    def decided(self) -> Decided:
        return Decided()

    def last_minute(self) -> Minute:
        return Minute({CallStatus.OK: 5, CallStatus.NODE_ERROR: 1, CallStatus.CLIENT_ERROR: 2}, 700)


CODER = Model(
    ModelId("coder:1b"),
    frozenset({Capability.COMPLETION, Capability.INSERT}),
    context=4096,
    resident=True,
    size_bytes=900,
    memory_bytes=1200,
    family="coder",
)
TALKER = Model(ModelId("talker:8b"), context=8192)
AGX0 = Engine(
    EngineId("agx0/ollama:11434"),
    NodeId("agx0"),
    EngineKind.OLLAMA,
    Health.UP,
    slots=4,
    busy=1,
    models={CODER.id: CODER, TALKER.id: TALKER},
    why="answered with 2 models",
)
LOCAL = Engine(EngineId("here/local"), NodeId("here"), EngineKind.LOCAL, Health.UP, models={CODER.id: CODER})
DOWN = Engine(
    EngineId("orin0/ollama:11435"),
    NodeId("orin0"),
    EngineKind.OLLAMA,
    Health.DOWN,
    models={ModelId("lost:1b"): replace(TALKER, id=ModelId("lost:1b"))},
    why="connection refused at 192.168.1.157",
)


class MemoryConversations:
    """As `ConversationStore` promises, in a dict."""

    def __init__(self) -> None:
        self.threads: dict[ConversationId, Thread] = {}

    def _own(self, conversation: ConversationId, user: UserId) -> Thread:
        thread = self.threads.get(conversation)
        if thread is None or thread.conversation.user != user:
            raise NotFound("There is no such conversation.")
        return thread

    async def create(self, conversation: Conversation) -> None:
        if conversation.id in self.threads:
            raise Conflict("taken")
        self.threads[conversation.id] = Thread(msgspec.structs.replace(conversation, messages=0), ())

    async def list(
        self, user: UserId, *, limit: int, cursor: str | None = None, where: ConversationFilter = EVERY
    ) -> ConversationPage:
        own = [thread.conversation for thread in self.threads.values() if thread.conversation.user == user]
        if where.pinned is not None:
            own = [each for each in own if (each.pinned_s is not None) == where.pinned]
        own.sort(key=lambda conversation: -conversation.updated_s)
        try:
            start = int(base64.b64decode(cursor)) if cursor else 0
        except ValueError as exc:
            raise BadRequest("The cursor is not one of ours.", param="cursor") from exc
        rest = own[start + limit :]
        following = base64.b64encode(str(start + limit).encode()).decode() if rest else None
        return ConversationPage(tuple(own[start : start + limit]), following)

    async def get(self, conversation: ConversationId, user: UserId) -> Thread:
        return self._own(conversation, user)

    async def change(
        self, conversation: ConversationId, user: UserId, change: ConversationChange, now: float
    ) -> Conversation:
        thread = self._own(conversation, user)
        wanted = {name: value for name, value in msgspec.structs.asdict(change).items() if value is not msgspec.UNSET}
        titled = wanted.pop("titled")
        if "title" in wanted and titled is Titled.MODEL and thread.conversation.titled is Titled.PERSON:
            del wanted["title"]
        if "title" in wanted:
            wanted["titled"] = titled
            if titled is Titled.PERSON:
                wanted["updated_s"] = now
        if wanted.get("leaf") not in (None, *(each.id for each in thread.messages)):
            raise NotFound("There is no such message.")
        changed = msgspec.structs.replace(thread.conversation, **wanted)
        self.threads[conversation] = Thread(changed, thread.messages)
        return changed

    async def delete_messages(
        self, conversation: ConversationId, user: UserId, root: MessageId
    ) -> tuple[Conversation, frozenset[MessageId]]:
        thread = self._own(conversation, user)
        parents = {each.id: each.parent for each in thread.messages}
        if root not in parents:
            raise NotFound("There is no such message.")
        gone = below(parents, root)
        kept = tuple(each for each in thread.messages if each.id not in gone)
        leaf = thread.conversation.leaf
        if leaf in gone:
            leaf = newest_leaf({each.id: each.parent for each in kept}, parents[root])
        changed = msgspec.structs.replace(thread.conversation, messages=len(kept), leaf=leaf)
        self.threads[conversation] = Thread(changed, kept)
        return changed, gone

    async def delete(self, conversation: ConversationId, user: UserId) -> None:
        self._own(conversation, user)
        del self.threads[conversation]

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
        # As a database would, this lets others run.
        await asyncio.sleep(0)
        thread = self._own(conversation, user)
        if after is Place.START:
            parent = None
        elif after is Place.END:
            parent = thread.messages[-1].id if thread.messages else None
        else:
            assert isinstance(after, str)
            if after not in {message.id for message in thread.messages}:
                raise NotFound("There is no such message.")
            parent = MessageId(after)
        stored: list[StoredMessage] = []
        if {new.id for new in messages} & {message.id for message in thread.messages}:
            raise Conflict("taken")
        for new in messages:
            seq = max((each.seq for each in thread.messages), default=0) + len(stored) + 1
            stored.append(StoredMessage(conversation, seq, parent, now, new))
            parent = new.id
        self.threads[conversation] = longer(thread, stored, now, model, follows=follows, replaces=replaces)
        return tuple(stored)

    async def take_in(self, conversation: Conversation, messages: Sequence[StoredMessage]) -> int:
        raise AssertionError("tests of what comes from elsewhere have a database")

    async def search(self, user: UserId, text: str, *, limit: int, cursor: str | None = None) -> SearchPage:
        hits: list[SearchHit] = []
        for thread in self.threads.values():
            if thread.conversation.user != user:
                continue
            found = [message for message in thread.messages if text.lower() in message.message.text.lower()]
            if found or text.lower() in thread.conversation.title.lower():
                hits.append(SearchHit(thread.conversation, found[-1].id if found else None, (Piece(text, True),)))
        return SearchPage(tuple(hits[:limit]))


class NoFolders:
    """Nobody has any: tests of those have a database."""

    async def all(self, user: UserId) -> tuple[()]:
        return ()

    def __getattr__(self, name: str) -> Any:
        raise AssertionError("not used here")


class MemoryPreferences:
    def __init__(self) -> None:
        self.values: dict[UserId, str] = {}

    async def get(self, user: UserId) -> str | None:
        return self.values.get(user)

    async def set(self, user: UserId, value: str, now: float) -> None:
        self.values[user] = value


class MemoryUsers:
    """Those who ask in these tests are there from the start."""

    def __init__(self) -> None:
        callers = (OWNER, ADMIN, ANNA, BERT, GUEST)
        self.records = [UserRecord(each.user, each.user, each.role, 1.0) for each in callers]
        self.removed: list[UserId] = []

    async def add(self, record: UserRecord) -> None:
        if any(folded(known.name) == folded(record.name) for known in self.records):
            raise Conflict("A user has this name.")
        self.records.append(record)

    async def all(self) -> tuple[UserRecord, ...]:
        return tuple(self.records)

    async def set_role(self, user: UserId, role: Role) -> UserRecord:
        return self._set(user, role=role)

    async def set_disabled(self, user: UserId, disabled_s: float | None) -> UserRecord:
        return self._set(user, disabled_s=disabled_s)

    async def set_limits(self, user: UserId, limits: Limits | None) -> UserRecord:
        return self._set(user, limits=limits)

    async def remove(self, user: UserId) -> None:
        self.records = [record for record in self.records if record.id != user]
        self.removed.append(user)

    def _set(self, user: UserId, **values: object) -> UserRecord:
        at = next(at for at, record in enumerate(self.records) if record.id == user)
        self.records[at] = msgspec.structs.replace(self.records[at], **values)
        return self.records[at]


class MemorySessions:
    def __init__(self) -> None:
        self.records: list[SessionRecord] = []

    async def add(self, record: SessionRecord) -> None:
        self.records.append(record)

    async def all(self) -> tuple[SessionRecord, ...]:
        return tuple(self.records)

    async def remove(self, session: SessionId, user: UserId) -> None:
        kept = [record for record in self.records if (record.id, record.user) != (session, user)]
        if len(kept) == len(self.records):
            raise NotFound("There is no such session.")
        self.records = kept

    async def touch(self, used: Mapping[SessionId, float]) -> None:
        raise AssertionError("not used here")

    async def prune(self, *, begun_before_s: float, used_before_s: float) -> int:
        before = len(self.records)
        self.records = [
            each for each in self.records if each.created_s > begun_before_s and each.last_used_s > used_before_s
        ]
        return before - len(self.records)


class MemoryKeys:
    def __init__(self) -> None:
        self.records: list[KeyRecord] = []

    async def add(self, record: KeyRecord) -> None:
        if any(known.live and known.name == record.name for known in self.records):
            raise Conflict("A key has this name.")
        self.records.append(record)

    async def all(self) -> tuple[KeyRecord, ...]:
        return tuple(self.records)

    async def revoke(self, key: KeyId, now: float) -> KeyRecord:
        at = next((at for at, record in enumerate(self.records) if record.id == key), None)
        if at is None:
            raise NotFound("There is no such key.")
        self.records[at] = msgspec.structs.replace(self.records[at], revoked_s=now)
        return self.records[at]

    async def replace(self, old: KeyId, new: KeyRecord, now: float) -> None:
        await self.revoke(old, now)
        await self.add(new)

    async def set_limits(self, key: KeyId, limits: Limits | None) -> KeyRecord:
        at = next(at for at, record in enumerate(self.records) if record.id == key)
        self.records[at] = msgspec.structs.replace(self.records[at], limits=limits)
        return self.records[at]

    async def touch(self, used: Mapping[KeyId, float]) -> None:
        raise AssertionError("not used here")


class MemoryUsage:
    """Tells what it was given, and keeps what it was asked."""

    def __init__(self) -> None:
        self.rows: list[UsageRow] = []
        self.asked: list[UsageQuery] = []

    async def tell(self, query: UsageQuery, *, limit: int) -> tuple[UsageRow, ...]:
        self.asked.append(query)
        return tuple(self.rows[:limit])

    async def prune(self, before_day: str, hours_before_day: str) -> int:
        raise AssertionError("not used here")


class MemoryRequests:
    def __init__(self) -> None:
        self.records: list[RequestRecord] = []
        self.asked: RequestFilter | None = None

    async def add(self, records: Sequence[RequestRecord]) -> None:
        self.records.extend(records)

    async def get(self, request: RequestId) -> RequestRecord:
        for record in self.records:
            if record.id == request:
                return record
        raise NotFound("There is no such request.")

    async def recent(self, *, limit: int, where: RequestFilter | None = None) -> tuple[RequestRecord, ...]:
        self.asked = where
        newest = sorted(self.records, key=lambda record: (record.time_s, record.id), reverse=True)
        if where is not None and where.after is not None:
            newest = [record for record in newest if (record.time_s, record.id) < where.after]
        return tuple(record for record in newest if not where or where.user in (None, record.user))[:limit]

    async def prune(self, before_s: float) -> int:
        raise AssertionError("not used here")


class FakeBackups:
    """Makes one as soon as it is begun."""

    def __init__(self) -> None:
        self.made: list[Manifest] = []
        self.under_way: BackupStep | None = None
        self.began_s: float | None = None
        self.trouble = ""
        self.why_not = ""

    async def all(self) -> Sequence[Manifest]:
        return self.made

    def begin(self) -> None:
        if self.why_not:
            raise Conflict(self.why_not)
        self.under_way, self.began_s = BackupStep("files", 3, 9), 1_750_000_000.0


class FakeSettings:
    """As `SettingsCare` promises, over no file."""

    def __init__(self) -> None:
        self.said: dict[str, Json] = {}
        self.file = ""

    @property
    def name(self) -> str:
        return str(self.said.get("portal.name", "Potluck"))

    async def all(self) -> Sequence[Setting]:
        return settings(None, self.said, Config())

    async def change(self, changes: Mapping[str, Json]) -> Mapping[str, Json]:
        changed(Config(), {key: value for key, value in changes.items() if value is not None})
        previous = {key: self.said.get(key) for key in changes}
        self.said = {key: value for key, value in {**self.said, **changes}.items() if value is not None}
        return previous


class FakeRecorder:
    """Remembers what a test says."""

    def __init__(self) -> None:
        self.history = History()
        self.incidents: list[Incident] = []
        self.since: dict[str, float] = {}

    @property
    def known_since_s(self) -> float | None:
        return self.history.begun_s

    def since_s(self, node: str) -> float | None:
        return self.since.get(node)

    def recent(self) -> Sequence[Incident]:
        return self.incidents

    def series(self, node: str, *, hours: float, steps: int = 1) -> Series:
        return self.history.series(node, now_s=1_750_000_000.0, hours=hours, steps=steps)

    def remembered(self) -> Sequence[str]:
        return [node for node in self.history.nodes() if node]

    async def flush(self) -> None:
        """It has nothing to write."""


class MemoryAudit:
    """As `AuditLog` promises, in a list."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    async def append(self, noted: Sequence[Noted]) -> Head:
        for each in noted:
            self.entries.append(chained(await self.head(), each.time_ms, each.id, bounded(each.fact)))
        return await self.head()

    async def head(self) -> Head:
        return self.entries[-1].head if self.entries else EMPTY

    async def page(self, *, after: int, limit: int) -> tuple[Entry, ...]:
        return tuple(entry for entry in self.entries if entry.seq > after)[:limit]

    async def recent(self, *, limit: int, where: AuditFilter | None = None) -> tuple[Entry, ...]:
        where = where or AuditFilter()
        found = [
            entry
            for entry in reversed(self.entries)
            if (where.before is None or entry.seq < where.before)
            and entry.fact.event.startswith(where.event or "")
            and where.actor in (None, entry.fact.actor)
        ]
        return tuple(found[:limit])

    async def prune(self, *, before_ms: int, now_ms: int, id: str) -> int:
        raise AssertionError("not used here")


class MemoryHeads:
    def __init__(self) -> None:
        self.noted: Head | None = None

    def read(self) -> Head | None:
        return self.noted

    def write(self, head: Head) -> None:
        self.noted = head


class FakeModels:
    """Does what it is told with models: remembers it, and answers from ``steps`` or with ``fails``."""

    def __init__(self) -> None:
        self.pins: set[tuple[EngineId, ModelId]] = set()
        self.steps: list[PullStep | PotluckError] = []
        self.fails: PotluckError | None = None
        self.asked: list[tuple[object, ...]] = []

    def pinned(self, engine: EngineId, model: ModelId) -> bool:
        return (engine, model) in self.pins

    async def pull(self, order: PullOrder, where: Where = ANYWHERE) -> AsyncGenerator[PullStep]:
        self.asked.append(("pull", order, where))
        for step in self.steps:
            if isinstance(step, PotluckError):
                raise step
            yield step

    async def load(self, name: str, where: Where = ANYWHERE, *, keep_s: float | None = None) -> Target:
        return self._one("load", name, where, keep_s)

    async def pin(self, name: str, where: Where = ANYWHERE) -> Target:
        return self._one("pin", name, where)

    async def unload(self, name: str, where: Where = ANYWHERE) -> Sequence[Target]:
        return [self._one("unload", name, where)]

    async def unpin(self, name: str, where: Where = ANYWHERE) -> Sequence[Target]:
        return [self._one("unpin", name, where)]

    async def copy(self, source: str, destination: str, where: Where = ANYWHERE) -> Sequence[Target]:
        return [self._one("copy", source, destination, where)]

    async def delete(self, name: str, where: Where = ANYWHERE) -> Sequence[Target]:
        return [self._one("delete", name, where)]

    def _one(self, verb: str, name: str, *rest: object) -> Target:
        self.asked.append((verb, name, *rest))
        if self.fails is not None:
            raise self.fails
        return Target(AGX0.node, AGX0.id, ModelId(name))


@dataclass
class FakeDiscovery:
    """Proposes what a test says, remembers what it was told, and fails with ``fails``."""

    found: list[Proposal] = field(default_factory=list)
    nodes: list[AcceptedNode] = field(default_factory=list)
    fails: PotluckError | None = None
    asked: list[tuple[object, ...]] = field(default_factory=list)

    def ways(self) -> Ways:
        return Ways(mdns=True, networks=("192.168.1.0/24",), scanned_s=1_750_000_000.0)

    def proposals(self) -> Sequence[Proposal]:
        return self.found

    def accepted(self) -> Sequence[AcceptedNode]:
        return self.nodes

    def source(self, node: str) -> Source:
        return "discovery" if node in [each.name for each in self.nodes] else "here" if node == "here" else "config"

    def why(self, node: str) -> str:
        return "It was at 192.168.1.5." if self.source(node) == "discovery" else ""

    async def look(self) -> None:
        self._told("look")

    async def look_at(self, address: str) -> None:
        self._told("look_at", address)

    async def accept(self, proposal: str, name: str = "", slots: int | None = None) -> AcceptedNode:
        self._told("accept", proposal, name, slots)
        return self.nodes[0]

    async def dismiss(self, proposal: str) -> None:
        self._told("dismiss", proposal)

    async def forget(self, name: str) -> None:
        self._told("forget", name)

    def _told(self, *what: object) -> None:
        self.asked.append(what)
        if self.fails is not None:
            raise self.fails


@dataclass
class FakeDrains:
    """Nodes drained at one moment, with one call left and one model to move."""

    since_s: dict[str, float] = field(default_factory=dict)
    nodes: tuple[str, ...] = ("agx0",)

    def draining(self, name: str) -> Draining | None:
        if name not in self.since_s:
            return None
        here = EngineId(f"{name}/ollama:11434")
        moves = [
            Move(here, NodeId(name), ModelId("llama3.2"), MoveState.LOADING, "loading there", EngineId("b/ollama")),
            Move(here, NodeId(name), ModelId("big:70b"), MoveState.NOWHERE, "no other machine that is up has it"),
        ]
        return Draining(NodeId(name), self.since_s[name], 1, moves)

    async def drain(self, name: str) -> Draining:
        if name not in self.nodes:
            raise NotFound(f"There is no node '{name}' with an engine.")
        self.since_s[name] = 1_750_000_000.0
        found = self.draining(name)
        assert found is not None
        return found

    async def resume(self, name: str) -> None:
        if self.since_s.pop(name, None) is None and name not in self.nodes:
            raise NotFound(f"There is no node '{name}' with an engine.")


class NoCredentials:
    """Nobody has a password; tests of those have a database."""

    async def standing(self) -> Mapping[UserId, SignInWays]:
        return {}

    async def password(self, user: UserId) -> PasswordRecord | None:
        return None

    async def factor(self, user: UserId) -> FactorRecord | None:
        return None


class NoLinks:
    async def all(self) -> tuple[LinkRecord, ...]:
        return ()


class NoIdentities:
    async def of_user(self, user: UserId) -> tuple[IdentityRecord, ...]:
        return ()


class NoJobs:
    """Jobs are kept in a database: `tests.surfaces.v1.test_jobs` has one."""

    async def counts(self) -> None:
        """It does not say."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError("not used here")


class FakeSpending:
    """``left`` is how many images everybody may have yet."""

    def __init__(self) -> None:
        self.left = 1000

    async def spend_images(self, caller: Caller, count: int, call: str) -> None:
        if count > self.left:
            raise RateLimited("Too many images.", retry_after_s=60.0)
        self.left -= count

    async def give_images_back(self, caller: Caller, count: int) -> None:
        self.left += count


class NoSettings:
    async def get(self, name: str) -> Json:
        return None

    async def set(self, name: str, value: Json, now: float) -> None:
        raise AssertionError("not used here")

    async def all(self) -> Mapping[str, Json]:
        return {}


@dataclass(frozen=True)
class Served:
    """What a client got."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    def events(self) -> list[tuple[int, str, Any]]:
        """Number, name and data of each event, comments left out."""
        found: list[tuple[int, str, Any]] = []
        for block in self.body.decode().split("\n\n"):
            if not block or block.startswith(":"):
                continue
            fields = dict(line.split(": ", 1) for line in block.split("\n"))
            found.append((int(fields["id"]), fields["event"], json.loads(fields["data"])))
        return found


class FakeDrills:
    """Of ``agx0`` only; what is begun is out at once, until it is ended."""

    def __init__(self) -> None:
        self.drills: list[Drill] = []
        self.orders: list[tuple[Order, KeyId]] = []

    def plan(self, how: How, node: str = "") -> Plan:
        if node not in ("", "agx0"):
            raise NotFound(f"There is no node '{node}' with an engine.")
        homes = (
            Homed(CODER.id, CODER.capabilities, AGX0.id, True, Home.MEMORY, (NodeId("here"),)),
            Homed(TALKER.id, TALKER.capabilities, AGX0.id, False, Home.NONE),
        )
        against = (Objection("'talker:8b' has no second home."), Objection("It is drained.", final=True))
        return Plan(AGX0.node, how, homes, against, running=1, waiting=3, slots_elsewhere=9)

    async def begin(self, order: Order, caller: Caller) -> Drill:
        if not order.force:
            raise Conflict("'talker:8b' has no second home.", hint="--force")
        self.orders.append((order, caller.key))
        drill = Drill(f"d{len(self.drills)}", order, self.plan(order.how, order.node), 1_750_000_000.0)
        drill.stage, drill.until_s = Stage.UNDER_WAY, 1_750_000_060.0
        self.drills.append(drill)
        return drill

    def get(self, name: str) -> Drill:
        found = next((each for each in self.drills if each.id == name), None)
        if found is None:
            raise NotFound("There is no such drill.")
        return found

    def all(self) -> Sequence[Drill]:
        return self.drills[::-1]

    def of_node(self, node: str) -> Drill | None:
        return next((each for each in self.drills if each.node == node and each.outcome is None), None)

    async def end(self, name: str) -> Drill:
        drill = self.get(name)
        drill.end(Ending.OWNER, "Its owner ended it.")
        drill.restored, drill.stage, drill.ended_s = True, Stage.OVER, 1_750_000_030.0
        drill.outcome = outcome(drill.ending, lost=False, restored=True)
        return drill


class NoFiles:
    """Nobody keeps any."""

    most_bytes = 1000

    def standing(self) -> FilesStanding:
        return FilesStanding()


class Pictures:
    """The web's images."""

    def __init__(self) -> None:
        self.there: dict[str, tuple[bytes, str]] = {}

    async def fetch(self, url: str) -> tuple[bytes, str]:
        if url not in self.there:
            raise refusal(url, "its address is not public")
        return self.there[url]


@dataclass
class World:
    """The API and everything behind it. ``now`` is its clock; ids count up.

    ``storage`` takes the place of the stores in memory; ``unwritten`` are calls that ended just now. ``seconds`` is the
    clock that pauses are measured by.
    """

    script: Script = lambda call: says("Hello")
    engines: tuple[Engine, ...] = (AGX0, LOCAL, DOWN)
    now: float = 1_750_000_000.0
    ping_s: float = 60.0
    max_body_bytes: int = 100_000
    conversations: MemoryConversations = field(default_factory=MemoryConversations)
    keys: MemoryKeys = field(default_factory=MemoryKeys)
    requests: MemoryRequests = field(default_factory=MemoryRequests)
    unwritten: list[RequestRecord] = field(default_factory=list[RequestRecord])
    users: MemoryUsers = field(default_factory=MemoryUsers)
    sessions: MemorySessions = field(default_factory=MemorySessions)
    key_changes: int = 0
    broken_config: str = ""
    machines: Sequence[Machine] = ()
    storage: Storage | None = None
    models: FakeModels = field(default_factory=FakeModels)
    discovery: FakeDiscovery = field(default_factory=FakeDiscovery)
    drains: FakeDrains = field(default_factory=FakeDrains)
    drills: FakeDrills = field(default_factory=FakeDrills)
    logs: MemoryGenerations = field(default_factory=MemoryGenerations)
    heads: MemoryHeads = field(default_factory=MemoryHeads)
    bus: MemoryBus = field(default_factory=MemoryBus)
    redis: ServerState | None = None
    started: bool = False
    files: Any = field(default_factory=NoFiles)
    gallery: Any = None
    progress: Progresses = field(default_factory=Progresses)
    painters: Sequence[PainterView] = ()
    spending: Any = field(default_factory=lambda: FakeSpending())
    usage: MemoryUsage = field(default_factory=MemoryUsage)
    jobs: Any = field(default_factory=NoJobs)
    nothing: Any = None  # in place of stores that a test has no use for
    random_bytes: Callable[[int], bytes] = bytes
    seconds: float = 0.0
    url: str = ""
    backups: FakeBackups = field(default_factory=FakeBackups)
    settings: FakeSettings = field(default_factory=FakeSettings)
    recorder: FakeRecorder = field(default_factory=FakeRecorder)
    live: Live = field(default_factory=lambda: Live(tick_s=0.001))
    welcome: bool = True
    stopping: bool = False

    def __post_init__(self) -> None:
        self.calls = FakeCalls(self.script)
        numbers = itertools.count(1)
        storage = self.storage or Storage(
            self.users,
            self.keys,
            self.sessions,
            NoCredentials(),
            NoLinks(),
            NoIdentities(),
            WithTemporary(self.conversations, lambda: self.now),
            self.requests,
            self.usage,
            NoSettings(),
            MemoryAudit(),
            self.nothing,
            NoJobs(),
            self.nothing,
            self.nothing,
            NoFolders(),
            self.nothing,
            self.nothing,
            MemoryPreferences(),
        )

        def new_id() -> str:
            return f"id{next(numbers)}"

        self.app = Starlette(routes=starlette_routes())
        self.fleet = FakeFleet(*self.engines)
        self.audit = Audit(
            storage.audit,
            clock=self._tick,
            monotonic=self._tick,
            new_id=new_id,
            name_of=lambda user: f"name of {user}",
            heads=self.heads,
        )
        self.generations = Generations(
            self.logs,
            storage.conversations,
            self.calls,
            Tasks(),
            bounds=Bounds(),
            words=failure_of,
            caller_of={each.key: each for each in (ANNA, BERT, OWNER)}.get,
            clock=self._tick,
            wall_clock=self._tick,
        )
        self.pictures = Pictures()
        self.app.state.services = Services(
            calls=self.calls,
            storage=storage,
            shared=Shared(
                self.bus, MemoryPresence(lambda: 0.0), MemoryMeter(lambda: 0.0), MemoryJobSpread(), self.redis
            ),
            fleet=self.fleet,
            machines=lambda: self.machines,
            clock=self._tick,
            new_id=new_id,
            people=(people := People(storage, self._tick, new_id, self.random_bytes, self._keys_changed, self.audit)),
            accounts=cache(
                lambda: accounts(
                    storage,
                    people,
                    Hashing(Cost(1, 8, 1)),
                    Vault(lambda: b"secret", self.random_bytes),
                    clock=self._tick,
                    monotonic=lambda: self.seconds,
                    new_id=new_id,
                    random_bytes=self.random_bytes,
                    changed=self._keys_changed,
                    audit=self.audit,
                )
            ),
            name_of=lambda user: f"name of {user}",
            lifetimes=Lifetimes(idle_s=100.0, length_s=1000.0),
            reload=self._reload,
            requests_written=self._requests_written,
            look=self._look,
            models=self.models,
            discovery=self.discovery,
            drains=self.drains,
            drills=lambda: self.drills,
            generations=self.generations,
            audit=self.audit,
            files=self.files,
            attachments=Attachments(self.files),
            gallery=self.gallery,
            progress=self.progress,
            spending=self.spending,
            painters=lambda: self.painters,
            jobs=self.jobs,
            recorder=self.recorder,
            pictures=self.pictures,
            settings=self.settings,
            backups=self.backups,
            started_s=self.now - 60,
            url=self.url,
            max_body_bytes=self.max_body_bytes,
            ping_s=self.ping_s,
            live=self.live,
            welcome=lambda caller: self.welcome,
            stopping=lambda: self.stopping,
        )

    def _tick(self) -> float:
        self.now += 1
        return self.now

    def _reload(self) -> dict[str, bool]:
        if self.broken_config:
            raise OperatorError(self.broken_config, hint="Mend it.")
        return {"routes": True, "local": False}

    async def _keys_changed(self) -> None:
        self.key_changes += 1
        await self.learn()

    async def learn(self) -> None:
        """Take who may ask as it is stored now: for worlds that have a keyring."""

    async def _look(self, engine: EngineId) -> None:
        """Nothing here changes an engine's models."""

    async def _requests_written(self) -> None:
        written, self.unwritten = self.unwritten, []
        await self.requests.add(written)

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        caller: Caller = ANNA,
        raw: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Served:
        """One request by an ordinary client that reads its whole answer."""
        content = raw if raw is not None else (json.dumps(body).encode() if body is not None else b"")
        transport = httpx.ASGITransport(self._as(caller))
        async with httpx.AsyncClient(transport=transport, base_url="http://potluck") as client:
            response = await client.request(method, path, content=content, headers=dict(headers or {}))
        return Served(response.status_code, response.headers, response.content)

    async def leave(self, path: str, body: Any, *, after: bytes = b"", caller: Caller = ANNA) -> bytes:
        """Send a request, and leave when the engine has fallen silent (`Hang`) and ``after`` has come.

        Returns what came until then.
        """
        got = bytearray()
        requests = [{"type": "http.request", "body": json.dumps(body).encode(), "more_body": False}]
        came = asyncio.Event()

        async def receive() -> dict[str, Any]:
            if requests:
                return requests.pop()
            await self.calls.hanging.wait()
            while after not in got:
                came.clear()
                await came.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            got.extend(message.get("body", b""))
            came.set()

        await self.raw(receive, send, path, caller)
        return bytes(got)

    async def raw(
        self,
        receive: Any,
        send: Any,
        path: str = "/api/v1/chat",
        caller: Caller = ANNA,
        method: str = "POST",
        query: bytes = b"",
    ) -> None:
        """A request by a server of the test's own."""
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query,
            "headers": [],
        }
        await asyncio.wait_for(self._as(caller)(scope, receive, send), 5)

    def _as(self, caller: Caller) -> Callable[..., Any]:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            if not self.started:
                self.started = True
                await self.generations.restore()
            scope.setdefault("state", {})["caller"] = caller
            await self.app(scope, receive, send)

        return app


def unknown_model(call: Call) -> PotluckError:
    return ModelNotFound(call.model, ["coder:1b"])

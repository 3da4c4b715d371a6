"""What the handlers of the control plane work with; `app.state.services` of the Starlette application holds it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import TYPE_CHECKING, Protocol

import msgspec

from potluck.backends.port import Child, PullOrder
from potluck.config.model import PortalConfig
from potluck.core.allowances import Level
from potluck.core.audit import Event, Head
from potluck.core.discovery import Proposal
from potluck.core.history import Series
from potluck.core.incidents import Incident
from potluck.core.model import Engine, EngineId, EngineKind, Json, Model, ModelId, NodeId, UserId
from potluck.core.pictures.catalogue import Catalogue
from potluck.core.pictures.placing import Standing
from potluck.core.scheduling.rates import Rates
from potluck.core.scheduling.standing import UserTurn
from potluck.core.sessions import Lifetimes
from potluck.gateway.announcements import Announcements
from potluck.gateway.attachments import Attachments
from potluck.gateway.discovery.discovery import Source, Ways
from potluck.gateway.discovery.kept import AcceptedNode
from potluck.gateway.dispatch import Decided
from potluck.gateway.drains import Draining
from potluck.gateway.files import Files
from potluck.gateway.gallery import Gallery
from potluck.gateway.generation import Generation, Written
from potluck.gateway.generations import Reading, Summary
from potluck.gateway.last_minute import Minute
from potluck.gateway.machines import Machine
from potluck.gateway.models import PullStep, Target
from potluck.gateway.openid.flow import OpenIdWay
from potluck.gateway.painters import Place
from potluck.gateway.people import People
from potluck.gateway.picture_progress import Progresses
from potluck.gateway.placed import Where
from potluck.gateway.port import Caller, Calls
from potluck.gateway.prompt_feed import PromptFeed
from potluck.gateway.seats import Queued, Running
from potluck.jobs.port import JobCare
from potluck.storage.backups import Manifest, Step
from potluck.storage.generations import GenerationHead
from potluck.storage.ports import Storage
from potluck.storage.shared_ports import Shared
from potluck.surfaces.live import Live
from potluck.surfaces.newest import Newest
from potluck.wire.prompts.styles import Style
from potluck.wire.terms import Terms

if TYPE_CHECKING:  # no start needs them
    from potluck.config.effective import Setting
    from potluck.core.drill import How, Plan
    from potluck.gateway.accounts import Accounts
    from potluck.gateway.drills import Drill, Order


class FleetView(Protocol):
    """The engines as they are now, for listing. Snapshots: nothing here waits or changes anything."""

    def snapshot(self) -> Sequence[Engine]:
        """Every engine, in the config's order."""
        ...

    def where(self, model: str) -> Sequence[tuple[Engine, Model]]:
        """The engines that would serve a name, a route's name too; empty if there is none."""
        ...

    def aliases(self) -> Mapping[str, str]:
        """Other names for models and routes, each with what it stands for."""
        ...

    def listing(self) -> Sequence[Model]:
        """Every name that can be asked for, once: models, routes, aliases and `auto`."""
        ...

    def starts_s(self, engine: EngineId, model: ModelId) -> float | None:
        """In how many seconds a call for a model could begin on an engine; None where it cannot."""
        ...

    def children(self, engine: EngineId) -> Sequence[Child]:
        """The processes of an engine that Potluck runs itself; empty for all others."""
        ...

    def waiting(self) -> int:
        """Calls in line."""
        ...

    def under_way(self) -> Sequence[Running]:
        """The calls that have a seat now."""
        ...

    def waiting_by_node(self) -> Mapping[NodeId, int]:
        """How many of the calls in line each node could serve."""
        ...

    def queue(self) -> Sequence[Queued]:
        """The calls in line, in the order in which they would be served."""
        ...

    def turns(self) -> Mapping[UserId, UserTurn]:
        """Whose turn it is: everybody who has a call in line, the least served first."""
        ...

    def rates(self) -> Mapping[tuple[EngineId, ModelId], Rates]:
        """How fast models are, where that was learned."""
        ...

    def decided(self) -> Decided:
        """How often the scheduler decided what."""
        ...

    def last_minute(self) -> Minute:
        """What the last minute was like."""
        ...


class ModelCare(Protocol):
    """Models on the engines' disks and in their memory: `gateway.models.Models`, which says what each raises."""

    def pinned(self, engine: EngineId, model: ModelId) -> bool: ...

    def pull(self, order: PullOrder, where: Where = ...) -> AsyncGenerator[PullStep]: ...

    async def load(self, name: str, where: Where = ..., *, keep_s: float | None = None) -> Target: ...

    async def unload(self, name: str, where: Where = ...) -> Sequence[Target]: ...

    async def pin(self, name: str, where: Where = ...) -> Target: ...

    async def unpin(self, name: str, where: Where = ...) -> Sequence[Target]: ...

    async def copy(self, source: str, destination: str, where: Where = ...) -> Sequence[Target]: ...

    async def delete(self, name: str, where: Where = ...) -> Sequence[Target]: ...


class DiscoveryCare(Protocol):
    """Machines on the network: `gateway.discovery.discovery.Discovery`, which says what each raises."""

    def ways(self) -> Ways: ...

    def proposals(self) -> Sequence[Proposal]: ...

    def accepted(self) -> Sequence[AcceptedNode]: ...

    def source(self, node: str) -> Source: ...

    def why(self, node: str) -> str: ...

    async def look(self) -> None: ...

    async def look_at(self, address: str) -> None: ...

    async def accept(self, proposal: str, name: str = "", slots: int | None = None) -> AcceptedNode: ...

    async def dismiss(self, proposal: str) -> None: ...

    async def forget(self, name: str) -> None: ...


class DrainCare(Protocol):
    """Nodes that their owner wants empty: `gateway.drains.Drains`, which says what each raises."""

    def draining(self, name: str) -> Draining | None: ...

    async def drain(self, name: str) -> Draining: ...

    async def resume(self, name: str) -> None: ...


class DrillCare(Protocol):
    """Nodes that are taken out to see what happens: `gateway.drills.Drills`, which says what each raises."""

    def plan(self, how: How, node: str = "") -> Plan: ...

    async def begin(self, order: Order, caller: Caller) -> Drill: ...

    def get(self, name: str) -> Drill: ...

    def all(self) -> Sequence[Drill]: ...

    def of_node(self, node: str) -> Drill | None: ...

    async def end(self, name: str) -> Drill: ...


class SettingsCare(Protocol):
    """The owner's settings: `potluck.app.changing.Settings`."""

    @property
    def file(self) -> str:
        """The name of the configuration file; empty where there is none."""
        ...

    @property
    def name(self) -> str:
        """What the service is called."""
        ...

    async def all(self) -> Sequence[Setting]: ...

    async def change(self, changes: Mapping[str, Json]) -> Mapping[str, Json]:
        """Raises `BadRequest`, and then nothing has changed."""
        ...


class BackupCare(Protocol):
    """Backups of this installation: `gateway.backups.Backups`."""

    under_way: Step | None
    began_s: float | None
    trouble: str

    @property
    def why_not(self) -> str: ...

    async def all(self) -> Sequence[Manifest]: ...

    def begin(self) -> None:
        """Raises `Conflict`."""
        ...


class RecorderView(Protocol):
    """What is remembered of machines: `gateway.recorder.Recorder`."""

    @property
    def known_since_s(self) -> float | None: ...

    def since_s(self, node: str) -> float | None: ...

    def recent(self) -> Sequence[Incident]: ...

    def series(self, node: str, *, hours: float, steps: int = 1) -> Series: ...

    def remembered(self) -> Sequence[str]: ...

    async def flush(self) -> None: ...


class GenerationCare(Protocol):
    """Answers that outlast their requests: `gateway.generations.Generations`, which says what each raises."""

    async def begin(self, head: GenerationHead, caller: Caller, terms: Terms = ...) -> Generation: ...

    def attend(self, generation: Generation, after: int = ...) -> AbstractContextManager[Reading]: ...

    async def end(self, generation: Generation, why: str = ...) -> None: ...

    def reading(self, generation: str, user: UserId, after: int = ...) -> AbstractAsyncContextManager[Reading]: ...

    async def list(self, user: UserId) -> Sequence[Summary]: ...

    async def get(self, generation: str, user: UserId) -> tuple[Summary, Written]: ...

    async def stop(self, generation: str, user: UserId) -> None: ...

    async def drop(self, conversation: str, user: UserId, messages: Collection[str] | None = ...) -> None: ...


class AuditCare(Protocol):
    """The audit log: `gateway.audit.Audit`."""

    async def tell(self, event: Event, actor: Caller | None = None, subject: str = "", **detail: str | int) -> None: ...

    def anchor(self) -> Head | None: ...


class PictureFetch(Protocol):
    """Images out on the web: `gateway.images.RemoteImages`."""

    async def fetch(self, url: str) -> tuple[bytes, str]:
        """The bytes and their media type. Raises `BadRequest` that says why they could not be had."""
        ...


class PainterView(Protocol):
    """An image engine as it is now: `gateway.painters.Painter`."""

    @property
    def node(self) -> NodeId: ...

    @property
    def kind(self) -> EngineKind: ...

    @property
    def up(self) -> bool: ...

    @property
    def why(self) -> str: ...

    @property
    def has(self) -> Catalogue | None: ...


class Spending(Protocol):
    """What is counted and limited by the day beside calls: `gateway.admission.Admission`."""

    async def spend_images(self, caller: Caller, count: int, call: str) -> None: ...

    async def give_images_back(self, caller: Caller, count: int) -> None: ...


def _yes(caller: Caller) -> bool:
    """Where nobody is turned away once he is in."""
    return True


def _in_no_line(picture: str) -> None:
    """Where no pictures wait."""


def _no_places() -> Sequence[Place]:
    """Where nothing draws."""
    return ()


def _no() -> bool:
    """Where nobody says that it stops."""
    return False


async def _no_levels(caller: Caller) -> Sequence[Level]:
    """Where nobody is limited."""
    return ()


class Services(msgspec.Struct, frozen=True):
    """Handed down by the composition root.

    ``machines`` are the configured nodes' as they are now, whether they have engines or not.
    ``clock`` is Unix seconds, ``new_id`` a fresh token (letters and digits). ``people`` changes users and keys, and
    ``name_of`` tells a user's name from memory. ``lifetimes`` are those of sessions. ``accounts`` are the ways to come
    in without a key, made when somebody first does. ``url`` is where people reach the service, if the owner said.
    ``requests_written`` is awaited before the request log is read: what has ended is in it then.
    ``reload`` reads the configuration again and names the sections that changed, each with whether it holds at once; it
    raises `OperatorError` if there are errors. ``look`` asks an engine anew what it has, after its models were changed.
    ``models`` changes them, and is for owners and admins, as ``discovery``, ``drains`` and ``drills`` are; these are
    made when they are first asked for. ``newest`` cancels what an editor no longer waits for. ``generations`` owns the
    answers of native chats, ``files`` what people keep, ``gallery`` their pictures, ``jobs`` what is done for them;
    ``progress`` is how far pictures are that are drawn just now, ``spending`` counts those that are asked for,
    ``painters`` are the image engines, ``places`` what may be asked of them, and ``pictures_line`` tells where a
    picture stands in their line; ``styles`` are the owner's for prompts; ``feed`` is what ComfyUI's clients hear;
    ``pictures`` fetches some from the web. ``recorder`` remembers how machines were. ``audit``
    is told of what is done to people, keys and machines. ``shared`` is what other gateways see.
    ``levels`` tells how a caller's limits stand. ``welcome`` says whether a caller is still who it was when its request
    came, and ``stopping`` whether the service is about to end: for answers that never end by themselves, of which
    ``live`` holds what they share. ``openid`` is sign-in by a provider, None where none is
    configured; ``proxy_signs_in``: a reverse proxy may name who asks.
    """

    calls: Calls
    storage: Storage
    shared: Shared
    fleet: FleetView
    machines: Callable[[], Sequence[Machine]]
    clock: Callable[[], float]
    new_id: Callable[[], str]
    people: People
    accounts: Callable[[], Accounts]
    name_of: Callable[[UserId], str]
    lifetimes: Lifetimes
    reload: Callable[[], Mapping[str, bool]]
    requests_written: Callable[[], Awaitable[None]]
    look: Callable[[EngineId], Awaitable[None]]
    models: ModelCare
    discovery: DiscoveryCare
    drains: DrainCare
    drills: Callable[[], DrillCare]
    generations: GenerationCare
    audit: AuditCare
    files: Files
    attachments: Attachments  # what of them is shown to models
    gallery: Gallery
    progress: Progresses
    spending: Spending
    painters: Callable[[], Sequence[PainterView]]
    jobs: JobCare
    recorder: RecorderView
    pictures: PictureFetch
    settings: SettingsCare
    backups: BackupCare
    started_s: float
    max_body_bytes: int = 64_000_000
    url: str = ""
    # Proxies cut a connection that is silent for a minute, some after half of one.
    ping_s: float = 15.0
    levels: Callable[[Caller], Awaitable[Sequence[Level]]] = _no_levels
    welcome: Callable[[Caller], bool] = _yes
    styles: Mapping[str, Style] = {}
    stopping: Callable[[], bool] = _no
    pictures_line: Callable[[str], Standing | None] = _in_no_line
    places: Callable[[], Sequence[Place]] = _no_places
    feed: PromptFeed = msgspec.field(default_factory=PromptFeed)
    live: Live = msgspec.field(default_factory=Live)
    newest: Newest = msgspec.field(default_factory=Newest)
    openid: OpenIdWay | None = None
    proxy_signs_in: bool = False
    # What the owner lets the portal do.
    portal: PortalConfig = PortalConfig()

    @property
    def announcements(self) -> Announcements:
        """Where it is said what has changed."""
        return Announcements(self.shared.bus)

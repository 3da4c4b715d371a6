"""One gateway among others on one database: it leads, or stands by and sends its clients' requests to who does.

Who leads opens everything, as a gateway alone does at its start, and so knows nothing that another one has changed
meanwhile; who does not lead any more closes it again. The listening socket stays, and hands connections to whichever it
is.
"""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from typing import Protocol
from urllib.parse import urlsplit

import msgspec
import structlog
from sqlalchemy.engine import make_url

from potluck import __version__
from potluck.app.reloading import Reloader
from potluck.app.rundir import publish_address, succeed
from potluck.config.model import Config
from potluck.core.errors import OperatorError, PotluckError
from potluck.core.model import EngineId, KeyId, ModelId
from potluck.core.people import OWNER_NAME
from potluck.gateway.generations import Generations
from potluck.gateway.leading import Leading
from potluck.gateway.presence import Alive
from potluck.gateway.relay.asking_gateways import ask_promise, status_of
from potluck.gateway.relay.forwarding import Forwarder
from potluck.gateway.relay.hops import Hops
from potluck.gateway.relay.relay import SWEEP_S, Limits, Relay
from potluck.gateway.relay.request import Request
from potluck.gateway.relay.standby import Standby
from potluck.gateway.tasks import Tasks
from potluck.jobs.runner import Runner
from potluck.storage.changes import last_change, tell_change
from potluck.storage.datadir import DataDir, ensure_owner, ensure_owner_key
from potluck.storage.generations import GenerationLogs
from potluck.storage.leadership import GatewayHere, HeldSeat
from potluck.storage.open import Coordination, open_coordination, open_storage
from potluck.storage.records import GatewayRecord
from potluck.storage.shared.open import open_shared
from potluck.surfaces.doors import DOORS, FALLBACK
from potluck.surfaces.families import errors_for
from potluck.wire.port import AnswerMeta, ErrorReply

log = structlog.get_logger(__name__)

# How often the leader looks for what others have changed, and who leaves tells what it still has.
_LOOK_S = 1.0
_TELL_S = 0.25
# A leader answers another one within milliseconds; its own lease is three seconds.
_PROMISE_S = 0.5
# Longer than any takeover lasts.
_WARN_S = 10.0
# A gateway that could not begin to lead lets the others try first.
_STAND_BACK_S = 2.0
# Jobs of one that leads no longer: who leads now takes them, given back or not.
_GIVE_BACK_S = 0.5
# What may be done twice although it is no question: calls that leave nothing behind.
_HARMLESS = frozenset({b"/api/v1/code/complete", b"/api/v1/code/review"})
_QUESTIONS = frozenset({b"GET", b"HEAD", b"OPTIONS"})
_DOORS = {door.path.encode(): door for door in DOORS}


class Place(msgspec.Struct, frozen=True):
    """Where and with what a gateway runs. ``clock`` never steps and goes on while the machine sleeps, ``wall_clock`` is
    Unix seconds, ``new_id`` a fresh token of letters and digits."""

    config: Config
    data: DataDir
    read: Callable[[], Config]
    database: str
    clock: Callable[[], float]
    wall_clock: Callable[[], float]
    new_id: Callable[[], str]
    random_bytes: Callable[[int], bytes]


class Lead(msgspec.Struct, frozen=True):
    """What a gateway has that leads others: whether it may schedule at this moment, whether what it learned still
    counts, logs that the next one takes over, and the seats that calls of other gateways still have."""

    owner_key_name: str
    hops: Hops
    leads: Callable[[], bool]
    holds: Callable[[], bool]
    generations: GenerationLogs
    held: Callable[[], Mapping[tuple[EngineId, ModelId], int]]


class Opened(Protocol):
    """Everything that a leader has open: `running.App`."""

    @property
    def relay(self) -> Relay: ...

    @property
    def reloader(self) -> Reloader: ...

    @property
    def generations(self) -> Generations: ...

    @property
    def runner(self) -> Runner: ...

    @property
    def keep(self) -> Callable[[], Awaitable[None]]: ...

    @property
    def relearn(self) -> Callable[[], Awaitable[None]]: ...

    @property
    def offer_set_up(self) -> Callable[[str], Awaitable[None]]: ...


class Composition(msgspec.Struct, frozen=True):
    """What a gateway alone does as well: ``running`` opens everything, ``listen`` the socket, ``ready`` says it can
    answer, ``settled`` does what the first calls need not wait for, ``settle`` hands over to the database what the
    journals of the data directory hold."""

    running: Callable[[Config, DataDir, Callable[[], Config], Lead], AbstractAsyncContextManager[Opened]]
    listen: Callable[[Callable[[], asyncio.Protocol], str, int], Awaitable[asyncio.Server]]
    url_of: Callable[[asyncio.Server], str]
    ready: Callable[[str], None]
    settled: Callable[[], Awaitable[None]]
    settle: Callable[[DataDir, str], Awaitable[None]]


async def serve_among_others(place: Place, composition: Composition, stop: asyncio.Event, hurry: asyncio.Event) -> None:
    """Serve until ``stop``; then see to it that nothing is lost, and wait no longer for it once there is a ``hurry``.
    Raises `OperatorError`."""
    async with AsyncExitStack() as stack:
        coordination = await _coordination(place, stack)
        hops = Hops(await coordination.leadership.secret(place.random_bytes(32).hex()))
        tasks = await stack.enter_async_context(Tasks())
        switch = _Switch()
        server = await composition.listen(switch.connection, place.config.server.host, place.config.server.port)
        stack.callback(server.close)
        url = composition.url_of(server)
        own = GatewayHere(place.new_id(), _name(place.config, url), _advertised(place, url))

        async def ask(other: GatewayHere) -> bool:
            return await ask_promise(other.url, hops, within_s=_PROMISE_S)

        leading = Leading(
            coordination.leadership,
            own,
            own_url=_own(url),
            predecessor=succeed(place.data, own.id),
            clock=place.clock,
            ask=ask,
        )
        forwarder = Forwarder(
            leader=leading,
            hops=hops,
            tasks=tasks,
            clock=place.clock,
            errors=lambda request, error: _error(request, error, place.new_id()),
            repeatable=_repeatable,
            last_words=lambda request, body, kind: _last_words(request, body, place),
            max_kept=place.config.limits.max_body_bytes,
        )
        limits = Limits(max_body=place.config.limits.max_body_bytes, max_head=place.config.limits.max_header_bytes)
        switch.standby = standby = Standby(
            forwarder, fallback=FALLBACK, new_id=place.new_id, promise=leading.promise, limits=limits
        )
        key = await _owner_key(place, own.name)
        await leading.begin()
        stack.push_async_callback(leading.leave)
        tasks.spawn(leading.keep(), "leadership")
        redis = place.config.storage.redis
        if redis is not None:
            await _say_alive(place, own, redis.reveal(), tasks, stack)
        tasks.spawn(_sweeping(standby), "sweep of connections")
        stack.enter_context(publish_address(place.data, url))
        gateway = _Gateway(place, composition, coordination, leading, standby, forwarder, switch, server, stop, hurry)
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, gateway.reload)
        tasks.spawn(gateway.greet(url, key), "ready")
        await gateway.serve()


async def _say_alive(place: Place, own: GatewayHere, redis: str, tasks: Tasks, stack: AsyncExitStack) -> None:
    """Be seen by who asks any gateway for the status. Who leads is decided without it."""
    shared = await stack.enter_async_context(open_shared(redis, gateway=own.id, clock=place.clock))
    record = GatewayRecord(own.id, own.name, own.url, __version__, place.wall_clock())
    alive = Alive(shared.presence, record)
    stack.push_async_callback(alive.leave)
    tasks.spawn(alive.saying(), "presence")


class _Switch:
    """Who gets a new connection."""

    def __init__(self) -> None:
        self.standby: Standby
        self.relay: Relay | None = None

    def connection(self) -> asyncio.Protocol:
        return self.relay.connection() if self.relay is not None else self.standby.connection()


class _Gateway:
    """The parts that a gateway plays, one after the other."""

    def __init__(
        self,
        place: Place,
        composition: Composition,
        coordination: Coordination,
        leading: Leading,
        standby: Standby,
        forwarder: Forwarder,
        switch: _Switch,
        server: asyncio.Server,
        stop: asyncio.Event,
        hurry: asyncio.Event,
    ) -> None:
        self._place = place
        self._composition = composition
        self._coordination = coordination
        self._leading = leading
        self._standby = standby
        self._forwarder = forwarder
        self._switch = switch
        self._server = server
        self._stop = stop
        self._hurry = hurry
        self._config = place.config
        self._name = _name(place.config, composition.url_of(server))
        self._opened: Opened | None = None
        self._ready = asyncio.Event()
        self._closing = asyncio.Event()
        """What is open is about to be closed: nobody may go on with it."""

    def reload(self) -> None:
        """SIGHUP. Who does not lead reads its configuration when it does."""
        if self._opened is not None:
            self._opened.reloader.on_signal()
        else:
            self._read_again()

    def _read_again(self) -> None:
        try:
            self._config = self._place.read()
        except OperatorError as error:
            log.error("the configuration has errors; the old one stays", error=str(error))

    async def greet(self, url: str, key: str) -> None:
        """Say that this gateway is ready: when it leads, or the one that leads takes the owner's key of this one."""
        await _first(self._ready.wait(), self._accepted(url, key))
        if self._opened is not None:
            with suppress(OperatorError):  # the database may be away by now
                await _first(self._opened.offer_set_up(url), self._closing.wait())
        self._composition.ready(url)
        await self._composition.settled()

    async def _accepted(self, url: str, key: str) -> None:
        field = (b"authorization", f"Bearer {key}".encode())
        warns_s = self._place.clock() + _WARN_S
        while True:
            with suppress(OSError):
                if await status_of(_own(url), b"GET", b"/v1/models", (field,), within_s=_WARN_S) == 200:
                    return
            if self._place.clock() >= warns_s:
                warns_s = self._place.clock() + _WARN_S
                target = self._leading.target
                log.warning(
                    "the gateway that leads cannot be reached",
                    url=target.url if target is not None else "",
                    hint="It must listen where this machine can reach it (--host), or say where that is "
                    "(gateway.advertise).",
                )
            await asyncio.sleep(0.1)

    async def serve(self) -> None:
        while not self._stop.is_set():
            await _first(self._leading.led(), self._stop.wait(), self._settling())
            if self._stop.is_set():
                break
            try:
                await self._lead()
            except OperatorError as error:
                if not self._ready.is_set():
                    raise
                log.error("this gateway cannot lead", error=str(error), detail=error.detail)
                await self._leading.resign(_nothing_held, for_good=False)
                await asyncio.sleep(_STAND_BACK_S)
        await self._leave()

    async def _settling(self) -> None:
        """What this gateway still owes to the database from when it led, and then nothing more."""
        while True:
            try:
                await self._composition.settle(self._place.data, self._place.database)
            except OperatorError as error:
                log.debug("what is owed is handed over later", why=str(error))
                await asyncio.sleep(_STAND_BACK_S)
            else:
                await asyncio.Event().wait()

    async def _lead(self) -> None:
        """From the beginning of a leadership to its end."""
        leading = self._leading
        await leading.meet()  # who led before has told by now which seats it still has
        if self._ready.is_set():  # at the start it was read just now
            self._read_again()
        lead = Lead(
            _owner_key_name(self._name),
            self._forwarder.hops,
            leading.leads,
            leading.holds,
            self._coordination.generations(leading.term, self._place.wall_clock),
            self._held_by_others,
        )
        async with self._composition.running(self._config, self._place.data, self._place.read, lead) as opened:
            self._opened, self._switch.relay, self._forwarder.closing = opened, opened.relay, True
            self._closing.clear()
            self._ready.set()
            try:
                await _first(leading.lost(), self._stop.wait(), self._following(opened))
            finally:
                self._opened = None
                self._closing.set()
            if not self._stop.is_set():
                await self._stand_down(opened)
            elif any(each.url for each in leading.others):
                await self._hand_over(opened)
            else:
                self._server.close()
                await self._drain(opened)
        if self._stop.is_set():
            await leading.resign(_nothing_held, for_good=True)

    def _held_by_others(self) -> Mapping[tuple[EngineId, ModelId], int]:
        held: dict[tuple[EngineId, ModelId], int] = {}
        for seat in (seat for each in self._leading.others for seat in each.held):
            held[seat.engine, seat.model] = held.get((seat.engine, seat.model), 0) + seat.count
        return held

    async def _following(self, opened: Opened) -> None:
        """Take in what other gateways tell, for as long as this one leads."""
        mark: str | None = None
        while True:
            try:
                found = await last_change(self._coordination.settings)
                if mark is not None and found != mark:
                    await opened.relearn()
                mark = found
            except OperatorError as error:
                log.debug("nobody knows what others changed", why=str(error))
            opened.relay.dispatcher.occupied(self._held_by_others())
            await asyncio.sleep(_LOOK_S)

    # --- ways to end a leadership ---

    async def _stand_down(self, opened: Opened) -> None:
        """Another one leads, or may: nothing of this one's may go on."""
        log.warning("this gateway stands by", hint="another one leads, or the database cannot be reached")
        self._switch.relay, self._forwarder.closing = None, False
        await opened.runner.stop(within_s=_GIVE_BACK_S)
        opened.relay.move(self._standby, waiting=False)
        await opened.relay.drain(0.0, self._hurry, hand_over=opened.generations.hand_over)

    async def _hand_over(self, opened: Opened) -> None:
        """Another one is to lead from now on. What has an engine here is finished here."""
        relay = opened.relay
        self._switch.relay, self._standby.stopping = None, True

        async def handed_over() -> Sequence[HeldSeat]:
            await opened.runner.stop()
            await opened.generations.hand_on()
            await opened.keep()
            return _held(relay)

        await self._leading.resign(handed_over, for_good=True)
        moved = relay.move(self._standby, waiting=True)
        log.info("handed over", waiting_calls=moved, calls=len(relay.exchanges))
        await _first(self._drain(opened), self._telling(relay))

    async def _telling(self, relay: Relay) -> None:
        """Which seats are held still, whenever that has changed."""
        told = _held(relay)
        while True:
            await asyncio.sleep(_TELL_S)
            if (held := _held(relay)) != told:
                told = held
                await self._leading.tell_held(held)

    async def _drain(self, opened: Opened) -> None:
        calls = len(opened.relay.exchanges)
        log.info("stopping", calls=calls, hint="a second signal cuts them off" if calls else "")
        await opened.runner.stop()
        await opened.relay.drain(self._config.server.drain_s, self._hurry, hand_over=opened.generations.hand_over)

    async def _leave(self) -> None:
        """The last of it: what others do for clients of this one."""
        if calls := self._standby.under_way:
            log.info("stopping", calls=calls, hint="a second signal cuts them off")
        self._standby.stopping = True
        self._server.close()
        await self._standby.drain(self._config.server.drain_s, self._hurry)


def _held(relay: Relay) -> tuple[HeldSeat, ...]:
    return tuple(HeldSeat(engine, model, count) for (engine, model), count in sorted(relay.held().items()))


async def _nothing_held() -> Sequence[HeldSeat]:
    return ()


async def _first(*work: Awaitable[object]) -> None:
    """Until one of them is over; the others end with it. Raises what that one does."""
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in tasks:
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error


async def _sweeping(standby: Standby) -> None:
    while True:
        await asyncio.sleep(SWEEP_S)
        standby.sweep()


# --- at the start ----------------------------------------------------------------------------------------------------


async def _coordination(place: Place, stack: AsyncExitStack) -> Coordination:
    """Bring the schema up to date, see that there is an owner, and open what gateways share."""
    async with open_storage(place.database, clock=place.clock) as storage:
        await ensure_owner(storage.users, now=place.wall_clock())
    return await stack.enter_async_context(open_coordination(place.database, clock=place.clock))


async def _owner_key(place: Place, name: str) -> str:
    """The owner's key of this data directory, which the gateway that leads is told of."""
    async with open_storage(place.database, clock=place.clock) as storage:
        key = await ensure_owner_key(
            place.data,
            storage.keys,
            now=place.wall_clock(),
            key_id=KeyId(place.new_id()),
            random=place.random_bytes(32),
            name=_owner_key_name(name),
        )
        await tell_change(storage.settings, place.new_id(), place.wall_clock())
    return key


def _owner_key_name(gateway: str) -> str:
    return f"{OWNER_NAME} ({gateway})"


def _name(config: Config, url: str) -> str:
    return config.gateway.name or f"{socket.gethostname().partition('.')[0] or 'localhost'}-{urlsplit(url).port}"


def _advertised(place: Place, url: str) -> str:
    """Where others reach this gateway: as configured, else where it listens. Of one that listens everywhere, the
    address from which it reaches the database."""
    if place.config.gateway.advertise is not None:
        return place.config.gateway.advertise
    parts = urlsplit(url)
    if parts.hostname not in ("0.0.0.0", "::"):  # noqa: S104 - a comparison
        return url
    database = make_url(place.database)
    host = database.host or "localhost"
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, database.port or 5432, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind) as sock:
            sock.connect(address)  # of UDP: nothing is sent
            own: str = sock.getsockname()[0]
    except OSError:
        return _own(url)
    return f"http://[{own}]:{parts.port}" if ":" in own else f"http://{own}:{parts.port}"


def _own(url: str) -> str:
    """Where this gateway reaches itself."""
    return url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")


# --- dialects --------------------------------------------------------------------------------------------------------


def _error(request: Request, error: PotluckError, request_id: str) -> ErrorReply:
    door = _DOORS.get(request.path)
    writer = door.errors if door is not None else errors_for(request.path.decode("latin-1"))
    return writer(error, request_id)


def _repeatable(request: Request) -> bool:
    """Whether it does no harm if two gateways get a request, of which the first is gone."""
    return request.method in _QUESTIONS or request.path in _DOORS or request.path in _HARMLESS


def _last_words(request: Request, body: bytes, place: Place) -> bytes:
    """The dialect's in-band error for a stream that nobody goes on with; nothing where there is none."""
    door = _DOORS.get(request.path)
    if door is None:
        return b""
    sent = msgspec.structs.replace(request, body=[body])
    request_id = place.new_id()
    try:
        text = sent.payload(place.config.limits.max_body_bytes)
        ask = door.for_body(text).read(text)
    except PotluckError:  # its first gateway had read it
        return b""
    meta = AnswerMeta(request_id, ask.model, place.wall_clock())
    return ask.writer(meta).fail(_broke_off(), request_id)


def _broke_off() -> PotluckError:
    return PotluckError("The gateway that gave this answer is gone.", hint="Ask again.")

"""The composition root: opens everything, closes it in reverse, and alone reads clock, chance and environment."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import os
import random
import secrets
import signal
import socket
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from msgspec.structs import replace

from potluck import __version__, logs
from potluck.app.admission import ProviderWeb, ensure_guests, openid, strangers
from potluck.app.changing import Settings
from potluck.app.discovering import looking, stored
from potluck.app.drawing import pictures
from potluck.app.filing import filing, gallery_of
from potluck.app.installation import Installer, usual_engines
from potluck.app.reloading import Reloader, class_limits, rules, with_nodes
from potluck.app.rundir import claim, claim_database, publish_address
from potluck.app.working import working
from potluck.backends.streaming import Streaming
from potluck.config.changeable import changed
from potluck.config.load import load
from potluck.config.model import Config, EngineConfig, UsageConfig
from potluck.core.audit import Event, Fact
from potluck.core.errors import NodeError, OperatorError
from potluck.core.generations import Bounds as GenerationBounds
from potluck.core.ids import Ids
from potluck.core.limits import Rules
from potluck.core.model import EngineId, KeyId, ModelId, NodeId
from potluck.core.people import OWNER_NAME
from potluck.core.rescue import Bounds
from potluck.core.scheduling.scheduler import Scheduler
from potluck.core.sessions import Lifetimes
from potluck.gateway.admission import Admission
from potluck.gateway.agents import AgentWatch
from potluck.gateway.announcements import Announcements
from potluck.gateway.attachments import Attachments
from potluck.gateway.audit import Audit
from potluck.gateway.backups import Backups
from potluck.gateway.calls import InsideCalls
from potluck.gateway.changed_settings import ChangedSettings
from potluck.gateway.discovery.discovery import Discovery
from potluck.gateway.discovery.kept import node_configs
from potluck.gateway.dispatch import Dispatcher
from potluck.gateway.drains import Drains
from potluck.gateway.fleet import Fleet, Installation
from potluck.gateway.gallery import Gallery
from potluck.gateway.generations import Generations
from potluck.gateway.images import RemoteImages
from potluck.gateway.kept_drill import KeptDrill
from potluck.gateway.kept_meter import KeptMeter
from potluck.gateway.kept_rates import IMAGES, KeptRates
from potluck.gateway.ledger import MOST_JOURNAL_BYTES, Keep, Ledger
from potluck.gateway.metrics import Metrics
from potluck.gateway.models import Models
from potluck.gateway.people import People
from potluck.gateway.picture_progress import Progresses
from potluck.gateway.pins import Pinning, Pins
from potluck.gateway.presence import Alive
from potluck.gateway.proofs import Proofs
from potluck.gateway.recorder import Recorder
from potluck.gateway.relay import vanished
from potluck.gateway.relay.pools import Pools
from potluck.gateway.relay.relay import Clocks, Limits, Relay
from potluck.gateway.tasks import Tasks
from potluck.gateway.titling import Titles
from potluck.gateway.watch import Watch
from potluck.jobs.jobs import Jobs
from potluck.jobs.port import Pictures
from potluck.jobs.runner import Runner
from potluck.pixels.pixels import Pixels
from potluck.storage.audit_head import HeadFile
from potluck.storage.changes import LeadersSettings
from potluck.storage.datadir import DataDir, ensure_owner, ensure_owner_key, open_datadir
from potluck.storage.generation_files import GenerationFiles
from potluck.storage.journal import Journal
from potluck.storage.open import open_storage, serves_many, sqlite_file, sqlite_url
from potluck.storage.owed import MOST_OWED_BYTES, REMEMBERED, OwedConversations
from potluck.storage.ports import Shared, Storage
from potluck.storage.records import GatewayRecord, Topic
from potluck.storage.shared.guarded import GuardedMeter
from potluck.storage.shared.memory import MemoryMeter
from potluck.storage.shared.open import open_shared
from potluck.storage.temporary import WithTemporary
from potluck.surfaces.auth import Keyring
from potluck.surfaces.doors import DOORS, FALLBACK
from potluck.surfaces.origins import Origins
from potluck.surfaces.services import Services
from potluck.surfaces.sessions import Sessions
from potluck.surfaces.v1.errors import failure_of, status_of

if TYPE_CHECKING:
    from potluck.app.gateways import Lead
    from potluck.gateway.accounts import Accounts
    from potluck.gateway.drills import Drill, Drills
    from potluck.gateway.relay.bridge import AsgiSide

log = structlog.get_logger(__name__)

# Engines on the network get this long to answer before the service says that it is ready; others come when they come.
FIRST_LOOK_S = 1.0
# The embedded model is loaded before "ready" is said, unless that takes longer than anybody wants to wait.
FIRST_LOAD_S = 15.0
# Objects that may come before the collector looks at the youngest; Python's own is 700, which a dozen calls make, and
# then it finds nothing: calls leave no cycles behind.
YOUNG_OBJECTS = 10_000
# How often times of last use are written down: they are for the owner's eyes, not for decisions.
TOUCH_KEYS_S = 10.0
# Until a database that is away is asked once more for keys that another gateway has changed.
LEARN_AGAIN_S = 2.0


@dataclass(frozen=True, slots=True)
class UpOptions:
    """The command line of ``potluck up``. None leaves a value to the config, or to its default."""

    config_path: Path | None
    data_dir: Path
    host: str | None = None
    port: int | None = None
    local: bool | None = None
    log_level: str = "info"
    log_format: logs.LogFormat = "text"


@dataclass(frozen=True, slots=True)
class App:
    """What runs."""

    relay: Relay
    ledger: Ledger
    fleet: Fleet
    reloader: Reloader
    generations: Generations
    shared: Shared
    runner: Runner
    tasks: Tasks
    id: str
    relearn: Callable[[], Awaitable[None]]
    """Take who may ask as it is stored now."""
    keep: Callable[[], Awaitable[None]]
    """Write down what was learned and spent."""
    offer_set_up: Callable[[str], Awaitable[None]]
    """Say where the owner may choose a password, at the URL that is listened at, as long as nobody has one."""


def serve(options: UpOptions) -> int:
    """Run the service until SIGTERM or SIGINT; the exit code. Errors that the owner must act on go to stderr."""
    logs.configure(options.log_level, options.log_format)
    try:
        _run(_serve(options))
    except OperatorError as error:
        told = f"{error} ({error.detail})" if error.detail else str(error)
        sys.stderr.write(f"potluck: {told}\n")
        return 1
    return 0


def _run(main: Coroutine[None, None, None]) -> None:
    """On uvloop where there is one; the ordinary loop does the same, slower."""
    try:
        import uvloop  # noqa: PLC0415 - optional: there is none for some platforms
    except ImportError:
        asyncio.run(main)
    else:
        uvloop.run(main)


def _with(config: Config, options: UpOptions) -> Config:
    """The command line's word over the file's."""
    server = replace(
        config.server,
        host=options.host if options.host is not None else config.server.host,
        port=options.port if options.port is not None else config.server.port,
    )
    local = replace(config.local, enabled=options.local) if options.local is not None else config.local
    return replace(config, server=server, local=local)


async def _serve(options: UpOptions) -> None:
    def read() -> Config:
        return _with(load(options.config_path, os.environ), options)

    config = read()
    stop, hurry = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):  # who asks twice does not want to wait
        loop.add_signal_handler(signum, lambda: (hurry if stop.is_set() else stop).set())
    async with AsyncExitStack() as stack:
        data = open_datadir(options.data_dir)
        stack.enter_context(claim(data))
        if serves_many(_database_url(config, data)):
            await _serve_among_others(config, data, read, stop, hurry)
            return
        if config.storage.database is not None and (file := sqlite_file(_database_url(config, data))) is not None:
            stack.enter_context(claim_database(file))
        app = await stack.enter_async_context(running(config, data, read))
        loop.add_signal_handler(signal.SIGHUP, app.reloader.on_signal)
        server = await _listen(app.relay.connection, config.server.host, config.server.port)
        url = _url_of(server)
        stack.enter_context(publish_address(data, url))
        await app.offer_set_up(url)
        alive = Alive(app.shared.presence, GatewayRecord(app.id, _this_machine(), url, __version__, time.time()))
        stack.push_async_callback(alive.leave)
        app.tasks.spawn(alive.saying(), "presence")
        _say_ready(url)
        await _after_the_start()
        await stop.wait()
        calls = len(app.relay.exchanges)
        log.info("stopping", calls=calls, hint="a second signal cuts them off" if calls else "")
        server.close()
        await app.runner.stop()
        await app.relay.drain(config.server.drain_s, hurry, hand_over=app.generations.hand_over)


async def _serve_among_others(
    config: Config, data: DataDir, read: Callable[[], Config], stop: asyncio.Event, hurry: asyncio.Event
) -> None:
    """On a database that other gateways may use, too."""
    from potluck.app.gateways import Composition, Place, serve_among_others  # noqa: PLC0415 - one alone needs none of it

    place = Place(
        config,
        data,
        read,
        _database_url(config, data),
        clock=_unslept,
        wall_clock=time.time,
        new_id=Ids(time.time, secrets.token_bytes),
        random_bytes=secrets.token_bytes,
    )
    await serve_among_others(
        place, Composition(running, _listen, _url_of, _say_ready, _after_the_start, _settle), stop, hurry
    )


async def _settle(data: DataDir, database: str) -> None:
    """Hand over what this gateway's journals hold; returns when nothing is owed."""
    calls = Journal(data.journal / "requests", synced=False, most_bytes=MOST_JOURNAL_BYTES)
    if not calls.size_bytes and not Journal(data.journal / "conversations", synced=True, most_bytes=1).size_bytes:
        return
    async with open_storage(database, clock=time.monotonic) as storage, Tasks() as tasks:
        owed = _outlasting(storage, data, database)
        ledger = Ledger(storage.requests, Metrics(), lambda error: status_of(type(error))[0], calls)
        tasks.spawn(owed.handing_over(), "what the database is owed")
        tasks.spawn(ledger.flushing(), "request log")
        while owed.owed_bytes or ledger.owed_bytes:  # noqa: ASYNC110 - what makes it less are writes
            await asyncio.sleep(1.0)


def _unslept() -> float:
    """Seconds that go on while the machine sleeps, where the system counts those."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


def _url_of(server: asyncio.Server) -> str:
    host, port = server.sockets[0].getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _say_ready(url: str) -> None:
    sys.stdout.write(f"ready {url}\n")  # the one line that scripts wait for
    sys.stdout.flush()


def _database_url(config: Config, data: DataDir) -> str:
    database = config.storage.database
    return database.reveal() if database is not None else sqlite_url(data.database)


async def _offer_set_up(storage: Storage, audit: Audit, new_id: Callable[[], str], told: str, url: str) -> None:
    if any(ways.password for ways in (await storage.credentials.standing()).values()):
        return
    from potluck.gateway.making_links import LinkMaker, own_url  # noqa: PLC0415 - only first starts need it

    _, token = await LinkMaker(storage, time.time, new_id, secrets.token_bytes, audit).set_up()
    link = f"{own_url(told, url)}/setup?token={token}"
    # It is for whoever reads this, and for once: the one secret that is meant for the log.
    log.info(logs.Meant(f"nobody has a password yet: choose the owner's at {link}"))


def _asgi_side(services: Services, fleet: Fleet, metrics: Metrics, keyring: Keyring, origins: Origins) -> AsgiSide:
    """The portal, and all that is not inference. Not imported until "ready" is said: a tenth of the start's time."""
    from potluck.gateway.relay.bridge import AsgiSide  # noqa: PLC0415
    from potluck.portal.site import Portal  # noqa: PLC0415
    from potluck.surfaces.application import application  # noqa: PLC0415

    return AsgiSide(Portal(application(services, fleet, metrics, keyring, origins)))


def _drills(relay: Relay, drains: Drains, kept: KeptDrill, metrics: Metrics, watch: Watch) -> Drills:
    """Not imported before somebody asks for them either."""
    from potluck.gateway.drills import Drills  # noqa: PLC0415

    return Drills(relay, drains, kept, metrics, watch.probe, time.time)


def _recorder(
    relay: Relay, storage: Storage, data: DataDir, metrics: Metrics, drills: Callable[[], Sequence[Drill]]
) -> Recorder:
    def drilled() -> Mapping[NodeId, str]:
        return {drill.node: drill.order.how.value for drill in drills() if drill.outcome is None}

    return Recorder(
        relay.fleet,
        storage.incidents,
        data.history,
        clock=time.time,
        new_id=relay.new_id,
        tokens=lambda: metrics.tokens,
        waiting=relay.waiting_by_node,
        in_line=relay.waiting,
        drained=lambda: frozenset(relay.fleet.drained) - drilled().keys(),
        drilled=drilled,
    )


async def _after_the_start() -> None:
    """What the first calls need not wait for."""
    # In a thread: streams that began meanwhile go on.
    await asyncio.to_thread(import_module, "potluck.surfaces.application")
    # What lives now lives to the end: the collector need not look at it again.
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, *gc.get_threshold()[1:])


async def _listen(connection: Callable[[], asyncio.Protocol], host: str, port: int) -> asyncio.Server:
    loop = asyncio.get_running_loop()
    try:
        server = await loop.create_server(connection, host, port, backlog=1024)
    except OSError as error:
        raise _cannot_listen(host, port, error) from error
    vanished.notice(server.sockets)
    return server


def _cannot_listen(host: str, port: int, error: OSError) -> OperatorError:
    """What stands in the way. asyncio's own words repeat the address as Python writes it."""
    if isinstance(error, socket.gaierror):
        what, hint = f"'{host}' is no address of this machine", "Choose another with --host."
    elif error.errno == errno.EADDRINUSE:
        what, hint = "the port is taken", "Stop the program that has it, or choose another port with --port."
    elif error.errno == errno.EADDRNOTAVAIL:
        what, hint = "this machine has no such address", "Choose another with --host."
    elif error.errno == errno.EACCES:
        what, hint = "this user may not use that port", "Choose one from 1024 on with --port."
    else:
        what, hint = os.strerror(error.errno) if error.errno else str(error), "Choose others with --host and --port."
    return OperatorError(f"Cannot listen on {host} port {port}: {what}.", hint=hint)


@asynccontextmanager
async def running(
    config: Config, data: DataDir, read: Callable[[], Config], lead: Lead | None = None
) -> AsyncGenerator[App, None]:
    """Everything but the listening socket, from the database up; closed again at the end of the block.

    ``read`` reads the configuration again, for a reload. ``lead`` is there where other gateways may be, too.
    """
    async with AsyncExitStack() as stack:
        url = _database_url(config, data)
        replicas = [replica.reveal() for replica in config.storage.replicas]
        storage = await stack.enter_async_context(open_storage(url, clock=time.monotonic, replicas=replicas))
        owed = _outlasting(storage, data, url)
        if lead is not None:
            storage = replace(storage, settings=LeadersSettings(storage.settings, lead.holds))
        temporary = WithTemporary(owed, time.time)
        storage = replace(storage, conversations=temporary)
        new_id = Ids(time.time, secrets.token_bytes)
        gateway, redis = new_id(), config.storage.redis
        shared = await stack.enter_async_context(
            open_shared(redis.reveal() if redis is not None else None, gateway=gateway, clock=time.monotonic)
        )
        first_start = not data.owner_key.exists()
        await ensure_owner(storage.users, now=time.time())
        await ensure_owner_key(
            data,
            storage.keys,
            now=time.time(),
            key_id=KeyId(new_id()),
            random=secrets.token_bytes(32),
            name=lead.owner_key_name if lead is not None else OWNER_NAME,
        )
        if first_start:
            log.info("made the owner's key", file=str(data.owner_key), hint="'potluck keys create NAME' makes others")
        origins = Origins(config.server.origins)
        sessions = Sessions(time.time, Lifetimes(config.access.session_idle_s, config.access.session_length_s))
        await ensure_guests(storage.users, config.access.trusted_networks, time.time(), new_id)

        def later(work: Coroutine[None, None, None], name: str) -> None:
            tasks.spawn(work, name)  # no call comes before the tasks are there

        metrics = Metrics()
        own_meter = MemoryMeter(time.monotonic)
        kept_meter = KeptMeter(storage.settings, own_meter, time.time)
        await kept_meter.restore()
        stack.push_async_callback(kept_meter.save)
        meter = GuardedMeter(own_meter, shared.meter if shared.server is not None else None)
        admission = Admission(meter, metrics, time.time)
        admission.configure(config.limits.rules)
        unknown = strangers(config.access, storage.users, later, lambda: audit, origins, time.time)
        keyring = Keyring(time.time, sessions, unknown, admission.plan_of)
        await _learn(storage, keyring, sessions)

        pools = Pools(time.monotonic)
        stack.callback(pools.close)
        audit = _audit(storage, data, keyring, new_id)
        stack.push_async_callback(audit.close)
        streaming = Streaming()
        stack.push_async_callback(streaming.aclose)
        installer = Installer(config, data, pools, streaming, node=_this_machine())
        stack.push_async_callback(installer.aclose)
        found = await usual_engines(installer, _this_machine()) if config.source is None else ()
        kept = await stored(storage.settings, time.time)
        settings = ChangedSettings(storage.settings, time.time)
        await settings.read(config)
        accepted = node_configs(kept.accepted.values(), config.discovery.agent_key)
        file, config = config, with_nodes(changed(config, settings.said), accepted)
        installations = installer.installations([*config.engines, *found], with_local=_local_wanted(config, found))
        fleet = Fleet(
            installations,
            rules(config),
            aliases=config.aliases,
            clock=time.monotonic,
            interval_s=config.health.interval_s,
            chance=random.random,
        )
        fleet.machines.configure(installer.machines(config))
        for each in installations:
            if each.supervised is not None:
                stack.push_async_callback(each.supervised.aclose)

        journal = Journal(data.journal / "requests", synced=False, most_bytes=MOST_JOURNAL_BYTES)
        ledger = Ledger(storage.requests, metrics, lambda error: status_of(type(error))[0], journal)
        _keep_usage(ledger, config.usage)
        stack.push_async_callback(ledger.flush)
        images = RemoteImages()
        stack.push_async_callback(images.aclose)
        tasks = await stack.enter_async_context(Tasks())
        scheduler = Scheduler(
            depth=config.queue.depth,
            limits=class_limits(config),
            reload_lost=config.health.reload_lost,
        )
        dispatcher = Dispatcher(fleet, scheduler, time.monotonic, tasks.spawn)
        drains = Drains(storage.settings, fleet, dispatcher, time.time)
        await drains.read()
        kept_drill = KeptDrill(storage.settings, time.time)
        await kept_drill.read()
        rates = KeptRates(storage.settings, dispatcher, time.time)
        await rates.restore()
        stack.push_async_callback(rates.save)
        drawn = pictures(config, data, fleet, dispatcher, time.monotonic, _this_machine())
        drawn_rates = KeptRates(storage.settings, drawn.studio.speeds, time.time, IMAGES)
        await drawn_rates.restore()
        stack.push_async_callback(drawn_rates.save)

        proofs = Proofs(storage.settings, fleet, tasks, time.time)
        await proofs.restore()
        relay = Relay(
            doors=DOORS,
            fallback=FALLBACK,
            authenticate=keyring.of_request,
            fleet=fleet,
            pools=pools,
            dispatcher=dispatcher,
            proofs=proofs,
            images=images,
            tasks=tasks,
            ledger=ledger,
            admission=admission,
            clocks=Clocks(time.monotonic, time.time),
            new_id=new_id,
            page_fields=origins.fields,
            limits=_limits(config),
        )
        watch = Watch(fleet, time.monotonic, tasks, relay.heard_s)
        relay.look = watch.look
        relay.hops = lead.hops if lead is not None else None
        agents = AgentWatch(fleet.machines, tasks, config.health.interval_s)
        models = await _models(storage, fleet, tasks, watch, relay)
        dispatcher.pinned = models.pinned
        dispatcher.leads = lead.leads if lead is not None else None
        reloader = Reloader(
            file,
            read,
            installer=installer,
            fleet=fleet,
            watch=watch,
            agents=agents,
            limit=dispatcher.limit,
            discovered=lambda agent_key: node_configs(kept.accepted.values(), agent_key),
            said=settings.said,
        )
        reloader.keep = lambda usage: _keep_usage(ledger, usage)
        reloader.allow = lambda rules: _allow(rules, admission, keyring, sessions)
        discovery = looking(config, kept, found, reloader, fleet, pools, tasks, time.time, secrets.token_bytes)
        drills = cache(lambda: _drills(relay, drains, kept_drill, metrics, watch))
        # Looking for drills must not bring in what makes them.
        recorder = _recorder(
            relay, storage, data, metrics, lambda: drills().all() if drills.cache_info().currsize else ()
        )
        ledger.broke = recorder.broke
        stack.push_async_callback(recorder.close)
        if lead is not None:
            recorder.took_over(config.gateway.name or gateway)
        calls = InsideCalls(relay)
        titles = Titles(
            storage.conversations,
            calls,
            tasks,
            Announcements(shared.bus),
            engines=relay.snapshot,
            caller_of=keyring.of_key,
            clock=time.time,
            wanted=config.portal.titles,
        )
        generations = Generations(
            lead.generations if lead is not None else _logs(data, stack),
            storage.conversations,
            calls,
            tasks,
            bounds=_generation_bounds(config),
            words=failure_of,
            caller_of=keyring.of_key,
            clock=time.monotonic,
            wall_clock=time.time,
            kept=titles.kept,
        )
        files = await filing(
            config,
            data,
            storage,
            keyring,
            tasks,
            clock=time.time,
            new_id=new_id,
            random_bytes=secrets.token_bytes,
        )
        pixels = await stack.enter_async_context(Pixels())
        gallery = gallery_of(config, storage, files, pixels, keyring, tasks, time.time)
        progress = Progresses()
        jobs, runner = working(
            config,
            storage,
            shared,
            calls,
            gallery,
            progress,
            drawn,
            ledger.drawn,
            relay.admission.give_images_back,
            tasks,
            worker=gateway,
            caller_of=keyring.of_key,
            clock=time.monotonic,
            wall_clock=time.time,
            chance=random.random,
            leads=lead.leads if lead is not None else lambda: True,
            new_id=new_id,
        )
        web = ProviderWeb()
        stack.push_async_callback(web.aclose)
        services = _services(
            config,
            data,
            storage,
            shared,
            relay,
            keyring,
            sessions,
            reloader,
            watch,
            models,
            discovery,
            drains,
            drills,
            calls,
            generations,
            audit,
            gallery,
            progress,
            web,
            stack.callback,
            jobs,
            drawn,
            recorder,
            images,
            Settings(settings, reloader),
        )
        relay.serve_rest(lambda: _asgi_side(services, fleet, metrics, keyring, origins))

        reloader.bound = lambda wanted: _bind(relay, generations, wanted)
        metrics.answers = generations.counts
        metrics.answering = lambda: generations.running
        metrics.running = lambda: len(relay.exchanges)
        metrics.connections = lambda: len(relay.connections)
        metrics.files = files.standing
        metrics.waiting = lambda: dispatcher.waiting
        metrics.owed_bytes = lambda: ledger.owed_bytes + owed.owed_bytes

        agents.begin()
        await _first_look(watch, fleet)
        if lead is not None:
            dispatcher.occupied(lead.held())
        watch.begin()
        discovery.begin()
        audit.note(Event.STARTED, version=__version__)
        reloader.heard = lambda changed: audit.note(Event.RELOADED, sections=", ".join(changed), by="SIGHUP")
        tasks.spawn(relay.sweeping(), "sweep")
        tasks.spawn(ledger.flushing(), "request log")
        tasks.spawn(owed.handing_over(), "what the database is owed")
        tasks.spawn(temporary.forgetting(), "temporary conversations")
        tasks.spawn(ledger.pruning(storage.usage, time.time), "request log's end")
        tasks.spawn(admission.meter.watching(), "shared limits")
        tasks.spawn(kept_meter.keeping(), "spent limits")
        tasks.spawn(rates.keeping(), "learned rates")
        tasks.spawn(drawn_rates.keeping(), "learned image rates")
        tasks.spawn(recorder.recording(), "the machines' last hours")
        tasks.spawn(audit.flushing(), "audit log")
        tasks.spawn(audit.caring(config.audit.keep_s), "audit log's end")
        tasks.spawn(generations.restore(), "the answers of the last run")
        tasks.spawn(generations.watching(), "answers under way")
        tasks.spawn(_touching_keys(storage, keyring, sessions), "key use")
        runner.begin()
        tasks.spawn(shared.bus.relaying(), "word between gateways")
        tasks.spawn(_hearing_of_people(storage, shared, keyring, sessions), "word of people")
        yield App(
            relay,
            ledger,
            fleet,
            reloader,
            generations,
            shared,
            runner,
            tasks,
            gateway,
            partial(_learn, storage, keyring, sessions),
            partial(_keep, rates, kept_meter),
            partial(_offer_set_up, storage, audit, new_id, config.server.url),
        )


def _logs(data: DataDir, stack: AsyncExitStack) -> GenerationFiles:
    logs = GenerationFiles(data.generations)
    stack.callback(logs.close)
    return logs


def _outlasting(storage: Storage, data: DataDir, url: str) -> OwedConversations:
    """The conversations of a database that may be away. A file of the data directory never is."""
    journal = Journal(data.journal / "conversations", synced=True, most_bytes=MOST_OWED_BYTES)
    return OwedConversations(storage.conversations, journal, remembered=0 if url.startswith("sqlite") else REMEMBERED)


def _audit(storage: Storage, data: DataDir, keyring: Keyring, new_id: Callable[[], str]) -> Audit:
    audit = Audit(
        storage.audit,
        clock=time.time,
        monotonic=time.monotonic,
        new_id=new_id,
        name_of=keyring.name_of,
        heads=HeadFile(data.audit_head),
        heard=_log_fact,
    )
    keyring.refused = audit.key_refused
    return audit


def _log_fact(fact: Fact) -> None:
    """To the log, too: where that goes, nobody who writes the database can change it."""
    who = {"user": fact.name, "key": fact.key, "address": fact.address}
    log.info(
        "audit", what=str(fact.event), subject=fact.subject, **who, **{f"with_{k}": v for k, v in fact.detail.items()}
    )


def _limits(config: Config) -> Limits:
    return Limits(
        max_body=config.limits.max_body_bytes,
        max_head=config.limits.max_header_bytes,
        rescue=_rescue_bounds(config),
        silence_s=config.rescue.silence_s,
    )


def _rescue_bounds(config: Config) -> Bounds:
    return Bounds(attempts=config.rescue.attempts, within_s=config.rescue.within_s)


def _bind(relay: Relay, generations: Generations, config: Config) -> None:
    """Bound anew what is done for answers, those under way too."""
    relay.bound(_rescue_bounds(config), config.rescue.silence_s)
    generations.bounds = _generation_bounds(config)


def _generation_bounds(config: Config) -> GenerationBounds:
    told = config.generations
    return GenerationBounds(
        alone_s=told.alone_s,
        alone_per_key=told.alone_per_key,
        unfinished=told.unfinished,
        unfinished_within_s=told.unfinished_within_s,
        keep_s=told.keep_s,
        keep_bytes=told.keep_bytes,
    )


async def _models(storage: Storage, fleet: Fleet, tasks: Tasks, watch: Watch, relay: Relay) -> Models:
    pins = Pins(storage.settings, time.time)
    await pins.read()
    Pinning(pins, fleet, tasks, relay.dispatcher.restore)
    return Models(fleet, pins, tasks, look=watch.probe, in_use=_in_use(relay), clock=time.monotonic)


def _in_use(relay: Relay) -> Callable[[EngineId, ModelId], int]:
    """How many calls a model answers on an engine now."""

    return lambda engine, model: relay.held().get((engine, model), 0)


def _services(
    config: Config,
    data: DataDir,
    storage: Storage,
    shared: Shared,
    relay: Relay,
    keyring: Keyring,
    sessions: Sessions,
    reloader: Reloader,
    watch: Watch,
    models: Models,
    discovery: Discovery,
    drains: Drains,
    drills: Callable[[], Drills],
    calls: InsideCalls,
    generations: Generations,
    audit: Audit,
    gallery: Gallery,
    progress: Progresses,
    web: ProviderWeb,
    at_the_end: Callable[[Callable[[], None]], object],
    jobs: Jobs,
    drawn: Pictures,
    recorder: Recorder,
    images: RemoteImages,
    settings: Settings,
) -> Services:
    async def changed() -> None:
        await _learn(storage, keyring, sessions)
        shared.bus.publish(Topic.PEOPLE)

    people = People(storage, time.time, relay.new_id, secrets.token_bytes, changed, audit)
    return Services(
        calls=calls,
        storage=storage,
        shared=shared,
        fleet=relay,
        machines=relay.fleet.machines.snapshot,
        clock=time.time,
        new_id=relay.new_id,
        people=people,
        accounts=cache(lambda: _accounts(config, data, storage, people, audit, changed, relay.new_id, at_the_end)),
        name_of=keyring.name_of,
        lifetimes=sessions.lifetimes,
        reload=reloader.reload,
        requests_written=relay.ledger.flush,
        look=watch.probe,
        models=models,
        discovery=discovery,
        drains=drains,
        drills=drills,
        generations=generations,
        audit=audit,
        files=gallery.files,
        attachments=Attachments(gallery.files),
        gallery=gallery,
        progress=progress,
        spending=relay.admission,
        painters=drawn.studio.painters,
        pictures_line=drawn.studio.standing,
        styles=drawn.styles,
        openid=None
        if config.access.oidc is None
        else openid(
            config.access.oidc,
            config.server.url,
            storage,
            audit,
            web,
            Clocks(time.monotonic, time.time),
            relay.new_id,
            secrets.token_bytes,
            changed,
        ),
        proxy_signs_in=config.access.trusted_header is not None,
        jobs=jobs,
        started_s=time.time(),
        max_body_bytes=config.limits.max_body_bytes,
        levels=relay.admission.levels,
        welcome=keyring.still,
        stopping=lambda: relay.draining,
        recorder=recorder,
        pictures=images,
        settings=settings,
        backups=Backups(
            data,
            sqlite_file(_database_url(config, data)),
            with_files=config.storage.blobs is None,
            version=__version__,
            clock=time.time,
            spawn=relay.tasks.spawn,
        ),
        url=config.server.url,
        portal=config.portal,
    )


def _accounts(
    config: Config,
    data: DataDir,
    storage: Storage,
    people: People,
    audit: Audit,
    changed: Callable[[], Awaitable[None]],
    new_id: Callable[[], str],
    at_the_end: Callable[[Callable[[], None]], object],
) -> Accounts:
    """Not imported before somebody signs in."""
    from potluck.app.coming_in import coming_in  # noqa: PLC0415

    return coming_in(
        config,
        data,
        storage,
        people,
        audit,
        changed,
        clock=time.time,
        monotonic=time.monotonic,
        new_id=new_id,
        random_bytes=secrets.token_bytes,
        at_the_end=at_the_end,
    )


def _keep_usage(ledger: Ledger, usage: UsageConfig) -> None:
    ledger.keep = Keep(usage.keep_requests_s, usage.keep_s)


def _allow(rules: Rules, admission: Admission, keyring: Keyring, sessions: Sessions) -> None:
    """Let other limits hold from the next call on."""
    admission.configure(rules)
    keyring.replan()
    sessions.take(keyring.callers())


def _local_wanted(config: Config, found: tuple[EngineConfig, ...]) -> bool:
    """The embedded engine serves where nothing else that writes does, unless the owner said."""
    if config.local.enabled is not None:
        return config.local.enabled
    return all(engine.kind.draws for engine in (*config.engines, *found))


def _this_machine() -> NodeId:
    return NodeId(socket.gethostname().partition(".")[0] or "localhost")


async def _first_look(watch: Watch, fleet: Fleet) -> None:
    """Look at every engine. Our own model is loaded before the service says it is ready; the network may come later."""
    own = [each for each in fleet.installations.values() if each.supervised is not None]
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(FIRST_LOOK_S):
            await asyncio.gather(*(watch.probe(each.id) for each in fleet.installations.values() if each not in own))
    for installation in own:
        await watch.probe(installation.id)
        await _load_first(installation, fleet)
        await watch.probe(installation.id)


async def _load_first(installation: Installation, fleet: Fleet) -> None:
    """Load the embedded engine's first model. If that fails the service starts all the same, and says so."""
    model = next(iter(fleet.engines[installation.id].models.values()), None)
    if model is None:
        return
    try:
        async with asyncio.timeout(FIRST_LOAD_S):
            await installation.backend.prepare(model)
    except (NodeError, TimeoutError) as error:
        log.warning("the embedded model is not ready yet", model=model.id, why=str(error) or "it takes long")


async def _learn(storage: Storage, keyring: Keyring, sessions: Sessions) -> None:
    """Take who may ask as it is stored now."""
    keyring.replace(await storage.keys.all(), await storage.users.all())
    sessions.replace(await storage.sessions.all(), keyring.callers())


async def _hearing_of_people(storage: Storage, shared: Shared, keyring: Keyring, sessions: Sessions) -> None:
    """Take what other gateways changed."""
    with shared.bus.listen(Topic.PEOPLE) as listening:
        while True:
            await listening.next()
            while not await _learned(storage, keyring, sessions):  # noqa: ASYNC110 - the database says no word
                await asyncio.sleep(LEARN_AGAIN_S)


async def _learned(storage: Storage, keyring: Keyring, sessions: Sessions) -> bool:
    try:
        await _learn(storage, keyring, sessions)
    except OperatorError as error:
        log.warning("keys and users cannot be read again yet", why=error.message)
        return False
    return True


async def _keep(rates: KeptRates, meter: KeptMeter) -> None:
    await rates.save()
    await meter.save()


async def _touching_keys(storage: Storage, keyring: Keyring, sessions: Sessions) -> None:
    while True:
        await asyncio.sleep(TOUCH_KEYS_S)
        if used := keyring.take_used():
            await storage.keys.touch(used)
        if seen := sessions.take_used():
            await storage.sessions.touch(seen)

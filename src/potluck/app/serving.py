"""The process: from the command line of ``potluck up`` to a service that listens, until it is told to stop."""

from __future__ import annotations

import asyncio
import gc
import os
import secrets
import signal
import sys
import time
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import structlog
from msgspec.structs import replace

from potluck import __version__, logs
from potluck.app.auditing import audit_of, facts_journal
from potluck.app.calling import ledger_of, requests_journal
from potluck.app.listening import listen
from potluck.app.rundir import claim, claim_database, publish_address
from potluck.app.running import running, this_machine
from potluck.app.stores import database_url, outlasting
from potluck.config.load import load
from potluck.config.model import Config
from potluck.core.errors import OperatorError
from potluck.core.ids import Ids
from potluck.gateway.metrics import Metrics
from potluck.gateway.presence import Alive
from potluck.gateway.tasks import Tasks
from potluck.storage.datadir import DataDir, open_datadir
from potluck.storage.journal import Journal
from potluck.storage.open import open_storage, serves_many, sqlite_file
from potluck.storage.records import GatewayRecord

log = structlog.get_logger(__name__)

# Objects that may come before the collector looks at the youngest; Python's own is 700, which a dozen calls make, and
# then it finds nothing: calls leave no cycles behind.
YOUNG_OBJECTS = 10_000


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
        if serves_many(database_url(config, data)):
            await _serve_among_others(config, data, read, stop, hurry)
            return
        if config.storage.database is not None and (file := sqlite_file(database_url(config, data))) is not None:
            stack.enter_context(claim_database(file))
        app = await stack.enter_async_context(running(config, data, read))
        loop.add_signal_handler(signal.SIGHUP, app.reloader.on_signal)
        server = await listen(app.relay.connection, config.server.host, config.server.port)
        url = _url_of(server)
        stack.enter_context(publish_address(data, url))
        await app.offer_set_up(url)
        alive = Alive(app.shared.presence, GatewayRecord(app.id, this_machine(), url, __version__, time.time()))
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
        database_url(config, data),
        clock=_unslept,
        wall_clock=time.time,
        new_id=Ids(time.time, secrets.token_bytes),
        random_bytes=secrets.token_bytes,
    )
    await serve_among_others(
        place, Composition(running, listen, _url_of, _say_ready, _after_the_start, _settle), stop, hurry
    )


async def _settle(data: DataDir, database: str) -> None:
    """Hand over what this gateway's journals hold; returns when nothing is owed."""
    calls, facts = requests_journal(data), facts_journal(data)
    talks = Journal(data.journal / "conversations", synced=True, most_bytes=1)
    if not calls.size_bytes and not talks.size_bytes and not facts.size_bytes:
        return
    async with open_storage(database, clock=time.monotonic) as storage, Tasks() as tasks:
        owed = outlasting(storage, data, database)
        ledger = ledger_of(storage.requests, Metrics(), calls)
        tasks.spawn(owed.handing_over(), "what the database is owed")
        tasks.spawn(ledger.flushing(), "request log")
        audit = audit_of(storage, data, time.time, time.monotonic, Ids(time.time, secrets.token_bytes))
        while owed.owed_bytes or ledger.owed_bytes or audit.owed_bytes:
            await audit.flush()
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


async def _after_the_start() -> None:
    """What the first calls need not wait for."""
    # In a thread: streams that began meanwhile go on.
    await asyncio.to_thread(import_module, "potluck.surfaces.application")
    # What lives now lives to the end: the collector need not look at it again.
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, *gc.get_threshold()[1:])

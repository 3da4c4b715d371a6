"""``potluck migrate``: all that the database holds, moved into another one."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
import typer

from potluck.app.rundir import claim
from potluck.cli.check import ConfigFile
from potluck.cli.failure import USAGE, CliError
from potluck.cli.output import print_json, table, table_width, terminal_width
from potluck.cli.places import DATABASE, DEFAULT_DATA, config_file
from potluck.cli.progress import Progress
from potluck.cli.service import AsJson
from potluck.config.load import load
from potluck.storage.datadir import DataDir
from potluck.storage.moving import open_place
from potluck.storage.open import sqlite_url, url_of
from potluck.storage.sql.moving import Step, TableReport, move, verify

app = typer.Typer(rich_markup_mode=None, add_completion=False)

# A line for each of thousands of batches tells nobody anything.
_SHOWN_EVERY_S = 0.1


class Report(msgspec.Struct):
    """What ``--json`` prints. ``moved`` is false where that was done before, or only a comparison was asked for."""

    moved: bool
    verified: bool
    tables: Sequence[TableReport]
    config: str


@app.command()
def migrate(
    to: Annotated[str, typer.Option("--to", help="Where to: postgresql://… or sqlite:////PATH.", metavar="URL")],
    source: Annotated[
        str,
        typer.Option(
            "--from",
            help="Where from; left out, the database that is in use. A SQLite file elsewhere is only read.",
            metavar="URL",
        ),
    ] = "",
    verify_only: Annotated[bool, typer.Option("--verify", help="Only compare the two, row by row.")] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Begin an unfinished move anew: for a source that changed meanwhile.")
    ] = False,
    as_json: AsJson = False,
    config: ConfigFile = None,
    data: Annotated[
        Path, typer.Option("--data", envvar="POTLUCK_DATA", help="The data directory to move from.", metavar="DIR")
    ] = DEFAULT_DATA,
) -> None:
    """Move all that the database holds into another one.

    The service must not run. The target must be empty; nothing in the source is changed. A move that is broken off, by
    whatever, goes on where it was when the command is given again. At the end every row is compared. Then write the
    line that is printed into the configuration.
    """
    data = data.expanduser()
    here = _source(source, to, data, config)
    with ExitStack() as stack:
        stack.enter_context(_nobody_runs(data, here.url))
        from_place = stack.enter_context(open_place(here.url, clock=time.monotonic, read_only=here.read_only))
        to_place = stack.enter_context(open_place(to, clock=time.monotonic))
        shown = stack.enter_context(_shown_progress())
        reports = verify(from_place, to_place, shown) if verify_only else move(from_place, to_place, shown, again=again)
    _tell(Report(reports is not None and not verify_only, reports is not None, reports or (), _config(to)), as_json)


@dataclass(frozen=True, slots=True)
class _Source:
    url: str
    read_only: bool


def _source(told: str, to: str, data: Path, config: Path | None) -> _Source:
    """Raises `CliError` for one that is not there, or is the target."""
    in_use = load(config_file(config), os.environ).storage.database
    own = sqlite_url(data / DATABASE)
    url = told or (own if in_use is None or in_use.reveal() == to else in_use.reveal())
    parts = url_of(url)
    if parts == url_of(to):
        raise CliError("The source and the target are the same.", hint="Give another with --from.", code=USAGE)
    if parts.get_backend_name() != "sqlite":
        return _Source(url, read_only=False)
    file = Path(parts.database or "")
    if not file.is_file():
        raise CliError(f"There is no database '{file.name}' to move.", hint="Give --data or --from.", code=USAGE)
    return _Source(url, read_only=file.absolute() != (data / DATABASE).absolute())


@contextmanager
def _nobody_runs(data: Path, url: str) -> Generator[None, None, None]:
    """Hold the data directory, and that of a SQLite file which lies in another one. Raises `OperatorError`."""
    folders = {data.absolute()}
    if (parts := url_of(url)).get_backend_name() == "sqlite":
        folders.add(Path(parts.database or "").absolute().parent)
    with ExitStack() as stack:
        for folder in folders:
            if (folder / "run").is_dir() and os.access(folder / "run", os.W_OK):
                stack.enter_context(claim(DataDir(folder)))
        yield


@contextmanager
def _shown_progress() -> Generator[_Told, None, None]:
    told = _Told(Progress(sys.stderr, sys.stderr.isatty(), terminal_width()))
    try:
        yield told
    finally:
        told.progress.hide()


@dataclass(slots=True)
class _Told:
    progress: Progress
    shown_s: float = 0.0

    def __call__(self, step: Step) -> None:
        now = time.monotonic()
        if step.rows < step.of and now - self.shown_s < _SHOWN_EVERY_S:
            return
        self.shown_s = now
        if self.progress.terminal or step.rows >= step.of:
            self.progress.show(f"{_bar(step)} {step.doing} {step.table}: {step.rows:,} of {step.of:,} rows")


def _bar(step: Step) -> str:
    done = 20 if step.of == 0 else min(20, 20 * step.rows // step.of)
    return "[" + "#" * done + "." * (20 - done) + "]"


def _config(to: str) -> str:
    """The line for the configuration, without the password: that belongs into the environment or a file."""
    shown, parts = to, urlsplit(to)
    if parts.password:
        names, _, place = parts.netloc.rpartition("@")
        shown = to.replace(parts.netloc, f"{names.partition(':')[0]}:${{POTLUCK_DB_PASSWORD}}@{place}", 1)
    return f'storage: {{database: "{shown}"}}'


def _tell(report: Report, as_json: bool) -> None:
    if as_json:
        print_json(report)
        return
    if not report.verified:
        print("This was moved before, and compared then; --verify compares again.")
    else:
        rows = [(each.table, f"{each.rows:,}", each.sha256[:16]) for each in report.tables]
        print(table(("TABLE", "ROWS", "SHA-256"), rows, table_width()))
        print("\nEvery row is the same on both sides.")
    print(f"The configuration for it:\n\n  {report.config}")

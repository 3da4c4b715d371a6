"""``potluck audit``: what happened to people, keys and machines, and whether anybody has changed that since."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Protocol

import msgspec
import typer

from potluck.cli import lazy
from potluck.cli.check import ConfigFile
from potluck.cli.client import Client
from potluck.cli.failure import FAILED, CliError
from potluck.cli.output import print_json, table, table_width
from potluck.cli.places import DEFAULT_DATA
from potluck.cli.reaching import service_or_directory
from potluck.cli.service import AsJson, Data, Key, Url
from potluck.core.audit import Head, Verdict, Verifier, read_head
from potluck.surfaces.v1.audit import MOST, AuditEntry, AuditList, anchor_of, core_entry

AUDIT: Final = "/api/v1/audit"

app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True)

_line = msgspec.json.Decoder(AuditEntry)


class Log(Protocol):
    """The audit log of one service. Raises `CliError` or `PotluckError`."""

    def recent(self, limit: int, event: str, before: int | None) -> list[AuditEntry]:
        """Newest first."""
        ...

    def pages(self) -> Iterator[AuditList]:
        """All of it, oldest first; one page at least."""
        ...


@dataclass(frozen=True, slots=True)
class RemoteLog:
    """The log of a running service."""

    client: Client

    def recent(self, limit: int, event: str, before: int | None) -> list[AuditEntry]:
        query = {"limit": str(limit), "event": event, "before": str(before or "")}
        return self.client.get(AUDIT, AuditList, {name: value for name, value in query.items() if value}).entries

    def pages(self) -> Iterator[AuditList]:
        after = 0
        while True:
            page = self.client.get(AUDIT, AuditList, {"after": str(after), "limit": str(MOST)})
            yield page
            if len(page.entries) < MOST:
                return
            after = page.entries[-1].seq


@app.callback()
def audit() -> None:
    """List, verify and export what happened to people, keys and machines."""


@app.command("ls")
def list_entries(
    limit: Annotated[int, typer.Option(min=1, max=MOST, help="How many, newest first.")] = 50,
    event: Annotated[str, typer.Option(help="Only these: key.made, or the beginning: key.", metavar="EVENT")] = "",
    before: Annotated[int | None, typer.Option(min=1, help="Only those before this number.", metavar="N")] = None,
    as_json: AsJson = False,
    config: ConfigFile = None,
    url: Url = "",
    key: Key = "",
    data: Data = DEFAULT_DATA,
) -> None:
    """List what happened, newest first."""
    listed = _reached(url, key, data, config).recent(limit, event, before)
    if as_json:
        print_json(listed)
    else:
        print(entries_table(listed, table_width()))


@app.command()
def verify(
    anchor: Annotated[
        list[str] | None,
        typer.Option(help="An entry's number and hash as noted before; may be repeated.", metavar="N:HASH"),
    ] = None,
    file: Annotated[
        Path | None, typer.Option(help="Verify what 'export' wrote, instead of a service.", metavar="FILE")
    ] = None,
    as_json: AsJson = False,
    config: ConfigFile = None,
    url: Url = "",
    key: Key = "",
    data: Data = DEFAULT_DATA,
) -> None:
    """Compute every hash anew: nothing was changed, taken out or put elsewhere. Exits 1 if something was.

    Prints the log's head; noted elsewhere and given as --anchor, it shows later that nothing was cut off the end and
    that not all hashes were made anew. What a gateway noted in its data directory is looked at in any case.
    """
    anchors = [read_head(text) for text in anchor or ()]
    verdict = _judged_file(file, anchors) if file else _judged(_reached(url, key, data, config), anchors)
    if as_json:
        print_json(_shown(verdict))
    elif verdict.whole:
        print(f"{verdict.entries} entries, all as they were written. Head: {verdict.head}")
    else:
        print(f"{verdict.why} ({verdict.fault})")
    if not verdict.whole:
        raise typer.Exit(FAILED)


@app.command()
def export(config: ConfigFile = None, url: Url = "", key: Key = "", data: Data = DEFAULT_DATA) -> None:
    """Write the whole log to stdout, oldest first, one JSON object a line. 'verify --file' reads that."""
    for page in _reached(url, key, data, config).pages():
        for entry in page.entries:
            sys.stdout.write(msgspec.json.encode(entry).decode() + "\n")


def entries_table(listed: Sequence[AuditEntry], width: int) -> str:
    """The entries as a table."""
    rows = [
        (
            str(entry.seq),
            entry.at[:19].replace("T", " "),
            entry.event,
            entry.name or entry.user or "-",
            f"{entry.key}…" if entry.key else "-",
            entry.address or "-",
            entry.subject,
            ", ".join(f"{name}={value}" for name, value in entry.detail.items()),
        )
        for entry in listed
    ]
    if not rows:
        return "There is no such entry."
    return table(("NO", "TIME (UTC)", "EVENT", "BY", "KEY", "FROM", "WHAT", "MORE"), rows, width)


class _Shown(msgspec.Struct):
    """A verdict as JSON."""

    whole: bool
    entries: int
    first: int
    head: str
    fault: str | None
    seq: int | None
    why: str


def _shown(verdict: Verdict) -> _Shown:
    fault = verdict.fault.value if verdict.fault is not None else None
    seq = None if verdict.whole else verdict.seq
    return _Shown(verdict.whole, verdict.entries, verdict.first, str(verdict.head), fault, seq, verdict.why)


def _judged(log: Log, anchors: Iterable[Head]) -> Verdict:
    """Entries that come while it is read are in a later page, or after the end."""
    pages = log.pages()
    first = next(pages)
    noted = anchor_of(first.anchor)
    verifier = Verifier([*anchors, *([noted] if noted is not None else [])])
    verifier.feed([core_entry(entry) for entry in first.entries])
    for page in pages:
        verifier.feed([core_entry(entry) for entry in page.entries])
    return verifier.verdict()


def _judged_file(file: Path, anchors: Iterable[Head]) -> Verdict:
    verifier = Verifier(anchors)
    number = 0
    try:
        with file.open("rb") as lines:
            for line in lines:
                number += 1
                verifier.feed([core_entry(_line.decode(line))])
    except OSError as error:
        raise CliError(f"{file} cannot be read: {error.strerror}.") from error
    except msgspec.MsgspecError as error:
        raise CliError(
            f"Line {number} of {file} is no entry of an audit log.", hint="'potluck audit export' writes one."
        ) from error
    return verifier.verdict()


def _reached(url: str, key: str, data: Path, config: Path | None) -> Log:
    """The running service's log; if none runs and none was named, that of the data directory."""
    return service_or_directory(
        url, key, data, config, RemoteLog, lambda folder, told: lazy.offline().stored_audit(folder, told)
    )

"""``potluck jobs``: work in the background."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Final, TypeAlias
from urllib.parse import quote

import msgspec
import typer

from potluck.cli.client import Client, decoded
from potluck.cli.failure import FAILED, USAGE, CliError, ServiceError
from potluck.cli.output import harmless, note, print_json, read_piped, table, table_width, terminal_width
from potluck.cli.places import DEFAULT_DATA
from potluck.cli.progress import Progress
from potluck.cli.service import AsJson, Data, Key, Url, find
from potluck.surfaces.v1.jobs import JobInfo, JobList, JobProgress, JobResult, State

JOBS = "/api/v1/jobs"
# A service that is started again answers after seconds; who waits for a job for hours does not mind a minute.
_COMES_BACK_S: Final = 60.0
_PAUSE_S: Final = 1.0
_ENDED: Final = frozenset({"done", "failed", "cancelled"})

app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True)

Id: TypeAlias = Annotated[str, typer.Argument(help="The job's id.", metavar="JOB")]
Questions: TypeAlias = Annotated[str, typer.Argument(help="A file with a question on each line; - for standard input.")]


@app.callback()
def jobs() -> None:
    """Ask many questions at once; list, follow and cancel work in the background."""


@app.command("ls")
def list_jobs(
    state: Annotated[State | None, typer.Option(help="Only those that stand so.")] = None,
    limit: Annotated[int, typer.Option(help="How many at most.", min=1, max=500)] = 50,
    as_json: AsJson = False,
    url: Url = "",
    key: Key = "",
    data: Data = DEFAULT_DATA,
) -> None:
    """List your jobs, newest first."""
    query = {"limit": str(limit), "state": state or ""}
    listed = Client(find(url, key, data)).get(JOBS, JobList, query).jobs
    if as_json:
        print_json(listed)
    else:
        print(jobs_table(listed, table_width()))


@app.command()
def show(job: Id, as_json: AsJson = False, url: Url = "", key: Key = "", data: Data = DEFAULT_DATA) -> None:
    """Tell how a job stands."""
    _tell(Client(find(url, key, data)).get(_path(job), JobInfo), as_json)


@app.command()
def cancel(job: Id, as_json: AsJson = False, url: Url = "", key: Key = "", data: Data = DEFAULT_DATA) -> None:
    """End a job; what it has come to is kept."""
    _tell(Client(find(url, key, data)).call("POST", f"{_path(job)}/cancel", JobInfo), as_json)


@app.command()
def follow(job: Id, as_json: AsJson = False, url: Url = "", key: Key = "", data: Data = DEFAULT_DATA) -> None:
    """Show how a job goes on until it has ended. Exits with 1 if it failed or was cancelled."""
    ended = _followed(Client(find(url, key, data)), job, time.sleep)
    _tell(ended, as_json)
    _exit(ended)


@app.command()
def result(job: Id, as_json: AsJson = False, url: Url = "", key: Key = "", data: Data = DEFAULT_DATA) -> None:
    """Print what a job has come to: a JSON object on each line, also while it runs."""
    _print_result(Client(find(url, key, data)), job, as_json)


@app.command()
def ask(
    file: Questions,
    model: Annotated[str, typer.Option("--model", "-m", help="For questions that name none.", metavar="MODEL")] = "",
    title: Annotated[str, typer.Option(help="What to call the job in lists.", metavar="TEXT")] = "",
    low: Annotated[bool, typer.Option("--low", help="Let your other jobs go first.")] = False,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Print the job's id, and do not wait.")] = False,
    as_json: AsJson = False,
    url: Url = "",
    key: Key = "",
    data: Data = DEFAULT_DATA,
) -> None:
    """Have up to 1000 questions answered in the background.

    A line is a text, or a request of `/v1/chat/completions` as JSON; a `custom_id` in it comes back with its answer.
    Answers are printed when all are there, one JSON object on each line. Ctrl-C leaves the job running.
    """
    client = Client(find(url, key, data))
    requests = questions(read_piped() if file == "-" else _read(Path(file)))
    body = {"kind": "chat", "requests": requests, "model": model, "title": title or Path(file).name}
    made = client.call("POST", JOBS, JobInfo, body={**body, "priority": "low" if low else "normal"})
    if detach:
        _tell(made, as_json, plain=made.id)
        return
    note(f"Job {made.id}: 'potluck jobs follow' comes back to it, 'potluck jobs cancel' ends it.")
    ended = _followed(client, made.id, time.sleep)
    _print_result(client, made.id, as_json)
    _exit(ended)


def questions(text: str) -> list[object]:
    """Each line that is not empty: a text, or JSON. Raises `CliError` for JSON that is broken."""
    found: list[object] = []
    for number, line in enumerate(text.splitlines(), start=1):
        line = line.strip()
        if not line:
            continue
        if line[0] not in '{"':
            found.append(line)
            continue
        try:
            found.append(msgspec.json.decode(line, type=dict[str, object] | str))
        except msgspec.MsgspecError as exc:
            raise CliError(f"Line {number} is not valid JSON: {exc}.", hint="See docs/guides/jobs.md.") from exc
    if not found:
        raise CliError("There is no question.", hint="Write one on each line.", code=USAGE)
    return found


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise CliError(f"{file} cannot be read.", hint="Is it a text in UTF-8?", code=USAGE) from exc


def _followed(client: Client, job: str, sleep: Callable[[float], None]) -> JobInfo:
    """Wait for a job's end, also over a restart of the service."""
    progress = Progress(sys.stderr, sys.stderr.isatty(), terminal_width())
    away_s = 0.0
    try:
        while True:
            try:
                now = client.get(_path(job), JobInfo)
                progress.show(_words(now))
                if now.state in _ENDED:
                    return now
                away_s = 0.0
                _show_events(client, now, progress)
            except ServiceError as exc:
                if exc.status or away_s >= _COMES_BACK_S:
                    raise
                away_s += _PAUSE_S
                sleep(_PAUSE_S)
    finally:
        progress.hide()


def _show_events(client: Client, job: JobInfo, progress: Progress) -> None:
    """Until the stream ends, with the job or with the connection."""
    with client.events("GET", f"{_path(job.id)}/events?after={job.last_event}") as events:
        for event in events:
            progress.show(_words(decoded(event.data, JobProgress)))


def _print_result(client: Client, job: str, as_json: bool) -> None:
    whole = client.get(f"{_path(job)}/result", JobResult)
    if as_json:
        print_json(whole)
        return
    for part in whole.parts:
        print(msgspec.json.encode(part).decode())


def jobs_table(listed: Sequence[JobInfo], width: int) -> str:
    """The jobs as a table."""
    if not listed:
        return "There is no job. 'potluck jobs ask FILE' makes one."
    rows = [
        (job.id, job.kind, _state(job), f"{job.done}/{job.total}", _short(job.created_at), job.title) for job in listed
    ]
    return table(("JOB", "KIND", "STATE", "DONE", "SINCE", "TITLE"), rows, width)


def _tell(job: JobInfo, as_json: bool, *, plain: str = "") -> None:
    if as_json:
        print_json(job)
    else:
        print(plain or harmless(f"{job.id} {job.kind}: {_words(job)}"))


def _words(job: JobProgress) -> str:
    """How it stands in one line."""
    text = f"{_state(job)}, {job.done} of {job.total} done"
    if job.again_at is not None and job.state == "queued":
        text += f", tried again at {_short(job.again_at)}"
    return f"{text}: {job.error.message} {job.error.hint}".rstrip() if job.error is not None else text


def _state(job: JobProgress) -> str:
    return "cancelling" if isinstance(job, JobInfo) and job.cancelling else job.state


def _short(time_text: str) -> str:
    return time_text[:19].replace("T", " ")


def _path(job: str) -> str:
    return f"{JOBS}/{quote(job, safe='')}"


def _exit(job: JobInfo) -> None:
    if job.state != "done":
        note(_words(job))
        raise typer.Exit(FAILED)

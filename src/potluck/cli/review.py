"""``potluck review``: remarks on a change, files or standard input; the exit code tells how bad they are."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from potluck.cli import git
from potluck.cli.client import Client
from potluck.cli.failure import SERVICE, USAGE, CliError, ServiceError
from potluck.cli.findings import Form, Review, as_text, collected, document, summary
from potluck.cli.output import note, read_piped, terminal_width
from potluck.cli.places import DEFAULT_DATA
from potluck.cli.progress import Progress
from potluck.cli.service import Data, Key, Url, find
from potluck.core.review import Severity
from potluck.surfaces.v1.code_shapes import FindingInfo, ReviewDone, ReviewProgress
from potluck.surfaces.v1.shapes import UsageInfo

REVIEW = "/api/v1/code/review"

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def review(
    paths: Annotated[
        list[str] | None, typer.Argument(help="Files or folders to review whole; - reads a diff from a pipe.")
    ] = None,
    staged: Annotated[bool, typer.Option("--staged", help="Review what is staged.")] = False,
    diff: Annotated[
        str, typer.Option("--diff", help="Review the change of a revision or of A..B.", metavar="REV[..REV]")
    ] = "",
    form: Annotated[Form, typer.Option("--format", "-f", help="How to print the findings.")] = Form.TEXT,
    fail_on: Annotated[
        Severity, typer.Option("--fail-on", help="Exit with 1 if a finding is this bad or worse.")
    ] = Severity.HIGH,
    min_severity: Annotated[
        Severity, typer.Option("--min-severity", help="Leave out findings below this.")
    ] = Severity.INFO,
    instructions: Annotated[
        str, typer.Option("--instructions", help="What to look at in particular.", metavar="TEXT")
    ] = "",
    model: Annotated[str, typer.Option("--model", "-m", help="The model or route to ask.", metavar="NAME")] = "",
    url: Url = "",
    key: Key = "",
    data: Data = DEFAULT_DATA,
) -> None:
    """Review a change, files or standard input.

    Without arguments: what changed since the last commit. Exit codes: 0 no finding at --fail-on or above, 1 at least
    one, 2 wrong usage or a failure of git, 3 a failure of the service, or parts that it could not review.
    """
    subject = _subject(paths or [], staged=staged, diff=diff)
    client = Client(find(url, key, data))
    found = Review()
    if subject:
        body = subject | {"min_severity": min_severity, "instructions": instructions, "model": model, "stream": True}
        try:
            _run(client, body, found, form)
        except ServiceError as error:
            raise CliError(error.message, hint=error.hint, code=SERVICE) from error
        for line in summary(found):
            note(line)
    else:
        note("There is nothing to review.")
        found.done = _nothing_done()
    if form is not Form.TEXT:
        print(document(found, form, terminal_width()))
    raise typer.Exit(found.exit_code(fail_on))


def _run(client: Client, body: dict[str, object], found: Review, form: Form) -> None:
    """Follow the review; text is printed as it comes, the other forms when they are whole."""
    width = terminal_width()
    progress = Progress(sys.stderr, sys.stderr.isatty(), width)
    progress.show("Reviewing…")
    try:
        with client.events("POST", REVIEW, body=body) as events:
            for event in collected(events):
                match event:
                    case ReviewProgress():
                        progress.show(f"Reviewed {event.done} of {event.of}: {event.path}")
                    case FindingInfo():
                        found.findings.append(event)
                        if form is Form.TEXT:
                            progress.hide()
                            print(as_text(event, width), end="\n\n", flush=True)
                    case ReviewDone():
                        found.done = event
                    case None:
                        pass
    finally:
        progress.hide()


def _subject(paths: list[str], *, staged: bool, diff: str) -> dict[str, object]:
    """What is sent to be reviewed; empty if there is nothing. Raises `CliError` with code 2."""
    if sum((bool(paths), staged, bool(diff))) > 1:
        raise CliError("Choose one: --staged, --diff, or files.", code=USAGE)
    if paths and paths != ["-"]:
        return {"files": _files(paths)}
    if paths:
        change = read_piped()
    elif staged:
        change = git.staged()
    else:
        change = git.between(diff) if diff else git.working_tree()
    return {"diff": change} if change.strip() else {}


def _files(paths: list[str]) -> list[dict[str, str]]:
    if "-" in paths:
        raise CliError("'-' stands alone: a diff or files, not both.", code=USAGE)
    files: list[dict[str, str]] = []
    for given in paths:
        path = Path(given)
        if path.is_dir():
            # Pictures and archives of a folder are passed over; one that is named is an error.
            texts = ((file, _text_of(file)) for file in git.files_under(path))
            files += [{"path": named(file), "text": text} for file, text in texts if text]
        elif text := _text_of(path):
            files.append({"path": named(path), "text": text})
        else:
            raise CliError(f"'{path}' is empty or not text.", code=USAGE)
    if not files:
        raise CliError("There is no text file.", hint="git lists none there that it does not ignore.", code=USAGE)
    return files


def named(path: Path) -> str:
    """The file's name in the review: from here if it lies below, and never absolute, which no patch may be."""
    whole, here = path.absolute(), Path.cwd()
    return (whole.relative_to(here) if whole.is_relative_to(here) else whole.relative_to(whole.anchor)).as_posix()


def _text_of(path: Path) -> str:
    """The file's text; empty if it is none."""
    try:
        data = path.read_bytes()
    except OSError as exc:
        raise CliError(f"'{path}' cannot be read: {exc.strerror}.", code=USAGE) from exc
    try:
        return "" if b"\0" in data else data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return ""


def _nothing_done() -> ReviewDone:
    """The end of a review that was not needed, so that the printed forms are the same for programs."""
    counts = dict.fromkeys(map(str, Severity), 0)
    return ReviewDone("", 0, counts, {}, 0, 0, failed=[], skipped=[], usage=UsageInfo(), request_ids=[])

"""``potluck conversations``: what was said, listed, searched, taken along and brought."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
import typer

from potluck.cli.client import Client, decoded
from potluck.cli.failure import CliError
from potluck.cli.output import note, print_json, table, table_width
from potluck.cli.places import DEFAULT_DATA
from potluck.cli.service import AsJson, Data, Key, Url, find
from potluck.surfaces.v1.conversation_shapes import ConversationInfo, ConversationList
from potluck.surfaces.v1.portal_shapes import ImportReport

CONVERSATIONS: Final = "/api/v1/conversations"
# Exports of years take a small machine's disk a while.
_LONG_S: Final = 600.0

app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True)

Limit = Annotated[int, typer.Option(help="How many at most.", min=1, max=200)]


@app.callback()
def conversations() -> None:
    """List, search, export and import your conversations."""


@app.command("ls")
def list_conversations(
    tag: Annotated[str, typer.Option(help="Only those with this tag.")] = "",
    limit: Limit = 50,
    as_json: AsJson = False,
    url: Url = "",
    key: Key = "",
    data: Data = DEFAULT_DATA,
) -> None:
    """List your conversations, newest first."""
    query = {"limit": str(limit), "tag": tag}
    _show(Client(find(url, key, data)).get(CONVERSATIONS, ConversationList, query).conversations, as_json)


@app.command()
def search(
    words: Annotated[list[str], typer.Argument(help="What titles or messages must have in them.")],
    limit: Limit = 20,
    as_json: AsJson = False,
    url: Url = "",
    key: Key = "",
    data: Data = DEFAULT_DATA,
) -> None:
    """Find conversations by words, or by what stands in quotes."""
    query = {"q": " ".join(words), "limit": str(limit)}
    _show(Client(find(url, key, data)).get(CONVERSATIONS, ConversationList, query).conversations, as_json)


@app.command("export")
def export_all(
    file: Annotated[str, typer.Argument(help="Where to write them; - for standard output.")],
    form: Annotated[Literal["json", "markdown"], typer.Option("--format", help="Markdown is a ZIP.")] = "json",
    url: Url = "",
    key: Key = "",
    data: Data = DEFAULT_DATA,
) -> None:
    """Write all your conversations to a file."""
    client = Client(find(url, key, data), _LONG_S)
    content = client.raw("GET", f"{CONVERSATIONS}/export?format={form}")
    if file == "-":
        sys.stdout.buffer.write(content)
        return
    try:
        Path(file).write_bytes(content)
    except OSError as error:
        raise CliError(f"{file} cannot be written: {error.strerror}.") from error
    note(f"wrote {file}")


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="An export of Potluck's, Open WebUI's or ChatGPT's, or its ZIP.")],
    as_json: AsJson = False,
    url: Url = "",
    key: Key = "",
    data: Data = DEFAULT_DATA,
) -> None:
    """Bring conversations from a file. Each is taken once, however often it comes."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise CliError(f"{file} cannot be read: {error.strerror}.") from error
    raw = Client(find(url, key, data), _LONG_S).raw(
        "POST", f"{CONVERSATIONS}/import", body=msgspec.Raw(content)
    )  # as it is
    report = decoded(raw, ImportReport)
    if as_json:
        print_json(report)
        return
    print(f"{report.conversations} taken with {report.messages} messages, {report.known} were here already.")
    for each in report.why:
        note(f"not taken: {each.title or 'one without a title'}: {each.why}")
    if report.left_out:
        note(f"left out: {', '.join(f'{each.count} {each.what}' for each in report.left_out)}")


def _show(found: list[ConversationInfo], as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    rows = [
        [each.id, each.updated_at[:16].replace("T", " "), each.title if each.match is None else each.match.snippet]
        for each in found
    ]
    print(table(["CONVERSATION", "CHANGED", "TITLE"], rows, table_width()))

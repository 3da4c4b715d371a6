"""``potluck complete``: code at a place in a file. Prints what is to be inserted and nothing else."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from potluck.cli.client import Client, decoded, error_words
from potluck.cli.failure import USAGE, CliError, ServiceError
from potluck.cli.output import harmless, print_json, read_piped
from potluck.cli.places import DEFAULT_DATA
from potluck.cli.service import AsJson, Data, Key, Url, find
from potluck.surfaces.v1.chat_shapes import Delta
from potluck.surfaces.v1.code_shapes import CompleteReply
from potluck.wire.sse import ServerEvent

COMPLETE = "/api/v1/code/complete"

app = typer.Typer(rich_markup_mode=None, add_completion=False)

_PLACE = re.compile(r"(?P<path>.+?):(?P<line>\d+)(?::(?P<column>\d+))?")


@dataclass(frozen=True, slots=True)
class Place:
    """A cursor: ``line`` and ``column`` count from 1; column None is the line's end."""

    path: Path
    line: int
    column: int | None = None


@app.command()
def complete(
    place: Annotated[str, typer.Argument(help="Where: FILE:LINE or FILE:LINE:COLUMN.", metavar="[PLACE]")] = "",
    prefix: Annotated[str, typer.Option("--prefix", help="The code before the cursor.", metavar="TEXT")] = "",
    suffix: Annotated[str, typer.Option("--suffix", help="The code after the cursor.", metavar="TEXT")] = "",
    language: Annotated[
        str, typer.Option("--language", "-l", help="The language, if the file's name hides it.", metavar="NAME")
    ] = "",
    model: Annotated[str, typer.Option("--model", "-m", help="The model or route to ask.", metavar="NAME")] = "",
    max_tokens: Annotated[int, typer.Option("--max-tokens", min=1, help="The most to write.", metavar="TOKENS")] = 128,
    as_json: AsJson = False,
    url: Url = "",
    key: Key = "",
    data: Data = DEFAULT_DATA,
) -> None:
    """Complete code at a place in a file.

    Without a place, --prefix or standard input is the code before the cursor. Prints only what goes in between.
    """
    before, after, path = _code(place, prefix, suffix)
    body: dict[str, object] = {"prefix": before, "suffix": after, "path": path, "language": language}
    body |= {"model": model, "max_tokens": max_tokens, "stream": not as_json}
    client = Client(find(url, key, data))
    if as_json:
        print_json(decoded(client.raw("POST", COMPLETE, body=body, patient=True), CompleteReply))
        return
    with client.events("POST", COMPLETE, body=body) as events:
        _write(texts(events))


def read_place(text: str) -> Place:
    """``src/a.py:12:5`` as a place. Raises `CliError`."""
    found = _PLACE.fullmatch(text)
    if found is None or found["line"] == "0" or found["column"] == "0":
        raise CliError(f"'{text}' is not a place.", hint="It looks like src/a.py:12 or src/a.py:12:5.", code=USAGE)
    return Place(Path(found["path"]), int(found["line"]), int(found["column"]) if found["column"] else None)


def split_at(text: str, place: Place) -> tuple[str, str]:
    """The text before and after the cursor. Raises `CliError` for a place that the text does not have."""
    lines = text.split("\n")
    if place.line > len(lines):
        raise CliError(f"{place.path} has {len(lines)} lines, so there is no line {place.line}.", code=USAGE)
    line = lines[place.line - 1].removesuffix("\r")
    column = len(line) + 1 if place.column is None else place.column
    if column > len(line) + 1:
        raise CliError(
            f"Line {place.line} of {place.path} ends at column {len(line) + 1}, before {column}.", code=USAGE
        )
    offset = sum(len(earlier) + 1 for earlier in lines[: place.line - 1]) + column - 1
    return text[:offset], text[offset:]


def texts(events: Iterable[ServerEvent]) -> Iterator[str]:
    """The pieces of a streamed completion. Raises `ServiceError` if it fails or breaks off."""
    for event in events:
        match event.name:
            case "delta":
                yield decoded(event.data, Delta).text
            case "done":
                return
            case "error":
                message, hint = error_words(event.data)
                raise ServiceError(message or "The completion failed.", hint=hint)
            case _:
                pass
    raise ServiceError("The completion broke off.")


def _code(place: str, prefix: str, suffix: str) -> tuple[str, str, str]:
    """Prefix, suffix and path, from whichever way they were given."""
    if place:
        if prefix or suffix:
            raise CliError("Give a place or --prefix and --suffix, not both.", code=USAGE)
        at = read_place(place)
        return *split_at(_text_of(at.path), at), str(at.path)
    if not prefix and not sys.stdin.isatty():
        prefix = read_piped()
    if not prefix and not suffix:
        raise CliError("There is no code to complete.", hint="Try: potluck complete src/a.py:12", code=USAGE)
    return prefix, suffix, ""


def _text_of(path: Path) -> str:
    try:
        # Line ends stay as they are: what is inserted must fit the file byte by byte.
        return path.read_bytes().decode("utf-8")
    except OSError as exc:
        raise CliError(f"'{path}' cannot be read: {exc.strerror}.", code=USAGE) from exc
    except UnicodeDecodeError as exc:
        raise CliError(f"'{path}' is not UTF-8 text.", code=USAGE) from exc


def _write(pieces: Iterable[str]) -> None:
    """A pipe gets exactly the text; on a terminal the prompt shall not follow on the same line."""
    terminal = sys.stdout.isatty()
    last = "\n"
    for piece in pieces:
        sys.stdout.write(harmless(piece) if terminal else piece)
        sys.stdout.flush()
        last = piece[-1:] or last
    if terminal and last != "\n":
        sys.stdout.write("\n")

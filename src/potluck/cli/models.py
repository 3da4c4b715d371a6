"""``potluck models``: what the engines have, and what they shall fetch, drop, load or unload."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Annotated

import msgspec
import typer

from potluck.cli.client import Client, decoded, error_words
from potluck.cli.failure import ServiceError
from potluck.cli.output import print_json, size, table, table_width, terminal_width
from potluck.cli.places import DEFAULT_DATA
from potluck.cli.progress import Progress
from potluck.cli.service import AsJson, Data, Key, Url, find
from potluck.surfaces.v1.shapes import ModelInfo, ModelList

app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The model's name.", metavar="NAME")]


class _PullLine(msgspec.Struct):
    """A line of Ollama's pull (API-CONTRACTS.md 2): sizes in bytes."""

    status: str = ""
    digest: str = ""
    total: int = 0
    completed: int = 0


@app.callback()
def models() -> None:
    """List, pull, remove, load and unload models."""


@app.command("ls")
def list_models(as_json: AsJson = False, url: Url = "", key: Key = "", data: Data = DEFAULT_DATA) -> None:
    """List the models that the engines have."""
    listed = Client(find(url, key, data)).get("/api/v1/models", ModelList)
    if as_json:
        print_json(listed.models)
    else:
        print(models_table(listed.models, table_width()))


@app.command()
def pull(name: Name, url: Url = "", key: Key = "", data: Data = DEFAULT_DATA) -> None:
    """Fetch a model onto an engine that can."""
    client = Client(find(url, key, data))
    progress = Progress(sys.stderr, sys.stderr.isatty(), terminal_width())
    try:
        with client.lines("POST", "/api/pull", body={"model": name, "stream": True}) as lines:
            for state in pull_states(lines):
                progress.show(state if progress.terminal else state.partition("  ")[0])
    finally:
        progress.hide()
    print(f"Pulled {name}.")


@app.command()
def rm(name: Name, url: Url = "", key: Key = "", data: Data = DEFAULT_DATA) -> None:
    """Remove a model from the engines' disks."""
    Client(find(url, key, data)).raw("DELETE", "/api/delete", body={"model": name}, patient=True)
    print(f"Removed {name}.")


@app.command()
def load(
    name: Name,
    keep_alive: Annotated[
        str,
        typer.Option(
            "--keep-alive", help="How long it stays without a call: 30m, 2h; -1m is for ever.", metavar="TIME"
        ),
    ] = "",
    url: Url = "",
    key: Key = "",
    data: Data = DEFAULT_DATA,
) -> None:
    """Bring a model into memory."""
    _prompt_nothing(Client(find(url, key, data)), name, {"keep_alive": keep_alive} if keep_alive else {})
    print(f"Loaded {name}.")


@app.command()
def unload(name: Name, url: Url = "", key: Key = "", data: Data = DEFAULT_DATA) -> None:
    """Take a model out of memory."""
    _prompt_nothing(Client(find(url, key, data)), name, {"keep_alive": 0})
    print(f"Unloaded {name}.")


def models_table(models: Iterable[ModelInfo], width: int) -> str:
    """The models as a table, or a sentence if there is none."""
    rows = [
        (
            model.id,
            model.parameter_size or "-",
            model.quantization or "-",
            size(model.size_bytes),
            str(model.context or "-"),
            state(model),
            ", ".join(sorted({place.node for place in model.engines})),
        )
        for model in models
    ]
    if not rows:
        return "There is no model yet. 'potluck models pull NAME' fetches one, if an engine can."
    return table(("MODEL", "PARAMS", "QUANT", "SIZE", "CONTEXT", "STATE", "NODES"), rows, width)


def state(model: ModelInfo) -> str:
    """One word: ``loaded`` in some engine's memory, ``ready`` to be loaded, or ``away`` with all its engines."""
    if not model.ready:
        return "away"
    return "loaded" if any(place.resident for place in model.engines) else "ready"


def pull_states(lines: Iterable[bytes]) -> Iterator[str]:
    """What a pull says of itself; after two spaces comes how far it is.

    Raises `ServiceError` for an error in the stream, and if it ends without ``success``.
    """
    status = ""
    for line in lines:
        if not line.strip():
            continue
        message, hint = error_words(line)
        if message:
            raise ServiceError(message, hint=hint)
        told = decoded(line, _PullLine)
        status = told.status
        yield status + (f"  {amount(told.completed, told.total)}" if told.total > 0 else "")
    if status != "success":
        raise ServiceError("The download broke off.", hint="Pull again: what is there is not fetched twice.")


def amount(completed: int, total: int) -> str:
    """How much of a download is here.

    >>> amount(1_000_000_000, 4_000_000_000)
    '25%  1.0 GB of 4.0 GB'
    """
    return f"{min(100, completed * 100 // total)}%  {size(completed)} of {size(total)}"


def _prompt_nothing(client: Client, name: str, options: dict[str, object]) -> None:
    """Ollama's way to load and unload: a prompt that is empty."""
    body = {"model": name, "prompt": "", "stream": False, **options}
    client.raw("POST", "/api/generate", body=body, patient=True)

"""``potluck models``: what the engines have, and what they shall fetch, drop, load, keep or call by another name."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Annotated, Final
from urllib.parse import quote

import typer

from potluck.cli.client import Client
from potluck.cli.failure import INTERRUPTED, CliError
from potluck.cli.output import print_json, size, table, table_width, terminal_width
from potluck.cli.places import DEFAULT_DATA
from potluck.cli.progress import Progress
from potluck.cli.pulling import HOW_TO_RESUME, PullView
from potluck.cli.service import AsJson, Data, Key, Url, find
from potluck.surfaces.v1.fleet_shapes import ModelInfo, ModelList
from potluck.surfaces.v1.model_shapes import ModelsChanged

MODELS: Final = "/api/v1/models"

app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The model's name.", metavar="NAME")]
Node = Annotated[str, typer.Option("--node", help="The node; left out, the best one.", metavar="NODE")]
EveryNode = Annotated[str, typer.Option("--node", help="Only there; left out, wherever the model is.", metavar="NODE")]


@app.callback()
def models() -> None:
    """List, pull, remove, load, unload, pin and copy models."""


@app.command("ls")
def list_models(as_json: AsJson = False, url: Url = "", key: Key = "", data: Data = DEFAULT_DATA) -> None:
    """List the models that the engines have."""
    listed = Client(find(url, key, data)).get(MODELS, ModelList)
    if as_json:
        print_json(listed.models)
    else:
        print(models_table(listed.models, table_width()))


@app.command()
def pull(
    name: Annotated[
        str,
        typer.Argument(
            help="A name of Ollama's registry, hf.co/OWNER/REPO:QUANT, hf:OWNER/REPO/FILE.gguf, or a URL.",
            metavar="NAME|URL",
        ),
    ],
    node: Node = "",
    sha256: Annotated[str, typer.Option("--sha256", help="The checksum that the file must have.", metavar="HEX")] = "",
    alias: Annotated[str, typer.Option("--as", help="What to call it.", metavar="NAME")] = "",
    as_json: AsJson = False,
    url: Url = "",
    key: Key = "",
    data: Data = DEFAULT_DATA,
) -> None:
    """Fetch a model onto a node. One that broke off goes on where it was."""
    client = Client(find(url, key, data))
    progress = Progress(sys.stderr, sys.stderr.isatty(), terminal_width())
    body = {"model": name, "node": node, "sha256": sha256, "name": alias, "stream": True}
    try:
        with client.events("POST", f"{MODELS}/pull", body=body) as events:
            done = PullView(progress).follow(events)
    except KeyboardInterrupt as stop:
        progress.hide()
        raise CliError("Stopped.", hint=HOW_TO_RESUME, code=INTERRUPTED) from stop
    finally:
        progress.hide()
    if as_json:
        print_json(done)
    else:
        called = "" if done.model == name else f" as {done.model}"
        print(f"Pulled {name}{called} on {done.node}.")


@app.command()
def rm(
    name: Name,
    node: EveryNode = "",
    as_json: AsJson = False,
    url: Url = "",
    key: Key = "",
    data: Data = DEFAULT_DATA,
) -> None:
    """Remove a model from the engines' disks."""
    client = Client(find(url, key, data))
    query = {"node": node} if node else None
    _told(client.call("DELETE", _path(name), ModelsChanged, query=query, patient=True), f"Removed {name} from", as_json)


@app.command()
def load(
    name: Name,
    keep_alive: Annotated[
        str,
        typer.Option(
            "--keep-alive", help="How long it stays without a call: 30m, 2h; -1m is for ever.", metavar="TIME"
        ),
    ] = "",
    node: Node = "",
    as_json: AsJson = False,
    url: Url = "",
    key: Key = "",
    data: Data = DEFAULT_DATA,
) -> None:
    """Bring a model into memory."""
    body = {"node": node, "keep_alive": keep_alive}
    _told(_change(Client(find(url, key, data)), name, "load", body), f"Loaded {name} on", as_json)


@app.command()
def unload(
    name: Name,
    node: EveryNode = "",
    as_json: AsJson = False,
    url: Url = "",
    key: Key = "",
    data: Data = DEFAULT_DATA,
) -> None:
    """Take a model out of memory."""
    changed = _change(Client(find(url, key, data)), name, "unload", {"node": node})
    _told(changed, f"Unloaded {name} on", as_json, nothing=f"{name} was not loaded.")


@app.command()
def pin(
    name: Name, node: Node = "", as_json: AsJson = False, url: Url = "", key: Key = "", data: Data = DEFAULT_DATA
) -> None:
    """Load a model and keep it in memory, also when its engine starts anew."""
    _told(_change(Client(find(url, key, data)), name, "pin", {"node": node}), f"Pinned {name} on", as_json)


@app.command()
def unpin(
    name: Name,
    node: EveryNode = "",
    as_json: AsJson = False,
    url: Url = "",
    key: Key = "",
    data: Data = DEFAULT_DATA,
) -> None:
    """Let a pinned model go when it is not used."""
    changed = _change(Client(find(url, key, data)), name, "unpin", {"node": node})
    _told(changed, f"Unpinned {name} on", as_json, nothing=f"{name} was not pinned.")


@app.command()
def copy(
    source: Annotated[str, typer.Argument(help="The model's name.", metavar="NAME")],
    to: Annotated[str, typer.Argument(help="Its other name.", metavar="NEW")],
    node: EveryNode = "",
    as_json: AsJson = False,
    url: Url = "",
    key: Key = "",
    data: Data = DEFAULT_DATA,
) -> None:
    """Give a model another name beside its own."""
    changed = _change(Client(find(url, key, data)), source, "copy", {"to": to, "node": node})
    _told(changed, f"{source} is {to} too, on", as_json)


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
    """One word: ``pinned`` or else ``loaded`` in some engine's memory, ``ready`` to be loaded, ``away`` with all its
    engines. Of an alias, what it stands for."""
    if model.alias_of:
        return f"alias of {model.alias_of}{'' if model.ready else ', away'}"
    if not model.ready:
        return "away"
    if any(place.pinned for place in model.engines):
        return "pinned"
    return "loaded" if any(place.resident for place in model.engines) else "ready"


def _path(name: str) -> str:
    return f"{MODELS}/{quote(name, safe='')}"


def _change(client: Client, name: str, verb: str, body: dict[str, str]) -> ModelsChanged:
    return client.call("POST", f"{_path(name)}/{verb}", ModelsChanged, body=body, patient=True)


def _told(changed: ModelsChanged, what: str, as_json: bool, *, nothing: str = "") -> None:
    if as_json:
        print_json(changed.changed)
    elif changed.changed or not nothing:
        print(f"{what} {', '.join(dict.fromkeys(target.node for target in changed.changed))}.")
    else:
        print(nothing)

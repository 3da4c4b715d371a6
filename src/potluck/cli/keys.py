"""``potluck keys``: through the running service, or straight in the data directory if none runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Protocol
from urllib.parse import quote

import typer

from potluck.cli import lazy
from potluck.cli.check import ConfigFile
from potluck.cli.client import Client
from potluck.cli.durations import seconds
from potluck.cli.failure import CliError
from potluck.cli.limiting import (
    Budget,
    Concurrent,
    ImagesPerDay,
    PerDay,
    PerMinute,
    Priority,
    TokensPerDay,
    TokensPerMinute,
    said,
    set_now,
    shown,
)
from potluck.cli.output import print_json, table, table_width
from potluck.cli.places import DEFAULT_DATA
from potluck.cli.reaching import service_or_directory
from potluck.cli.service import AsJson, Data, Key, Url
from potluck.surfaces.v1.key_shapes import KeyCreated, KeyInfo, KeyList, NewKey, Rotation
from potluck.surfaces.v1.limit_shapes import KeyChange

KEYS = "/api/v1/keys"

app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True)


class Keys(Protocol):
    """The keys of one service. Raises `CliError` or `PotluckError`."""

    def all(self) -> list[KeyInfo]: ...

    def create(self, wanted: NewKey) -> KeyCreated: ...

    def rotate(self, key: KeyInfo, overlap_s: float) -> KeyCreated: ...

    def limit(self, key: KeyInfo, change: KeyChange) -> KeyInfo: ...

    def revoke(self, key: KeyInfo) -> None: ...


@dataclass(frozen=True, slots=True)
class RemoteKeys:
    """Keys of a running service."""

    client: Client

    def all(self) -> list[KeyInfo]:
        return list(self.client.get(KEYS, KeyList).keys)

    def create(self, wanted: NewKey) -> KeyCreated:
        return self.client.call("POST", KEYS, KeyCreated, body=wanted)

    def rotate(self, key: KeyInfo, overlap_s: float) -> KeyCreated:
        path = f"{KEYS}/{quote(key.id, safe='')}/rotate"
        return self.client.call("POST", path, KeyCreated, body=Rotation(overlap_s))

    def limit(self, key: KeyInfo, change: KeyChange) -> KeyInfo:
        return self.client.call("PATCH", f"{KEYS}/{quote(key.id, safe='')}", KeyInfo, body=change)

    def revoke(self, key: KeyInfo) -> None:
        self.client.raw("DELETE", f"{KEYS}/{quote(key.id, safe='')}")


@app.callback()
def keys() -> None:
    """Create, list, limit, rotate and revoke API keys."""


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Who or what will use it.", metavar="NAME")],
    user: Annotated[
        str, typer.Option(help="Whose it is, by name or id; else the user NAME's, a new member.", metavar="NAME")
    ] = "",
    expires: Annotated[
        str, typer.Option(help="Valid for so long: 12h, 30d. Without it, until revoked.", metavar="TIME")
    ] = "",
    surface: Annotated[
        list[str] | None, typer.Option(help="Only by this dialect: openai, anthropic, …; may be repeated.")
    ] = None,
    model: Annotated[
        list[str] | None, typer.Option(help="Only this model or route; may be repeated.", metavar="MODEL")
    ] = None,
    requests_per_minute: PerMinute = "",
    requests_per_day: PerDay = "",
    tokens_per_minute: TokensPerMinute = "",
    tokens_per_day: TokensPerDay = "",
    images_per_day: ImagesPerDay = "",
    concurrent: Concurrent = "",
    priority: Priority = "",
    budget_tokens_per_day: Budget = "",
    as_json: AsJson = False,
    config: ConfigFile = None,
    url: Url = "",
    key: Key = "",
    data: Data = DEFAULT_DATA,
) -> None:
    """Make a key and print it, alone on a line. It is shown this once."""
    limits = said(
        {
            "requests_per_minute": requests_per_minute,
            "requests_per_day": requests_per_day,
            "tokens_per_minute": tokens_per_minute,
            "tokens_per_day": tokens_per_day,
            "images_per_day": images_per_day,
            "concurrent": concurrent,
            "budget_tokens_per_day": budget_tokens_per_day,
        },
        priority=priority,
    )
    wanted = NewKey(
        _named(name),
        user.strip(),
        seconds(expires, "--expires") if expires else None,
        surface or None,
        model or None,
        set_now(limits),
    )
    made = _reached(url, key, data, config).create(wanted)
    if as_json:
        print_json(made)
    else:
        print(made.key)


@app.command()
def limit(
    name: Annotated[str, typer.Argument(help="The key's id or name.", metavar="ID|NAME")],
    requests_per_minute: PerMinute = "",
    requests_per_day: PerDay = "",
    tokens_per_minute: TokensPerMinute = "",
    tokens_per_day: TokensPerDay = "",
    images_per_day: ImagesPerDay = "",
    concurrent: Concurrent = "",
    model: Annotated[
        list[str] | None, typer.Option(help="Only this model or route, or none; may be repeated.", metavar="MODEL")
    ] = None,
    priority: Priority = "",
    budget_tokens_per_day: Budget = "",
    clear: Annotated[bool, typer.Option("--clear", help="Take all of the key's own limits away.")] = False,
    as_json: AsJson = False,
    config: ConfigFile = None,
    url: Url = "",
    key: Key = "",
    data: Data = DEFAULT_DATA,
) -> None:
    """Limit how much may be used by a key, from the next call on. Without options, show its limits."""
    change = said(
        {
            "requests_per_minute": requests_per_minute,
            "requests_per_day": requests_per_day,
            "tokens_per_minute": tokens_per_minute,
            "tokens_per_day": tokens_per_day,
            "images_per_day": images_per_day,
            "concurrent": concurrent,
            "budget_tokens_per_day": budget_tokens_per_day,
        },
        priority=priority,
        models=model,
    )
    store = _reached(url, key, data, config)
    meant = chosen(store.all(), name)
    if change is not None or clear:
        meant = store.limit(meant, KeyChange(None if clear else change))
    if as_json:
        print_json(meant)
    else:
        print(f"{meant.name}: {shown(meant.limits) or 'no limits of its own'}.")


@app.command()
def rotate(
    name: Annotated[str, typer.Argument(help="The key's id or name.", metavar="ID|NAME")],
    overlap: Annotated[str, typer.Option(help="How long the old key stays valid: 0s, 1h, 7d.", metavar="TIME")] = "1h",
    as_json: AsJson = False,
    config: ConfigFile = None,
    url: Url = "",
    key: Key = "",
    data: Data = DEFAULT_DATA,
) -> None:
    """Make a new key in place of one, with its name and limits, and print it. The old one stays valid for a while."""
    store = _reached(url, key, data, config)
    made = store.rotate(chosen(store.all(), name), seconds(overlap, "--overlap"))
    if as_json:
        print_json(made)
    else:
        print(made.key)


@app.command("ls")
def list_keys(
    as_json: AsJson = False, config: ConfigFile = None, url: Url = "", key: Key = "", data: Data = DEFAULT_DATA
) -> None:
    """List the keys, by what may be shown of them."""
    listed = _reached(url, key, data, config).all()
    if as_json:
        print_json(listed)
    else:
        print(keys_table(listed, table_width()))


@app.command()
def revoke(
    name: Annotated[str, typer.Argument(help="The key's id or name.", metavar="ID|NAME")],
    config: ConfigFile = None,
    url: Url = "",
    key: Key = "",
    data: Data = DEFAULT_DATA,
) -> None:
    """End a key: from now on it is refused."""
    store = _reached(url, key, data, config)
    meant = chosen(store.all(), name)
    store.revoke(meant)
    print(f"Revoked {meant.name} ({meant.prefix}…).")


def keys_table(listed: Sequence[KeyInfo], width: int) -> str:
    """The keys as a table, or a sentence if there is none."""
    rows = [
        (
            key.id,
            key.name,
            key.user or "-",
            f"{key.prefix}…",
            _day(key.created_at),
            _day(key.last_used_at),
            _state(key),
            _limits(key),
            shown(key.limits),
        )
        for key in listed
    ]
    if not rows:
        return "There is no key yet. 'potluck keys create NAME' makes one."
    return table(("ID", "NAME", "USER", "KEY", "CREATED", "LAST USED", "STATE", "ONLY FOR", "LIMITS"), rows, width)


def chosen(listed: Sequence[KeyInfo], name: str) -> KeyInfo:
    """The key with this id, or the valid one with this name. Raises `CliError`."""
    if by_id := next((key for key in listed if key.id == name), None):
        return by_id
    valid = {key.name: key for key in listed if key.revoked_at is None}
    if name in valid:
        return valid[name]
    near = get_close_matches(name, valid, n=3)
    hint = f"Did you mean {', '.join(near)}?" if near else "'potluck keys ls' lists them."
    raise CliError(f"There is no valid key '{name}'.", hint=hint)


def _named(name: str) -> str:
    if not name.strip():
        raise CliError("A key needs a name.", hint="Name it after who or what will use it.", code=2)
    return name.strip()


def _limits(key: KeyInfo) -> str:
    return ", ".join([*(key.surfaces or ()), *(key.models or ())])


def _day(moment: str | None) -> str:
    return moment[:10] if moment else "-"


def _state(key: KeyInfo) -> str:
    if key.revoked_at is not None:
        return f"revoked {_day(key.revoked_at)}"
    if key.expires_at is not None:
        return f"until {_day(key.expires_at)}"
    return "owner" if key.owner else "valid"


def _reached(url: str, key: str, data: Path, config: Path | None) -> Keys:
    """The running service's keys; if none runs and none was named, those of the data directory."""
    return service_or_directory(
        url, key, data, config, RemoteKeys, lambda folder, told: lazy.offline().stored_keys(folder, told)
    )

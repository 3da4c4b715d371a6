"""``potluck users``: through the running service, or straight in the data directory if none runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Protocol, TypeAlias
from urllib.parse import quote

import typer

from potluck.cli import accounts, lazy
from potluck.cli.check import ConfigFile
from potluck.cli.client import Client
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
    shown,
)
from potluck.cli.output import print_json, table, table_width
from potluck.cli.places import DEFAULT_DATA
from potluck.cli.reaching import service_or_directory
from potluck.cli.service import AsJson, Data, Key, Url
from potluck.core.people import Role, folded
from potluck.surfaces.v1.people_shapes import UserChange, UserInfo, UserList

USERS = "/api/v1/users"

app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True)

Name: TypeAlias = Annotated[str, typer.Argument(help="The user's name or id.", metavar="NAME")]
Whose: TypeAlias = Annotated[Role, typer.Argument(help="What the user may do.", metavar="ROLE")]


class Users(Protocol):
    """The users of one service. Raises `CliError` or `PotluckError`."""

    def all(self) -> list[UserInfo]: ...

    def add(self, name: str, role: Role) -> UserInfo: ...

    def change(self, name: str, change: UserChange) -> UserInfo: ...

    def remove(self, name: str) -> None: ...


@dataclass(frozen=True, slots=True)
class RemoteUsers:
    """Users of a running service."""

    client: Client

    def all(self) -> list[UserInfo]:
        return list(self.client.get(USERS, UserList).users)

    def add(self, name: str, role: Role) -> UserInfo:
        return self.client.call("POST", USERS, UserInfo, body={"name": name, "role": role})

    def change(self, name: str, change: UserChange) -> UserInfo:
        return self.client.call("PATCH", _path(name), UserInfo, body=change)

    def remove(self, name: str) -> None:
        self.client.raw("DELETE", _path(name))


@app.callback()
def users() -> None:
    """Add, invite, list, limit, change and remove users."""


@app.command("ls")
def list_users(
    as_json: AsJson = False, config: ConfigFile = None, url: Url = "", key: Key = "", data: Data = DEFAULT_DATA
) -> None:
    """List the users with their roles."""
    listed = reached(url, key, data, config).all()
    if as_json:
        print_json(listed)
    else:
        print(users_table(listed, table_width()))


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="Who it is.", metavar="NAME")],
    role: Annotated[Role, typer.Option(help="What the user may do.")] = Role.MEMBER,
    as_json: AsJson = False,
    config: ConfigFile = None,
    url: Url = "",
    key: Key = "",
    data: Data = DEFAULT_DATA,
) -> None:
    """Add a user. 'potluck keys create KEY --user NAME' makes a key for it."""
    _tell(reached(url, key, data, config).add(name, role), as_json, "Added")


@app.command()
def rm(name: Name, config: ConfigFile = None, url: Url = "", key: Key = "", data: Data = DEFAULT_DATA) -> None:
    """Remove a user with its keys, conversations and files. 'disable' keeps them."""
    reached(url, key, data, config).remove(name)
    print(f"Removed {name}.")


@app.command()
def role(
    name: Name,
    role: Whose,
    as_json: AsJson = False,
    config: ConfigFile = None,
    url: Url = "",
    key: Key = "",
    data: Data = DEFAULT_DATA,
) -> None:
    """Give a user another role: owner, admin, member or guest."""
    _tell(reached(url, key, data, config).change(name, UserChange(role=role)), as_json, "Changed")


@app.command()
def disable(
    name: Name,
    as_json: AsJson = False,
    config: ConfigFile = None,
    url: Url = "",
    key: Key = "",
    data: Data = DEFAULT_DATA,
) -> None:
    """Keep a user out, with all its keys. Nothing of it is lost."""
    _tell(reached(url, key, data, config).change(name, UserChange(disabled=True)), as_json, "Disabled")


@app.command()
def enable(
    name: Name,
    as_json: AsJson = False,
    config: ConfigFile = None,
    url: Url = "",
    key: Key = "",
    data: Data = DEFAULT_DATA,
) -> None:
    """Let a disabled user in again."""
    _tell(reached(url, key, data, config).change(name, UserChange(disabled=False)), as_json, "Enabled")


@app.command()
def limit(
    name: Name,
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
    clear: Annotated[bool, typer.Option("--clear", help="Take all of the user's own limits away.")] = False,
    as_json: AsJson = False,
    config: ConfigFile = None,
    url: Url = "",
    key: Key = "",
    data: Data = DEFAULT_DATA,
) -> None:
    """Limit what a user may use, from the next call on. Without options, show its limits."""
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
    store = reached(url, key, data, config)
    if change is None and not clear:
        user = chosen(store.all(), name)
    else:
        user = store.change(name, UserChange(limits=None if clear else change))
    if as_json:
        print_json(user)
    else:
        print(f"{user.name}: {shown(user.limits) or 'no limits of its own'}.")


def chosen(listed: Sequence[UserInfo], name: str) -> UserInfo:
    """The user of this id or name. Raises `CliError`."""
    wanted = folded(" ".join(name.split()))
    found = next((user for user in listed if user.id == name or folded(user.name) == wanted), None)
    if found is None:
        raise CliError(f"There is no user '{name}'.", hint="'potluck users ls' lists them.")
    return found


accounts.register(app)


def users_table(listed: Sequence[UserInfo], width: int) -> str:
    """The users as a table."""
    rows = [
        (
            user.id,
            user.name,
            user.role.value,
            str(user.keys),
            _signs_in(user),
            user.created_at[:10],
            f"disabled {user.disabled_at[:10]}" if user.disabled_at else "",
            shown(user.limits),
        )
        for user in listed
    ]
    if not rows:
        return "There is no user yet; the first start of 'potluck up' makes the owner."
    return table(("ID", "NAME", "ROLE", "KEYS", "SIGNS IN BY", "SINCE", "STATE", "LIMITS"), rows, width)


def _signs_in(user: UserInfo) -> str:
    return ("password and code" if user.second_factor else "password") if user.password else "key"


def _tell(user: UserInfo, as_json: bool, done: str) -> None:
    if as_json:
        print_json(user)
    else:
        print(f"{done} {user.name} ({user.role.value}).")


def _path(name: str) -> str:
    return f"{USERS}/{quote(name, safe='')}"


def reached(url: str, key: str, data: Path, config: Path | None) -> Users:
    """The running service's users; if none runs and none was named, those of the data directory."""
    return service_or_directory(
        url, key, data, config, RemoteUsers, lambda folder, told: lazy.offline().stored_users(folder, told)
    )

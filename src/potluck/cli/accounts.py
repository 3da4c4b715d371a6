"""The part of ``potluck users`` that is about signing in: links, passwords, sessions, second factors."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Protocol
from urllib.parse import quote

import typer

from potluck.cli import lazy
from potluck.cli.check import ConfigFile
from potluck.cli.client import Client
from potluck.cli.durations import seconds
from potluck.cli.failure import USAGE, CliError, ServiceError
from potluck.cli.output import note, print_json, table, table_width
from potluck.cli.places import DEFAULT_DATA
from potluck.cli.reaching import service_or_directory
from potluck.cli.service import AsJson, Data, Key, Url
from potluck.core.people import Role
from potluck.surfaces.v1.account_shapes import LinkInfo, LinkList, LinkMade, NewLink, PasswordChange
from potluck.surfaces.v1.people_shapes import UserInfo
from potluck.surfaces.v1.sessions import SessionInfo, SessionList

_LINKS = "/api/v1/invitations"
_USERS = "/api/v1/users"
_SESSIONS = "/api/v1/sessions"


class Accounts(Protocol):
    """How people come in to one service. Raises `CliError` or `PotluckError`."""

    def invite(self, wanted: NewLink) -> LinkMade: ...

    def reset(self, name: str) -> LinkMade: ...

    def set_up(self) -> LinkMade: ...

    def links(self) -> list[LinkInfo]: ...

    def withdraw(self, link: str) -> None: ...

    def sessions(self, name: str) -> list[SessionInfo]: ...

    def end_session(self, session: str) -> None: ...

    def drop_factor(self, name: str) -> None: ...

    def has_password(self) -> bool: ...

    def change_password(self, change: PasswordChange) -> None: ...


@dataclass(frozen=True, slots=True)
class RemoteAccounts:
    """Those of a running service."""

    client: Client

    def invite(self, wanted: NewLink) -> LinkMade:
        return self.client.call("POST", _LINKS, LinkMade, body=wanted)

    def reset(self, name: str) -> LinkMade:
        return self.client.call("POST", f"{_USERS}/{quote(name, safe='')}/reset", LinkMade)

    def set_up(self) -> LinkMade:
        return self.client.call("POST", f"{_LINKS}/setup", LinkMade)

    def links(self) -> list[LinkInfo]:
        return list(self.client.get(_LINKS, LinkList).invitations)

    def withdraw(self, link: str) -> None:
        self.client.raw("DELETE", f"{_LINKS}/{quote(link, safe='')}")

    def sessions(self, name: str) -> list[SessionInfo]:
        if name:
            return self._sessions({"user": name})
        try:
            return self._sessions({"all": "true"})
        except ServiceError as error:
            if error.status != 403:
                raise
            return self._sessions({})  # who manages nobody has some all the same

    def _sessions(self, query: dict[str, str]) -> list[SessionInfo]:
        return list(self.client.get(_SESSIONS, SessionList, query).sessions)

    def end_session(self, session: str) -> None:
        self.client.raw("DELETE", f"{_SESSIONS}/{quote(session, safe='')}")

    def drop_factor(self, name: str) -> None:
        self.client.raw("DELETE", f"{_USERS}/{quote(name, safe='')}/totp")

    def has_password(self) -> bool:
        return self.client.get(f"{_USERS}/me", UserInfo).password

    def change_password(self, change: PasswordChange) -> None:
        self.client.raw("POST", f"{_USERS}/me/password", body=change)


def register(app: typer.Typer) -> None:
    """Add the commands to ``potluck users``."""
    for name, command in (
        ("invite", invite),
        ("links", list_links),
        ("withdraw", withdraw),
        ("reset", reset),
        ("setup-link", setup_link),
        ("password", password),
        ("sessions", list_sessions),
        ("end-session", end_session),
        ("drop-totp", drop_totp),
    ):
        app.command(name)(command)


def invite(
    name: Annotated[
        str, typer.Argument(help="What the new user is to be called, if they are not to choose.", metavar="[NAME]")
    ] = "",
    role: Annotated[Role, typer.Option(help="What the new user may do.")] = Role.MEMBER,
    expires: Annotated[str, typer.Option(help="How long the link is good: 2h, 7d.", metavar="TIME")] = "7d",
    as_json: AsJson = False,
    config: ConfigFile = None,
    url: Url = "",
    key: Key = "",
    data: Data = DEFAULT_DATA,
) -> None:
    """Print a link by which somebody becomes a user, alone on a line. It works once."""
    made = reached(url, key, data, config).invite(NewLink(name, role, seconds(expires, "--expires")))
    _tell(made, as_json)


def list_links(
    as_json: AsJson = False, config: ConfigFile = None, url: Url = "", key: Key = "", data: Data = DEFAULT_DATA
) -> None:
    """List the links that wait to be used. What is secret of them is not kept."""
    listed = reached(url, key, data, config).links()
    if as_json:
        print_json(listed)
    else:
        print(links_table(listed, table_width()))


def withdraw(
    link: Annotated[str, typer.Argument(help="The link's id; 'potluck users links' tells it.", metavar="ID")],
    config: ConfigFile = None,
    url: Url = "",
    key: Key = "",
    data: Data = DEFAULT_DATA,
) -> None:
    """Withdraw a link that was not used."""
    reached(url, key, data, config).withdraw(link)
    print(f"Withdrew {link}.")


def reset(
    name: Annotated[str, typer.Argument(help="The user's name or id.", metavar="NAME")],
    as_json: AsJson = False,
    config: ConfigFile = None,
    url: Url = "",
    key: Key = "",
    data: Data = DEFAULT_DATA,
) -> None:
    """Print a link by which a user chooses a new password. It works once, for a day."""
    _tell(reached(url, key, data, config).reset(name), as_json)


def setup_link(
    as_json: AsJson = False, config: ConfigFile = None, url: Url = "", key: Key = "", data: Data = DEFAULT_DATA
) -> None:
    """Print a new link by which the owner chooses a name and the first password; the one before is over."""
    _tell(reached(url, key, data, config).set_up(), as_json)


def password(config: ConfigFile = None, url: Url = "", key: Key = "", data: Data = DEFAULT_DATA) -> None:
    """Change the password of the user whose key is used; here without options that is the owner.

    Asks for it, or reads lines from standard input: the old password, if there is one, and the new one.
    """
    accounts = reached(url, key, data, config)
    asks = 2 if accounts.has_password() else 1
    old, new = (_typed if sys.stdin.isatty() else _piped)(asks)
    accounts.change_password(PasswordChange(new, old))
    print("The password was changed." if old else "The password was set.")


def list_sessions(
    name: Annotated[str, typer.Argument(help="Only this user's.", metavar="[NAME]")] = "",
    as_json: AsJson = False,
    config: ConfigFile = None,
    url: Url = "",
    key: Key = "",
    data: Data = DEFAULT_DATA,
) -> None:
    """List the browsers that are signed in."""
    listed = reached(url, key, data, config).sessions(name)
    if as_json:
        print_json(listed)
    else:
        print(sessions_table(listed, table_width()))


def end_session(
    session: Annotated[str, typer.Argument(help="Its id; 'potluck users sessions' tells it.", metavar="ID")],
    config: ConfigFile = None,
    url: Url = "",
    key: Key = "",
    data: Data = DEFAULT_DATA,
) -> None:
    """Sign a browser out."""
    reached(url, key, data, config).end_session(session)
    print(f"Ended {session}.")


def drop_totp(
    name: Annotated[str, typer.Argument(help="The user's name or id.", metavar="NAME")],
    config: ConfigFile = None,
    url: Url = "",
    key: Key = "",
    data: Data = DEFAULT_DATA,
) -> None:
    """Remove the second factor of a user who has lost it. The password stays."""
    reached(url, key, data, config).drop_factor(name)
    print(f"{name} signs in without a second factor now.")


def links_table(listed: Sequence[LinkInfo], width: int) -> str:
    """The links as a table, or a sentence if there is none."""
    rows = [
        (link.id, link.kind.value, link.user or link.name or "-", link.role.value, link.by, link.expires_at[:16])
        for link in listed
    ]
    if not rows:
        return "No link waits to be used. 'potluck users invite' makes one."
    return table(("ID", "FOR", "WHOM", "ROLE", "BY", "UNTIL"), rows, width)


def sessions_table(listed: Sequence[SessionInfo], width: int) -> str:
    """The sessions as a table, or a sentence if there is none."""
    rows = [
        (session.id, session.user, session.created_at[:16], session.last_used_at[:16], session.agent)
        for session in listed
    ]
    if not rows:
        return "No browser is signed in."
    return table(("ID", "USER", "SINCE", "LAST USED", "BROWSER"), rows, width)


def _tell(made: LinkMade, as_json: bool) -> None:
    if as_json:
        print_json(made)
    else:
        print(made.link)
        note(f"It works once, until {made.expires_at[:16].replace('T', ' ')} UTC. It is shown this once.")


def _typed(asks: int) -> tuple[str, str]:
    old = typer.prompt("Old password", hide_input=True, err=True) if asks == 2 else ""
    new = typer.prompt("New password", hide_input=True, confirmation_prompt=True, err=True)
    return str(old), str(new)


def _piped(asks: int) -> tuple[str, str]:
    lines = sys.stdin.read().splitlines()
    if len(lines) != asks:
        wanted = "two lines, the old password and the new one" if asks == 2 else "one line, the new password"
        raise CliError(f"Standard input must hold {wanted}.", code=USAGE)
    return lines[0] if asks == 2 else "", lines[-1]


def reached(url: str, key: str, data: Path, config: Path | None) -> Accounts:
    """The running service's; if none runs and none was named, those of the data directory."""
    return service_or_directory(
        url,
        key,
        data,
        config,
        RemoteAccounts,
        lambda folder, told: lazy.offline_accounts().stored_accounts(folder, told),
    )

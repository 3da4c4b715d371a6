"""A command group that imports a command's module when the command is run, and not before.

`potluck up` must start in well under a second on a small machine, so it may not pay for what `chat` needs. This is
the one place that imports by name; everything else imports at the top of its file.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, cast

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from potluck.cli.failure import FAILED, CliError, shown
from potluck.core.errors import PotluckError

if TYPE_CHECKING:  # msgspec and the API's shapes are not needed for a page of help
    from pathlib import Path

    from potluck.cli.accounts import Accounts
    from potluck.cli.audit import Log as AuditLog
    from potluck.cli.keys import Keys
    from potluck.cli.printing import Printer
    from potluck.cli.talk import Talk
    from potluck.cli.upline import UpLine
    from potluck.cli.users import Users
    from potluck.config.model import Config

COMMANDS: Mapping[str, str] = {
    "up": "Start the service in the foreground.",
    "agent": "Tell a gateway what this machine has left.",
    "check": "Check the configuration; print every error with file, line and a hint.",
    "status": "Show the machines, what runs on them, and who waits.",
    "queue": "Show the calls in line.",
    "explain": "Say why a call went where it went.",
    "chat": "Ask a question, or talk.",
    "conversations": "List, search, export and import your conversations.",
    "complete": "Complete code at a place in a file.",
    "review": "Review a change, files or standard input.",
    "image": "Draw a picture, change one, or enlarge one.",
    "jobs": "Ask many questions at once; list, follow and cancel work in the background.",
    "models": "List, pull, remove, load, unload, pin and copy models.",
    "nodes": "List, find, drain and resume nodes.",
    "drill": "Take a node out for a while, watch that no call is lost, and give it back.",
    "users": "Add, invite, list, limit, change and remove users.",
    "keys": "Create, list, limit, rotate and revoke API keys.",
    "usage": "Sum up what was used, by whom and on what.",
    "audit": "List, verify and export what happened to people, keys and machines.",
    "blobs": "List, tidy and copy the bytes of files.",
    "backup": "Make, list, check and put back copies of all that is kept.",
    "migrate": "Move all that the database holds into another one.",
    "doctor": "Look for what is wrong on this machine, and say what to do.",
    "settings": "List and change the running settings.",
    "reload": "Make the running service read its configuration again.",
}
"""Every command: its module's name in this package, and its line in the help."""


class Formatter(Protocol):
    """The part of typer's help formatter that is used here."""

    def section(self, name: str) -> AbstractContextManager[None]: ...

    def write_dl(self, rows: Sequence[tuple[str, str]]) -> None: ...


def load(name: str) -> TyperCommand | TyperGroup:
    """The command in ``potluck.cli.NAME``, which holds its typer application as ``app``."""
    application = import_module(f"potluck.cli.{name}").app
    assert isinstance(application, typer.Typer)
    command = get_command(application)
    assert isinstance(command, TyperCommand | TyperGroup)
    command.name = name
    return command


class LazyGroup(TyperGroup):
    """The root command."""

    def list_commands(self, ctx: object) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: object, cmd_name: str) -> TyperCommand | TyperGroup | None:
        if cmd_name in COMMANDS:
            return load(cmd_name)
        if near := get_close_matches(cmd_name, COMMANDS, n=3):
            raise CliError(f"No such command '{cmd_name}'.", hint=f"Did you mean {_either(near)}?", code=2)
        return None

    def format_commands(self, ctx: object, formatter: Formatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run; a failure that has words is one line on stderr and its exit code, never a traceback."""
        try:
            return super().main(*args, **kwargs)
        except (CliError, PotluckError) as error:
            print(shown(error), file=sys.stderr)
            sys.exit(error.code if isinstance(error, CliError) else FAILED)


def _either(names: Iterable[str]) -> str:
    return " or ".join(f"'{name}'" for name in names)


class _Offline(Protocol):
    def stored_keys(self, data: Path, config: Config) -> Keys: ...

    def stored_users(self, data: Path, config: Config) -> Users: ...

    def stored_audit(self, data: Path, config: Config) -> AuditLog: ...


class _OfflineAccounts(Protocol):
    def stored_accounts(self, data: Path, config: Config) -> Accounts: ...


class _Serving(Protocol):
    def run(self, line: UpLine) -> int: ...


class _Markdown(Protocol):
    def printer(self) -> Printer: ...


class _Repl(Protocol):
    def run(self, talk: Talk, history: Path | None) -> None: ...


def offline() -> _Offline:
    """`potluck.cli.offline`, which imports the database."""
    return cast("_Offline", import_module("potluck.cli.offline"))


def offline_accounts() -> _OfflineAccounts:
    """`potluck.cli.offline_accounts`, which imports the database and more."""
    return cast("_OfflineAccounts", import_module("potluck.cli.offline_accounts"))


def serving() -> _Serving:
    """`potluck.cli.serving`, which imports the whole service."""
    return cast("_Serving", import_module("potluck.cli.serving"))


def markdown() -> _Markdown:
    """`potluck.cli.markdown`, which imports rich."""
    return cast("_Markdown", import_module("potluck.cli.markdown"))


class _Live(Protocol):
    def run(self, picture: Callable[[int], str], *, every_s: float, sleep: Callable[[float], None]) -> None: ...


def live() -> _Live:
    """`potluck.cli.live`, which imports rich."""
    return cast("_Live", import_module("potluck.cli.live"))


def repl() -> _Repl:
    """`potluck.cli.repl`, which imports prompt_toolkit."""
    return cast("_Repl", import_module("potluck.cli.repl"))

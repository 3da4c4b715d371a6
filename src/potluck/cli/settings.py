"""``potluck settings``: what holds, where it comes from, and changing it while the service runs."""

from __future__ import annotations

import json
import re
from typing import Annotated

import typer

from potluck.cli.client import Client
from potluck.cli.failure import CliError
from potluck.cli.output import print_json, table, table_width
from potluck.cli.places import DEFAULT_DATA
from potluck.cli.service import AsJson, Data, Key, Url, find
from potluck.surfaces.v1.settings_shapes import Plain, SettingInfo, SettingsChanged, SettingsReply

SETTINGS = "/api/v1/settings"

app = typer.Typer(
    rich_markup_mode=None, add_completion=False, no_args_is_help=True, help="List and change the running settings."
)


@app.command()
def ls(
    every: Annotated[bool, typer.Option("--all", help="Those that are as by default, too.")] = False,
    changeable: Annotated[bool, typer.Option("--changeable", help="Those that can be changed here.")] = False,
    as_json: AsJson = False,
    url: Url = "",
    key: Key = "",
    data: Data = DEFAULT_DATA,
) -> None:
    """List settings with what holds and where that comes from: those that somebody has set."""
    told = Client(find(url, key, data)).get(SETTINGS, SettingsReply)
    told.settings = [
        each
        for each in told.settings
        if (every or changeable or each.source != "default") and (each.changeable or not changeable)
    ]
    if as_json:
        print_json(told)
    elif told.settings:
        print(table(["KEY", "VALUE", "FROM"], [_row(each, told.file) for each in told.settings], table_width()))
    else:
        print("All settings are as by default.")


@app.command(name="set")
def set_(
    changes: Annotated[list[str], typer.Argument(metavar="KEY=VALUE...", help="Such as portal.name='Home AI'.")],
    url: Url = "",
    key: Key = "",
    data: Data = DEFAULT_DATA,
) -> None:
    """Change settings; they hold at once, and go before the file."""
    _change(dict(map(_pair, changes)), url, key, data)


@app.command()
def reset(
    keys: Annotated[list[str], typer.Argument(metavar="KEY...", help="Such as queue.depth.")],
    url: Url = "",
    key: Key = "",
    data: Data = DEFAULT_DATA,
) -> None:
    """Let settings be as in the file again."""
    _change(dict.fromkeys(keys), url, key, data)


def _change(changes: dict[str, Plain], url: str, key: str, data: Data) -> None:
    done = Client(find(url, key, data)).call("PATCH", SETTINGS, SettingsChanged, body={"changes": changes})
    for each in done.settings:
        before = _text(done.previous[each.key]) or "not set here"
        print(f"{each.key}: {_text(each.value) or each.default} (it was {before})")


def _pair(text: str) -> tuple[str, Plain]:
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise CliError(f"'{text}' is no change.", hint="Write KEY=VALUE, such as queue.depth=100.")
    if value in ("true", "false"):
        return name, value == "true"
    return name, int(value) if re.fullmatch(r"-?\d{1,15}", value) else value


def _row(each: SettingInfo, file: str) -> list[str]:
    where = f"{file}:{each.line}" if each.source == "file" and each.line else each.source
    return [each.key, _text(each.value) or each.default, where]


def _text(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

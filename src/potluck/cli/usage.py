"""``potluck usage``: what was used, by whom and on what."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated
from urllib.parse import urlencode

import typer

from potluck.cli.client import Client
from potluck.cli.output import duration, print_json, table, table_width
from potluck.cli.places import DEFAULT_DATA
from potluck.cli.service import AsJson, Data, Key, Url, find
from potluck.core.usage import Dimension
from potluck.surfaces.v1.usage_shapes import UsageReply, UsageSums

USAGE = "/api/v1/usage"

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def usage(
    by: Annotated[
        str,
        typer.Option(help=f"Told apart by {', '.join(Dimension)}, or several with commas.", metavar="WHAT"),
    ] = "user,model",
    since: Annotated[
        str, typer.Option("--from", help="The first day, such as 2026-11-01; else a month ago.", metavar="DAY")
    ] = "",
    until: Annotated[str, typer.Option("--to", help="The last day; else today.", metavar="DAY")] = "",
    user: Annotated[str, typer.Option(help="Only this user's, by name or id.", metavar="NAME")] = "",
    as_csv: Annotated[bool, typer.Option("--csv", help="Print as CSV, for spreadsheets.")] = False,
    as_json: AsJson = False,
    url: Url = "",
    key: Key = "",
    data: Data = DEFAULT_DATA,
) -> None:
    """Sum up what was used, by whom and on what.

    Calls, tokens, images, engines' time and energy. Owners and admins see everybody's, others their own.
    """
    asked = {"by": by, "from": since, "to": until, "user": user, "format": "csv" if as_csv else ""}
    path = f"{USAGE}?{urlencode({name: value for name, value in asked.items() if value})}"
    client = Client(find(url, key, data))
    if as_csv:
        sys.stdout.write(client.raw("GET", path).decode())
        return
    told = client.get(path, UsageReply)
    if as_json:
        print_json(told)
    else:
        print(usage_table(told, table_width()))


def usage_table(told: UsageReply, width: int) -> str:
    """The sums as a table, the total in its last line; a sentence if there is nothing."""
    if not told.rows or not told.total.calls:
        return f"Nothing was used from {told.since} to {told.until}."
    header = [*(dimension.upper() for dimension in told.by), "CALLS", "FAILED", "PROMPT", "ANSWER", "ENGINES"]
    images = told.total.images > 0
    energy = told.total.energy_wh is not None
    header += ["IMAGES"] * images + ["ENERGY"] * energy
    rows = [
        [*(_named(each, dimension) for dimension in told.by), *_figures(each, images, energy)] for each in told.rows
    ]
    if told.by and len(rows) > 1:
        rows.append(["total", *[""] * (len(told.by) - 1), *_figures(told.total, images, energy)])
    return table(header, rows, width)


def _named(sums: UsageSums, dimension: Dimension) -> str:
    match dimension:
        case Dimension.USER:
            return sums.user_name or sums.user or "-"
        case Dimension.KEY:
            return sums.key_name or sums.key or "-"
        case Dimension.DAY:
            return sums.day or "-"
        case Dimension.HOUR:
            return sums.hour or "-"
        case Dimension.MODEL:
            return sums.model or "-"
        case Dimension.NODE:
            return sums.node or "-"


def _figures(sums: UsageSums, images: bool, energy: bool) -> Sequence[str]:
    figures = [
        str(sums.calls),
        str(sums.failed),
        str(sums.prompt_tokens),
        str(sums.completion_tokens),
        duration(sums.engine_s),
    ]
    figures += [str(sums.images)] * images
    return figures + ["-" if sums.energy_wh is None else f"{sums.energy_wh:.1f} Wh"] * energy

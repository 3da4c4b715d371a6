"""``potluck explain``: why a call went where it went."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated
from urllib.parse import quote

import typer

from potluck.cli.client import Client
from potluck.cli.output import duration, print_json, table, table_width
from potluck.cli.places import DEFAULT_DATA
from potluck.cli.service import AsJson, Data, Key, Url, find
from potluck.surfaces.v1.shapes import CandidateInfo, RequestInfo

app = typer.Typer(rich_markup_mode=None, add_completion=False)

Request = Annotated[str, typer.Argument(help="As in x-potluck-request-id.", metavar="REQUEST_ID")]


@app.command()
def explain(request: Request, as_json: AsJson = False, url: Url = "", key: Key = "", data: Data = DEFAULT_DATA) -> None:
    """Say why a call went where it went.

    Costs are in limits: 1 is all the time that the call's class allows. The cheapest place that can start gets a call.
    """
    told = Client(find(url, key, data)).get(f"/api/v1/requests/{quote(request, safe='')}", RequestInfo)
    if as_json:
        print_json(told)
    else:
        print(screen(told, table_width()))


def screen(told: RequestInfo, width: int) -> str:
    """The decision in at most ``width`` columns."""
    asked = told.asked_model if not told.route else f"route {told.route}"
    went = f"went to {told.engine}" if told.engine else "went nowhere"
    lines = [f"{told.id} asked for {asked} and {went}, after {duration(told.queue_s)} in line."]
    if told.choice:
        lines.append(f"The choice was left to Potluck. {told.choice}.")
    lines += [f"Tried {each.engine}: {each.outcome}. {each.why}".rstrip() for each in told.attempts]
    if told.error:
        lines.append(told.error)
    if told.candidates:
        header = ("PLACE", "COST", "OWN", "HARM", "EVICT", "FIRST", "END", "WHY")
        cheapest = sorted(told.candidates, key=lambda one: (not one.chosen, one.run is None, one.run or 0.0))
        lines += ["", table(header, [_cells(one) for one in cheapest], width)]
    return "\n".join(lines)


def _cells(one: CandidateInfo) -> Sequence[str]:
    if one.run is None:
        return (one.engine, "-", "-", "-", "-", "-", "-", one.reason)
    figures = (f"{cost:.2f}" for cost in (one.run, one.own, one.harm, one.eviction))
    return (one.engine, *figures, f"{one.first_s:.1f}s", f"{one.finish_s:.1f}s", one.reason)

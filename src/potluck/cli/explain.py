"""``potluck explain``: why a call went where it went."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import Annotated, Final
from urllib.parse import quote

import typer

from potluck.cli.client import Client
from potluck.cli.output import duration, print_json, table, table_width
from potluck.cli.places import DEFAULT_DATA
from potluck.cli.service import AsJson, Data, Key, Url, find
from potluck.surfaces.v1.request_shapes import CandidateInfo, ReplayInfo, RequestInfo

# Lines of prose are not read beyond this.
_WIDEST: Final = 100

app = typer.Typer(rich_markup_mode=None, add_completion=False)

Request = Annotated[str, typer.Argument(help="As in x-potluck-request-id.", metavar="REQUEST_ID")]


@app.command()
def explain(request: Request, as_json: AsJson = False, url: Url = "", key: Key = "", data: Data = DEFAULT_DATA) -> None:
    """Say why a call went where it went.

    Costs are in limits: 1 is all the time that the call's class allows. The cheapest place that can start gets a call:
    its own time, the harm to others, what is put out and doubts about the engine, times the owner's prior. With
    'policy: order' it is the first that can start, with 'weighted' the one whose turn it is. Below the table the
    decision is made once more from what is kept of it.
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
        header = ("PLACE", "COST", "OWN", "HARM", "EVICT", "DOUBT", "PRIOR", "FIRST", "END", "WHY")
        cheapest = sorted(told.candidates, key=lambda one: (not one.chosen, one.run is None, one.run or 0.0))
        told_of = _told_of(told.candidates)
        rows = [[cell for cell, shown in zip(row, told_of, strict=True) if shown] for row in map(_cells, cheapest)]
        lines += ["", table([name for name, shown in zip(header, told_of, strict=True) if shown], rows, width)]
    if told.replay is not None:
        lines += ["", *wrap(_again(told.replay, told.engine), min(width, _WIDEST))]
    return "\n".join(lines)


def _again(replay: ReplayInfo, engine: str | None) -> str:
    """What comes out when the call is placed once more."""
    if not replay.same:
        return (
            f"Decided once more from what is kept above, {replay.engine} is the place, and not {engine}: "
            "the record was changed, or another version of Potluck decided."
        )
    match replay.rule:
        case "cost":
            why = "nothing that could start costs less"
        case "order":
            why = "nothing before it in the owner's order could start"
        case _:
            why = "it was able to, and its turn came by the owner's weights, whatever it costs"
    return f"Decided once more from what is kept above, it is {replay.engine} again: {why}."


def _told_of(candidates: Sequence[CandidateInfo]) -> Sequence[bool]:
    """Which columns have something to tell: evictions, doubts and priors are seldom."""
    evicts = any(one.eviction for one in candidates)
    doubts = any(one.doubt for one in candidates)
    priors = any(one.prior != 1.0 for one in candidates)
    return (True, True, True, True, evicts, doubts, priors, True, True, True)


def _cells(one: CandidateInfo) -> Sequence[str]:
    if one.run is None:
        return (one.engine, *["-"] * 8, one.reason)
    costs = (f"{cost:.2f}" for cost in (one.run, one.own, one.harm, one.eviction, one.doubt))
    return (one.engine, *costs, f"{one.prior:.3g}", f"{one.first_s:.1f}s", f"{one.finish_s:.1f}s", one.reason)

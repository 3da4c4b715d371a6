"""``potluck drill``: takes a node out for a while, to prove that nobody loses an answer when it dies."""

from __future__ import annotations

import sys
import time
from typing import Annotated, Final

import typer

from potluck.cli import drilling
from potluck.cli.client import Client
from potluck.cli.failure import INTERRUPTED, SERVICE, USAGE, CliError, ServiceError
from potluck.cli.output import note, print_json, table_width, terminal_width
from potluck.cli.places import DEFAULT_DATA
from potluck.cli.progress import Progress
from potluck.cli.service import AsJson, Data, Key, Url, find
from potluck.config.units import DURATION_HINT, Unfit, parse_duration
from potluck.core.drill import How
from potluck.surfaces.v1.drill_shapes import DrillPlan, DrillReport

DRILLS: Final = "/api/v1/drills"

app = typer.Typer(rich_markup_mode=None, add_completion=False)

# The service says no: a node that is not there, a drill that is impolite, a time that is too long.
_REFUSED: Final = (400, 403, 404, 409)


@app.command()
def drill(
    node: Annotated[
        str, typer.Argument(help="The node; left out, the one that disturbs least.", metavar="[NODE]")
    ] = "",
    how: Annotated[
        How, typer.Option("--how", help="drain: what runs there ends there. block: as if the machine had died.")
    ] = How.DRAIN,
    lasts: Annotated[str, typer.Option("--for", help="How long the node is out: 30s, 5m.", metavar="TIME")] = "60s",
    probe: Annotated[bool, typer.Option("--probe/--no-probe", help="Send short test calls of its own.")] = True,
    force: Annotated[bool, typer.Option("--force", help="In spite of what is said against it.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing.")] = False,
    plan: Annotated[bool, typer.Option("--plan", help="Only say what would be done.")] = False,
    as_json: AsJson = False,
    url: Url = "",
    key: Key = "",
    data: Data = DEFAULT_DATA,
) -> None:
    """Take a node out for a while, watch that no call is lost, and give it back.

    The service does it: the node comes back whatever becomes of this command, and at once if a call is lost or many
    wait. Ctrl-C ends it. Exit codes: 0 nothing was lost, 1 something was, or it had to be broken off, 2 it was refused,
    3 a failure of the service, 130 stopped with Ctrl-C and nothing lost.
    """
    seconds = _seconds(lasts)
    client = Client(find(url, key, data))
    try:
        made = client.call("POST", f"{DRILLS}/plan", DrillPlan, body={"how": how, "node": node})
        if plan:
            print_json(made) if as_json else print(drilling.planned(made, table_width()))
            raise typer.Exit(USAGE if _against(made, force) else 0)
        if against := _against(made, force):
            raise CliError(
                " ".join(against), hint="" if made.impossible else "--force does it all the same.", code=USAGE
            )
        if not yes and how is How.BLOCK:
            _confirm(made, seconds)
        body = {"how": how, "node": made.node, "seconds": seconds, "probe": probe, "force": force}
        report, stopped = _followed(client, client.call("POST", DRILLS, DrillReport, body=body))
    except ServiceError as error:
        raise CliError(error.message, hint=error.hint, code=_code(error)) from error
    print_json(report) if as_json else print(drilling.told(report, table_width()))
    raise typer.Exit(drilling.exit_code(report) or (INTERRUPTED if stopped else 0))


def _against(made: DrillPlan, force: bool) -> list[str]:
    return made.impossible if force else made.refused


def _confirm(made: DrillPlan, seconds: float) -> None:
    """Say what will happen, and ask. Raises `CliError` for a no, and where nobody can be asked."""
    note(drilling.warning(made, seconds))
    if not somebody_is_there():
        raise CliError(f"Nobody said yes to blocking {made.node}.", hint="Say --yes.", code=USAGE)
    if not typer.confirm("Go on?", err=True):
        raise CliError("Nothing was done.", code=USAGE)


def somebody_is_there() -> bool:
    """Whether a question can be answered."""
    return sys.stdin.isatty()


def _followed(client: Client, report: DrillReport) -> tuple[DrillReport, bool]:
    """The report once it is over, and whether Ctrl-C was its end."""
    progress = Progress(sys.stderr, sys.stderr.isatty(), terminal_width())
    path, stopped = f"{DRILLS}/{report.id}", False
    try:
        while report.outcome is None:
            progress.show(drilling.doing(report))
            time.sleep(drilling.LOOK_S)
            report = client.get(path, DrillReport)
    except KeyboardInterrupt:
        stopped = True
        progress.show(f"{report.node} is given back.")
        report = client.call("DELETE", path, DrillReport)
    finally:
        progress.hide()
    return report, stopped


def _code(error: ServiceError) -> int:
    return USAGE if error.status in _REFUSED else SERVICE


def _seconds(lasts: str) -> float:
    try:
        return parse_duration(lasts)
    except Unfit as error:
        raise CliError(f"'{lasts}' is not a time.", hint=DURATION_HINT, code=USAGE) from error

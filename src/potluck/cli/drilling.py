"""Drills in words: what one would do, how it goes, and what it has shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from potluck.cli.failure import FAILED
from potluck.cli.output import duration, one_line, table
from potluck.core.drill import Home, How, Stage
from potluck.core.drill_verdict import Outcome
from potluck.surfaces.v1.drill_shapes import DrillHome, DrillPlan, DrillReport
from potluck.surfaces.v1.fleet_shapes import NodeDrillInfo, NodeInfo

LOOK_S: Final = 0.5

_VERDICTS: Final = {
    Outcome.HELD: "Nothing was lost.",
    Outcome.LOST: "SOMETHING WAS LOST.",
    Outcome.STOPPED: "It was ended early; nothing was lost.",
    Outcome.BROKEN_OFF: "It was broken off; nothing was lost.",
    Outcome.INTERRUPTED: "The gateway ended in the middle of it.",
}


def exit_code(report: DrillReport) -> int:
    """0 if nothing was lost and it came to its end, or its owner ended it."""
    return 0 if report.outcome in (Outcome.HELD, Outcome.STOPPED) else FAILED


def planned(plan: DrillPlan, width: int) -> str:
    """What a drill would do, and what is against it."""
    rows = [(home.model, "in memory" if home.resident else "on disk", _home(home)) for home in plan.models]
    against = [f"Refused: {why}" for why in plan.refused if why not in plan.impossible]
    parts = [
        f"{plan.node} would be {_out(plan.how)}. It is broken off when a call is lost, or more than "
        f"{plan.most_waiting} wait in line.",
        table(("MODEL", f"ON {plan.node}", "ELSEWHERE"), rows, width) if rows else f"{plan.node} has no model.",
        "\n".join([*(f"Impossible: {why}" for why in plan.impossible), *against]),
    ]
    return "\n\n".join(filter(None, parts))


def _home(home: DrillHome) -> str:
    match home.home:
        case Home.MEMORY:
            return f"in memory on {', '.join(home.nodes)}"
        case Home.DISK:
            return f"on disk on {', '.join(home.nodes)}: it would be loaded when it is needed"
        case Home.NONE:
            return "nowhere: its calls would fail"


def warning(plan: DrillPlan, seconds: float) -> str:
    """What a block will do to people, before it is asked whether to go on."""
    running = f"{plan.running} call{'' if plan.running == 1 else 's'}"
    lines = [
        f"{plan.node} will be cut off for {duration(seconds)}, as if it had died. {running} of yours run there now: "
        "they go on elsewhere, in the same answer.",
        *plan.refused,
        "It comes back at once if a call is lost, and when you press Ctrl-C.",
    ]
    return "\n".join(lines)


def doing(report: DrillReport) -> str:
    """One line for a drill under way."""
    match report.stage:
        case Stage.PREPARING:
            return f"{report.node}: test calls set out"
        case Stage.RESTORING:
            return f"{report.node} is given back"
        case _:
            calls = report.calls
            proven = f", {sum(model.proven for model in report.models)} models proven" if report.models else ""
            return (
                f"{report.node} is {_out(report.how)} until {_clock(report.until)}: {calls.served} served, "
                f"{calls.rescued} rescued, {calls.lost} lost{proven}"
            )


def told(report: DrillReport, width: int) -> str:
    """The report."""
    verdict = _VERDICTS[report.outcome] if report.outcome is not None else "It goes on."
    head = [f"{report.node} was {_out(report.how)}. {verdict}", report.why]
    models = [
        (each.model, "proven" if each.proven else "not proven", _said(each.said, each.same)) for each in report.models
    ]
    parts = [
        " ".join(filter(None, head)),
        "\n".join(f"{name:<14}{value}" for name, value in _figures(report)),
        table(("MODEL", "", "WHY"), models, width) if models else "",
    ]
    return "\n\n".join(filter(None, parts))


def _said(said: str, same: bool | None) -> str:
    # Floating point does not add up the same way when a text is read as when it is written: no fault, but worth a word.
    return said if same is None else f"{said}; its text is {'the same as undisturbed' if same else 'another one'}"


def _figures(report: DrillReport) -> Iterator[tuple[str, str]]:
    calls = report.calls
    yield "Your calls", f"{calls.served} served, {calls.lost} lost, {calls.cancelled} left by their clients"
    going = f", {calls.unfinished} still going on" if calls.unfinished else ""
    yield "Rescued", f"{calls.rescued} in the middle of an answer, {calls.moved} before its first word{going}"
    if report.recovered_s is not None:
        yield "Recovered", f"within {report.recovered_s:.2f} s"
    yield "Waited", f"{calls.waited}, the longest {calls.longest_wait_s:.1f} s; at most {calls.queue_peak} in line"
    yield "Restored", {True: "yes", False: "NO: see 'potluck nodes ls'", None: "not looked at"}[report.restored]


def screen(nodes: Iterable[NodeInfo]) -> str:
    """Who is in a drill; empty if nobody is."""
    return "\n".join(_in_drill(node.drill) for node in nodes if node.drill is not None)


def _in_drill(drill: NodeDrillInfo) -> str:
    if drill.until is None:
        return one_line(f"{drill.node} will be {_out(How(drill.how))} by a drill, whose test calls set out.")
    until = f"until {_clock(drill.until)}; 'potluck nodes resume {drill.node}' ends it."
    return one_line(f"{drill.node}, {_out(How(drill.how))} by a drill {until}")


def _out(how: How) -> str:
    return "blocked" if how is How.BLOCK else "drained"


def _clock(until: str | None) -> str:
    """
    >>> _clock("2026-11-26T10:45:12.250Z")
    '10:45:12 UTC'
    """
    return f"{(until or '').partition('T')[2].partition('.')[0]} UTC"

"""Nodes that are drained: what is left on them, where their models went, and waiting until they are empty."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from potluck.cli.failure import INTERRUPTED, CliError
from potluck.cli.output import one_line, table
from potluck.cli.progress import Progress
from potluck.surfaces.v1.fleet_shapes import DrainInfo, MoveInfo, NodeInfo

_LOOK_S: Final = 0.5
_GOES_ON: Final = "It goes on without you; 'potluck nodes ls' shows how far it is."

_STATES: Final = {
    "elsewhere": "moved",
    "loading": "loading",
    "waiting": "waits",
    "nowhere": "stays",
    "unused": "not used",
}
"""A move's state in the command's words."""


def screen(nodes: Iterable[NodeInfo], width: int) -> str:
    """Every drained node; empty if there is none."""
    return "\n\n".join(told(node.id, node.drain, width) for node in nodes if node.drain is not None)


def told(name: str, drain: DrainInfo, width: int) -> str:
    """One drained node: how far it is, and a row for each of its models."""
    since = drain.since.partition(".")[0].replace("T", " ")
    head = one_line(f"{name}, drained since {since} UTC, {left(drain)}.")
    moves = sorted(drain.moves, key=lambda move: (tuple(_STATES).index(move.state), move.model))
    rows = [(move.model, _STATES[move.state], _short(move.to) or "-", move.why) for move in moves]
    return "\n".join([head, table(("MODEL", "STATE", "NOW ON", "WHY"), rows, width)] if rows else [head])


def left(drain: DrainInfo) -> str:
    """What a node still waits for.

    >>> left(DrainInfo("", 2, False, []))
    'has 2 calls to end'
    """
    if drain.empty:
        return "is empty"
    coming = sum(move.state in ("loading", "waiting") for move in drain.moves)
    parts = [
        f"{drain.running} call{'' if drain.running == 1 else 's'} to end" if drain.running else "",
        f"{coming} model{'' if coming == 1 else 's'} to move" if coming else "",
    ]
    return f"has {' and '.join(filter(None, parts))}"


def until_empty(
    look: Callable[[], DrainInfo | None],
    name: str,
    progress: Progress,
    *,
    timeout_s: float,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
) -> DrainInfo:
    """Look until the node is empty, or for ``timeout_s``. Raises `CliError` if somebody resumes it meanwhile."""
    ends_s = clock() + timeout_s
    try:
        while True:
            drain = look()
            if drain is None:
                raise CliError(f"{name} was resumed meanwhile.")
            if drain.empty or clock() >= ends_s:
                return drain
            progress.show(_doing(name, drain))
            sleep(min(_LOOK_S, max(0.0, ends_s - clock())))
    except KeyboardInterrupt as stop:
        raise CliError(f"{name} is not empty yet.", hint=_GOES_ON, code=INTERRUPTED) from stop
    finally:
        progress.hide()


def not_empty(name: str) -> CliError:
    """Waiting was over before the node was empty."""
    return CliError(f"{name} is not empty yet.", hint=_GOES_ON)


def _doing(name: str, drain: DrainInfo) -> str:
    loading = [_loading(move) for move in drain.moves if move.state == "loading"]
    return ": ".join(filter(None, [f"{name} {left(drain)}", ", ".join(loading)]))


def _loading(move: MoveInfo) -> str:
    return f"{move.model} is loading on {_short(move.to)}"


def _short(engine: str) -> str:
    """An engine's node, which is who people know."""
    return engine.partition("/")[0]

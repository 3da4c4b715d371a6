"""What a drill showed: calls counted as they end, when it is to be broken off, and the verdict."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from potluck.core.drill import Asking, How, Trying
from potluck.core.model import NodeId
from potluck.core.names import canonical

# Who is seated within this time has not waited.
WAITED_S = 0.1


class End(StrEnum):
    """How a call ended. ``REFUSED``: for its client's own error. ``LOST``: for ours, or an engine's."""

    OK = "ok"
    LOST = "lost"
    REFUSED = "refused"
    CANCELLED = "cancelled"


class Ended(NamedTuple):
    """A call that the drill may have touched. ``broke``: it was on the node when that went; ``told``: its client had
    seen some of the answer then. ``why`` tells of a lost one."""

    model: str
    end: End
    broke: bool = False
    told: bool = False
    queue_s: float = 0.0
    why: str = ""


@dataclass(slots=True)
class Tally:
    """People's calls during a drill. ``moved`` were answered elsewhere before a word had been said; ``rescued`` after
    that. ``recovered_s`` is the longest time from the cut to the next word from elsewhere."""

    served: int = 0
    moved: int = 0
    rescued: int = 0
    lost: int = 0
    cancelled: int = 0
    waited: int = 0
    longest_wait_s: float = 0.0
    queue_peak: int = 0
    recovered_s: float | None = None
    why_lost: str = ""
    rescued_of: dict[str, int] = field(default_factory=dict[str, int])

    def ended(self, call: Ended) -> None:
        """Count a call."""
        self.longest_wait_s = max(self.longest_wait_s, call.queue_s)
        self.waited += call.queue_s >= WAITED_S
        match call.end:
            case End.OK:
                self.served += 1
                if call.broke and call.told:
                    self.rescued += 1
                    name = canonical(call.model)
                    self.rescued_of[name] = self.rescued_of.get(name, 0) + 1
                elif call.broke:
                    self.moved += 1
            case End.LOST:
                self.lost += 1
                self.why_lost = self.why_lost or f"'{call.model}': {call.why}"
            case End.CANCELLED:
                self.cancelled += 1
            case _:  # its client's own error is nobody's loss
                pass

    def looked(self, waiting: int) -> None:
        """So many are in line now."""
        self.queue_peak = max(self.queue_peak, waiting)

    def recovered(self, after_s: float) -> None:
        """An answer that was cut goes on elsewhere."""
        self.recovered_s = max(after_s, self.recovered_s or 0.0)


@dataclass(slots=True)
class Trial:
    """What test calls for one model showed.

    ``undisturbed`` and ``text`` are the same answer without and with the node going in the middle of it, None where it
    was not asked. ``cut``: it was under way when the node went. ``stream_on`` and ``again_on`` are where that answer,
    and that of a call which came later, ended; ``failed`` is what became of a lost one. ``missed`` says why the model
    could not be tried as it was to be.
    """

    trying: Trying
    undisturbed: str | None = None
    text: str | None = None
    cut: bool = False
    stream_on: NodeId | None = None
    again_on: NodeId | None = None
    recovered_s: float | None = None
    failed: str = ""
    missed: str = ""


@dataclass(frozen=True, slots=True)
class Proof:
    """What is known of one model after a drill. ``same``: the answer that was cut is the undisturbed one, letter by
    letter; None where there is nothing to compare."""

    model: str
    proven: bool
    said: str
    same: bool | None = None
    lost: bool = False


def prove(trial: Trial, tally: Tally, how: How, node: NodeId) -> Proof:
    """What a model's test calls come to, together with people's own calls for it."""
    model = trial.trying.model
    rescued = tally.rescued_of.get(canonical(model), 0)
    if trial.failed:
        return Proof(model, proven=False, said=f"lost: {trial.failed}", lost=True)
    said = [_of_the_stream(trial, how), _of_the_next(trial)]
    if rescued:
        said.append(f"{rescued} of your own answers went on elsewhere")
    missing = _missing(trial, how, node)
    proven = not missing or (bool(rescued) and trial.again_on != node)
    same = trial.text == trial.undisturbed if trial.cut and None not in (trial.text, trial.undisturbed) else None
    if missing and not proven:
        said.append(missing)
    return Proof(model, proven=proven, said="; ".join(filter(None, said)), same=same)


def _of_the_stream(trial: Trial, how: How) -> str:
    if trial.text is None or trial.stream_on is None or not trial.cut:
        return ""
    if how is How.DRAIN:
        return f"the answer under way ended on {trial.stream_on}"
    after = f" after {trial.recovered_s:.2f} s" if trial.recovered_s is not None else ""
    return f"the answer under way went on at {trial.stream_on}{after}"


def _of_the_next(trial: Trial) -> str:
    return f"a new call was answered by {trial.again_on}" if trial.again_on is not None else ""


def _missing(trial: Trial, how: How, node: NodeId) -> str:
    """What was not shown; empty if all was."""
    trying = trial.trying
    if trial.missed or trying.why:
        return f"not tried: {trial.missed or trying.why}"
    if trial.again_on is None or trial.again_on == node:
        return "no new call was answered elsewhere"
    if trying.asking is Asking.STREAM and not trial.cut:
        return f"its answer was whole before {node} {'was blocked' if how is How.BLOCK else 'was drained'}"
    return ""


# --- the end ---


class Ending(StrEnum):
    """Why the node was given back: it was time, the owner wanted it, or the drill did harm."""

    TIME = "time"
    OWNER = "owner"
    TROUBLE = "trouble"


class Outcome(StrEnum):
    """``HELD``: nothing was lost. ``STOPPED``: nor until the owner ended it. ``BROKEN_OFF``: nor, but it could not be
    gone on with. ``INTERRUPTED``: the gateway ended in the middle of it."""

    HELD = "held"
    LOST = "lost"
    STOPPED = "stopped"
    BROKEN_OFF = "broken_off"
    INTERRUPTED = "interrupted"


def trouble(tally: Tally, trials: tuple[Trial, ...], waiting: int, most_waiting: int) -> str:
    """Why the drill must end now; empty if it may go on."""
    if tally.lost:
        return f"A call was lost. {tally.why_lost}"
    if failed := next((trial for trial in trials if trial.failed), None):
        return f"A test call was lost. '{failed.trying.model}': {failed.failed}"
    if waiting > most_waiting:
        return f"{waiting} calls wait in line, where {most_waiting} may."
    return ""


def outcome(ending: Ending, *, lost: bool, restored: bool) -> Outcome:
    """The verdict."""
    if lost:
        return Outcome.LOST
    if ending is Ending.TROUBLE or not restored:
        return Outcome.BROKEN_OFF
    return Outcome.STOPPED if ending is Ending.OWNER else Outcome.HELD

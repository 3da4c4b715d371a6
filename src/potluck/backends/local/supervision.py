"""When a child process is started, stopped and started again: events in, effects out. No process, no clock, no chance.

Asleep -> starting -> ready -> stopping -> asleep; a death that nobody asked for leads to pausing, and from there to
starting again. ``now`` is monotonic seconds, ``jitter`` a number from 0 to 1 drawn by the shell.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeAlias, assert_never

# A crash is often the last of its kind (an odd request, memory short for a moment), so the first pause is shorter
# than a person's patience; a model that can never load must not keep the machine busy, so the last is a minute.
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 60.0
# A child that lived this long had nothing wrong with its start: its crash counts as a first one.
STABLE_S = 60.0
# A model that failed as often as this without a stable time is left alone until somebody asks for it again.
MOST_TRIES = 6
# Who asks for a child that will not be tried again so soon is told at once; a retry elsewhere is quicker.
PATIENCE_S = 5.0
# A call that wants the child gone behind it has not reached it yet when it says so.
SHORTEST_STAY_S = 1.0
# llama.cpp needs a moment to release its memory; a process that hangs in it is ended without being asked.
GRACE_S = 5.0


class ChildState(StrEnum):
    ASLEEP = "asleep"
    STARTING = "starting"
    READY = "ready"
    STOPPING = "stopping"
    PAUSING = "pausing"
    CLOSED = "closed"


# --- What happens ---


@dataclass(frozen=True, slots=True)
class Wanted:
    """Somebody needs the child."""


@dataclass(frozen=True, slots=True)
class Answers:
    """It has loaded its model and listens."""


@dataclass(frozen=True, slots=True)
class Died:
    """The process is gone, asked or not. ``why`` in words for the owner."""

    why: str


@dataclass(frozen=True, slots=True)
class Used:
    """A call goes to it, or its terms have changed."""


@dataclass(frozen=True, slots=True)
class Agreed:
    """A call goes to it and says how long it is to stay after that (Ollama's ``keep_alive``): negative for ever, None
    says nothing. The last call counts."""

    stay_s: float | None


@dataclass(frozen=True, slots=True)
class Looked:
    """What became of `Look`: whether it has work now."""

    busy: bool


@dataclass(frozen=True, slots=True)
class Due:
    """The time `Supervision.due_s` has come."""


@dataclass(frozen=True, slots=True)
class Dismissed:
    """It is to be unloaded; the next `Wanted` starts it again."""


@dataclass(frozen=True, slots=True)
class Closing:
    """It is to end for good."""


Happening: TypeAlias = Wanted | Answers | Died | Used | Agreed | Looked | Due | Dismissed | Closing


# --- What is to be done ---


@dataclass(frozen=True, slots=True)
class Start:
    pass


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask the process to end."""


@dataclass(frozen=True, slots=True)
class Kill:
    pass


@dataclass(frozen=True, slots=True)
class Look:
    """See whether the child has work; `Looked` follows."""


@dataclass(frozen=True, slots=True)
class Admit:
    """Tell all who wait that it is ready."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """Tell all who wait that it will not be."""

    why: str


Effect: TypeAlias = Start | Ask | Kill | Look | Admit | Refuse


@dataclass(frozen=True, slots=True)
class Terms:
    """What is agreed for one child. ``idle_s`` 0: it is never put to sleep. ``kept``: it is never given up."""

    start_s: float
    idle_s: float
    kept: bool = False


@dataclass(frozen=True, slots=True)
class Supervision:
    """How one child stands. ``due_s`` is when `Due` must be sent, None for never.

    ``restarts`` counts all crashes, ``row`` those without a stable time between them. ``why`` is the last one's reason.
    ``wanted``: somebody asked while it could not be started. ``stay_s``: what the last call said (`Agreed`).
    """

    state: ChildState = ChildState.ASLEEP
    due_s: float | None = None
    since_s: float = 0.0
    used_s: float = 0.0
    restarts: int = 0
    row: int = 0
    why: str = ""
    wanted: bool = False
    stay_s: float | None = None


Step: TypeAlias = tuple[Supervision, tuple[Effect, ...]]

_NOTHING: tuple[Effect, ...] = ()


def step(  # noqa: C901 - one arm per kind of event
    child: Supervision, event: Happening, terms: Terms, now: float, jitter: float
) -> Step:
    """The child after ``event``, and what the shell must do, in order."""
    if child.state is ChildState.CLOSED:
        return child, (Refuse("Potluck is stopping."),) if isinstance(event, Wanted) else _NOTHING
    match event:
        case Wanted():
            return _wanted(child, terms, now)
        case Answers():
            return _answers(child, terms, now)
        case Died():
            return _died(child, event.why, terms, now, jitter)
        case Used():
            return _used(child, terms, now), _NOTHING
        case Agreed():
            return _agreed(child, event.stay_s, terms, now), _NOTHING
        case Looked():
            return _looked(child, event.busy, terms, now)
        case Due():
            return _due(child, terms, now)
        case Dismissed():
            return _dismissed(child, now)
        case Closing():
            return _closing(child)
        case _:
            assert_never(event)


def pause_s(row: int, jitter: float) -> float:
    """The pause after the ``row``-th crash in a row: doubled each time, and from half of it to the whole by chance,
    so that several children that died of one cause do not start in step."""
    whole = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(row - 1, 20))
    return whole * (0.5 + 0.5 * jitter)


def idle_s(child: Supervision, terms: Terms) -> float | None:
    """How long it may be idle before it is put to sleep; None for ever."""
    if terms.kept or (child.stay_s is None and not terms.idle_s):
        return None
    if child.stay_s is None:
        return terms.idle_s
    return None if child.stay_s < 0 else max(child.stay_s, SHORTEST_STAY_S)


def _agreed(child: Supervision, stay_s: float | None, terms: Terms, now: float) -> Supervision:
    if stay_s == child.stay_s:  # as nearly every call says, which need not set the alarm anew
        return _used(child, terms, now)
    agreed = replace(child, stay_s=stay_s, used_s=now)
    return replace(agreed, due_s=_asleep_s(agreed, terms)) if child.state is ChildState.READY else agreed


def _asleep_s(child: Supervision, terms: Terms) -> float | None:
    """When it has been idle for long enough; None for never."""
    idle = idle_s(child, terms)
    return None if idle is None else child.used_s + idle


def _start(child: Supervision, terms: Terms, now: float) -> Step:
    started = replace(
        child, state=ChildState.STARTING, since_s=now, used_s=now, due_s=now + terms.start_s, wanted=False
    )
    return started, (Start(),)


def _wanted(child: Supervision, terms: Terms, now: float) -> Step:
    match child.state:
        case ChildState.ASLEEP:
            return _start(child, terms, now)
        case ChildState.READY:
            return replace(child, used_s=now), (Admit(),)
        case ChildState.STOPPING:
            return replace(child, wanted=True), _NOTHING
        case ChildState.PAUSING if child.due_s is not None and child.due_s - now > PATIENCE_S:
            return child, (Refuse(child.why),)
        case ChildState.PAUSING:
            return replace(child, wanted=True), _NOTHING
        case _:
            return child, _NOTHING


def _answers(child: Supervision, terms: Terms, now: float) -> Step:
    if child.state is not ChildState.STARTING:
        return child, _NOTHING
    ready = replace(child, state=ChildState.READY, since_s=now, used_s=now)
    return replace(ready, due_s=_asleep_s(ready, terms)), (Admit(),)


def _died(child: Supervision, why: str, terms: Terms, now: float, jitter: float) -> Step:
    match child.state:
        case ChildState.STOPPING:
            asleep = replace(child, state=ChildState.ASLEEP, due_s=None)
            return _start(asleep, terms, now) if child.wanted else (asleep, _NOTHING)
        case ChildState.STARTING | ChildState.READY:
            stable = child.state is ChildState.READY and now - child.since_s >= STABLE_S
            row = 1 if stable else child.row + 1
            pausing = replace(
                child,
                state=ChildState.PAUSING,
                due_s=now + pause_s(row, jitter),
                restarts=child.restarts + 1,
                row=row,
                # A start that took too long was killed by us, which is no reason to name.
                why=child.why if child.state is ChildState.STARTING and child.due_s is None else why,
            )
            return pausing, (Refuse(pausing.why),)
        case _:
            return child, _NOTHING


def _used(child: Supervision, terms: Terms, now: float) -> Supervision:
    """One that was never to sleep may do so now, on other terms; the reverse is seen when its time is up."""
    used = replace(child, used_s=now)
    sleepless = child.state is ChildState.READY and child.due_s is None
    return replace(used, due_s=_asleep_s(used, terms)) if sleepless else used


def _looked(child: Supervision, busy: bool, terms: Terms, now: float) -> Step:
    if child.state is not ChildState.READY:
        return child, _NOTHING
    seen = replace(child, used_s=now) if busy else child
    due = _asleep_s(seen, terms)
    if due is not None and now >= due:
        return _stop(child, now)
    return replace(seen, due_s=due), _NOTHING


def _due(child: Supervision, terms: Terms, now: float) -> Step:
    if child.due_s is None or now < child.due_s:
        return child, _NOTHING
    match child.state:
        case ChildState.STARTING:
            why = f"It was not ready within {terms.start_s:g} seconds."
            return replace(child, due_s=None, why=why), (Kill(),)
        case ChildState.READY if (asleep := _asleep_s(child, terms)) is None or now < asleep:
            return replace(child, due_s=asleep), _NOTHING
        case ChildState.READY:
            return replace(child, due_s=None), (Look(),)
        case ChildState.STOPPING:
            return replace(child, due_s=None), (Kill(),)
        case ChildState.PAUSING if child.row >= MOST_TRIES and not (terms.kept or child.wanted):
            return replace(child, state=ChildState.ASLEEP, due_s=None), _NOTHING
        case ChildState.PAUSING:
            return _start(child, terms, now)
        case _:
            return child, _NOTHING


def _dismissed(child: Supervision, now: float) -> Step:
    refuse = Refuse("The model was unloaded.")
    match child.state:
        case ChildState.READY | ChildState.STARTING:
            stopping, effects = _stop(child, now)
            return stopping, (*effects, refuse)
        case ChildState.STOPPING:
            return replace(child, wanted=False), (refuse,)
        case ChildState.PAUSING:
            return replace(child, state=ChildState.ASLEEP, due_s=None, wanted=False, stay_s=None), (refuse,)
        case _:
            return child, _NOTHING


def _stop(child: Supervision, now: float) -> Step:
    return replace(child, state=ChildState.STOPPING, due_s=now + GRACE_S, wanted=False, stay_s=None), (Ask(),)


def _closing(child: Supervision) -> Step:
    runs = child.state in (ChildState.STARTING, ChildState.READY, ChildState.STOPPING)
    closed = replace(child, state=ChildState.CLOSED, due_s=None, wanted=False)
    return closed, (*((Ask(),) if runs else ()), Refuse("Potluck is stopping."))

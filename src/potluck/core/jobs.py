"""Durable work: whose is next, when a failed one is tried again, and when a worker that has fallen silent has lost it.

No clock of one machine is compared with another's. A worker renews its lease by counting up in the job's row; who
watches a count that stands still for `LEASE_S` by its own monotonic clock may take the job away, and the worker stops
by itself, by its own, a while before anybody could. So clocks may step and differ as they like. What a worker writes
all the same is refused by the fence: a number that each taking counts up.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Final, NamedTuple

from potluck.core.errors import NodeError, Overloaded, PotluckError
from potluck.core.model import UserId

LEASE_S: Final = 15.0
"""After this long without a sign of life a job is somebody else's."""

BEAT_S: Final = 4.0
"""How often a worker gives one: two may fail."""

KEEPS_S: Final = 0.7 * LEASE_S
"""A worker whose last sign of life is older than this stops: a quarter of the lease is for what is under way."""

MOST_FAILURES: Final = 5
"""So often a job is tried whose engines fail. What only waits for room, or for an engine to be up, waits for as long as
it takes."""

MOST_LOST: Final = 20
"""A job whose workers died so often in a row without keeping anything is what kills them."""

FIRST_PAUSE_S: Final = 5.0
LONGEST_PAUSE_S: Final = 600.0
# Who waits for room looks again after 10 to 20 seconds, if it was not told when.
_WAITING_LIKE: Final = 3


class JobState(StrEnum):
    """``QUEUED`` waits for a worker, also between two tries."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED: Final = frozenset({JobState.DONE, JobState.FAILED, JobState.CANCELLED})


class Priority(IntEnum):
    """The lower goes first, of one user's jobs and of users who have as many running."""

    HIGH = 0
    NORMAL = 1
    LOW = 2


# --- Whose turn it is -------------------------------------------------------------------------------------------------


class Turn(NamedTuple):
    """A user with jobs that wait. ``priority`` and ``created_s`` are of the one that would be taken; ``started_s`` is
    when the user's last one was begun, 0 for never."""

    user: UserId
    running: int
    priority: int
    started_s: float
    created_s: float


def in_turn(turns: Iterable[Turn]) -> list[Turn]:
    """Whose job is taken next, and whose if that one is gone meanwhile.

    1. Who has the fewest running. 2. The more urgent job. 3. Who had none begun for the longest: however many somebody
    has waiting, others come between them. 4. The older job.
    """
    return sorted(turns, key=lambda turn: (turn.running, turn.priority, turn.started_s, turn.created_s, turn.user))


def ahead_of(rank: int, others: Iterable[tuple[int, bool]]) -> int:
    """How many jobs are likely to be begun before one that has ``rank`` of its own user's before it. Of each other
    user: how many jobs it has waiting, and whether its turn comes before that user's. Users take turns.

    >>> ahead_of(1, [(5, True), (5, False), (1, True)])
    5
    """
    return rank + sum(min(waiting, rank + comes_first) for waiting, comes_first in others)


# --- Failures ---------------------------------------------------------------------------------------------------------


def waits(error: PotluckError) -> bool:
    """Whether nothing but time is wanting: room, an engine that is up, a database that answers."""
    return isinstance(error, Overloaded)


def mends(error: PotluckError) -> bool:
    """Whether time or another node may mend it. All else is permanent: the request, or the owner, must change."""
    return waits(error) or isinstance(error, NodeError)


def pause_s(failures: int, jitter: float, at_least_s: float = 0.0) -> float:
    """How long to wait after so many failures (from 1 on): twice as long each time, spread by ``jitter`` (0 to 1) so
    that what failed together does not come back together. ``at_least_s`` is what the one that refused has said."""
    grown = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(failures - 1, 30))
    return min(LONGEST_PAUSE_S, max(at_least_s, grown * (0.5 + jitter / 2)))


def due(not_before_s: float, now: float) -> bool:
    """Whether a pause is over. None is as long as the longest but where the clock was set back: that holds nobody."""
    return not_before_s <= now or not_before_s > now + LONGEST_PAUSE_S


def tried_again(error: PotluckError, failures: int) -> bool:
    """Whether a job that ended so waits for another try, where engines failed it ``failures`` times with this one."""
    return another_try(error, last=failures >= MOST_FAILURES)


def another_try(error: PotluckError, *, last: bool) -> bool:
    """The same for a try of which is known whether it is the ``last`` that an engine may fail."""
    return waits(error) or (mends(error) and not last)


def counts_most(trouble: Sequence[PotluckError]) -> PotluckError:
    """Of what several parts of a job failed by, at least one: what mends least, for there is no end without it."""
    return min(trouble, key=lambda each: (mends(each), waits(each)))


def again_in_s(error: PotluckError, failures: int, jitter: float) -> float:
    """How long it waits then."""
    if isinstance(error, Overloaded):
        return pause_s(_WAITING_LIKE, jitter, error.retry_after_s)
    return pause_s(failures, jitter)


def without_worker(lost: int, *, cancelling: bool) -> JobState:
    """What becomes of a job whose worker is gone, for the ``lost``-th time since something of it was kept."""
    if cancelling:
        return JobState.CANCELLED
    return JobState.FAILED if lost >= MOST_LOST else JobState.QUEUED


# --- Leases -----------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Hold:
    """A worker's own view of its lease. ``asked_s`` is when it last asked for what was then granted: at the latest
    then the others saw a sign of life."""

    asked_s: float

    def renewed(self, asked_s: float) -> None:
        self.asked_s = max(self.asked_s, asked_s)

    def holds(self, now: float) -> bool:
        return now - self.asked_s < KEEPS_S


class Held(NamedTuple):
    """A job that somebody works on, as it stands in its row: whose lease it is, and how often it was renewed."""

    job: str
    fence: int
    beat: int


@dataclass(slots=True)
class Watch:
    """One gateway's memory of leases: since when, by its own clock, each has not been renewed."""

    _since_s: dict[Held, float] = field(default_factory=dict[Held, float])

    def abandoned(self, held: Iterable[Held], now: float) -> list[Held]:
        """Those that have stood still for a whole lease. All that are held now must be shown each time."""
        self._since_s = {each: self._since_s.get(each, now) for each in held}
        return [each for each, since_s in self._since_s.items() if now - since_s >= LEASE_S]

"""Those who wait: bounded, by class and age, fair among users within a class.

A *group* holds the calls that want the same target with the same class. Within it users take turns by the machine time
they were served; a user's own calls go in order. Calls past their first limit form a group of their own: they are late
whatever happens, so those that can still be in time go first, until age lifts the late ones above.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from heapq import heappop, heappush, heapreplace
from itertools import islice

from potluck.core.model import NodeId, RequestId, UserId
from potluck.core.scheduling.asks import Ask, Place
from potluck.core.scheduling.classes import Standard
from potluck.core.scheduling.goals import Goal

# How far a late call steps back.
LATE_STEP = 1.5
# Steps of priority: within one, users take turns. Finer, and age alone would decide.
_GRAIN = 4


@dataclass(slots=True)
class User:
    """``served_s`` is machine time in seconds."""

    served_s: float = 0.0
    waiting: int = 0


@dataclass(slots=True, eq=False)
class Waiting:
    """A call in the queue. ``bound`` is its place where the policy has already chosen."""

    ask: Ask
    goal: Goal
    standard: Standard
    user: User
    since_s: float
    joined_s: float
    ends_s: float
    number: int
    late: bool = False
    bound: Place | None = None
    gone: bool = False
    claims: NodeId | None = None

    def priority(self, now: float) -> int:
        """Smaller goes first."""
        standard = self.standard
        lift = (now - self.since_s) * standard.lift
        step = LATE_STEP if self.late else 0.0
        return int((standard.limits.priority + step - lift) * _GRAIN)

    def impatient(self, now: float) -> bool:
        return now - self.since_s > self.standard.limits.patience_s


@dataclass(slots=True, eq=False)
class Group:
    """Calls of one target and class, in lines by user. ``turns`` may be out of date; it is put right when met."""

    goal: Goal
    standard: Standard
    lines: dict[UserId, dict[RequestId, Waiting]] = field(default_factory=dict[UserId, dict[RequestId, Waiting]])
    turns: list[tuple[float, int, UserId]] = field(default_factory=list[tuple[float, int, UserId]])

    def add(self, waiting: Waiting) -> None:
        line = self.lines.get(waiting.ask.user)
        if line is None:
            line = self.lines[waiting.ask.user] = {}
            heappush(self.turns, (waiting.user.served_s, waiting.number, waiting.ask.user))
        line[waiting.ask.request] = waiting

    def remove(self, waiting: Waiting) -> None:
        line = self.lines[waiting.ask.user]
        del line[waiting.ask.request]
        if not line:
            del self.lines[waiting.ask.user]

    def first(self) -> Waiting:
        """Who goes first: of the least served user the call that came first. A group is never empty."""
        turns, lines = self.turns, self.lines
        while True:
            served_s, number, user = turns[0]
            line = lines.get(user)
            if line is None:
                heappop(turns)
                continue
            waiting = next(iter(line.values()))
            true_s = waiting.user.served_s
            if served_s >= true_s:
                return waiting
            heapreplace(turns, (true_s, number, user))

    def heads(self, most: int) -> list[Waiting]:
        """The first ``most`` in fair order: each user's first, the least served user before others, and so on."""
        if most == 1:
            return [self.first()]
        columns = [list(islice(self.lines[user].values(), most)) for user in self._users(most)]
        found: list[Waiting] = []
        for row in range(max(map(len, columns), default=0)):
            found += [column[row] for column in columns if row < len(column)]
            if len(found) >= most:
                break
        return found[:most]

    def _users(self, most: int) -> list[UserId]:
        """The least served users that wait here."""
        turns, lines = self.turns, self.lines
        users: list[UserId] = []
        met: list[tuple[float, int, UserId]] = []
        while turns and len(users) < most:
            turn = turns[0]
            user = turn[2]
            line = lines.get(user)
            if line is None or user in users:
                heappop(turns)
                continue
            true_s = next(iter(line.values())).user.served_s
            if turn[0] < true_s:
                heapreplace(turns, (true_s, turn[1], user))
                continue
            users.append(user)
            if len(users) == most:  # the last one may stay where it is
                break
            met.append(heappop(turns))
        for turn in met:
            heappush(turns, turn)
        return users


@dataclass(slots=True, eq=False)
class Queue:
    """At most ``depth`` calls."""

    depth: int
    by_request: dict[RequestId, Waiting] = field(default_factory=dict[RequestId, Waiting])
    _groups: dict[tuple[str, int, bool], Group] = field(default_factory=dict[tuple[str, int, bool], Group])
    _ends: list[tuple[float, int, Waiting]] = field(default_factory=list[tuple[float, int, Waiting]])
    _lates: list[tuple[float, int, Waiting]] = field(default_factory=list[tuple[float, int, Waiting]])
    # The served time of who was served last: those who come anew start there, so that idling earns no credit.
    _level_s: float = 0.0

    def __len__(self) -> int:
        return len(self.by_request)

    def join(self, waiting: Waiting) -> None:
        user = waiting.user
        if not user.waiting:
            user.served_s = min(max(user.served_s, self._level_s), self._level_s + _LONGEST_DEBT_S)
        user.waiting += 1
        waiting.goal.waiting += 1
        waiting.standard.waiting += 1
        self.by_request[waiting.ask.request] = waiting
        self._group(waiting).add(waiting)
        heappush(self._ends, (waiting.ends_s, waiting.number, waiting))
        late_s = waiting.since_s + waiting.standard.limits.first_s
        heappush(self._lates, (late_s, waiting.number, waiting))

    def leave(self, request: RequestId) -> Waiting | None:
        """Give up a place at once; None if the call does not wait."""
        waiting = self.by_request.pop(request, None)
        if waiting is None:
            return None
        waiting.gone = True
        waiting.user.waiting -= 1
        waiting.goal.waiting -= 1
        waiting.standard.waiting -= 1
        self._ungroup(waiting)
        return waiting

    def started(self, waiting: Waiting) -> None:
        """It got its place."""
        self.leave(waiting.ask.request)
        self._level_s = max(self._level_s, waiting.user.served_s)

    def expired(self, now: float) -> list[Waiting]:
        """Those whose time is over, taken out."""
        over: list[Waiting] = []
        while self._ends and (self._ends[0][0] <= now or self._ends[0][2].gone):
            waiting = heappop(self._ends)[2]
            if not waiting.gone:
                self.leave(waiting.ask.request)
                over.append(waiting)
        return over

    def grow_late(self, now: float) -> None:
        """Move those whose first limit has passed to the late groups."""
        while self._lates and (self._lates[0][0] < now or self._lates[0][2].gone):
            waiting = heappop(self._lates)[2]
            if not waiting.gone:
                self._ungroup(waiting)
                waiting.late = True
                self._group(waiting).add(waiting)

    def heads(self, now: float, most: int, goals: frozenset[str] | None = None) -> list[Waiting]:
        """The first ``most`` of the queue, or of those who want one of ``goals``; not of classes that may not run."""
        groups = [
            group
            for (name, _, _), group in self._groups.items()
            if not group.standard.full and (goals is None or name in goals)
        ]
        # Of many groups each one's first few are enough: no pass gets further.
        each = most if len(groups) <= 2 else max(1, 2 * most // len(groups))
        return _in_order([waiting for group in groups for waiting in group.heads(each)], now)[:most]

    def order(self, now: float) -> list[Waiting]:
        """Everybody, as they would be served if nothing else came."""
        whole = len(self.by_request)
        return _in_order([waiting for group in self._groups.values() for waiting in group.heads(whole)], now)

    def regoal(self, goals: Mapping[str, Goal]) -> None:
        """Targets were declared anew: those who wait follow theirs."""
        for waiting in self.by_request.values():
            self._ungroup(waiting)
            waiting.goal.waiting -= 1
            waiting.goal = goals[waiting.goal.name]
            waiting.goal.waiting += 1
            self._group(waiting).add(waiting)

    def next_s(self) -> float | None:
        """When the next call's time is over."""
        while self._ends and self._ends[0][2].gone:
            heappop(self._ends)
        return self._ends[0][0] if self._ends else None

    def _group(self, waiting: Waiting) -> Group:
        key = (waiting.goal.name, waiting.standard.kind.place, waiting.late)
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = Group(waiting.goal, waiting.standard)
        return group

    def _ungroup(self, waiting: Waiting) -> None:
        key = (waiting.goal.name, waiting.standard.kind.place, waiting.late)
        group = self._groups[key]
        group.remove(waiting)
        if not group.lines:
            del self._groups[key]


# Ten minutes of machine time: who used more than that before others came is not made to wait longer for it.
_LONGEST_DEBT_S = 600.0


def _in_order(waiting: list[Waiting], now: float) -> list[Waiting]:
    keyed = [(one.priority(now), one.user.served_s, one.number, one) for one in waiting]
    keyed.sort()  # numbers differ, so that no call is compared
    return [each[3] for each in keyed]

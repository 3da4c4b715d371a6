"""Which of several gateways schedules: one at a time, whatever their clocks, their network and the store do.

The store keeps one `Record`. Its term is the fencing number, one higher with every new leader; its beat is one higher
with every renewal. Nobody compares clocks: a leader leads for `LEASE_S` from the moment in which it *asked* for what
was granted, by its own clock, and another gateway takes over a record that it has seen unchanged for longer than that,
by its own. Both go by clocks that only run; how fast they run may differ by a tenth. A step of any machine's clock, the
store's too, changes nothing.

While the store is away nobody can take over, and the leader goes on as long as every other gateway promises not to.

Times are seconds, each gateway's of one clock of its own that never steps and goes on while the machine sleeps.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

# Renewed once a second, a lease outlasts one renewal that fails and one that is late.
LEASE_S = 3.0
RENEW_S = 1.0
# A record that stands still for so long belongs to nobody: longer than a lease by what two clocks may differ.
STILL_S = LEASE_S * 1.1
# How often a gateway that does not lead looks. It is one row, and a resigned leader is replaced so much sooner.
LOOK_S = 0.25
# A gateway that was not heard of for so long is none that a leader must ask.
GONE_S = 10.0

_NEVER = float("-inf")


@dataclass(frozen=True, slots=True)
class Record:
    """What the store keeps. ``holder`` is empty where nobody leads; ``url`` is where other gateways reach it."""

    holder: str = ""
    url: str = ""
    term: int = 0
    beat: int = 0


class Step(StrEnum):
    """What to do with the store next. ``TAKE`` and ``RENEW``: swap the record for `Leadership.wanted`."""

    LOOK = "look"
    TAKE = "take"
    RENEW = "renew"


@dataclass(slots=True)
class Leadership:
    """One gateway's part. ``predecessor`` is a holder that is known to be dead, since it ran where this one does."""

    holder: str
    url: str
    predecessor: str = ""
    record: Record | None = None
    away: bool = False
    """The store did not answer the last time."""
    _until_s: float = _NEVER
    _still_since_s: float = _NEVER
    _promised_until_s: float = _NEVER
    _unsure: bool = False

    # --- what is ---

    def leads(self, now: float) -> bool:
        """Whether this gateway may schedule at this moment."""
        return now < self._until_s

    @property
    def holds(self) -> bool:
        """Whether the record is this gateway's, as far as it knows."""
        return self.record is not None and self.record.holder == self.holder

    @property
    def term(self) -> int:
        return self.record.term if self.record is not None else 0

    def left_s(self, now: float) -> float:
        """How long it may lead without another renewal."""
        return max(0.0, self._until_s - now)

    # --- what to do ---

    def next(self, now: float) -> Step:
        """1. One's own record is renewed, also where the time is over: perhaps nobody has taken it yet.
        2. One that is free, or of somebody who is dead, is taken. 3. Else it is looked at."""
        if self.holds:
            return Step.RENEW
        if self.record is not None and now >= self._promised_until_s and self._is_free(self.record, now):
            return Step.TAKE
        return Step.LOOK

    def _is_free(self, record: Record, now: float) -> bool:
        dead = record.holder in ("", self.predecessor)
        return dead or now - self._still_since_s >= STILL_S

    def wanted(self, step: Step) -> Record:
        """The record to swap in for a `Step` that is no look. From here to the answer nobody knows who leads."""
        assert self.record is not None
        self._unsure = True
        if step is Step.RENEW:
            return replace(self.record, beat=self.record.beat + 1)
        return Record(self.holder, self.url, self.record.term + 1)

    # --- what came of it ---

    def granted(self, record: Record, asked_s: float) -> None:
        """The swap was made; ``asked_s`` is when it was asked for."""
        self.record, self.away, self._unsure = record, False, False
        self._until_s = asked_s + LEASE_S

    def saw(self, record: Record, now: float) -> None:
        """The record as it is: after a look, or since another one came first. The own one, where the answer to a swap
        was lost, is to be renewed once more before it counts."""
        self.away, self._unsure = False, False
        if self.record is None or (record.term, record.beat) != (self.record.term, self.record.beat):
            self._still_since_s = now
        if record.holder != self.holder:
            self._until_s = _NEVER
        self.record = record

    def failed(self) -> None:
        """The store did not answer. What was asked may have been done all the same."""
        self.away = True

    def resigned(self) -> Record | None:
        """Stop leading now; the record that says so, if it was this gateway's."""
        self._until_s = _NEVER
        return (
            replace(self.record, holder="", url="", beat=self.record.beat + 1) if self.holds and self.record else None
        )

    # --- while the store is away ---

    def promise(self, now: float) -> bool:
        """The leader asks this gateway not to take over: it can promise that where it could not do so now."""
        if not self.away or self._unsure or self.holds:
            return False
        self._promised_until_s = now + STILL_S
        return True

    def promised(self, answers: Iterable[bool], asked_s: float) -> None:
        """What the others said who were asked at ``asked_s``; nothing where there are none. One no is a no."""
        if self.holds and self.away and all(answers):
            self._until_s = max(self._until_s, asked_s + LEASE_S)


@dataclass(slots=True)
class Others:
    """The gateways beside this one, as far as they are heard of. Whose beat stands still for `GONE_S` is gone."""

    _beats: dict[str, tuple[int, float]] = field(default_factory=dict[str, tuple[int, float]])

    def saw(self, beats: Mapping[str, int], now: float) -> tuple[frozenset[str], frozenset[str]]:
        """Take in their beats as they are kept; who is here, and who is gone and may be forgotten."""
        known = self._beats
        self._beats = {
            name: known[name] if name in known and known[name][0] == beat else (beat, now)
            for name, beat in beats.items()
        }
        gone = frozenset(name for name, (_, since_s) in self._beats.items() if now - since_s >= GONE_S)
        return frozenset(beats) - gone, gone

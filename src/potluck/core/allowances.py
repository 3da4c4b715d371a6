"""How much may be spent in how much time: the generic cell rate algorithm (GCRA).

An allowance is an amount for each period, such as 60 requests for each minute. Who has spent nothing for a period may
spend all of it at once; what was spent comes back evenly, not at the turn of a minute or of a day, so that nobody gets
twice the amount by asking on both sides of midnight. All that is kept of a bucket is one number: when it will be full.

GCRA is the leaky bucket as a meter, ITU-T I.371 annex A, with the theoretical arrival time as that number; the burst is
one whole period here. Redis and other shared stores can keep that number as well as a process.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from math import floor
from typing import NamedTuple

# What sums of fractions lose: seconds since 1970 are kept to a quarter of a microsecond. Nobody waits for as little.
SLACK_S = 1e-6


class Unit(StrEnum):
    """What is counted."""

    REQUESTS = "requests"
    TOKENS = "tokens"
    IMAGES = "images"


class Allowance(NamedTuple):
    """``amount`` units for each ``period_s`` seconds, both above 0."""

    unit: Unit
    amount: float
    period_s: float

    @property
    def unit_s(self) -> float:
        """Seconds in which one unit comes back."""
        return self.period_s / self.amount


class Claim(NamedTuple):
    """``cost`` units of an allowance, from the bucket of who spends them.

    More than the whole amount can never be there at once: such a claim is met by a full bucket, and leaves a debt. Any
    debt is paid back within a period. A ``soft`` claim is always met.
    """

    bucket: str
    allowance: Allowance
    cost: float = 1.0
    soft: bool = False


class Hold(NamedTuple):
    """One of ``most`` places, for as long as a call runs. ``places`` names what they are counted by."""

    places: str
    most: int


class Level(NamedTuple):
    """How a bucket stands. ``remaining`` is rounded down and at least 0; ``full_s`` is when nothing is missing."""

    claim: Claim
    remaining: int
    full_s: float


class Verdict(NamedTuple):
    """Whether all claims and holds were met; if not, none was. ``wait_s`` is when the claims could be, if nobody else
    spends anything, and 0 where nothing is in their way. ``levels`` are the buckets afterwards, in the claims' order.
    ``by`` is the claim that has to wait the longest, ``full`` the first hold whose places are all taken."""

    met: bool
    wait_s: float
    levels: tuple[Level, ...]
    by: Claim | None = None
    full: Hold | None = None


def spent(full_at_s: float, claim: Claim, now: float) -> float:
    """When the bucket will be full, once the claim is paid from it. ``full_at_s`` is what that was before."""
    allowance = claim.allowance
    return min(_counted(full_at_s, allowance, now) + claim.cost * allowance.unit_s, now + 2 * allowance.period_s)


def wait_s(full_at_s: float, claim: Claim, now: float) -> float:
    """How long until the claim can be met; 0 if it can be now."""
    allowance = claim.allowance
    affordable_s = min(claim.cost, allowance.amount) * allowance.unit_s
    waits_s = _counted(full_at_s, allowance, now) + affordable_s - now - allowance.period_s
    return waits_s if waits_s > SLACK_S else 0.0


def _counted(full_at_s: float, allowance: Allowance, now: float) -> float:
    """The number as it counts. None is as far away as this but where the clock was set back, which locks nobody out."""
    return max(full_at_s, now) if full_at_s <= now + 2 * allowance.period_s else now


def level(full_at_s: float, claim: Claim, now: float) -> Level:
    """How the bucket stands."""
    missing_s = max(0.0, full_at_s - now)
    # What sums of fractions lose must not look like a unit.
    left = (claim.allowance.period_s - missing_s) / claim.allowance.unit_s + 1e-6
    return Level(claim, max(0, floor(left)), missing_s)


class Meter:
    """The buckets of one process. ``now`` is any clock that never goes back, in seconds.

    Buckets that are full are forgotten: there are as many as have been used within their period.
    """

    def __init__(self) -> None:
        self._full_at_s: dict[str, float] = {}
        self._held: dict[str, set[str]] = {}

    def __len__(self) -> int:
        return len(self._full_at_s) + len(self._held)

    def take(self, claims: Sequence[Claim], now: float, holds: Sequence[Hold] = (), call: str = "") -> Verdict:
        """Pay all claims and take all holds for a ``call``, or none. Claims on one bucket count one after the other."""
        after = dict[str, float]()
        longest_s, by = 0.0, None
        for claim in claims:
            full_at_s = after.get(claim.bucket, self._full_at_s.get(claim.bucket, now))
            if not claim.soft and (waits_s := wait_s(full_at_s, claim, now)) > longest_s:
                longest_s, by = waits_s, claim
            after[claim.bucket] = spent(full_at_s, claim, now)
        full = next((hold for hold in holds if len(self._held.get(hold.places, ())) >= hold.most), None)
        met = by is None and full is None
        if met:
            self._full_at_s.update(after)
            self.hold(holds, call)
        return Verdict(met, longest_s, self.levels(claims, now), by, full)

    def hold(self, holds: Iterable[Hold], call: str) -> None:
        """Take places for a call that runs, whether there are any or not."""
        for hold in holds:
            self._held.setdefault(hold.places, set()).add(call)

    def free(self, holds: Iterable[Hold], call: str) -> None:
        """Give a call's places back."""
        for hold in holds:
            held = self._held.get(hold.places, set())
            held.discard(call)
            if not held:
                self._held.pop(hold.places, None)

    def charge(self, claims: Iterable[Claim], now: float) -> None:
        """Pay for what has been used already, into debt if need be. A cost below 0 gives back what was too much."""
        for claim in claims:
            full_at_s = spent(self._full_at_s.get(claim.bucket, now), claim, now)
            if full_at_s > now:
                self._full_at_s[claim.bucket] = full_at_s
            else:
                self._full_at_s.pop(claim.bucket, None)

    def levels(self, claims: Iterable[Claim], now: float) -> tuple[Level, ...]:
        """How the buckets of claims stand."""
        return tuple(level(self._full_at_s.get(claim.bucket, now), claim, now) for claim in claims)

    def missing(self, now: float) -> dict[str, float]:
        """Seconds until each bucket is full, of those that are not."""
        return {bucket: at_s - now for bucket, at_s in self._full_at_s.items() if at_s > now}

    def restore(self, missing: Mapping[str, float], now: float) -> None:
        """Take buckets as `missing` told them."""
        self._full_at_s.update({bucket: now + seconds for bucket, seconds in missing.items() if seconds > 0})

    def sweep(self, now: float) -> None:
        """Forget buckets that are full. Once a minute is enough."""
        full = [bucket for bucket, at_s in self._full_at_s.items() if at_s <= now]
        for bucket in full:
            del self._full_at_s[bucket]

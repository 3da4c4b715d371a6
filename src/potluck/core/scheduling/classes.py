"""The classes of calls, and what is owed to each: how soon the first token, how soon the end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType


class Kind(StrEnum):
    """What a call is to the person who made it. ``place`` is its index in tables."""

    COMPLETION = "completion"
    CHAT = "chat"
    BIG_CHAT = "big-chat"
    REVIEW = "review"
    IMAGE = "image"
    BACKGROUND = "background"
    BATCH = "batch"

    place: int

    def __new__(cls, value: str) -> Kind:
        member = str.__new__(cls, value)
        member._value_ = value
        member.place = len(cls.__members__)
        return member


@dataclass(frozen=True, slots=True)
class Limits:
    """``first_s`` to the first token and ``finish_s`` to the end are what the class's users accept.

    ``priority``: lower goes first among those who wait. ``answer_tokens`` is how long an answer is taken to be until
    some were seen; an image is one token. ``longest_wait_s`` is when waiting in the queue is given up; None: by
    ``finish_s``, `LONGEST_WAIT` times. ``most_waiting`` and ``most_running`` bound how many of the class there are, on
    all machines together.
    """

    first_s: float
    finish_s: float
    priority: float
    answer_tokens: float
    longest_wait_s: float | None = None
    most_waiting: int | None = None
    most_running: int | None = None

    @property
    def patience_s(self) -> float:
        """After this the call no longer steps back for others, and a node may be emptied for it."""
        return max(2 * self.first_s, self.finish_s / 4)

    @property
    def gives_up_s(self) -> float:
        return self.longest_wait_s if self.longest_wait_s is not None else LONGEST_WAIT * self.finish_s


# More than any machine could hold.
UNBOUNDED = 1 << 62

# Four times the limit: nobody still looks at the answer, and a queue of such calls would only delay those in time.
LONGEST_WAIT = 4.0

DEFAULT_LIMITS: Mapping[Kind, Limits] = MappingProxyType(
    {
        # Typing goes on meanwhile: a completion that takes longer is thrown away.
        Kind.COMPLETION: Limits(0.5, 3.0, 0.0, 28, longest_wait_s=30.0),
        Kind.CHAT: Limits(2.0, 40.0, 0.5, 210),
        # Who asks for a big model expects to wait for it.
        Kind.BIG_CHAT: Limits(5.0, 90.0, 0.75, 340),
        Kind.REVIEW: Limits(20.0, 240.0, 1.0, 600),
        Kind.IMAGE: Limits(60.0, 60.0, 1.0, 1, longest_wait_s=600.0),
        # Titles, tags, embeddings: nobody looks at the clock.
        Kind.BACKGROUND: Limits(60.0, 300.0, 1.5, 30),
        Kind.BATCH: Limits(120.0, 900.0, 2.0, 400),
    }
)


def limits_within(longest_wait_s: float) -> dict[Kind, Limits]:
    """The defaults, for an owner who lets nobody wait longer than this."""
    return {
        kind: replace(limits, longest_wait_s=min(limits.gives_up_s, longest_wait_s))
        for kind, limits in DEFAULT_LIMITS.items()
    }


# These keep to small nodes where they can, and put no model out that people use.
QUIET = frozenset({Kind.BACKGROUND, Kind.BATCH})


# How far waiting lifts a call by the time it would give up: past any class, and past the step back of late ones.
AGE_LIFT = 4.0


@dataclass(slots=True)
class Standard:
    """A class's limits as the rule computes with them; ``answer_tokens`` is learned, ``lift`` is by the second.

    ``running`` and ``waiting`` count its calls.
    """

    kind: Kind
    limits: Limits
    per_first: float
    per_finish: float
    answer_tokens: float
    quiet: bool
    lift: float
    most_waiting: int = UNBOUNDED
    most_running: int = UNBOUNDED
    running: int = 0
    waiting: int = 0

    @property
    def full(self) -> bool:
        """As many of the class run as may."""
        return self.running >= self.most_running

    def take(self, limits: Limits) -> None:
        """Go by other limits from now on. What was learned stays, and so does who runs and waits already."""
        new = Standard.of(self.kind, limits)
        self.limits, self.per_first, self.per_finish, self.lift = limits, new.per_first, new.per_finish, new.lift
        self.most_waiting, self.most_running = new.most_waiting, new.most_running

    @classmethod
    def of(cls, kind: Kind, limits: Limits) -> Standard:
        return cls(
            kind,
            limits,
            1 / limits.first_s,
            1 / limits.finish_s,
            limits.answer_tokens,
            kind in QUIET,
            AGE_LIFT / limits.gives_up_s,
            UNBOUNDED if limits.most_waiting is None else limits.most_waiting,
            UNBOUNDED if limits.most_running is None else limits.most_running,
        )


def standards(limits: Mapping[Kind, Limits]) -> list[Standard]:
    """One for each kind, at its ``place``; the defaults for those that ``limits`` leaves out."""
    return [Standard.of(kind, limits.get(kind, DEFAULT_LIMITS[kind])) for kind in Kind]

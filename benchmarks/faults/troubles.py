"""The faults of the matrix: what breaks, on how many nodes, and how soon its answers must be there again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from faults.nodes import Nodes, all_cold, flapping, one_cold, refused

# After these many pieces an answer breaks, one after the other over the rounds: at once, early, late.
_AFTER = (1, 5, 17)
_STALL_RULE_S = 2.0
_HANG_RULE_S = 3.0


class Sort(StrEnum):
    """What a client may expect. ``DEAD``: an answer within `DEAD_S`; ``STALLED``: the rule's silence and `STALLED_S`;
    ``SLOW``, ``COLD``: the answer, whenever the engine has it."""

    NONE = "none"
    DEAD = "dead"
    STALLED = "stalled"
    SLOW = "slow"
    COLD = "cold"


DEAD_S = 3.0
STALLED_S = 2.0

Happening = Callable[[Nodes, int, float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Trouble:
    """``fault`` is armed on the ``victims`` nodes that are asked first; ``how`` are its further fields, ``cuts`` says
    that it comes after some pieces. ``happens`` is done instead, to a node as a whole. ``rule_s``: the silence that may
    pass before it is taken for a stall.
    """

    name: str
    sort: Sort = Sort.DEAD
    fault: str = ""
    how: Mapping[str, Any] = field(default_factory=dict)
    cuts: bool = False
    victims: int = 1
    nodes: int = 2
    happens: Happening | None = None
    rule_s: float = 0.0

    def in_round(self, number: int) -> dict[str, Any]:
        """The fault's fields in that round."""
        return {**self.how, **({"after": _AFTER[number % len(_AFTER)], "reset": number % 2 == 1} if self.cuts else {})}

    @property
    def bound_s(self) -> float | None:
        """The longest that the slowest twentieth may take to recover. None: as long as it takes."""
        match self.sort:
            case Sort.DEAD:
                return DEAD_S
            case Sort.STALLED:
                return self.rule_s + STALLED_S
            case _:
                return None

    @property
    def apart(self) -> bool:
        """Whether its cells take so long that each gets nodes of its own, and all run at once."""
        return self.sort in (Sort.STALLED, Sort.SLOW, Sort.COLD)


TROUBLES = (
    Trouble("none", Sort.NONE),
    Trouble("refused", happens=refused),
    Trouble("reset", fault="reset"),
    Trouble("500", fault="status", how={"status": 500}),
    Trouble("429", fault="status", how={"status": 429, "headers": {"retry-after": "30"}}),
    Trouble("malformed", fault="malformed"),
    Trouble("empty", fault="empty"),
    Trouble("login page", fault="login-page"),
    Trouble("in-band error", fault="in-band", cuts=True),
    Trouble("cut", fault="cut", cuts=True),
    Trouble("cut in a character", fault="cut-character", cuts=True),
    Trouble("hang", Sort.STALLED, "hang", rule_s=_HANG_RULE_S),
    Trouble("silence", Sort.STALLED, "silence", rule_s=_HANG_RULE_S),
    Trouble("stall", Sort.STALLED, "stall", cuts=True, rule_s=_STALL_RULE_S),
    Trouble("slow drip", Sort.SLOW, "drip", how={"delay_s": 0.1}),
    Trouble("flapping", happens=flapping),
    Trouble("two in a row", fault="cut", cuts=True, victims=2, nodes=3),
    Trouble("cold load", Sort.COLD, happens=one_cold),
    Trouble("all cold", Sort.COLD, happens=all_cold),
)
"""Each is told of in docs/reference/faults.md."""

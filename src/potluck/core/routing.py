"""Which engine serves a call, and why. Pure: offers in, a decision out.

An *offer* is a model on an engine. The order among engines that could serve now: model resident before one that must
load first, then the smallest share of slots in use, weighted by what the owner said of the node.

Offers are made when engines or models change and kept until then. What changes with every call, the slots in use, comes
beside them. So a decision on the hot path looks up little and makes less.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from potluck.core.model import Capability, Engine, EngineId, Health, Model


class Verdict(StrEnum):
    """What became of one offer in one decision."""

    CHOSEN = "chosen"
    WORSE = "another engine was better placed"
    TRIED = "already tried for this call"
    NOT_UP = "not up"
    CANNOT = "the model cannot do what the call needs"
    FULL = "all slots in use"


@dataclass(frozen=True, slots=True)
class Offer:
    """One model on one engine. ``weight`` is the owner's prior for the node: 80 gets four times what 20 gets.

    ``serves``, ``tier`` and ``share`` follow from the others: whether calls go there at all, what comes first (0 is
    best), and what one call in its slots counts for.
    """

    engine: Engine
    model: Model
    weight: float = 1.0
    serves: bool = field(init=False)
    tier: int = field(init=False)
    share: float = field(init=False)

    def __post_init__(self) -> None:
        engine = self.engine
        suspect = engine.health is Health.SUSPECT
        object.__setattr__(self, "serves", suspect or engine.health is Health.UP)
        # A suspect engine still serves when it is all there is; a model that must load first costs seconds.
        object.__setattr__(self, "tier", (2 if suspect else 0) + (0 if self.model.resident else 1))
        object.__setattr__(self, "share", 1 / (max(engine.slots, 1) * max(self.weight, 1e-6)))


class Decision(NamedTuple):
    """``chosen`` is None if nothing can start now; ``wait`` then says whether waiting for a slot makes sense."""

    chosen: Offer | None
    wait: bool
    verdicts: tuple[tuple[EngineId, Verdict], ...]

    def verdict(self, engine: EngineId) -> Verdict | None:
        return dict(self.verdicts).get(engine)


def place(
    offers: Sequence[Offer], needs: frozenset[Capability], tried: frozenset[EngineId], busy: Mapping[EngineId, int]
) -> Decision:
    """Choose among the offers of one model name; ``busy`` is how many of each engine's slots are in use.

    1. What was tried, is not up, or cannot do it is out.
    2. What has no free slot could serve later: worth waiting for.
    3. Of the rest the best by tier, then by the share of slots that would be in use; the first one wins a tie, so the
       config's order counts.
    """
    verdicts: list[tuple[EngineId, Verdict]] = []
    best: Offer | None = None
    best_share = 0.0
    wait = False
    for offer in offers:
        engine = offer.engine
        taken = busy.get(engine.id, 0)
        if engine.id in tried:
            verdict = Verdict.TRIED
        elif not offer.serves:
            verdict = Verdict.NOT_UP
        elif not needs <= offer.model.capabilities:
            verdict = Verdict.CANNOT
        elif taken >= engine.slots:
            verdict, wait = Verdict.FULL, True
        else:
            verdict, share = Verdict.WORSE, (taken + 1) * offer.share
            if best is None or offer.tier < best.tier or (offer.tier == best.tier and share < best_share):
                if best is not None:
                    verdicts.append((best.engine.id, verdict))
                best, best_share = offer, share
                continue
        verdicts.append((engine.id, verdict))
    if best is not None:
        verdicts.append((best.engine.id, Verdict.CHOSEN))
    return Decision(best, wait and best is None, tuple(verdicts))


def missing_capability(offers: Iterable[Offer], needs: frozenset[Capability]) -> Capability | None:
    """The first need that no offer's model meets, to name it in the error; None if some offer meets them all."""
    offers = list(offers)
    if any(needs <= offer.model.capabilities for offer in offers):
        return None
    unmet = [need for need in sorted(needs) if not any(need in offer.model.capabilities for offer in offers)]
    return unmet[0] if unmet else sorted(needs)[0]

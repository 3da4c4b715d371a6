"""Which engine serves a call, and why. Pure: offers in, a decision out.

An *offer* is a model on an engine. The order among engines that could serve now: model resident before one that must
load first, then the smallest share of slots in use, weighted by what the owner said of the node.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

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
    """One model on one engine. ``weight`` is the owner's prior for the node: 80 gets four times what 20 gets."""

    engine: Engine
    model: Model
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Decision:
    """``chosen`` is None if nothing can start now; ``wait`` then says whether waiting for a slot makes sense."""

    chosen: Offer | None
    wait: bool
    verdicts: tuple[tuple[EngineId, Verdict], ...]

    def verdict(self, engine: EngineId) -> Verdict | None:
        return dict(self.verdicts).get(engine)


def place(offers: Sequence[Offer], needs: frozenset[Capability], tried: frozenset[EngineId]) -> Decision:
    """Choose among the offers of one model name.

    1. What was tried, is not up, or cannot do it is out.
    2. What has no free slot could serve later: worth waiting for.
    3. Of the rest the best by `_cost`; first one wins a tie, so the config's order counts.
    """
    verdicts: list[tuple[EngineId, Verdict]] = []
    best: Offer | None = None
    best_cost = (0, 0.0)
    wait = False
    for offer in offers:
        verdict = _excluded(offer, needs, tried)
        if verdict is None:
            cost = _cost(offer)
            if best is None or cost < best_cost:
                if best is not None:
                    verdicts.append((best.engine.id, Verdict.WORSE))
                best, best_cost = offer, cost
                continue
            verdict = Verdict.WORSE
        wait = wait or verdict is Verdict.FULL
        verdicts.append((offer.engine.id, verdict))
    if best is not None:
        verdicts.append((best.engine.id, Verdict.CHOSEN))
    return Decision(best, wait and best is None, tuple(verdicts))


def _excluded(offer: Offer, needs: frozenset[Capability], tried: frozenset[EngineId]) -> Verdict | None:
    engine = offer.engine
    if engine.id in tried:
        return Verdict.TRIED
    if engine.health not in (Health.UP, Health.SUSPECT):
        return Verdict.NOT_UP
    if not needs <= offer.model.capabilities:
        return Verdict.CANNOT
    if engine.busy >= engine.slots:
        return Verdict.FULL
    return None


def _cost(offer: Offer) -> tuple[int, float]:
    engine = offer.engine
    # A suspect engine still serves when it is all there is; a model that must load first costs seconds.
    tier = (2 if engine.health is Health.SUSPECT else 0) + (0 if offer.model.resident else 1)
    return tier, (engine.busy + 1) / (engine.slots * max(offer.weight, 1e-6))


def missing_capability(offers: Iterable[Offer], needs: frozenset[Capability]) -> Capability | None:
    """The first need that no offer's model meets, to name it in the error; None if some offer meets them all."""
    offers = list(offers)
    if any(needs <= offer.model.capabilities for offer in offers):
        return None
    unmet = [need for need in sorted(needs) if not any(need in offer.model.capabilities for offer in offers)]
    return unmet[0] if unmet else sorted(needs)[0]

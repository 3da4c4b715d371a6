"""Places that the owner names, and what a decision that found none means for who asked."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from potluck.core.errors import ModelNotFound, NoEngineReady, NoRoom, NotFound, NotImplementedHere, PotluckError
from potluck.core.meant import others
from potluck.core.model import Engine, EngineId, Health, NodeId
from potluck.core.names import same_model
from potluck.core.placing_models import Verdict, Why
from potluck.gateway.fleet import Fleet

_RETRY_S = 30.0


class Where(msgspec.Struct, frozen=True):
    """A node, an engine, both, or whichever is best. An engine may be named without its node: ``local``."""

    node: str = ""
    engine: str = ""

    @property
    def node_id(self) -> NodeId | None:
        return NodeId(self.node) if self.node else None

    @property
    def engine_id(self) -> EngineId | None:
        return EngineId(self.engine) if self.engine else None

    def holds(self, engine: Engine) -> bool:
        return self.node in ("", engine.node) and self.engine in ("", engine.id)


ANYWHERE = Where()
"""Nobody chose: the best place, or wherever the model is."""


def checked_where(fleet: Fleet, where: Where) -> None:
    """Raises `NotFound` if no engine is there."""
    engines = fleet.snapshot()
    if where == ANYWHERE or any(where.holds(engine) for engine in engines):
        return
    what, name, known = (
        ("engine", where.engine, [engine.id for engine in engines])
        if where.engine
        else ("node", where.node, [engine.node for engine in engines])
    )
    place = f" on {where.node}" if where.engine and where.node else ""
    raise NotFound(f"There is no {what} '{name}'{place}.", hint=others(name, known))


def absent(fleet: Fleet, name: str, where: Where) -> ModelNotFound:
    """A model that is not there; with a hint if it is elsewhere."""
    if where == ANYWHERE:
        target = next((to for alias, to in fleet.catalogue.aliases().items() if same_model(alias, name)), "")
        if target:  # it can be asked for, but is nothing to be moved about
            return ModelNotFound(name, hint=f"It is an alias of '{target}', by the configuration.")
        return ModelNotFound(name, fleet.catalogue.near(name))
    nodes = ", ".join(dict.fromkeys(engine.node for engine, _ in fleet.where(name)))
    return ModelNotFound(name, hint=f"It is on {nodes}." if nodes else "")


def refusal(fleet: Fleet, verdicts: Sequence[Verdict], name: str) -> PotluckError:
    """Why a model can be put nowhere, by the place that came nearest."""
    if not verdicts:
        return NoEngineReady("There is no engine.", retry_after_s=_RETRY_S)
    nearest = verdicts[0]
    node, reason = nearest.place.node, nearest.reason
    match nearest.why:
        case Why.DOWN:
            hint = (
                f"Its owner has drained it: potluck nodes resume {node}"
                if nearest.place.health is Health.DRAINING
                else ""
            )
            return NoEngineReady(
                f"The engine for '{name}' on {node} is not up: {reason}.", retry_after_s=_RETRY_S, hint=hint
            )
        case Why.NO_MEMORY | Why.NO_DISK:
            return NoRoom(f"'{name}' does not fit on {node}: {reason}.", hint=_smaller(verdicts))
        case Why.UNSURE:
            return NoRoom(f"'{name}' was not put on {node}: {reason}.", hint=f"If it fits, choose it: --node {node}.")
        case Why.ABSENT:
            return ModelNotFound(name, fleet.catalogue.near(name))
        case Why.CANNOT_FETCH:
            return ModelNotFound(name, hint="No engine here fetches models from there; the embedded one takes URLs "
            "and a hub's repositories, as in hf.co/OWNER/REPO:Q4_K_M.")  # fmt: skip
        case _:
            return NotImplementedHere("No engine here lets models come and go.")


def _smaller(verdicts: Sequence[Verdict]) -> str:
    if all(verdict.why is not Why.NO_DISK for verdict in verdicts):
        return "Take a smaller model, or a smaller quantisation of it."
    return "Make room there, or take a smaller model."

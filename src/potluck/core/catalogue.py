"""What names clients may ask for, and which offers stand behind each: models of all engines, routes, and aliases.

A model's own name wins over a route's, and both over an alias. A name means the same with and without ``:latest``, in
any case.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from potluck.core.hedging import HedgeRule
from potluck.core.model import Capability, Engine, EngineId, Health, Model, ModelId, NodeId
from potluck.core.names import AUTO, canonical, near
from potluck.core.scheduling.asks import Policy

SERVING = frozenset({Health.UP, Health.SUSPECT})
"""Engines that calls may go to; a suspect one where no other is better."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One model on one engine. ``weight`` is the owner's for the node: 80 gets four times what 20 gets."""

    engine: Engine
    model: Model
    weight: float = 1.0

    def could_serve(
        self, needs: frozenset[Capability], tried: frozenset[EngineId] = frozenset(), tokens: int = 0
    ) -> bool:
        """Now or when a slot is free. ``tokens`` are what the prompt has at least."""
        engine, model = self.engine, self.model
        return (
            engine.health in SERVING
            and engine.id not in tried
            and needs <= model.capabilities
            and (not tokens or model.context is None or tokens < model.context)
        )


def missing_capability(offers: Iterable[Offer], needs: frozenset[Capability]) -> Capability | None:
    """The first need that no offer's model meets, to name it in the error; None if some offer meets them all."""
    offers = list(offers)
    if any(needs <= offer.model.capabilities for offer in offers):
        return None
    unmet = [need for need in sorted(needs) if not any(need in offer.model.capabilities for offer in offers)]
    return unmet[0] if unmet else sorted(needs)[0]


@dataclass(frozen=True, slots=True)
class RouteRule:
    """A name for a policy: models in order of preference (none: any model), and what the owner said of the nodes.

    ``weights`` and ``order`` exclude each other; with ``order``, an earlier node wins whenever it can serve.
    ``weighted``: the weights are exact shares, and a node without one gets nothing while another can serve.
    ``hedge``: calls whose answer does not begin are asked of a second engine as well.
    """

    name: str
    models: tuple[ModelId, ...] = ()
    weights: Mapping[NodeId, float] = field(default_factory=dict[NodeId, float])
    order: tuple[NodeId, ...] = ()
    weighted: bool = False
    hedge: HedgeRule | None = None

    @property
    def policy(self) -> Policy:
        if self.order:
            return Policy.ORDER
        return Policy.WEIGHTED if self.weighted else Policy.LEARNED

    def weight(self, node: NodeId) -> float:
        """The owner's weight of a node."""
        return self.weights.get(node, 0.0 if self.weighted else 1.0) if self.weights else 1.0

    def rank(self, node: NodeId) -> int:
        """A node's place in the order; those that it leaves out share the last one."""
        return self.order.index(node) if node in self.order else len(self.order)


# How many names are remembered as resolved: more than anybody's clients ask for.
_REMEMBERED = 4096

_AUTO = canonical(AUTO)

NO_ALIASES: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Resolution:
    """``route`` is the route's name if the asked one came to a route, else empty. No offers: nobody knows the name.

    ``policy`` is how to choose among the offers; with an order they stand in it. ``name`` is what the asked name came
    to, aliases followed, in the one spelling of it.
    """

    offers: tuple[Offer, ...] = ()
    route: str = ""
    policy: Policy = Policy.LEARNED
    name: str = ""


class Catalogue:
    """An index over the engines' models. Built anew when models change; looks engines' states up as they are now."""

    def __init__(
        self,
        engines: Mapping[EngineId, Engine],
        routes: Mapping[str, RouteRule],
        aliases: Mapping[str, str] = NO_ALIASES,
    ) -> None:
        """``engines`` is kept, not copied: its owner replaces values in it, and calls `rebuild` when models change,
        `refresh` when anything else of an engine does. ``aliases`` are other names, each with what it stands for."""
        self._engines = engines
        self._routes: dict[str, RouteRule] = {}
        self.hedges: Mapping[str, HedgeRule] = {}
        """By the route's name, of those routes that hedge."""
        self._aliases: dict[str, tuple[str, str]] = {}
        self._by_name: dict[str, tuple[tuple[EngineId, Model], ...]] = {}
        self._resolved: dict[tuple[str, frozenset[Capability]], Resolution] = {}
        self.reroute(routes, aliases)
        self.rebuild()

    def reroute(self, routes: Mapping[str, RouteRule], aliases: Mapping[str, str] = NO_ALIASES) -> None:
        """Take other routes and aliases."""
        self._routes = {canonical(name): rule for name, rule in routes.items()}
        self._aliases = {canonical(name): (name, target) for name, target in aliases.items()}
        self.hedges = {rule.name: rule.hedge for rule in routes.values() if rule.hedge is not None}
        self.refresh()

    def refresh(self) -> None:
        """Engines have changed: what was resolved to them is stale."""
        self._resolved.clear()

    def rebuild(self) -> None:
        found: dict[str, list[tuple[EngineId, Model]]] = {}
        for engine in self._engines.values():
            for model in () if engine.draws else engine.models.values():
                found.setdefault(canonical(model.id), []).append((engine.id, model))
        self._by_name = {name: tuple(places) for name, places in found.items()}
        self.refresh()

    def resolve(
        self,
        asked: str,
        needs: frozenset[Capability] = frozenset(),
        tried: frozenset[EngineId] = frozenset(),
        tokens: int = 0,
    ) -> Resolution:
        """The offers behind a name, in the config's order of engines or the route's own.

        A route stands for its first model that can do what the call ``needs``, and hold a prompt of ``tokens``, on an
        engine that was not ``tried``.
        """
        if tried or tokens:
            return self._resolve(asked, needs, tried, tokens)
        resolution = self._resolved.get((asked, needs))
        if resolution is None:
            # Names come from clients: without a bound a client could fill the memory with them.
            if len(self._resolved) >= _REMEMBERED:
                self._resolved.clear()
            resolution = self._resolved[asked, needs] = self._resolve(asked, needs, tried, 0)
        return resolution

    def _resolve(self, asked: str, needs: frozenset[Capability], tried: frozenset[EngineId], tokens: int) -> Resolution:
        name = self._followed(canonical(asked))
        places = self._by_name.get(name)
        if places is not None:
            return Resolution(tuple(Offer(self._engines[engine], model) for engine, model in places), name=name)
        rule = self._routes.get(name)
        if rule is None:
            return Resolution(name=name)
        return Resolution(self._route_offers(rule, needs, tried, tokens), rule.name, rule.policy, name)

    def _followed(self, name: str) -> str:
        """What a name stands for, through as many aliases as there are: more steps than that would go in a circle."""
        for _ in self._aliases:
            if name in self._by_name or name in self._routes or name not in self._aliases:
                break
            name = canonical(self._aliases[name][1])
        return name

    def _route_offers(
        self, rule: RouteRule, needs: frozenset[Capability], tried: frozenset[EngineId], tokens: int
    ) -> tuple[Offer, ...]:
        """The offers of the route's first model that some engine could serve; of the first known one if none can."""
        known: tuple[Offer, ...] = ()
        for name in rule.models or tuple(ModelId(name) for name in self._by_name):
            places = self._by_name.get(canonical(name), ())
            offers = [
                Offer(self._engines[engine], model, rule.weight(self._engines[engine].node)) for engine, model in places
            ]
            offers.sort(key=lambda offer: rule.rank(offer.engine.node))
            if any(offer.could_serve(needs, tried, tokens) for offer in offers):
                return tuple(offers)
            known = known or tuple(offers)
        return known

    def names(self) -> tuple[str, ...]:
        """Everything that can be asked for: models as their engines write them, then routes, then aliases."""
        models = {canonical(model.id): model.id for _, model in self.models()}
        return (*models.values(), *self.routes(), *self.aliases())

    def routes(self) -> tuple[str, ...]:
        """The routes' names as the owner wrote them."""
        return tuple(rule.name for rule in self._routes.values())

    def aliases(self) -> Mapping[str, str]:
        """The aliases as the owner wrote them, each with what it stands for; without those that a model or a route of
        the same name hides."""
        return dict(
            alias for name, alias in self._aliases.items() if name not in self._by_name and name not in self._routes
        )

    def chooses(self, asked: str) -> bool:
        """Whether a name leaves the choice to us: `auto`, which is hidden by anything of that name, or its alias."""
        resolution = self.resolve(asked)
        return resolution.name == _AUTO and not resolution.offers and not resolution.route

    def models(self) -> Iterable[tuple[Engine, Model]]:
        """Those that calls may ask for: image engines' are not among them."""
        for engine in self._engines.values():
            for model in () if engine.draws else engine.models.values():
                yield engine, model

    def near(self, asked: str) -> tuple[str, ...]:
        """Names somebody may have meant by ``asked``."""
        return near(asked, self.names())

    def able(self, needs: frozenset[Capability]) -> tuple[str, ...]:
        """The models that can do all of ``needs``, as their engines write them."""
        return tuple(
            {canonical(model.id): model.id for _, model in self.models() if needs <= model.capabilities}.values()
        )

    def default(self, needs: frozenset[Capability], route: str) -> str:
        """The name for a call that gives none: ``route`` if there is one, or an alias of that name, else the first
        model that can do it.

        Empty if there is none. Resident models come before ones that must be loaded.
        """
        if (name := canonical(route)) in self._routes or name in self._aliases:
            return route
        able = [
            (not model.resident, model.id)
            for engine, model in self.models()
            if needs <= model.capabilities and engine.health in SERVING
        ]
        return min(able, key=lambda each: each[0])[1] if able else ""

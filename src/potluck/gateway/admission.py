"""Limits at a call's beginning and end: what it may use is set aside before it seeks a seat, and settled by its answer.

Nobody who has no limit comes by here. Who has some is let in without waiting where this process's own buckets decide;
where gateways share theirs in Redis, a task asks there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

import msgspec
from msgspec.structs import replace

from potluck.core.allowances import Level, Verdict
from potluck.core.errors import NodeError, OperatorError, Overloaded
from potluck.core.limits import Plan, Rules, claims_of, holds_of, over_budget, refusal, set_aside, settling
from potluck.core.names import canonical
from potluck.gateway.answer_headers import BUDGET
from potluck.gateway.port import Caller
from potluck.gateway.relay.states import State
from potluck.storage.shared.guarded import GuardedMeter
from potluck.wire.rate_limits import rate_fields

if TYPE_CHECKING:
    from potluck.gateway.metrics import Metrics
    from potluck.gateway.relay.exchange import Exchange
    from potluck.storage.records import KeyRecord, RequestRecord, UserRecord

PlanOf: TypeAlias = "Callable[[UserRecord, KeyRecord | None], Plan | None]"
"""How much a user may use, by one of its keys or without."""

# Errors of ours: a call that ends in one before its first word has cost its caller nothing.
_OURS = (Overloaded, NodeError, OperatorError)


class Ticket(msgspec.Struct, eq=False):
    """What was set aside for a call. ``levels`` are its buckets' ``at_s``, in Unix seconds."""

    plans: tuple[Plan, ...]
    tokens: int
    levels: tuple[Level, ...]
    at_s: float


def unlimited(user: UserRecord, key: KeyRecord | None) -> Plan | None:
    """The plan of everybody where nothing is limited."""
    return None


class Admission:
    """Owns nothing but the routes' plans: buckets are the meter's, what was set aside is its call's.

    ``clock`` is Unix seconds.
    """

    def __init__(self, meter: GuardedMeter, metrics: Metrics, clock: Callable[[], float]) -> None:
        self.meter = meter
        self.routes: Mapping[str, Plan] = {}
        """Routes that are limited, by their names' one spelling."""
        self._rules = Rules()
        self._metrics = metrics
        self._clock = clock

    def configure(self, rules: Rules) -> None:
        """Take what the owner says of roles and routes. Plans that were made before stay as they are."""
        self._rules = rules
        self.routes = rules.of_routes()

    def plan_of(self, user: UserRecord, key: KeyRecord | None) -> Plan | None:
        """What a user may use, by one of its keys or without."""
        if key is None:
            return self._rules.of_caller(user.id, user.name, user.role, user.limits)
        return self._rules.of_caller(user.id, user.name, user.role, user.limits, key.id, key.name, key.limits)

    # --- calls ---

    def admit(self, exchange: Exchange) -> None:
        """Let a call in (`Exchange.admitted`) or refuse it, now or when the shared buckets have answered."""
        plans = [] if exchange.caller.plan is None else [exchange.caller.plan]
        wish = exchange.wish
        if self.routes and (route := self._route(exchange)) is not None:
            plans.append(route)
        for plan in plans:
            if not plan.allows(wish.model):
                exchange.fail(plan.model_refusal(wish.model))
                return
            if plan.ceiling is not None and wish.kind.place < plan.ceiling.place:
                wish = exchange.wish = replace(wish, kind=plan.ceiling)
        self._take(exchange, plans, exchange.admitted)

    def admit_chosen(self, exchange: Exchange) -> None:
        """The same for the route that was chosen for a call which is in already."""
        route = self._route(exchange)
        known = exchange.ticket.plans if exchange.ticket is not None else ()
        self._take(exchange, [] if route is None or route in known else [route], exchange.seek)

    def _route(self, exchange: Exchange) -> Plan | None:
        resolution = exchange.relay.fleet.catalogue.resolve(exchange.wish.model, exchange.wish.needs)
        return self.routes.get(canonical(resolution.route)) if resolution.route else None

    def _take(self, exchange: Exchange, plans: Sequence[Plan], go_on: Callable[[], None]) -> None:
        if not plans:
            go_on()
        elif not self.meter.at_once:
            exchange.spawn(self._ask(exchange, plans, go_on), "limits")
        else:
            tokens = _tokens(exchange)
            verdict = self.meter.take_now(claims_of(plans, tokens), holds_of(plans), exchange.id)
            self._answer(exchange, plans, tokens, verdict, go_on)

    async def _ask(self, exchange: Exchange, plans: Sequence[Plan], go_on: Callable[[], None]) -> None:
        tokens = _tokens(exchange)
        holds = holds_of(plans)
        verdict = await self.meter.take(claims_of(plans, tokens), holds, exchange.id)
        if exchange.state is not State.DONE:
            self._answer(exchange, plans, tokens, verdict, go_on)
        elif verdict.met:  # the client has left meanwhile
            await self.meter.charge(settling(plans, tokens, 0, served=False), holds, exchange.id)

    def _answer(
        self, exchange: Exchange, plans: Sequence[Plan], tokens: int, verdict: Verdict, go_on: Callable[[], None]
    ) -> None:
        ticket = exchange.ticket
        if not verdict.met:
            exchange.fail(self._refused(plans, verdict))
            return
        if ticket is None:
            exchange.ticket = Ticket(tuple(plans), tokens, verdict.levels, self._clock())
        else:
            ticket.plans, ticket.levels = (*ticket.plans, *plans), (*ticket.levels, *verdict.levels)
        go_on()

    def settled(self, exchange: Exchange, ticket: Ticket, record: RequestRecord) -> None:
        """A call is over: charge what it used beyond what was set aside, or give the rest back."""
        served = exchange.spoken or not isinstance(exchange.error, _OURS)
        self._settle(exchange, ticket, record.prompt_tokens + record.completion_tokens, served=served)

    def withdrawn(self, exchange: Exchange, ticket: Ticket) -> None:
        """Another gateway answers the call, and lets it in once more: give all back."""
        self._settle(exchange, ticket, 0, served=False)

    def _settle(self, exchange: Exchange, ticket: Ticket, used: int, *, served: bool) -> None:
        claims, holds = settling(ticket.plans, ticket.tokens, used, served=served), holds_of(ticket.plans)
        if self.meter.at_once:
            self.meter.charge_now(claims, holds, exchange.id)
        elif claims or holds:
            exchange.relay.tasks.spawn(self.meter.charge(claims, holds, exchange.id), f"limits of {exchange.id}")

    # --- everything else ---

    async def spend_images(self, caller: Caller, count: int, call: str) -> None:
        """Take so many images from a caller's day. Raises `RateLimited`, and has taken none then."""
        claims = [] if caller.plan is None else [each._replace(cost=float(count)) for each in caller.plan.images]
        if caller.plan is None or not claims:
            return
        verdict = await self.meter.take(claims, (), call)
        if not verdict.met:
            raise self._refused([caller.plan], verdict)

    async def give_images_back(self, caller: Caller, count: int) -> None:
        """For images that were not made after all."""
        if caller.plan is not None and caller.plan.images:
            await self.meter.charge([each._replace(cost=-float(count)) for each in caller.plan.images])

    async def levels(self, caller: Caller) -> tuple[Level, ...]:
        """How a caller's own buckets stand, without the routes'."""
        plan = caller.plan
        if plan is None:
            return ()
        return await self.meter.levels([*plan.requests, *plan.tokens, *plan.images, *plan.budgets])

    def _refused(self, plans: Sequence[Plan], verdict: Verdict) -> Overloaded:
        error = refusal(plans, verdict, self._clock())
        name = verdict.by.bucket if verdict.by is not None else verdict.full.places if verdict.full is not None else ""
        self._metrics.limited(name.partition("/")[0], error.limit)
        return error


def _tokens(exchange: Exchange) -> int:
    answer, generations = exchange.ask.answer_tokens, exchange.ask.generations
    return set_aside(exchange.wish.prompt_tokens, answer if answer is None else answer * generations)


def limit_fields(family: str, levels: Sequence[Level], at_s: float) -> list[tuple[str, str]]:
    """Header fields that tell how limits stand, and whether a budget is passed."""
    fields = rate_fields(family, levels, at_s)
    passed = over_budget(levels)
    if passed is not None:
        fields.append((BUDGET, f"passed; tokens-per-day={passed.claim.allowance.amount:.0f}"))
    return fields

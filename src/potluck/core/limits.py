"""What callers may use: limits of users, keys, roles and routes, and what one call asks of all of them.

Of all limits that apply to a call each must hold, so the strictest decides. Amounts are allowances (`core.allowances`):
what was spent comes back evenly, and there is no turn of a minute or of a day.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import lru_cache
from math import ceil
from typing import Final

from potluck.core.allowances import Allowance, Claim, Hold, Level, Unit, Verdict
from potluck.core.context import USUAL_ANSWER
from potluck.core.errors import BadRequest, Forbidden, RateLimited
from potluck.core.model import KeyId, UserId
from potluck.core.names import canonical
from potluck.core.people import Role
from potluck.core.scheduling.classes import Kind

MINUTE_S: Final = 60.0
DAY_S: Final = 86_400.0

# No house asks so much; JSON's and every database's integers hold it.
MOST: Final = 1_000_000_000_000

# Agents allow 32,000 tokens for every answer, and most are short: what is set aside for one is at most this. An answer
# that is longer all the same is paid for at its end.
_LONGEST_SET_ASIDE: Final = 4096

# Nobody knows when a place is free; the SDKs wait longer by themselves if they are refused again.
_PLACE_RETRY_S: Final = 2.0

# More names nobody reads in an error.
_SHOWN: Final = 8


@dataclass(frozen=True, slots=True)
class Limits:
    """What one holder may use; None is no limit. Tokens are those of prompts and answers together.

    ``models`` are names as clients ask for them (models, routes, aliases, ``auto``). ``priority`` is the highest class
    of calls (`Kind`) that there is for it. ``budget_tokens_per_day`` refuses nothing: who is past it is told.
    """

    requests_per_minute: int | None = None
    requests_per_day: int | None = None
    tokens_per_minute: int | None = None
    tokens_per_day: int | None = None
    images_per_day: int | None = None
    concurrent: int | None = None
    models: tuple[str, ...] | None = None
    priority: Kind | None = None
    budget_tokens_per_day: int | None = None

    def __bool__(self) -> bool:
        return self != NO_LIMITS


NO_LIMITS: Final = Limits()

AMOUNTS: Final = tuple(each.name for each in fields(Limits) if each.name not in ("models", "priority"))
"""The names of the limits that are whole numbers from 1 on."""


def checked(limits: Limits) -> Limits | None:
    """The limits as they are kept; None if there are none. Raises `BadRequest` for one that makes no sense."""
    for name in AMOUNTS:
        amount: int | None = getattr(limits, name)
        if amount is not None and not 1 <= amount <= MOST:
            raise BadRequest(
                f"A limit is a whole number from 1 to {MOST}.",
                param=f"limits.{name}",
                hint="Disable a user, or revoke a key, that is to use nothing; null is no limit.",
            )
    if limits.models is not None and not all(name.strip() for name in limits.models or ("",)):
        raise BadRequest("A limit to no model at all makes no sense.", param="limits.models", hint="null is no limit.")
    return limits or None


def strictest(one: Limits, other: Limits) -> Limits:
    """What holds where both do."""
    models = one.models if other.models is None else other.models
    if one.models is not None and other.models is not None:
        models = tuple(name for name in one.models if canonical(name) in set(map(canonical, other.models)))
    amounts = {name: _least(getattr(one, name), getattr(other, name)) for name in AMOUNTS}
    priorities = [each for each in (one.priority, other.priority) if each is not None]
    return Limits(**amounts, models=models, priority=max(priorities, key=lambda kind: kind.place, default=None))


def _least(one: int | None, other: int | None) -> int | None:
    return min((each for each in (one, other) if each is not None), default=None)


def words_of(limits: Limits | None) -> str:
    """The limits in one line.

    >>> words_of(Limits(requests_per_day=5, models=("a", "b"))), words_of(None)
    ('requests_per_day=5, models=a|b', 'none')
    """
    if not limits:
        return "none"
    told = [f"{name}={amount}" for name in AMOUNTS if (amount := getattr(limits, name)) is not None]
    told += [] if limits.models is None else [f"models={'|'.join(limits.models)}"]
    told += [] if limits.priority is None else [f"priority={limits.priority}"]
    return ", ".join(told)


# --- Who holds limits ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rule:
    """One holder's limits. ``who`` names it in errors, ``bucket`` in the meter."""

    who: str
    bucket: str
    limits: Limits


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Some rules, as a call asks of them. ``ceiling`` is the highest class that all of them allow."""

    rules: tuple[Rule, ...]
    requests: tuple[Claim, ...] = ()
    tokens: tuple[Claim, ...] = ()
    images: tuple[Claim, ...] = ()
    budgets: tuple[Claim, ...] = ()
    holds: tuple[Hold, ...] = ()
    ceiling: Kind | None = None
    _names: tuple[tuple[Rule, frozenset[str]], ...] = ()
    _owners: Mapping[str, Rule] = field(default_factory=dict[str, Rule])

    @classmethod
    def of(cls, rules: Iterable[Rule]) -> Plan | None:
        """None if nothing is limited."""
        rules = tuple(rule for rule in rules if rule.limits)
        if not rules:
            return None
        ceilings = [rule.limits.priority for rule in rules if rule.limits.priority is not None]
        return cls(
            rules,
            (*_claims(rules, Unit.REQUESTS, "requests_per_minute"), *_claims(rules, Unit.REQUESTS, "requests_per_day")),
            (*_claims(rules, Unit.TOKENS, "tokens_per_minute"), *_claims(rules, Unit.TOKENS, "tokens_per_day")),
            _claims(rules, Unit.IMAGES, "images_per_day"),
            tuple(each._replace(soft=True) for each in _claims(rules, Unit.TOKENS, "budget_tokens_per_day")),
            tuple(
                Hold(f"{rule.bucket}/concurrent", rule.limits.concurrent)
                for rule in rules
                if rule.limits.concurrent is not None
            ),
            max(ceilings, key=lambda kind: kind.place, default=None),
            tuple(
                (rule, frozenset(map(canonical, rule.limits.models)))
                for rule in rules
                if rule.limits.models is not None
            ),
            {rule.bucket: rule for rule in rules},
        )

    def allows(self, model: str) -> bool:
        """Whether a name may be asked for. An alias, and `auto`, must be named themselves."""
        return not self._names or all(_canonical(model) in names for _, names in self._names)

    @property
    def models(self) -> tuple[str, ...] | None:
        """The names that all rules allow; None for all."""
        if not self._names:
            return None
        first = self._names[0][0].limits.models or ()
        return tuple(name for name in first if self.allows(name))

    def model_refusal(self, model: str) -> Forbidden:
        """What to say where `allows` is false."""
        name = canonical(model)
        rule = next((rule for rule, names in self._names if name not in names), self.rules[0])
        models = rule.limits.models or ()
        more = f" and {len(models) - _SHOWN} more" if len(models) > _SHOWN else ""
        return Forbidden(
            f"{rule.who[0].upper()}{rule.who[1:]} may not ask for '{model}'.",
            hint=f"It may ask for {', '.join(models[:_SHOWN])}{more}.",
        )

    def who(self, name: str) -> str:
        """Whose a bucket, or whose places, are; empty if not this plan's."""
        rule = self._owners.get(name.rpartition("/")[0])
        return rule.who if rule is not None else ""


# Names come from clients: what is remembered is bounded.
_canonical = lru_cache(1024)(canonical)


def _claims(rules: Sequence[Rule], unit: Unit, name: str) -> tuple[Claim, ...]:
    period_s = MINUTE_S if name.endswith("minute") else DAY_S
    amounts = [(rule, getattr(rule.limits, name)) for rule in rules]
    return tuple(
        Claim(f"{rule.bucket}/{name}", Allowance(unit, float(amount), period_s))
        for rule, amount in amounts
        if amount is not None
    )


@dataclass(frozen=True, slots=True)
class Rules:
    """What the owner limits by role and by route. ``default`` is for each user whose role is not among ``roles``, but
    for owners. A role's limits are for each of its users, a route's for all callers together."""

    default: Limits = NO_LIMITS
    roles: Mapping[Role, Limits] = field(default_factory=dict[Role, Limits])
    routes: Mapping[str, Limits] = field(default_factory=dict[str, Limits])

    def of_role(self, role: Role) -> Limits:
        """What holds for each user of a role."""
        return self.roles.get(role, NO_LIMITS if role is Role.OWNER else self.default)

    def of_caller(
        self,
        user: UserId,
        name: str,
        role: Role,
        own: Limits | None = None,
        key: KeyId | None = None,
        key_name: str = "",
        key_limits: Limits | None = None,
    ) -> Plan | None:
        """The plan of a user, and of one of its keys. A key's buckets go by its name: one that follows it under the
        same name does not begin with full ones."""
        rules = [
            Rule(f"the role {role.value}", f"role/{role.value}/{user}", self.of_role(role)),
            Rule(f"the user '{name}'", f"user/{user}", own or NO_LIMITS),
        ]
        if key is not None:
            rules.append(Rule(f"the key '{key_name}'", f"key/{user}/{key_name or key}", key_limits or NO_LIMITS))
        return Plan.of(rules)

    def of_routes(self) -> dict[str, Plan]:
        """The plans of routes, by their names' one spelling."""
        plans = {
            canonical(name): Plan.of([Rule(f"the route '{name}'", f"route/{canonical(name)}", limits)])
            for name, limits in self.routes.items()
        }
        return {name: plan for name, plan in plans.items() if plan is not None}


# --- One call --------------------------------------------------------------------------------------------------------


def set_aside(prompt_tokens: int, answer_tokens: int | None) -> int:
    """The tokens that are taken for a call before anybody knows its answer. ``answer_tokens`` is what its client
    allows for that, None for no limit."""
    return prompt_tokens + min(USUAL_ANSWER if answer_tokens is None else answer_tokens, _LONGEST_SET_ASIDE)


def claims_of(plans: Iterable[Plan], tokens: int = 0, images: int = 0) -> list[Claim]:
    """What a call takes from the buckets of all its plans. Budgets are looked at, and charged at its end."""
    claims: list[Claim] = []
    for plan in plans:
        claims += plan.requests
        claims += [claim._replace(cost=float(tokens)) for claim in plan.tokens]
        claims += [claim._replace(cost=0.0) for claim in plan.budgets]
        claims += [claim._replace(cost=float(images)) for claim in plan.images if images]
    return claims


def settling(plans: Iterable[Plan], reserved_tokens: int, used_tokens: int, *, served: bool) -> list[Claim]:
    """What is to be charged at a call's end, or given back. Who was not ``served`` has spent nothing at all."""
    claims: list[Claim] = []
    for plan in plans:
        difference = used_tokens - reserved_tokens
        claims += [claim._replace(cost=float(difference)) for claim in plan.tokens if difference]
        claims += [claim._replace(cost=float(used_tokens)) for claim in plan.budgets if used_tokens]
        if not served:
            claims += [claim._replace(cost=-1.0) for claim in plan.requests]
    return claims


def holds_of(plans: Iterable[Plan]) -> list[Hold]:
    return [hold for plan in plans for hold in plan.holds]


def over_budget(levels: Iterable[Level]) -> Level | None:
    """The soft budget that is passed, if one is."""
    return next((each for each in levels if each.claim.soft and not each.remaining), None)


def refusal(plans: Sequence[Plan], verdict: Verdict, at_s: float) -> RateLimited:
    """What to say where a verdict is not met. ``at_s`` is now, in Unix seconds."""
    if verdict.by is not None:
        allowance, wait_s = verdict.by.allowance, max(1, ceil(verdict.wait_s))
        name = verdict.by.bucket
        period = "minute" if allowance.period_s < DAY_S else "day"
        what = f"{_counted(allowance.amount, allowance.unit)} per {period}"
    else:
        assert verdict.full is not None
        wait_s, name = ceil(_PLACE_RETRY_S), verdict.full.places
        what = _counted(verdict.full.most, "concurrent calls")
    who = next((found for plan in plans if (found := plan.who(name))), "")
    return RateLimited(
        f"Over the limit of {who}: {what}.",
        retry_after_s=float(wait_s),
        hint=f"Try again in {_words(wait_s)}.",
        limit=name.rpartition("/")[2],
        levels=verdict.levels,
        at_s=at_s,
    )


def _counted(amount: float, things: str) -> str:
    return f"{amount:.0f} {things if amount > 1 else things.removesuffix('s')}"


def _words(seconds: int) -> str:
    """
    >>> _words(45), _words(600), _words(7300)
    ('45 s', '10 min', '3 h')
    """
    if seconds < 120:
        return f"{seconds} s"
    return f"{ceil(seconds / 60)} min" if seconds < 7200 else f"{ceil(seconds / 3600)} h"

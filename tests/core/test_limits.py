"""Limits: what holds, what one call takes of it, and what is said where it is too much."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core.allowances import Meter, Unit
from potluck.core.errors import BadRequest
from potluck.core.limits import (
    MOST,
    NO_LIMITS,
    Limits,
    Plan,
    Rule,
    Rules,
    checked,
    claims_of,
    holds_of,
    over_budget,
    refusal,
    set_aside,
    settling,
    strictest,
    words_of,
)
from potluck.core.model import KeyId, UserId
from potluck.core.people import Role
from potluck.core.scheduling.classes import Kind

ANNA = UserId("anna-id")


def plan(limits: Limits, who: str = "the user 'anna'", bucket: str = "user/anna") -> Plan:
    found = Plan.of([Rule(who, bucket, limits)])
    assert found is not None
    return found


def test_nothing_limited_is_no_limit() -> None:
    assert not NO_LIMITS
    assert checked(Limits()) is None
    assert Plan.of([Rule("x", "x", NO_LIMITS)]) is None
    assert checked(Limits(concurrent=1)) == Limits(concurrent=1)


@pytest.mark.parametrize(
    ("limits", "param"),
    [
        (Limits(requests_per_day=0), "limits.requests_per_day"),
        (Limits(concurrent=-1), "limits.concurrent"),
        (Limits(tokens_per_day=MOST + 1), "limits.tokens_per_day"),
        (Limits(models=()), "limits.models"),
        (Limits(models=("a", " ")), "limits.models"),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused(limits: Limits, param: str) -> None:
    with pytest.raises(BadRequest) as caught:
        checked(limits)
    assert caught.value.param == param


def test_limits_are_said_in_one_line() -> None:
    assert words_of(None) == words_of(NO_LIMITS) == "none"
    assert words_of(Limits(concurrent=2, models=("a", "b"), priority=Kind.BATCH)) == (
        "concurrent=2, models=a|b, priority=batch"
    )


def test_of_two_the_strictest_holds() -> None:
    one = Limits(requests_per_minute=5, tokens_per_day=10, models=("a", "b:latest"), priority=Kind.CHAT)
    other = Limits(requests_per_minute=9, concurrent=2, models=("B",), priority=Kind.BATCH)
    assert strictest(one, other) == Limits(
        requests_per_minute=5, tokens_per_day=10, concurrent=2, models=("b:latest",), priority=Kind.BATCH
    )
    assert strictest(one, NO_LIMITS) == strictest(NO_LIMITS, one) == one


def test_a_role_without_limits_of_its_own_has_the_default_but_for_owners() -> None:
    rules = Rules(default=Limits(concurrent=2), roles={Role.GUEST: Limits(concurrent=1)})
    assert rules.of_role(Role.GUEST).concurrent == 1
    assert rules.of_role(Role.MEMBER).concurrent == 2
    assert rules.of_role(Role.OWNER) == NO_LIMITS
    assert Rules(roles={Role.OWNER: Limits(concurrent=9)}).of_role(Role.OWNER).concurrent == 9


def test_a_caller_has_its_roles_its_own_and_its_keys_limits() -> None:
    rules = Rules(default=Limits(requests_per_day=100))
    found = rules.of_caller(
        ANNA, "anna", Role.MEMBER, Limits(requests_per_minute=5), KeyId("k1"), "laptop", Limits(concurrent=1)
    )
    assert found is not None
    assert [claim.bucket for claim in found.requests] == [
        "user/anna-id/requests_per_minute",
        "role/member/anna-id/requests_per_day",
    ]
    assert [hold.places for hold in found.holds] == ["key/anna-id/laptop/concurrent"]
    assert found.who("key/anna-id/laptop/concurrent") == "the key 'laptop'"
    assert found.who("user/somebody/requests_per_day") == ""
    assert Rules().of_caller(ANNA, "anna", Role.MEMBER, None, KeyId("k"), "k", None) is None
    assert Rules().of_caller(ANNA, "anna", Role.MEMBER) is None
    unnamed = Rules().of_caller(ANNA, "anna", Role.MEMBER, None, KeyId("k"), "", Limits(concurrent=1))
    assert unnamed is not None
    assert unnamed.holds[0].places == "key/anna-id/k/concurrent"


def test_routes_are_known_by_the_one_spelling_of_their_names() -> None:
    rules = Rules(routes={"Chat:latest": Limits(tokens_per_minute=5), "code": NO_LIMITS})
    (name,) = rules.of_routes()
    assert name == "chat:latest"


def test_names_that_are_not_allowed_are_refused_with_those_that_are() -> None:
    many = tuple(f"m{number}" for number in range(10))
    found = Plan.of(
        [
            Rule("the role guest", "role/guest/anna", Limits(models=many)),
            Rule("the user 'anna'", "user/anna", Limits(models=("m1", "M2:latest", "other"))),
        ]
    )
    assert found is not None
    assert found.allows("m2:latest")
    assert not found.allows("m3")
    assert not found.allows("other")
    assert found.models == ("m1", "m2")
    assert "m0, m1, m2, m3, m4, m5, m6, m7 and 2 more" in str(found.model_refusal("other"))
    assert str(found.model_refusal("m3")) == (
        "The user 'anna' may not ask for 'm3'. It may ask for m1, M2:latest, other."
    )
    unlimited = plan(Limits(concurrent=1))
    assert unlimited.allows("anything")
    assert unlimited.models is None


def test_the_lowest_of_the_classes_is_the_ceiling() -> None:
    rules = [Rule("a", "a", Limits(priority=Kind.REVIEW)), Rule("b", "b", Limits(priority=Kind.CHAT))]
    found = Plan.of(rules)
    assert found is not None
    assert found.ceiling is Kind.REVIEW
    assert plan(Limits(concurrent=1)).ceiling is None


def test_what_is_set_aside_is_the_prompt_and_what_answers_usually_need() -> None:
    assert set_aside(10, 50) == 60
    assert set_aside(10, None) == 10 + 1024
    assert set_aside(10, 100_000) == 10 + 4096
    assert set_aside(10, 0) == 10


def test_one_call_takes_from_every_bucket_and_settles_by_what_it_used() -> None:
    found = plan(
        Limits(requests_per_minute=5, tokens_per_day=1000, images_per_day=3, budget_tokens_per_day=10, concurrent=4)
    )
    taken = claims_of([found], 100)
    assert [(claim.allowance.unit, claim.cost, claim.soft) for claim in taken] == [
        (Unit.REQUESTS, 1.0, False),
        (Unit.TOKENS, 100.0, False),
        (Unit.TOKENS, 0.0, True),
    ]
    assert [claim.cost for claim in claims_of([found], 0, images=2)] == [1.0, 0.0, 0.0, 2.0]
    assert [claim.cost for claim in settling([found], 100, 40, served=True)] == [-60.0, 40.0]
    assert settling([found], 100, 100, served=True)[0].soft
    assert [claim.cost for claim in settling([found], 100, 0, served=False)] == [-100.0, -1.0]
    assert [hold.most for hold in holds_of([found])] == [4]


def test_a_budget_that_is_passed_is_found() -> None:
    found = plan(Limits(tokens_per_day=10, budget_tokens_per_day=10))
    meter = Meter()
    assert over_budget(meter.take(claims_of([found], 5), 0.0).levels) is None
    meter.charge(settling([found], 5, 12, served=True), 0.0)
    passed = over_budget(meter.levels(claims_of([found]), 0.0))
    assert passed is not None
    assert passed.claim.soft


def test_a_refusal_says_whose_limit_it_is_and_when_to_come_back() -> None:
    found = plan(Limits(tokens_per_day=864, requests_per_minute=1))
    other = plan(Limits(concurrent=1), "the route 'chat'", "route/chat")
    plans = [other, found]
    meter = Meter()
    meter.take(claims_of(plans, 864), 0.0, holds_of(plans), "a")
    verdict = meter.take(claims_of([found], 10), 0.0)
    error = refusal(plans, verdict, 5.0)
    assert str(error) == "Over the limit of the user 'anna': 864 tokens per day. Try again in 17 min."
    assert (error.limit, error.retry_after_s, error.at_s) == ("tokens_per_day", 1000.0, 5.0)
    assert error.levels == verdict.levels
    full = meter.take([], 0.0, holds_of(plans), "b")
    assert str(refusal(plans, full, 5.0)) == "Over the limit of the route 'chat': 1 concurrent call. Try again in 2 s."
    minute = meter.take(list(found.requests), 0.0)
    assert str(refusal([found], minute, 0.0)).startswith("Over the limit of the user 'anna': 1 request per minute.")
    meter.charge(settling([found], 0, 8640, served=True), 0.0)
    assert "Try again in 25 h" in str(refusal([found], meter.take(claims_of([found], 10), 0.0), 0.0))


@given(
    minute=st.integers(1, 9),
    day=st.integers(1, 20),
    route=st.integers(1, 12),
    most=st.integers(1, 4),
    steps=st.lists(st.tuples(st.floats(0, 40), st.booleans(), st.booleans()), max_size=60),
)
def test_whatever_comes_every_limit_that_applies_holds(
    minute: int, day: int, route: int, most: int, steps: list[tuple[float, bool, bool]]
) -> None:
    own = plan(Limits(requests_per_minute=minute, requests_per_day=day, concurrent=most))
    shared = plan(Limits(requests_per_minute=route), "the route 'chat'", "route/chat")
    meter, now, running = Meter(), 0.0, list[str]()
    let_in: list[tuple[float, bool]] = []
    for number, (pause_s, by_route, ends) in enumerate(steps):
        now += pause_s
        if ends and running:
            meter.free(holds_of([own]), running.pop(0))
        plans = [own, shared] if by_route else [own]
        verdict = meter.take(claims_of(plans), now, holds_of(plans), str(number))
        if verdict.met:
            let_in.append((now, by_route))
            running.append(str(number))
        else:
            assert refusal(plans, verdict, now).limit in ("requests_per_minute", "requests_per_day", "concurrent")
        assert len(running) <= most
    for at, _ in let_in:
        within = [each for each in let_in if at <= each[0] <= at + 60]
        assert len(within) <= 2 * minute
        assert sum(by_route for _, by_route in within) <= 2 * route
    assert len(let_in) <= day * (1 + now / 86_400) + 1

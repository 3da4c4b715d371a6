"""Limits over the native API: who sets them, what they hold, and how the caller's own are told."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from potluck.core.allowances import Level
from potluck.core.limits import Limits, Rules
from potluck.core.scheduling.classes import Kind
from potluck.gateway.port import Caller

from .world import ADMIN, ANNA, GUEST, OWNER, World

USER = "/api/v1/users/anna"


async def test_a_users_limits_are_set_one_by_one_and_taken_away() -> None:
    world = World()
    patched = await world.ask("PATCH", USER, {"limits": {"requests_per_minute": 20, "models": ["chat"]}}, caller=OWNER)
    assert patched.json()["limits"] == {"requests_per_minute": 20, "models": ["chat"]}
    changed = {"limits": {"models": None, "priority": "batch"}}
    patched = await world.ask("PATCH", USER, changed, caller=ADMIN)
    assert patched.json()["limits"] == {"requests_per_minute": 20, "priority": "batch"}
    assert (await world.ask("GET", "/api/v1/users/me", caller=ANNA)).json()["limits"] == patched.json()["limits"]
    assert world.key_changes == 2
    assert (await world.ask("PATCH", USER, {"limits": None}, caller=OWNER)).json()["limits"] is None


@pytest.mark.parametrize(
    "limits",
    [{}, {"requests_per_minute": 0}, {"concurrent": "x"}, {"models": []}, {"priority": "king"}, {"requests": 5}],
)
async def test_what_is_no_limit_is_refused_with_its_field(limits: Any) -> None:
    world = World()
    served = await world.ask("PATCH", USER, {"limits": limits}, caller=OWNER)
    assert served.status == 400
    assert served.json()["error"]["param"].startswith("limits")
    assert world.key_changes == 0


async def test_nobody_limits_somebody_above() -> None:
    world = World()
    body = {"limits": {"concurrent": 1}}
    assert (await world.ask("PATCH", USER, body, caller=ANNA)).status == 403
    for user in ("ada", "owner"):
        assert (await world.ask("PATCH", f"/api/v1/users/{user}", body, caller=ADMIN)).status == 403
        assert (await world.ask("PATCH", f"/api/v1/users/{user}", body, caller=OWNER)).status == 200


async def test_a_keys_limits_are_set_when_it_is_made_and_changed_by_who_manages_people() -> None:
    world = World()
    limits = {"tokens_per_day": 1000}
    made = (
        await world.ask("POST", "/api/v1/keys", {"name": "a", "user": "anna", "limits": limits}, caller=OWNER)
    ).json()
    assert made["limits"] == limits
    path = f"/api/v1/keys/{made['id']}"
    assert (await world.ask("PATCH", path, {"limits": None}, caller=ANNA)).status == 403
    changed = (await world.ask("PATCH", path, {"limits": {"concurrent": 2}}, caller=ADMIN)).json()
    assert changed["limits"] == {"tokens_per_day": 1000, "concurrent": 2}
    rotated = (await world.ask("POST", f"{path}/rotate", caller=ANNA)).json()
    assert rotated["limits"] == changed["limits"]
    assert (await world.ask("PATCH", "/api/v1/keys/none", {"limits": None}, caller=OWNER)).status == 404


async def test_a_limited_key_makes_none_that_may_more() -> None:
    world = World()
    body = {"name": "a", "user": "anna", "limits": {"requests_per_day": 10, "concurrent": 1}}
    made = (await world.ask("POST", "/api/v1/keys", body, caller=OWNER)).json()
    by_it = msgspec.structs.replace(ANNA, key=made["id"])
    wider = {"name": "b", "limits": {"requests_per_day": 99}}
    other = (await world.ask("POST", "/api/v1/keys", wider, caller=by_it)).json()
    assert other["limits"] == {"requests_per_day": 10, "concurrent": 1}


async def test_everybody_sees_how_their_limits_stand() -> None:
    plan = Rules(default=Limits(requests_per_minute=20, concurrent=3, priority=Kind.CHAT)).of_caller(
        GUEST.user, "gast", GUEST.role, Limits(models=("chat",), budget_tokens_per_day=5)
    )
    assert plan is not None

    async def levels(caller: Caller) -> list[Level]:
        return [Level(plan.requests[0], 12, 24.0), Level(plan.budgets[0], 0, 90_000.0)] if caller.plan else []

    world = World()
    state = world.app.state
    state.services = msgspec.structs.replace(state.services, levels=levels)
    told = (await world.ask("GET", "/api/v1/limits", caller=msgspec.structs.replace(GUEST, plan=plan))).json()
    assert told["levels"][0] == {
        "whose": "role",
        "limit": "requests_per_minute",
        "amount": 20,
        "period_s": 60.0,
        "remaining": 12,
        "full_in_s": 24.0,
        "soft": False,
    }
    assert told["levels"][1]["soft"]
    assert (told["concurrent"], told["priority"], told["models"]) == (3, "chat", ["chat"])
    free = (await world.ask("GET", "/api/v1/limits", caller=OWNER)).json()
    assert free == {"levels": [], "concurrent": None, "priority": None, "models": None}


async def test_a_native_answer_tells_how_limits_stand() -> None:
    plan = Rules().of_caller(ANNA.user, "anna", ANNA.role, Limits(requests_per_day=5))
    assert plan is not None

    async def levels(caller: Caller) -> list[Level]:
        return [Level(plan.requests[0], 4, 17_280.0)]

    world = World()
    state = world.app.state
    state.services = msgspec.structs.replace(state.services, levels=levels)
    limited = msgspec.structs.replace(ANNA, plan=plan)
    for path, body in (
        ("/api/v1/chat", {"message": "hi"}),
        ("/api/v1/chat", {"message": "hi", "stream": True}),
        ("/api/v1/code/complete", {"prefix": "x = "}),
        ("/api/v1/code/complete", {"prefix": "x = ", "stream": True}),
    ):
        served = await world.ask("POST", path, body, caller=limited)
        assert served.headers["x-ratelimit-remaining-requests"] == "4", path
        assert served.headers["ratelimit"] == '"user-requests-per-day";r=4;t=17280'
        assert "ratelimit" not in (await world.ask("POST", path, body, caller=ANNA)).headers

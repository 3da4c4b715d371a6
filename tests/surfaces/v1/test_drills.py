"""``/api/v1/drills``: what is told of a drill, to whom, and where else it shows."""

from __future__ import annotations

import pytest

from .world import OWNER, World

DRILLS = "/api/v1/drills"


async def test_a_plan_says_where_models_are_found_and_what_is_against_it() -> None:
    plan = (await World().ask("POST", f"{DRILLS}/plan", {"how": "block"}, caller=OWNER)).json()
    assert plan == {
        "node": "agx0",
        "how": "block",
        "running": 1,
        "waiting": 3,
        "most_waiting": 12,
        "models": [
            {"model": "coder:1b", "resident": True, "home": "memory", "nodes": ["here"]},
            {"model": "talker:8b", "resident": False, "home": "none", "nodes": []},
        ],
        "refused": ["'talker:8b' has no second home.", "It is drained."],
        "impossible": ["It is drained."],
    }


async def test_a_drill_is_begun_looked_at_and_ended() -> None:
    world = World()
    begun = await world.ask("POST", DRILLS, {"node": "agx0", "seconds": 30, "force": True}, caller=OWNER)
    assert begun.status == 201
    report = begun.json()
    assert (report["id"], report["how"], report["stage"], report["outcome"]) == ("d0", "drain", "under_way", None)
    assert (report["until"], report["restored"], report["seconds"]) == ("2025-06-15T15:07:40.000Z", None, 30.0)
    assert set(report["calls"].values()) == {0}
    assert (await world.ask("GET", f"{DRILLS}/d0", caller=OWNER)).json() == report
    assert (await world.ask("GET", DRILLS, caller=OWNER)).json() == {"drills": [report]}
    over = (await world.ask("DELETE", f"{DRILLS}/d0", caller=OWNER)).json()
    assert (over["outcome"], over["why"], over["restored"]) == ("stopped", "Its owner ended it.", True)
    ((order, key),) = world.drills.orders
    assert (order.node, order.seconds, order.probe, key) == ("agx0", 30.0, True, OWNER.key)


async def test_what_is_impolite_unknown_or_odd_is_refused() -> None:
    world = World()
    refused = await world.ask("POST", DRILLS, {}, caller=OWNER)
    assert (refused.status, refused.json()["error"]["hint"]) == (409, "--force")
    assert (await world.ask("POST", f"{DRILLS}/plan", {"node": "nobody"}, caller=OWNER)).status == 404
    assert (await world.ask("GET", f"{DRILLS}/d7", caller=OWNER)).status == 404
    for odd in ({"seconds": 0}, {"seconds": 4000}, {"how": "burn"}):
        assert (await world.ask("POST", DRILLS, {**odd, "force": True}, caller=OWNER)).status == 400


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", DRILLS),
        ("POST", f"{DRILLS}/plan"),
        ("GET", DRILLS),
        ("GET", f"{DRILLS}/d0"),
        ("DELETE", f"{DRILLS}/d0"),
    ],
)
async def test_drills_are_the_owners_alone(method: str, path: str) -> None:
    assert (await World().ask(method, path)).status == 403


async def test_everybody_sees_which_node_is_in_a_drill_and_resuming_it_ends_the_drill() -> None:
    world = World()
    await world.ask("POST", DRILLS, {"how": "block", "force": True}, caller=OWNER)
    shown = {"id": "d0", "node": "agx0", "how": "block", "stage": "under_way", "until": "2025-06-15T15:07:40.000Z"}
    nodes = (await world.ask("GET", "/api/v1/nodes")).json()["nodes"]
    assert [node["drill"] for node in nodes] == [shown, None, None]
    assert (await world.ask("GET", "/api/v1/status")).json()["drill"] == shown
    assert (await world.ask("POST", "/api/v1/nodes/agx0/resume", caller=OWNER)).status == 204
    assert (await world.ask("GET", "/api/v1/status")).json()["drill"] is None

"""``/api/v1/settings``: what holds, and changing it with a way back."""

from __future__ import annotations

from .world import ADMIN, ANNA, OWNER, World

PATH = "/api/v1/settings"


async def test_settings_are_listed_with_their_sections() -> None:
    told = (await World().ask("GET", PATH, caller=ADMIN)).json()
    assert told["file"] == ""
    depth = next(each for each in told["settings"] if each["key"] == "queue.depth")
    assert depth == {
        "key": "queue.depth",
        "section": "queue",
        "type": "whole number",
        "value": None,
        "default": "512",
        "source": "default",
        "line": None,
        "changeable": True,
        "description": "How many may wait; more are refused at once.",
        "restart": False,
    }
    assert (await World().ask("GET", PATH, caller=ANNA)).status == 403


async def test_a_change_tells_what_undoes_it_and_is_audited() -> None:
    world = World()
    done = (await world.ask("PATCH", PATH, {"changes": {"portal.name": "Home", "queue.depth": 9}}, caller=OWNER)).json()
    assert done["previous"] == {"portal.name": None, "queue.depth": None}
    assert {each["key"]: (each["value"], each["source"]) for each in done["settings"]} == {
        "portal.name": ("Home", "portal"),
        "queue.depth": (9, "portal"),
    }
    assert (await world.ask("GET", "/api/v1/sessions/ways")).json()["name"] == "Home"
    undone = (await world.ask("PATCH", PATH, {"changes": done["previous"]}, caller=OWNER)).json()
    assert {each["source"] for each in undone["settings"]} == {"default"}
    log = (await world.ask("GET", "/api/v1/audit?event=settings", caller=OWNER)).json()["entries"]
    assert [(each["event"], each["detail"]["keys"]) for each in log] == [
        ("settings.changed", "portal.name, queue.depth")
    ] * 2


async def test_what_does_not_fit_is_named() -> None:
    refused = (await World().ask("PATCH", PATH, {"changes": {"queue.depth": 0}}, caller=OWNER)).json()["error"]
    assert (refused["param"], refused["message"]) == ("queue.depth", "queue.depth must be at least 1, not 0.")
    refused = (await World().ask("PATCH", PATH, {"changes": {"server.port": 80}}, caller=OWNER)).json()["error"]
    assert refused["param"] == "server.port"

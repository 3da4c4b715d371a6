"""``/api/v1/home``."""

from __future__ import annotations

from dataclasses import replace

import pytest

from potluck.core.incidents import Cause, Incident
from potluck.core.model import Engine, EngineId, Health, NodeId
from potluck.surfaces.v1.home import fleet_sentence

from .test_backup import MADE
from .test_discovery import PROPOSALS
from .test_requests import record
from .world import ADMIN, AGX0, ANNA, DOWN, LOCAL, World

HOME = "/api/v1/home"


async def test_everybody_is_told_how_it_is_and_who_keeps_house_what_is_to_be_done() -> None:
    world = World()
    lasts = Incident("i1", Cause.NODE_DOWN, DOWN.node, EngineId(""), 1_750_000_000.0, None, "at 192.168.1.157")
    world.recorder.incidents = [lasts, replace(lasts, id="i0", until_s=1_750_000_001.0)]
    world.discovery.found = list(PROPOSALS)
    anna = (await world.ask("GET", HOME, caller=ANNA)).json()
    assert anna["fleet"].startswith("2 of 3 machines are up, 2 models are ready: orin0 does not answer. 1 answer runs")
    assert ([each["id"] for each in anna["incidents"]], "192.168" in str(anna)) == (["i1"], False)
    assert (anna["set_up"], anna["proposals"], anna["backup"]) == (None, None, None)
    ada = (await world.ask("GET", HOME, caller=ADMIN)).json()
    assert ada["set_up"] == {"named": False, "machines": True, "chatted": False, "done": False}
    assert ada["proposals"] == len(PROPOSALS)
    assert ada["backup"] == {"possible": True, "last_made_at": None, "trouble": ""}


async def test_the_first_steps_are_done_when_each_is() -> None:
    world = World()
    world.settings.said = {"portal.name": "Home"}
    world.unwritten = [record("a", ANNA)]
    world.backups.made = [MADE]
    told = (await world.ask("GET", HOME, caller=ADMIN)).json()
    assert (told["name"], told["set_up"]["done"]) == ("Home", True)
    assert told["backup"]["last_made_at"] == "2025-06-15T15:06:40.000Z"


async def test_the_embedded_engine_is_no_machine_that_was_found() -> None:
    world = World()
    world.fleet.engines = [LOCAL]
    told = (await world.ask("GET", HOME, caller=ADMIN)).json()
    assert (told["set_up"]["machines"], told["models_ready"]) == (False, 1)


def engine(name: str, health: Health = Health.UP) -> Engine:
    return replace(AGX0, id=EngineId(f"{name}/x"), node=NodeId(name), health=health)


@pytest.mark.parametrize(
    ("engines", "running", "waiting", "said"),
    [
        ([], 0, 0, "No machine is known yet."),
        ([LOCAL], 0, 0, "The machine is up, 1 model is ready."),
        ([engine("a"), engine("b")], 2, 0, "All 2 machines are up, 2 models are ready. 2 answers run."),
        (
            [engine("a"), engine("b", Health.DOWN)],
            0,
            1,
            "1 of 2 machines is up, 2 models are ready: b does not answer. 0 answers run, 1 waits.",
        ),
        (
            [engine("a"), engine("b", Health.DRAINING)],
            0,
            0,
            "1 of 2 machines serves, 2 models are ready; the others are kept empty.",
        ),
        (
            [engine(name, Health.DOWN) for name in "abcde"],
            0,
            0,
            "0 of 5 machines are up, 0 models are ready: a, b, c and 2 more do not answer.",
        ),
    ],
)
def test_the_fleet_in_a_sentence(engines: list[Engine], running: int, waiting: int, said: str) -> None:
    assert fleet_sentence(engines, running, waiting) == said

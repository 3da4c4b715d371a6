"""Keeping models over the native API: what is asked for, what is told, and who may."""

from __future__ import annotations

from typing import Any

import pytest

from potluck.backends.port import PullOrder
from potluck.core.errors import Conflict, ModelNotFound, NodeFailed, NoRoom
from potluck.core.model import EngineKind, JsonObject
from potluck.core.placing_models import Place, Verdict, Why
from potluck.core.transfer import Transfer
from potluck.gateway.models import PullStep
from potluck.gateway.placed import ANYWHERE, Where

from .world import AGX0, CODER, OWNER, World

PULL = "/api/v1/models/pull"
VERDICTS = (
    Verdict(Place(AGX0.id, AGX0.node, EngineKind.OLLAMA), Why.FITS, "it has 64.0 GB of memory"),
    Verdict(Place(AGX0.id, AGX0.node, EngineKind.OLLAMA), Why.DOWN, "it is down"),
)


def step(said: JsonObject, completed: int = 0, total: int = 0, rate: float | None = None) -> PullStep:
    return PullStep(AGX0.node, AGX0.id, said=said, transfer=Transfer({"d": (completed, total)}, rate))


def pulling() -> World:
    world = World()
    world.models.steps = [
        PullStep(AGX0.node, AGX0.id, VERDICTS),
        step({"status": "pulling manifest"}),
        step({"status": "license mit", "license": "mit"}),
        step({"status": "pulling abc"}, 50, 100, 25.0),
        step({"status": "success", "model": "m:latest"}, 100, 100, 25.0),
    ]
    return world


async def test_a_pull_tells_where_it_goes_how_far_it_is_and_what_came() -> None:
    world = pulling()
    body = {"model": "https://x.org/m.gguf", "node": "agx0", "sha256": f"sha256:{'AB' * 32}", "name": " n "}
    events = (await world.ask("POST", PULL, body, caller=OWNER)).events()
    assert [name for _, name, _ in events] == ["placed", *["progress"] * 4, "done"]
    placed, *progress, done = (data for _, _, data in events)
    assert (placed["node"], placed["engine"]) == ("agx0", AGX0.id)
    assert placed["others"] == [{"node": "agx0", "engine": AGX0.id, "fits": False, "reason": "it is down"}]
    assert progress[2] == {
        "status": "pulling abc", "bytes": 50, "total": 100, "rate": 25.0, "eta_s": 2.0, "node": "agx0",
        "engine": AGX0.id, "license": "mit",
    }  # fmt: skip
    assert done == {"model": "m:latest", "node": "agx0", "engine": AGX0.id, "bytes": 100, "license": "mit"}
    order = PullOrder("https://x.org/m.gguf", sha256="ab" * 32, alias="n", inside=True)
    assert world.models.asked == [("pull", order, Where("agx0"))]


async def test_who_wants_no_stream_gets_the_end() -> None:
    served = await pulling().ask("POST", PULL, {"model": "m", "stream": False}, caller=OWNER)
    assert served.json() == {"model": "m:latest", "node": "agx0", "engine": AGX0.id, "bytes": 100, "license": "mit"}


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (NoRoom("full"), 507, "no_room"),
        (ModelNotFound("m"), 404, "model_not_found"),
        (NodeFailed("x"), 502, "node_failed"),
    ],
)
async def test_a_failure_is_a_status_before_the_first_event_and_an_event_after_it(
    error: Exception, status: int, kind: str
) -> None:
    world = World()
    world.models.steps = [error]  # type: ignore[list-item]
    served = await world.ask("POST", PULL, {"model": "m"}, caller=OWNER)
    assert (served.status, served.json()["error"]["type"]) == (status, kind)
    world.models.steps = [PullStep(AGX0.node, AGX0.id, VERDICTS), error]  # type: ignore[list-item]
    events = (await world.ask("POST", PULL, {"model": "m"}, caller=OWNER)).events()
    assert [name for _, name, _ in events] == ["placed", "error"]
    assert events[-1][2]["error"]["type"] == kind


@pytest.mark.parametrize("body", [{}, {"model": ""}, {"model": "m", "sha256": "xyz"}, {"model": "m", "node": 1}])
async def test_an_order_that_cannot_be_read_is_refused(body: Any) -> None:
    assert (await World().ask("POST", PULL, body, caller=OWNER)).status == 400


NAME = "hf.co/Org/Big-Model:Q4_K_M"


@pytest.mark.parametrize("path", [NAME, NAME.replace("/", "%2F").replace(":", "%3A")])
async def test_a_name_may_hold_slashes_and_a_colon(path: str) -> None:
    world = World()
    for verb in ("load", "unload", "pin", "unpin"):
        served = await world.ask("POST", f"/api/v1/models/{path}/{verb}", caller=OWNER)
        assert served.json() == {"changed": [{"node": "agx0", "engine": AGX0.id, "model": NAME}]}
    await world.ask("POST", f"/api/v1/models/{path}/copy", {"to": "x"}, caller=OWNER)
    await world.ask("DELETE", f"/api/v1/models/{path}", caller=OWNER)
    assert world.models.asked == [
        ("load", NAME, ANYWHERE, None),
        ("unload", NAME, ANYWHERE),
        ("pin", NAME, ANYWHERE),
        ("unpin", NAME, ANYWHERE),
        ("copy", NAME, "x", ANYWHERE),
        ("delete", NAME, ANYWHERE),
    ]


async def test_node_and_engine_can_be_chosen_and_how_long_it_stays() -> None:
    world = World()
    where = {"node": "agx0", "engine": AGX0.id}
    await world.ask("POST", "/api/v1/models/m/load", {**where, "keep_alive": "1h30m"}, caller=OWNER)
    await world.ask("DELETE", f"/api/v1/models/m?node=agx0&engine={AGX0.id}", caller=OWNER)
    chosen = Where("agx0", AGX0.id)
    assert world.models.asked == [("load", "m", chosen, 5400.0), ("delete", "m", chosen)]
    served = await world.ask("POST", "/api/v1/models/m/load", {"keep_alive": "soon"}, caller=OWNER)
    assert served.status == 400


async def test_what_is_in_use_is_a_conflict() -> None:
    world = World()
    world.models.fails = Conflict("'m' answers a call on agx0 now.")
    served = await world.ask("DELETE", "/api/v1/models/m", caller=OWNER)
    assert (served.status, served.json()["error"]["type"]) == (409, "conflict")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "pull"),
        ("DELETE", "m"),
        *(("POST", f"m/{verb}") for verb in ("load", "unload", "pin", "unpin", "copy")),
    ],
)
async def test_only_the_owners_key_changes_models(method: str, path: str) -> None:
    world = World()
    body = {"model": "m", "to": "x"} if method == "POST" else None
    assert (await world.ask(method, f"/api/v1/models/{path}", body)).status == 403
    assert world.models.asked == []


async def test_listings_say_what_is_pinned() -> None:
    world = World()
    world.models.pins.add((AGX0.id, CODER.id))
    coder = next(each for each in (await world.ask("GET", "/api/v1/models")).json()["models"] if each["id"] == CODER.id)
    assert [place["pinned"] for place in coder["engines"]] == [True, False]

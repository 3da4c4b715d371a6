"""Pictures and text share a node's memory: who is put out for whom."""

from __future__ import annotations

from dataclasses import replace

from tests.core.scheduling.fleets import ask, engine, model, scheduler, told

from potluck.core.model import Engine, EngineId, EngineKind, Health, Model, ModelId, NodeId, RequestId
from potluck.core.scheduling.decisions import Evict

GB = 10**9
IMAGES = ModelId("image models")


def comfy(held_gb: float = 0.0, *, node: str = "n", memory_gb: float = 16.0, keeps: bool = True) -> Engine:
    held = int(held_gb * GB)
    return Engine(
        id=EngineId(f"{node}/comfyui:8188"),
        node=NodeId(node),
        kind=EngineKind.COMFYUI,
        health=Health.UP,
        models={IMAGES: Model(IMAGES, frozenset(), resident=held > 0, memory_bytes=held)},
        memory_bytes=int(memory_gb * GB),
        keeps=keeps,
    )


def text(*models: Model) -> Engine:
    return engine("text", models, node="n")


def test_idle_text_models_give_way_to_a_picture() -> None:
    text_engine = text(model("chat", 6.0), model("big", 20.0, resident=False))
    tested = scheduler(text_engine, comfy())
    decided = tested.make_room(comfy().id, IMAGES, 12 * GB, 0.0, put_out=True)
    assert decided == [Evict(text_engine.id, ModelId("chat"))]
    # Now it stands in the account.
    assert tested.make_room(comfy().id, IMAGES, 12 * GB, 1.0, put_out=True) == []


def test_nobody_gives_way_where_the_owner_has_said_so_or_somebody_is_at_work() -> None:
    tested = scheduler(text(model("chat", 6.0)), comfy())
    assert tested.make_room(comfy().id, IMAGES, 12 * GB, 0.0, put_out=False) is None
    assert tested.make_room(comfy().id, IMAGES, 4 * GB, 0.0, put_out=False) == []
    tested.arrive(ask("r", "chat"), 0.0)
    assert tested.make_room(comfy().id, IMAGES, 12 * GB, 0.0, put_out=True) is None


def test_what_can_never_fit_and_what_nobody_knows_is_the_engines_own() -> None:
    tested = scheduler(text(model("chat", 6.0)), comfy())
    assert tested.make_room(comfy().id, IMAGES, 17 * GB, 0.0, put_out=True) == ()
    assert tested.make_room(EngineId("nobody"), IMAGES, GB, 0.0, put_out=True) == ()


def test_image_models_give_way_to_a_text_model_unless_a_picture_is_drawn() -> None:
    for keeps, drawing, decided in ((True, False, "put out"), (False, False, "wait"), (True, True, "wait")):
        tested = scheduler(text(model("big", 10.0, resident=False)), comfy(12.0, keeps=keeps))
        if drawing:
            assert tested.occupy(RequestId("picture"), comfy().id, IMAGES, 0.0)
        said = told(tested.arrive(ask("r", "big"), 0.0))
        assert any("image models" in each for each in said) == (decided == "put out"), said


def test_image_models_of_a_lost_node_are_loaded_nowhere_else() -> None:
    here, there = comfy(12.0), comfy(node="m")
    tested = scheduler(here, there)
    tested.occupy(RequestId("picture"), here.id, IMAGES, 0.0)
    tested.fail(RequestId("picture"), 1.0)
    tested.engine(replace(here, health=Health.DOWN), 2.0)
    assert tested.rehouse(3.0) == []

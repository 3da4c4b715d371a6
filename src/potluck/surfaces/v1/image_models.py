"""``GET /api/v1/image/models``: what pictures can be made with, on which nodes, and why another is left out."""

from __future__ import annotations

from typing import Literal

import msgspec

from potluck.core.model import NodeId
from potluck.core.people import Right
from potluck.core.pictures.ask import ImageId, Inpaint, Outpaint, PictureAsk, Task, Upscale
from potluck.core.pictures.fitting import lacks
from potluck.core.pictures.offer import Offer, Offered, offer
from potluck.surfaces import picture_orders as orders
from potluck.surfaces.services import PainterView
from potluck.surfaces.v1.exchange import Exchange, Reply


class ImageModelQuery(msgspec.Struct):
    """What a picture is to be made with: each engine is told with what it lacks for it."""

    task: Literal["txt2img", "img2img", "inpaint", "outpaint", "upscale"] = "txt2img"
    model: str = ""
    upscaler: str = ""


class ImageThing(msgspec.Struct):
    """Something to ask for by its ``name``, on each of ``nodes``. ``label`` is what people call it, ``family`` a
    checkpoint's or ControlNet's architecture, ``loaded_on`` where a checkpoint is in memory. ``scale`` is what an
    upscaler was made for, ``kinds`` what a ControlNet is for."""

    name: str
    nodes: list[str]
    label: str = ""
    family: str = ""
    hash: str = ""
    scale: float | None = None
    kinds: list[str] = []
    loaded_on: list[str] = []


class ImageEngineInfo(msgspec.Struct):
    """An image engine. ``why`` says what is wrong with one that is not ``up``; ``lacks`` why it cannot make what was
    asked for, in words that go on from its node's name."""

    node: str
    kind: str
    up: bool
    why: str
    lacks: list[str]
    version: str = ""
    features: list[str] = []
    most_pixels: int | None = None
    memory_total: int | None = None
    memory_free: int | None = None


class ImageModels(msgspec.Struct):
    """What all image engines have together, each thing with where it is."""

    checkpoints: list[ImageThing]
    loras: list[ImageThing]
    vaes: list[ImageThing]
    embeddings: list[ImageThing]
    upscalers: list[ImageThing]
    controls: list[ImageThing]
    samplers: list[ImageThing]
    schedulers: list[ImageThing]
    workflows: list[ImageThing]
    engines: list[ImageEngineInfo]


async def list_models(exchange: Exchange, query: ImageModelQuery) -> Reply:
    painters = exchange.services.painters()
    ask = _ask(query, orders.meant(exchange.services, query.model))
    caller = exchange.caller
    offered = offer([(each.node, each.has) for each in painters if each.has is not None])
    checkpoints = [each for each in offered.checkpoints if caller.sees(each.name)]
    names = caller.may(Right.SEE_FLEET)
    return Reply(
        ImageModels(
            **{kind: [_thing(each) for each in getattr(offered, kind)] for kind in _KINDS},
            checkpoints=[_thing(each) for each in checkpoints],
            engines=[_engine(each, ask) for each in painters] if names else [],
        )
    )


_KINDS = tuple(name for name in Offer.__slots__ if name != "checkpoints")


def _ask(query: ImageModelQuery, model: str) -> PictureAsk:
    task, image = Task(query.task), ImageId("file-x")
    return PictureAsk(
        task=task,
        prompt="x",
        model=model,
        init=image if task is not Task.TXT2IMG else ImageId(""),
        inpaint=Inpaint(image) if task is Task.INPAINT else None,
        outpaint=Outpaint(left=8) if task is Task.OUTPAINT else None,
        upscale=Upscale(upscaler=query.upscaler) if task is Task.UPSCALE else None,
    )


def _thing(offered: Offered) -> ImageThing:
    return ImageThing(
        offered.name,
        _names(offered.nodes),
        offered.label,
        offered.about,
        offered.hash,
        offered.scale,
        list(offered.kinds),
        _names(offered.loaded),
    )


def _names(nodes: tuple[NodeId, ...]) -> list[str]:
    return [str(node) for node in nodes]


def _engine(painter: PainterView, ask: PictureAsk) -> ImageEngineInfo:
    has = painter.has
    if has is None:
        return ImageEngineInfo(painter.node, painter.kind.value, painter.up, painter.why, [])
    memory = has.memory
    return ImageEngineInfo(
        painter.node,
        painter.kind.value,
        painter.up,
        painter.why,
        list(lacks(ask, has)),
        has.version,
        sorted(feature.value for feature in has.features),
        has.most_pixels,
        None if memory is None else memory.total,
        None if memory is None else memory.free,
    )

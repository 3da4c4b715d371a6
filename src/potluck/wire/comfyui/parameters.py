"""What a graph says of its picture: what our galleries show, and by what engines' speed is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, NamedTuple, TypeVar

from potluck.core.model import Json
from potluck.core.pictures.ask import ANY_SEED, Lora, PictureAsk, Task
from potluck.core.pictures.catalogue import Catalogue, Checkpoint, plain_name
from potluck.core.pictures.samplers import canonical_sampler, canonical_scheduler
from potluck.wire.comfyui.graphs import Graph
from potluck.wire.comfyui.workflows import Place, found_places

_LORAS: Final = ("LoraLoader", "LoraLoaderModelOnly")
_MODELS: Final = ("ckpt_name", "unet_name")
# What a database's number holds.
_MOST_SEED: Final = 2**63 - 1
_LONGEST: Final = 20_000
_USUAL_STEPS: Final = 20
_MEGAPIXEL: Final = 1e6

T = TypeVar("T", int, float)


class Estimate(NamedTuple):
    """``model`` is the first checkpoint that the graph loads, None where it loads none that is known; ``work`` in
    megapixel-steps."""

    model: Checkpoint | None
    work: float


def models_of(graph: Graph) -> list[str]:
    """The files of checkpoints and diffusion models that it loads."""
    found = (_inputs(node).get(name) for node in graph.values() for name in _MODELS)
    return list(dict.fromkeys(each for each in found if isinstance(each, str)))


def pictures_in(graph: Graph) -> int:
    """How many pictures it makes, as far as its numbers say so."""
    sizes = [_number(_inputs(node).get("batch_size"), int, 1, 4096) or 1 for node in graph.values()]
    return max(sizes, default=1)


def estimate(graph: Graph, has: Catalogue) -> Estimate:
    model = next((found for file in models_of(graph) if (found := has.checkpoint(file)) is not None), None)
    sides = [
        (_number(inputs.get("width"), int, 1, 16_384) or 0) * (_number(inputs.get("height"), int, 1, 16_384) or 0)
        for inputs in map(_inputs, graph.values())
    ]
    megapixels = (max(sides, default=0) or _MEGAPIXEL) / _MEGAPIXEL * pictures_in(graph)
    steps = sum(_number(_inputs(node).get("steps"), int, 1, 10_000) or 0 for node in graph.values())
    return Estimate(model, megapixels * (steps or _USUAL_STEPS))


def ask_of(graph: Graph) -> PictureAsk:
    """As far as it is understood; the rest is left open. Whoever made the graph may have written anything: what is out
    of all bounds counts as not said."""
    places = found_places(graph)

    def said(name: str) -> Json:
        return _at(places.get(name, ()), graph)

    image, seed = said("image"), _number(said("seed"), int, 0, _MOST_SEED)
    ask = PictureAsk(
        task=Task.IMG2IMG if isinstance(image, str) else Task.TXT2IMG,
        prompt=_text(said("prompt")),
        negative=_text(said("negative")),
        width=_number(said("width"), int, 1, 16_384) or 0,
        height=_number(said("height"), int, 1, 16_384) or 0,
        steps=_number(said("steps"), int, 1, 10_000) or 0,
        cfg=_number(said("cfg"), float, 0, 100) or 0.0,
        sampler=canonical_sampler(_text(said("sampler"))),
        scheduler=canonical_scheduler(_text(said("scheduler"))),
        seed=ANY_SEED if seed is None else seed,
        model=plain_name(_text(said("model"))),
        vae=plain_name(_text(_first(graph, "VAELoader", "vae_name"))),
        loras=_loras(graph),
    )
    guidance, denoise = _number(said("guidance"), float, 0, 100), _number(said("denoise"), float, 0, 1)
    ask = ask if guidance is None else replace(ask, guidance=guidance)
    return ask if denoise is None else replace(ask, denoise=denoise)


def _at(places: tuple[Place, ...], graph: Graph) -> Json:
    """The first that is a value, and no link."""
    values = (_inputs(graph[place.node]).get(place.input) for place in places)
    return next((each for each in values if not isinstance(each, list)), None)


def _loras(graph: Graph) -> tuple[Lora, ...]:
    found = [_inputs(node) for node in graph.values() if node["class_type"] in _LORAS]
    return tuple(
        Lora(plain_name(name), 1.0 if weight is None else weight)
        for inputs in found
        if (name := _text(inputs.get("lora_name")))
        for weight in [_number(inputs.get("strength_model"), float, -100, 100)]
    )


def _first(graph: Graph, kind: str, name: str) -> Json:
    return next((_inputs(node).get(name) for node in graph.values() if node["class_type"] == kind), None)


def _inputs(node: Mapping[str, Json]) -> Mapping[str, Json]:
    inputs = node.get("inputs")
    return inputs if isinstance(inputs, dict) else {}


def _text(value: Json) -> str:
    return value[:_LONGEST].replace("\x00", "") if isinstance(value, str) else ""


def _number(value: Any, kind: Callable[[Any], T], least: float, most: float) -> T | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return kind(value) if least <= value <= most else None

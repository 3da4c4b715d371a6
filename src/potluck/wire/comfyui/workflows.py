"""A workflow of the owner's in place of our templates: exported by ComfyUI's "Export (API)", its parameters found.

Which node takes what is told by titles (``potluck: prompt``, ``potluck: seed``), or inferred from the node that
samples: its own inputs, the texts that lead to it, the size of its latent, the images that are loaded. What an ask
leaves open stays as the workflow has it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from typing import Any, Final, NamedTuple, cast

import msgspec

from potluck.core.errors import BadRequest
from potluck.core.model import Json, JsonObject
from potluck.core.pictures.ask import ImageId, PictureAsk
from potluck.core.pictures.catalogue import Catalogue
from potluck.core.pictures.samplers import spoken_sampler, spoken_scheduler
from potluck.wire.comfyui.graphs import Graph

_HINT = "Export it from ComfyUI by 'Workflow > Export (API)'."
_MARK: Final = re.compile(r"potluck\s*:\s*([a-z_]+)(?:\s*=\s*([\w.]+))?", re.IGNORECASE)
_MOST_BYTES: Final = 4 * 2**20
_MOST_NODES: Final = 1000

NAMES: Final = (
    *("prompt", "negative", "seed", "steps", "cfg", "guidance", "sampler", "scheduler", "denoise", "width", "height"),
    *("model", "vae", "image", "mask"),
)
"""What a title may mark."""

# The input that a marked node takes a value in, the first that it has.
_INPUTS: Final[Mapping[str, tuple[str, ...]]] = {
    "prompt": ("text", "prompt", "value", "string"),
    "negative": ("text", "negative", "value", "string"),
    "seed": ("seed", "noise_seed", "value"),
    "steps": ("steps", "value"),
    "cfg": ("cfg", "value"),
    "guidance": ("guidance", "value"),
    "sampler": ("sampler_name", "value"),
    "scheduler": ("scheduler", "value"),
    "denoise": ("denoise", "value"),
    "width": ("width", "value"),
    "height": ("height", "value"),
    "model": ("ckpt_name", "unet_name", "model_name", "value"),
    "vae": ("vae_name", "value"),
    "image": ("image",),
    "mask": ("image", "mask"),
}
_SAMPLED: Final = {"seed": "seed", "steps": "steps", "cfg": "cfg", "sampler": "sampler_name", "scheduler": "scheduler"}


class Place(NamedTuple):
    node: str
    input: str


class Workflow(NamedTuple):
    """``places`` are those of each parameter that was found."""

    graph: Graph
    places: Mapping[str, tuple[Place, ...]]


def read_workflow(data: bytes) -> Workflow:
    """Raises `BadRequest` for what is no exported workflow, in words for the owner."""
    if len(data) > _MOST_BYTES:
        raise BadRequest("The workflow is larger than 4 MiB.", hint=_HINT)
    try:
        graph = msgspec.json.decode(data, type=dict[str, dict[str, Any]])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest("That is no workflow in ComfyUI's API format.", hint=_HINT, detail=str(error)) from error
    if not graph or len(graph) > _MOST_NODES or not all(_is_node(node) for node in graph.values()):
        raise BadRequest("That is no workflow in ComfyUI's API format.", hint=_HINT)
    return Workflow(graph, found_places(graph))


def _is_node(node: Mapping[str, Any]) -> bool:
    return isinstance(node.get("class_type"), str) and isinstance(node.get("inputs"), dict)


def found_places(graph: Graph) -> Mapping[str, tuple[Place, ...]]:
    """Where a graph has each parameter, as far as that is found."""
    marked: dict[str, list[Place]] = {}
    for name, place in _marked(graph):
        marked.setdefault(name, []).append(place)
    inferred: dict[str, list[Place]] = {}
    for name, place in _inferred(graph):
        if name not in marked and place not in inferred.setdefault(name, []):
            inferred[name].append(place)
    return {name: tuple(places) for name, places in (marked | inferred).items()}


def _marked(graph: Graph) -> Iterator[tuple[str, Place]]:
    for id_, node in graph.items():
        for name, wanted in _MARK.findall(_title(node)):
            inputs = _inputs(node)
            candidates = (wanted,) if wanted else _INPUTS.get(name.lower(), ())
            for input_ in candidates:
                if input_ in inputs:
                    yield name.lower(), Place(id_, input_)
                    break


def _title(node: Mapping[str, Json]) -> str:
    meta = node.get("_meta")
    return str(meta.get("title", "")) if isinstance(meta, dict) else ""


def _inputs(node: Mapping[str, Json]) -> Mapping[str, Json]:
    inputs = node["inputs"]
    return inputs if isinstance(inputs, dict) else {}


def _inferred(graph: Graph) -> Iterator[tuple[str, Place]]:
    for id_, node in graph.items():
        kind = str(node["class_type"])
        if kind == "KSampler":
            yield from _of_sampler(id_, node, graph)
        elif kind in ("CheckpointLoaderSimple", "UNETLoader"):
            yield "model", Place(id_, "ckpt_name" if kind == "CheckpointLoaderSimple" else "unet_name")
        elif kind in ("EmptyLatentImage", "EmptySD3LatentImage"):
            yield "width", Place(id_, "width")
            yield "height", Place(id_, "height")
        elif kind == "FluxGuidance":
            yield "guidance", Place(id_, "guidance")
        elif kind == "LoadImage":
            yield "mask" if "mask" in _title(node).lower() else "image", Place(id_, "image")
        elif kind == "LoadImageMask":
            yield "mask", Place(id_, "image")
        else:
            yield from _of_parts(id_, kind)


def _of_parts(id_: str, kind: str) -> Iterator[tuple[str, Place]]:
    """The parts of which newer workflows put their sampler together."""
    if kind == "RandomNoise":
        yield "seed", Place(id_, "noise_seed")
    elif kind == "KSamplerSelect":
        yield "sampler", Place(id_, "sampler_name")
    elif kind == "BasicScheduler":
        for name in ("steps", "scheduler", "denoise"):
            yield name, Place(id_, name)


def _of_sampler(id_: str, node: Mapping[str, Json], graph: Graph) -> Iterator[tuple[str, Place]]:
    inputs = _inputs(node)
    for name, input_ in _SAMPLED.items():
        if not isinstance(inputs.get(input_), list):
            yield name, Place(id_, input_)
    for name, input_ in (("prompt", "positive"), ("negative", "negative")):
        text = _text_behind(inputs.get(input_), graph)
        if text is not None:
            yield name, Place(text, "text")
    if inputs.get("denoise") not in (1, None):
        yield "denoise", Place(id_, "denoise")


def _text_behind(link: Json, graph: Graph) -> str | None:
    """The node whose text leads to a link, through whatever conditions stand between."""
    for _ in range(len(graph)):
        if not isinstance(link, list) or not link or str(link[0]) not in graph:
            return None
        id_ = str(link[0])
        inputs = _inputs(graph[id_])
        if isinstance(inputs.get("text"), str):
            return id_
        link = inputs.get("conditioning") or inputs.get("positive")
    return None


def filled_workflow(
    workflow: Workflow, ask: PictureAsk, has: Catalogue, files: Mapping[ImageId, str]
) -> tuple[Graph, tuple[str, ...]]:
    """The graph with what the ask says, and the names of what it says that the workflow has no place for."""
    graph = deepcopy(workflow.graph)
    lost: list[str] = []
    for name, value in _values(ask, has, files).items():
        places = workflow.places.get(name, ())
        for node, input_ in places:
            cast("JsonObject", graph[node]["inputs"])[input_] = value
        if not places:
            lost.append(name)
    return graph, tuple(lost)


def _values(ask: PictureAsk, has: Catalogue, files: Mapping[ImageId, str]) -> dict[str, Json]:
    """What the ask says, in the engine's words."""
    checkpoint, vae = has.checkpoint(ask.model), has.vae(ask.vae)
    said: dict[str, Json | None] = {
        "prompt": ask.prompt or None,
        "negative": ask.negative or None,
        "seed": ask.seed if ask.seed >= 0 else None,
        "steps": ask.steps or None,
        "cfg": ask.cfg or None,
        "sampler": spoken_sampler(ask.sampler, has.samplers) or None,
        "scheduler": spoken_scheduler(ask.scheduler, has.schedulers) or None,
        "width": ask.width or None,
        "height": ask.height or None,
        "model": checkpoint.file if ask.model and checkpoint else None,
        "vae": vae.file if vae else None,
        "image": files.get(ask.init),
        "mask": files.get(ask.inpaint.mask) if ask.inpaint else None,
        "denoise": ask.denoise if ask.init else None,
    }
    return {name: value for name, value in said.items() if value is not None}


Reader = Callable[[str], Workflow]
"""The owner's workflow of a name."""

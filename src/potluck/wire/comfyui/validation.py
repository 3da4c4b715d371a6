"""Whether one engine can run a graph: what is wrong with it there, in ComfyUI's words (``execution.py``).

What only a node's own code knows is left to the engine, which has the last word: its refusal counts as any failure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final, NamedTuple, cast

from potluck.core.model import Json, JsonObject
from potluck.wire.comfyui.graphs import Graph
from potluck.wire.comfyui.object_info import Input, NodeClass, ObjectInfo
from potluck.wire.comfyui.prompts import Errors, PromptRefused, link_of, links

# Types that no node gives under another name. Custom nodes invent some that fit everything.
_TYPES: Final = frozenset(
    {"MODEL", "CLIP", "VAE", "CONDITIONING", "LATENT", "IMAGE", "MASK", "CONTROL_NET", "UPSCALE_MODEL", "CLIP_VISION"}
)
_FILES: Final = (".safetensors", ".ckpt", ".pt", ".pth", ".bin", ".gguf", ".sft", ".onnx", ".engine")
# Classes of ComfyUI's own that read an uploaded image, for builds that do not say so.
_LOADERS: Final = frozenset({"LoadImage", "LoadImageMask", "LoadImageOutput"})
_SHOWN: Final = 200
_LISTED: Final = 20


class Upload(NamedTuple):
    """Where a graph names an image that was uploaded."""

    node: str
    input: str
    value: str


class Look(NamedTuple):
    """A graph as one engine sees it. ``missing`` are node classes that it has not got, ``wrong`` is what else there is
    to say, by node; ``shows`` are the nodes that are wanted, ``outputs`` those of them that can be run all the same.
    ``graph`` names files as the engine does."""

    missing: Mapping[str, str]
    wrong: Errors
    shows: tuple[str, ...]
    outputs: tuple[str, ...]
    graph: Graph

    def needed(self, graph: Graph) -> Collection[str]:
        """The nodes for which its outputs are run."""
        return _behind(self.outputs, graph)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it cannot be run there as a whole, each going on from the node's name."""
        classes = tuple(f"lacks the node {name}" for name in dict.fromkeys(self.missing.values()))
        told = [str(each["details"]) for errors in self.wrong.values() for each in errors]
        return classes or tuple(f"refuses {details[:_SHOWN]}" for details in dict.fromkeys(told))


def uploads_of(graph: Graph, info: ObjectInfo | None) -> list[Upload]:
    """The images that a graph names; only what was uploaded by the same user may stand there."""
    found: list[Upload] = []
    for id_, node in graph.items():
        kind = str(node["class_type"])
        known = info.of(kind) if info is not None else None
        for name, value in _inputs(node).items():
            told = known.inputs.get(name) if known is not None else None
            loads = (told is not None and told.uploads) or (kind in _LOADERS and name == "image")
            if loads and isinstance(value, str):
                found.append(Upload(id_, name, value))
    return found


def look(graph: Graph, info: ObjectInfo, targets: Collection[str] | None = None, absent: Collection[str] = ()) -> Look:
    """``absent`` are names of images that were never uploaded."""
    missing = {id_: str(node["class_type"]) for id_, node in graph.items() if str(node["class_type"]) not in info}
    if missing:
        return Look(missing, {}, (), (), graph)
    classes = {id_: cast("NodeClass", info.of(str(node["class_type"]))) for id_, node in graph.items()}
    shows = [id_ for id_ in graph if classes[id_].shows and (targets is None or id_ in targets)]
    spoken: Graph = {}
    wrong: Errors = {}
    for id_ in _behind(shows, graph):
        errors, spoken[id_] = _node(id_, graph, classes, absent)
        if errors:
            wrong[id_] = errors
    outputs = tuple(id_ for id_ in shows if not any(each in wrong for each in _behind([id_], graph)))
    return Look({}, wrong, tuple(shows), outputs, {id_: spoken.get(id_, node) for id_, node in graph.items()})


def refusal(graph: Graph, looks: Iterable[Look]) -> PromptRefused:
    """Why no engine can run it: what the one says that comes nearest."""
    best = min(looks, key=lambda each: (len(each.missing), len(each.wrong)))
    if best.missing:
        id_, name = next(iter(best.missing.items()))
        message = f"Cannot execute because node {name} does not exist."
        return PromptRefused("invalid_prompt", message, f"Node ID '#{id_}'", _told(best.missing, graph))
    if not best.wrong:
        return PromptRefused("prompt_no_outputs", "Prompt has no outputs")
    nodes = node_errors(graph, best)
    details = "\n".join(
        f"* {graph[id_]['class_type']} {id_}:\n"
        + "\n".join(f"  - {each['message']}: {each['details']}" for each in errors)
        for id_, errors in best.wrong.items()
    )
    return PromptRefused("prompt_outputs_failed_validation", "Prompt outputs failed validation", details[:2000], nodes)


def node_errors(graph: Graph, seen: Look) -> dict[str, JsonObject]:
    """As answers tell them, also of a prompt of which the rest is run."""
    return {
        id_: {
            "errors": list(errors),
            "dependent_outputs": [each for each in seen.shows if id_ in _behind([each], graph)],
            "class_type": graph[id_]["class_type"],
        }
        for id_, errors in seen.wrong.items()
    }


def _told(missing: Mapping[str, str], graph: Graph) -> dict[str, JsonObject]:
    return {
        id_: {
            "errors": [_error("missing_node_type", "Node type not found", name, "", {"class_type": name})],
            "dependent_outputs": [],
            "class_type": graph[id_]["class_type"],
        }
        for id_, name in missing.items()
    }


def _behind(ids: Iterable[str], graph: Graph) -> dict[str, None]:
    """These nodes and all that they need."""
    found: dict[str, None] = {}
    waiting = [id_ for id_ in ids if id_ in graph]
    while waiting:
        id_ = waiting.pop()
        if id_ not in found:
            found[id_] = None
            waiting += [node for _, node, _ in links(graph[id_]) if node in graph]
    return found


def _node(
    id_: str, graph: Graph, classes: Mapping[str, NodeClass], absent: Collection[str]
) -> tuple[list[JsonObject], JsonObject]:
    """What is wrong with a node, and the node in the engine's own words."""
    node, errors = graph[id_], list[JsonObject]()
    given, spoken = _inputs(node), dict[str, Json]()
    for name, told in classes[id_].inputs.items():
        if name not in given:
            if told.required:
                errors.append(_error("required_input_missing", "Required input is missing", name, name))
            continue
        value = given[name]
        if isinstance(value, list) and not told.many:
            errors += _link(name, told, value, graph, classes)
        else:
            spoken[name] = _spoken(value, told)
            loads = told.uploads or (str(node["class_type"]) in _LOADERS and name == "image")
            errors += _upload(name, value, absent) if loads else _value(name, told, spoken[name])
    return errors, {**node, "inputs": {**given, **spoken}} if spoken else node


def _inputs(node: Mapping[str, Json]) -> JsonObject:
    inputs = node.get("inputs")
    return inputs if isinstance(inputs, dict) else {}


def _link(
    name: str, told: Input, value: list[Json], graph: Graph, classes: Mapping[str, NodeClass]
) -> list[JsonObject]:
    link = link_of(value)
    if link is None or link[0] not in graph:
        message = "Bad linked input, must be a length-2 list of [node_id, slot_index]"
        return [_error("bad_linked_input", message, name, name, {"received_value": value})]
    outputs, slot = classes[link[0]].outputs, link[1]
    if not 0 <= slot < len(outputs):
        return [_error("bad_linked_input", "There is no such output", f"{name}: slot {slot}", name)]
    got = outputs[slot]
    if got in _TYPES and told.kind in _TYPES and got != told.kind:
        details = f"{name}, received_type({got}) mismatch input_type({told.kind})"
        return [_error("return_type_mismatch", "Return type mismatch between linked nodes", details, name)]
    return []


def _upload(name: str, value: Json, absent: Collection[str]) -> list[JsonObject]:
    if isinstance(value, str) and value not in absent:
        return []
    details = f"{name} - Invalid image file: {str(value)[:_SHOWN]}"
    return [_error("custom_validation_failed", "Custom validation failed for node", details, name)]


def _value(name: str, told: Input, value: Json) -> list[JsonObject]:
    extra: JsonObject = {"received_value": value if not isinstance(value, str) else value[:_SHOWN]}
    if told.choices is not None:
        return _choice(name, told, value, extra)
    if told.kind not in ("INT", "FLOAT"):
        if told.kind in _TYPES:
            details = f"{name}, received_type({type(value).__name__}) mismatch input_type({told.kind})"
            return [_error("return_type_mismatch", "Return type mismatch between linked nodes", details, name, extra)]
        return []
    try:
        number = int(cast("Any", value)) if told.kind == "INT" else float(cast("Any", value))
    except (TypeError, ValueError, OverflowError) as exc:
        message = f"Failed to convert an input value to a {told.kind} value"
        shown = f"{name}, {str(value)[:_SHOWN]}, {str(exc)[:_SHOWN]}"
        return [_error("invalid_input_type", message, shown, name, extra)]
    if told.low is not None and number < told.low:
        return [_error("value_smaller_than_min", f"Value {number} smaller than min of {told.low}", name, name, extra)]
    if told.high is not None and number > told.high:
        return [_error("value_bigger_than_max", f"Value {number} bigger than max of {told.high}", name, name, extra)]
    return []


def _choice(name: str, told: Input, value: Json, extra: JsonObject) -> list[JsonObject]:
    choices = told.choices or ()
    values = value if told.many and isinstance(value, list) else [value]
    # Some nodes fill an empty list by themselves, and take what is not in it; a file that is not there is not there.
    strange = [each for each in values if each not in choices and (choices or _is_file(each))]
    if not strange:
        return []
    shown = f"(list of length {len(choices)})" if len(choices) > _LISTED else str(list(choices))
    details = f"{name}: '{str(strange[0])[:_SHOWN]}' not in {shown}"
    return [_error("value_not_in_list", "Value not in list", details, name, extra)]


def _is_file(value: Json) -> bool:
    return isinstance(value, str) and value.lower().endswith(_FILES)


def _spoken(value: Json, told: Input) -> Json:
    """A model's file lies in another folder on another machine: the one of its name is meant, where there is one."""
    if told.choices is None or told.uploads or value in told.choices or not _is_file(value):
        return value
    alike = [each for each in told.choices if isinstance(each, str) and _bare(each) == _bare(str(value))]
    return alike[0] if len(alike) == 1 else value


def _bare(file: str) -> str:
    return file.replace("\\", "/").rpartition("/")[2].lower()


def _error(kind: str, message: str, details: str, name: str, extra: JsonObject | None = None) -> JsonObject:
    told: JsonObject = {"input_name": name} if name else {}
    return {"type": kind, "message": message, "details": details, "extra_info": {**told, **(extra or {})}}

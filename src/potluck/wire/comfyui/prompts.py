"""``POST /prompt``: what a client asks ComfyUI to run, bounded, and the words in which it is refused.

Sources: API-CONTRACTS.md 7; ComfyUI ``server.py`` (`post_prompt`) and ``execution.py`` (`validate_prompt`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

import msgspec

from potluck.core.errors import BadRequest
from potluck.core.model import Json, JsonObject
from potluck.wire.body import decode_body
from potluck.wire.comfyui.graphs import Graph

# Images that stand in a graph as base64 make it megabytes; text alone never does.
MOST_BYTES: Final = 16 * 2**20
# The largest that people share have some hundred nodes; engines look at them by recursion, which ends at a thousand.
MOST_NODES: Final = 1000
LONGEST_CHAIN: Final = 300
_DEEPEST: Final = 32
_LONGEST_NAME: Final = 200
_MOST_NUMBER: Final = 2**53

_PROMPT_ID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-fA-F]{32}")

Errors = dict[str, list[JsonObject]]
"""What is wrong, by node."""


class PromptRefused(BadRequest):
    """In ComfyUI's own words. ``kind`` is its ``type``, ``nodes`` what is wrong with which, as ``node_errors`` is."""

    def __init__(
        self, kind: str, message: str, details: str = "", nodes: Mapping[str, JsonObject] | None = None, hint: str = ""
    ) -> None:
        super().__init__(message, param="prompt", hint=hint or details)
        self.kind = kind
        self.details = details or hint
        self.nodes: Mapping[str, JsonObject] = nodes or {}


class Prompt(msgspec.Struct, frozen=True):
    """``id`` is what the client calls it, empty where that is left to us; ``client`` whose socket is to hear of it.
    ``front``: before the client's others, and so is a ``number`` below 0. ``targets`` are the output nodes that are
    wanted, None for all."""

    graph: Graph
    id: str = ""
    client: str = ""
    extra: JsonObject = {}
    front: bool = False
    number: float | None = None
    targets: tuple[str, ...] | None = None


class _Body(msgspec.Struct):
    prompt: Any = None
    prompt_id: Any = None
    client_id: Any = None
    extra_data: Any = None
    front: Any = None
    number: Any = None
    partial_execution_targets: Any = None


# What of extra_data is kept: no token for somebody else's service is.
_EXTRA: Final = ("extra_pnginfo", "preview_method")


def read_prompt(body: bytes) -> Prompt:
    """Raises `BadRequest`, as `PromptRefused` for what ComfyUI has words for."""
    if len(body) > MOST_BYTES:
        raise PromptRefused("prompt_too_large", f"The prompt is larger than {MOST_BYTES // 2**20} MiB.")
    told = decode_body(body, _Body)
    if told.prompt is None:
        raise PromptRefused("no_prompt", "No prompt provided", "No prompt provided")
    extra = cast("JsonObject", told.extra_data) if isinstance(told.extra_data, dict) else {}
    if _depth(extra) > _DEEPEST:
        raise PromptRefused("invalid_prompt", "extra_data is nested too deeply.")
    sent: Json = told.partial_execution_targets
    return Prompt(
        checked_graph(told.prompt),
        _prompt_id(told.prompt_id),
        _client(told.client_id, extra),
        {name: extra[name] for name in _EXTRA if name in extra},
        front=bool(told.front),
        number=_place(told.number),
        targets=tuple(str(each) for each in sent) if isinstance(sent, list) else None,
    )


def _prompt_id(told: Json) -> str:
    if told in (None, ""):
        return ""
    if not isinstance(told, str) or not _PROMPT_ID.fullmatch(told):
        raise PromptRefused("invalid_prompt_id", "prompt_id must be a UUID.", "Leave it out, or send a new UUID.")
    return told


def _place(told: Json) -> float | None:
    if isinstance(told, bool) or not isinstance(told, (int, float)):
        return None
    return float(told) if abs(told) <= _MOST_NUMBER else None


def _client(told: Json, extra: Mapping[str, Json]) -> str:
    client = told if isinstance(told, str) else extra.get("client_id")
    return client[:_LONGEST_NAME] if isinstance(client, str) else ""


def checked_graph(sent: Json) -> Graph:
    """A graph as engines take it. Raises `PromptRefused`."""
    if not isinstance(sent, dict) or not sent:
        raise PromptRefused("invalid_prompt", "The prompt is no graph.", "Export it by 'Workflow > Export (API)'.")
    if len(sent) > MOST_NODES:
        raise PromptRefused("prompt_too_large", f"The prompt has more than {MOST_NODES} nodes.")
    graph: Graph = {}
    for id_, node in sent.items():
        where = f"Node ID '#{id_[:_LONGEST_NAME]}'"
        if len(id_) > _LONGEST_NAME or not id_.isprintable():
            raise PromptRefused("invalid_prompt", "A node's id is no name.", where)
        if not isinstance(node, dict) or not _is_name(node.get("class_type")):
            message = "Cannot execute because a node is missing the class_type property."
            raise PromptRefused("invalid_prompt", message, where)
        inputs = node.setdefault("inputs", {})
        if not isinstance(inputs, dict):
            raise PromptRefused("invalid_prompt", "A node's inputs must be an object.", where)
        if _depth(node) > _DEEPEST:
            raise PromptRefused("invalid_prompt", "A node's inputs are nested too deeply.", where)
        graph[id_] = node
    _check_links(graph)
    return graph


def _is_name(value: Json) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_NAME and value.isprintable()


def _depth(value: Json) -> int:
    """How deep lists and objects are in each other; no further than is asked about."""
    depth, level = 0, [value]
    while level and depth <= _DEEPEST:
        held = [each for each in level if isinstance(each, (dict, list))]
        depth += bool(held)
        level = [below for each in held for below in (each.values() if isinstance(each, dict) else each)]
    return depth


def links(node: Mapping[str, Json]) -> Iterator[tuple[str, str, int]]:
    """A node's inputs that come from other nodes: the input's name, the node, and its slot."""
    inputs = node.get("inputs")
    for name, value in inputs.items() if isinstance(inputs, dict) else ():
        if (link := link_of(value)) is not None:
            yield name, *link


def link_of(value: Json) -> tuple[str, int] | None:
    """A node and its slot; None for a list of values, as ComfyUI tells them apart."""
    match value:
        case [str(node) | int(node), int(slot)] if not isinstance(node, bool) and not isinstance(slot, bool):
            return str(node), slot
        case _:
            return None


def _check_links(graph: Graph) -> None:
    """No node may wait for itself, nor at the end of so long a chain that an engine gives up looking at it."""
    ahead = {id_: {node for _, node, _ in links(graph[id_]) if node in graph} for id_ in graph}
    level, left = 0, dict(ahead)
    while left:
        ready = {id_ for id_, needed in left.items() if not needed & left.keys()}
        if not ready:
            raise PromptRefused("dependency_cycle", "Dependency cycle detected", ", ".join(sorted(left)[:20]))
        left = {id_: needed for id_, needed in left.items() if id_ not in ready}
        level += 1
        if level > LONGEST_CHAIN:
            raise PromptRefused("prompt_too_large", f"More than {LONGEST_CHAIN} nodes hang on one another.")

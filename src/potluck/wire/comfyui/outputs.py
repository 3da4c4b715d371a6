"""What nodes have made: files among their outputs, under names of ours, and how a prompt's history tells of them.

A file's name holds the id of what is kept, so that ``/view`` finds it again by the name alone, on any gateway, and no
two prompts have files of one name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from potluck.core.model import Json, JsonObject

MOST_FILES: Final = 256
"""Of one prompt. A batch has some dozen pictures; frames of a film come as one file."""

MOST_OUTPUT_BYTES: Final = 2 * 2**20
"""What nodes tell beside their files: texts, numbers, curves."""

_KEPT: Final = re.compile(r"(?:.*_)?([0-9a-f]{32}-\d{1,6}-\d{1,6})_(?:\.[A-Za-z0-9]{1,10})?")
_PLAIN: Final = re.compile(r"[^\w.()\[\] -]", re.ASCII)
_NUMBERED: Final = re.compile(r"_\d{3,}_?$")
_ENDING: Final = re.compile(r"\.[A-Za-z0-9]{1,10}$")
_LONGEST_STEM: Final = 80


class Place(NamedTuple):
    """Where an engine has a file, as its ``/view`` wants it. ``position`` counts the files of a node."""

    node: str
    position: int
    filename: str
    subfolder: str
    type: str


def files_of(node: str, output: Mapping[str, Json]) -> list[Place]:
    """The files among a node's outputs, in order."""
    return [
        Place(node, position, *where)
        for position, where in enumerate(_where(each) for each in _entries(output))
        if where
    ]


def _entries(output: Mapping[str, Json]) -> Iterator[JsonObject]:
    for values in output.values():
        for value in values if isinstance(values, list) else ():
            if isinstance(value, dict) and isinstance(value.get("filename"), str):
                yield value


def _where(entry: JsonObject) -> tuple[str, str, str]:
    return str(entry["filename"]), str(entry.get("subfolder") or ""), str(entry.get("type") or "output")


def with_names(output: Mapping[str, Json], names: Mapping[int, str]) -> JsonObject:
    """A node's outputs with our files' names in place of the engine's, by position; files that could not be kept are
    left out."""
    position = -1
    told: JsonObject = {}
    for key, values in output.items():
        if not isinstance(values, list):
            told[key] = values
            continue
        kept: list[Json] = []
        for value in values:
            if not (isinstance(value, dict) and isinstance(value.get("filename"), str)):
                kept.append(value)
                continue
            position += 1
            if position in names:
                kept.append({**value, "filename": names[position], "subfolder": "", "type": _type(value)})
        told[key] = kept
    return told


def _type(entry: Mapping[str, Json]) -> str:
    return "temp" if entry.get("type") == "temp" else "output"


def kept_id(job: str, ordinal: int, position: int) -> str:
    """What a file is kept under: the same however often the prompt is run."""
    return f"{job}-{ordinal}-{position}"


def name_of(id: str, filename: str) -> str:
    """Our name for an engine's file.

    >>> name_of("0" * 32 + "-1-0", "ComfyUI_00001_.png")
    'ComfyUI_00000000000000000000000000000000-1-0_.png'
    """
    last = filename.replace("\\", "/").rpartition("/")[2]
    found = _ENDING.search(last)
    ending = found[0].lower() if found else ""
    stem = _NUMBERED.sub("", _PLAIN.sub("_", last[: len(last) - len(ending)]).strip("._ "))[:_LONGEST_STEM]
    return f"{stem or 'ComfyUI'}_{id}_{ending}"


def id_in(name: str) -> str:
    """The id that one of our names holds; empty for another's."""
    found = _KEPT.fullmatch(name)
    return found[1] if found else ""


class Entry(msgspec.Struct):
    """A prompt's history, as it is kept: ``outputs`` by node, ``messages`` in order. ``custom_id`` is what its client
    calls it, for whoever reads the job's result."""

    outputs: dict[str, Any] = {}
    messages: list[tuple[str, dict[str, Any]]] = []
    failed: bool = False
    custom_id: str = ""
    index: int = 0


def bounded(output: JsonObject) -> JsonObject:
    """What a node tells, or nothing where that has no end."""
    return output if len(msgspec.json.encode(output)) <= MOST_OUTPUT_BYTES else {}


def history(listed: Sequence[Json], entry: Entry) -> JsonObject:
    """One prompt in ``/history``; ``listed`` as `queue_row` makes it."""
    meta: JsonObject = {
        node: {"node_id": node, "display_node": node, "parent_node": None, "real_node_id": node}
        for node in entry.outputs
    }
    status: JsonObject = {
        "status_str": "error" if entry.failed else "success",
        "completed": not entry.failed,
        "messages": [[kind, data] for kind, data in entry.messages],
    }
    return {"prompt": list(listed), "outputs": entry.outputs, "status": status, "meta": meta}


def queue_row(
    number: float, prompt: str, graph: JsonObject, extra: Mapping[str, Json], client: str, outputs: Sequence[str]
) -> list[Json]:
    """A prompt in ``/queue``, and in its own history."""
    told: JsonObject = {**extra, **({"client_id": client} if client else {})}
    return [int(number) if number == int(number) else number, prompt, graph, told, list(outputs)]

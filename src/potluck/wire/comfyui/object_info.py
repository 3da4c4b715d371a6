"""ComfyUI's ``/object_info`` as graphs are checked against it, and several of them as one.

A class's entry is decoded when a graph uses it: all of them are some megabytes, of which a prompt needs a dozen.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, cast

import msgspec

from potluck.core.model import Json, JsonObject

_UPLOAD: Final = "_upload"
_NUMBERS: Final = ("INT", "FLOAT")


class Input(NamedTuple):
    """An input of a node class. ``choices`` are what it may be, None where it is no list; ``uploads``: it names an
    image that somebody has uploaded. ``low`` and ``high`` are a number's bounds."""

    kind: str
    required: bool
    choices: tuple[Json, ...] | None = None
    uploads: bool = False
    many: bool = False
    low: float | None = None
    high: float | None = None


class NodeClass(NamedTuple):
    """``outputs`` are the types of its slots; ``shows``: a graph is worth running for it alone."""

    inputs: Mapping[str, Input]
    outputs: tuple[str, ...]
    shows: bool


class _Entry(msgspec.Struct):
    input: Any = None
    output: Any = None
    output_node: Any = False


class ObjectInfo:
    """All node classes of one engine. Raises `msgspec.MsgspecError` for what is no such table."""

    def __init__(self, body: bytes) -> None:
        self.entries: dict[str, msgspec.Raw] = _entries.decode(body)
        self._read: dict[str, NodeClass] = {}

    def __contains__(self, name: str) -> bool:
        return name in self.entries

    def of(self, name: str) -> NodeClass | None:
        """None for a class that the engine has not got."""
        raw = self.entries.get(name)
        if raw is None:
            return None
        found = self._read.get(name)
        if found is None:
            found = self._read[name] = _node_class(raw)
        return found


_entries = msgspec.json.Decoder(dict[str, msgspec.Raw])
_entry = msgspec.json.Decoder(_Entry)


def _node_class(raw: msgspec.Raw) -> NodeClass:
    """Custom nodes tell all sorts of things: what is not understood bounds nothing."""
    try:
        told = _entry.decode(raw)
    except (msgspec.MsgspecError, RecursionError):
        return NodeClass({}, (), shows=False)
    sections = _object(told.input)
    inputs = {
        name: _input(config, required=section == "required")
        for section in ("optional", "required")
        for name, config in _object(sections.get(section)).items()
    }
    outputs = tuple(each if isinstance(each, str) else "COMBO" for each in _list(told.output))
    return NodeClass(inputs, outputs, shows=told.output_node is True)


def _input(config: Json, *, required: bool) -> Input:
    """``[["a"], {…}]``, or in newer builds ``["COMBO", {"options": ["a"]}]``; else ``["INT", {"min": …}]``."""
    parts = _list(config)
    kind = parts[0] if parts else ""
    options = _object(parts[1] if len(parts) > 1 else None)
    choices = _choices(kind, options)
    if choices is None and not isinstance(kind, str):
        kind = "*"
    return Input(
        "COMBO" if choices is not None else str(kind),
        required,
        choices,
        uploads=_takes_uploads(options),
        many=bool(options.get("multiselect") or options.get("multi_select")),
        low=_bound(kind, options, "min"),
        high=_bound(kind, options, "max"),
    )


def _choices(kind: Json, options: JsonObject) -> tuple[Json, ...] | None:
    if isinstance(kind, list):
        return tuple(kind)
    if kind == "COMBO" and isinstance(options.get("options"), list) and "remote" not in options:
        return tuple(_list(options["options"]))
    return None


def _takes_uploads(options: JsonObject) -> bool:
    return any(name.endswith(_UPLOAD) and value is True for name, value in options.items())


def _bound(kind: Json, options: JsonObject, name: str) -> float | None:
    value = options.get(name)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return cast("float", value) if kind in _NUMBERS and is_number else None


def _object(value: object) -> JsonObject:
    return cast("JsonObject", value) if isinstance(value, dict) else {}


def _list(value: object) -> list[Json]:
    return cast("list[Json]", value) if isinstance(value, list) else []


# --- several as one ---------------------------------------------------------------------------------------------------


def joined(
    infos: Sequence[ObjectInfo], uploads: Sequence[str], only: Collection[str] | None = None
) -> dict[str, msgspec.Raw | JsonObject]:
    """Every class that some engine has, as the first of them tells of it; lists hold what any of them has. Where images
    are named that were uploaded stand ``uploads``, which are somebody's own, and nobody else's."""
    names = dict.fromkeys(name for info in infos for name in info.entries if only is None or name in only)
    return {name: _one(name, infos, uploads) for name in names}


def _one(name: str, infos: Iterable[ObjectInfo], uploads: Sequence[str]) -> msgspec.Raw | JsonObject:
    raws = [info.entries[name] for info in infos if name in info]
    same = len({bytes(raw) for raw in raws}) == 1
    if same and _UPLOAD.encode() not in bytes(raws[0]):
        return raws[0]
    try:
        entries: list[JsonObject] = [msgspec.json.decode(raw, type=dict[str, Any]) for raw in raws]
    except (msgspec.MsgspecError, RecursionError):
        return raws[0]
    first = entries[0]
    for section, input_name, config in _configs(first):
        lists = [
            _list_of(_object(_object(_object(each.get("input")).get(section))).get(input_name)) for each in entries
        ]
        options = _object(config[1] if len(config) > 1 else None)
        own: list[Json] = list(uploads)
        if (held := _list_of(config)) is not None:
            held[:] = own if _takes_uploads(options) else _union(lists)
    return first


def _configs(entry: JsonObject) -> Iterator[tuple[str, str, list[Json]]]:
    for section, inputs in _object(entry.get("input")).items():
        for name, config in _object(inputs).items():
            if isinstance(config, list) and config:
                yield section, name, config


def _list_of(config: object) -> list[Json] | None:
    """The list itself that an input's choices stand in; None where it has none."""
    parts = _list(config)
    if parts and isinstance(parts[0], list):
        return parts[0]
    if len(parts) > 1 and parts[0] == "COMBO":
        options = _object(parts[1]).get("options")
        return options if isinstance(options, list) else None
    return None


def _union(lists: Iterable[list[Json] | None]) -> list[Json]:
    found: list[Json] = []
    for each in lists:
        found += [value for value in each or () if value not in found]
    return found


def choices_of(infos: Iterable[ObjectInfo], name: str, input_name: str) -> list[str]:
    """What any engine has for one input: its models of a folder."""
    found: dict[str, None] = {}
    for info in infos:
        known = info.of(name)
        told = known.inputs.get(input_name) if known is not None else None
        found |= dict.fromkeys(
            each for each in (told.choices or () if told is not None else ()) if isinstance(each, str)
        )
    return list(found)

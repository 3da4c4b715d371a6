"""Graphs are data: templates with named parameters, put together by named ports.

A template is JSON: ``takes`` names the ports that it needs, ``gives`` those that it sets (a node of its own and a
slot), ``parameters`` each parameter's type. In its ``graph`` a text ``"$seed"`` stands for a parameter and ``"<model"``
for a port. Templates follow one another; each takes what those before it gave last. So a chain of LoRAs is the same
template several times, and another VAE one that gives ``vae`` anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import msgspec

from potluck.core.model import Json, JsonObject

Kind = Literal["text", "int", "float"]
Graph = dict[str, JsonObject]
"""As ``POST /prompt`` takes it: nodes by their ids."""

_TYPES: Mapping[str, type[Any]] = {"text": str, "int": int, "float": float}


class Node(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    class_type: str
    inputs: dict[str, Any]


class Template(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    graph: dict[str, Node]
    takes: tuple[str, ...] = ()
    gives: dict[str, tuple[str, int]] = {}
    parameters: dict[str, Kind] = {}
    about: str = ""


class Use(msgspec.Struct, frozen=True):
    """One use of the template of that name."""

    template: str
    values: Mapping[str, str | int | float] = {}


_decoder = msgspec.json.Decoder(Template)


def read_template(data: bytes) -> Template:
    """Raises `msgspec.MsgspecError`."""
    return _decoder.decode(data)


def put_together(uses: Iterable[Use], templates: Mapping[str, Template]) -> Graph:
    """One graph of all. Raises `ValueError` for a port that nothing gives, or a parameter that is missing or of another
    type: the plan or a template is wrong then, never a client."""
    graph: Graph = {}
    ports: dict[str, tuple[str, int]] = {}
    for at, use in enumerate(uses, 1):
        template = templates[use.template]
        if unmet := [port for port in template.takes if port not in ports]:
            raise ValueError(f"{use.template}: nothing gives {', '.join(unmet)}")
        values = _checked(use, template)
        for id_, node in template.graph.items():
            inputs = {name: _resolved(value, values, ports, at) for name, value in node.inputs.items()}
            class_type = str(_resolved(node.class_type, values, ports, at))
            graph[f"{at}-{id_}"] = {"class_type": class_type, "inputs": inputs}
        ports |= {port: (f"{at}-{id_}", slot) for port, (id_, slot) in template.gives.items()}
    return graph


def _checked(use: Use, template: Template) -> dict[str, str | int | float]:
    found: dict[str, str | int | float] = {}
    for name, kind in template.parameters.items():
        value = use.values.get(name)
        if kind == "float" and isinstance(value, int):
            value = float(value)
        if value is None or not isinstance(value, _TYPES[kind]):
            raise ValueError(f"{use.template}: {name} is {value!r}, and must be {kind}")
        found[name] = value
    return found


def _resolved(value: Json, values: Mapping[str, Json], ports: Mapping[str, tuple[str, int]], at: int) -> Json:
    """1. A parameter. 2. A port. 3. A node of the template's own. 4. A value as it is. What a parameter says is never
    looked into: a prompt may begin with a dollar."""
    match value:
        case str() if value.startswith("$"):
            return values[value[1:]]
        case str() if value.startswith("<"):
            id_, slot = ports[value[1:]]
            return [id_, slot]
        case [str(id_), int(slot)]:
            return [f"{at}-{id_}", slot]
        case _:
            return value


def classes_of(graph: Mapping[str, Mapping[str, Json]]) -> frozenset[str]:
    """The node classes that a graph uses."""
    return frozenset(str(node.get("class_type", "")) for node in graph.values())

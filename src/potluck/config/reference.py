"""What a file may hold, for editors (`json_schema`) and for people (`reference_markdown`).

``python -m potluck.config.reference`` prints docs/reference/config.md; ``… schema`` prints the JSON schema.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import cast

from potluck.config.schema import FileSection
from potluck.config.source import Path, dotted
from potluck.config.units import show_duration, show_size
from potluck.core.model import Json, JsonObject

_INTRODUCTION = """\
# Settings: `potluck.yaml`

Made from the program by `python -m potluck.config.reference`; a test compares the two.

Every section and key may be left out unless it says "needed", and so may the file. An unknown key is an error.
`potluck check` tells everything that is wrong, with line and remedy. Complete files stand in `examples/`.

- **Durations** are `250ms`, `30s`, `5m`, `1h30m` or `2d`; a bare number is seconds.
- **Sizes** are decimal, `64GB` (10^9 bytes each: KB, MB, GB, TB), or binary, `512MiB` (2^20 bytes each: KiB, MiB, GiB,
  TiB); a bare number is bytes.
- **Any value** may be, or hold, `${NAME}`: the environment variable, which must be set. `$${` is a plain `${`.
- **Any value** may be `file:PATH`: the content of that file without its last newline. A relative path counts from the
  config file's folder, and `~/` is the home folder. So secrets never need to stand in the config file.
- `NAME` below is a name of your choice.
"""


def json_schema() -> JsonObject:
    """The file's JSON schema (draft 2020-12), for an editor's completion and checks."""
    schema = cast("JsonObject", FileSection.model_json_schema())
    properties = _object(schema["properties"])
    local = _object(properties["local"])
    local["anyOf"] = [{"type": "boolean"}, {"$ref": local.pop("$ref")}]
    node = _object(_object(schema["$defs"])["NodeSection"])
    agent = _object(_object(node["properties"])["agent"])
    agent["anyOf"] = [{"type": "boolean"}, *(each for each in _options(agent) if "$ref" in each)]
    hedge = _object(_object(_object(_object(schema["$defs"])["RouteSection"])["properties"])["hedge"])
    hedge["anyOf"] = [{"type": "boolean"}, *(each for each in _options(hedge) if "$ref" in each)]
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "potluck.yaml"
    return schema


def reference_markdown() -> str:
    """The page docs/reference/config.md: every key, its type, its default and its sentence."""
    schema = json_schema()
    lines = [_INTRODUCTION]
    for path, section in sections(schema, schema, ()):
        lines += [f"## {dotted(path).replace('[0]', '[]')}\n", f"{section['description']}\n"]
        if "properties" not in section:
            lines.append(f"Type: {type_of(section)}.\n")
            continue
        lines += ["| key | type | default | |", "| --- | --- | --- | --- |"]
        needed = section.get("required", [])
        for key, value in _object(section["properties"]).items():
            field = _object(value)
            default = "needed" if isinstance(needed, list) and key in needed else default_of(field)
            lines.append(f"| `{key}` | {type_of(field)} | {default} | {field['description']} |")
        lines.append("")
    return "\n".join(lines)


def _object(value: Json) -> JsonObject:
    if not isinstance(value, dict):
        raise TypeError("the schema of the config file has an unknown form")
    return value


def _below(field: JsonObject, root: JsonObject) -> tuple[Path, JsonObject] | None:
    """The section that a field leads to, and the path from the one to the other; None for a plain value."""
    if isinstance(inner := field.get("additionalProperties"), dict):
        step: Path = ("NAME",)
    elif isinstance(inner := field.get("items"), dict):
        step = (0,)
    else:
        step, inner = (), next((each for each in _options(field) if "$ref" in each), field)
    name = inner.get("$ref")
    if not isinstance(name, str):
        return None
    return step, _object(_object(root["$defs"])[name.removeprefix("#/$defs/")])


def _options(field: JsonObject) -> list[JsonObject]:
    options = field.get("anyOf")
    return [each for each in options if isinstance(each, dict)] if isinstance(options, list) else []


def sections(section: JsonObject, root: JsonObject, path: Path) -> Iterator[tuple[Path, JsonObject]]:
    """Every section below ``section`` with its path: ``NAME`` for what the owner names, 0 for what is in a list."""
    for key, value in _object(section["properties"]).items():
        below = _below(_object(value), root)
        if below is None:
            if not path:  # a plain value at the top of the file has a chapter of its own
                yield (key,), _object(value)
            continue
        inner = (*path, key, *below[0])
        yield inner, below[1]
        yield from sections(below[1], root, inner)


def type_of(field: JsonObject) -> str:
    """A field's type, for people."""
    if isinstance(name := field.get("x-type"), str):
        return name
    if isinstance(words := field.get("enum"), list):
        return ", ".join(f"`{word}`" for word in words)
    if isinstance(inner := field.get("items"), dict):
        return "list of mappings" if "$ref" in inner else f"list of {type_of(inner)}"
    if isinstance(inner := field.get("additionalProperties"), dict):
        return f"mapping of {type_of(inner)}"
    plain = next((each for each in _options(field) if each.get("type") != "null"), None)
    return type_of(plain) if plain else "mapping"


def default_of(field: JsonObject) -> str:
    """A field's default as it would be written, in Markdown; a dash for none."""
    default = field.get("default")
    if default is None or default == [] or isinstance(default, dict):
        return "–"
    kind = type_of(field)
    if kind == "duration" and isinstance(default, int | float):
        return f"`{show_duration(default)}`"
    if kind == "size" and isinstance(default, int):
        return f"`{show_size(default)}`"
    return f"`{json.dumps(default) if isinstance(default, bool) else default}`"


if __name__ == "__main__":
    page = json.dumps(json_schema(), indent=2) + "\n" if sys.argv[1:] == ["schema"] else reference_markdown()
    sys.stdout.write(page)

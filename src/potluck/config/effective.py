"""Every setting as it holds, and where that comes from. Imported when somebody asks: pydantic comes with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path as FilePath
from typing import Final, Literal, TypeAlias

import msgspec

from potluck.config.changeable import CHANGEABLE
from potluck.config.model import Config
from potluck.config.reference import default_of, json_schema, sections, type_of
from potluck.config.restarting import needs_restart
from potluck.config.source import Document, Path, dotted, read_document
from potluck.config.values import FILE_MARK
from potluck.core.model import Json, JsonObject

Source: TypeAlias = Literal["portal", "command line", "environment", "file", "default"]

SECRET: Final = "secret text"  # noqa: S105 - a type's name
HIDDEN: Final = "••••••"
# A file is read whole, and shown in one answer.
_MOST_BYTES: Final = 1_000_000


class Setting(msgspec.Struct, frozen=True):
    """``value`` is as it is written, of a secret `HIDDEN`, None for one that is not set. ``line`` is where it stands in
    the file, None where it does not. ``restart``: what is changed in the file holds from the next start on."""

    key: str
    type: str
    value: Json
    default: str
    source: Source
    line: int | None
    changeable: bool
    restart: bool
    description: str


def settings(path: FilePath | None, said: Mapping[str, Json], running: Config) -> list[Setting]:
    """All that have a default, and those of the file, section by section. ``said`` is what goes before the file."""
    document = _document(path)
    schema = json_schema()
    fields: dict[Path, JsonObject] = {}
    fixed: dict[str, Path] = {}
    for place, section in sections(schema, schema, ()):
        properties = section.get("properties")
        if not isinstance(properties, dict):
            fields[place] = section
            continue
        for name, field in properties.items():
            assert isinstance(field, dict)
            fields[(*place, name)] = field
            if "NAME" not in place and 0 not in place and not _leads_on(field):
                fixed[dotted((*place, name))] = (*place, name)
    found = [_one(key, place, place, fields[place], document, said, running) for key, place in fixed.items()]
    for place in _leaves(document.root, ()):
        key = dotted(place)
        if not any(key == each or key.startswith((f"{each}.", f"{each}[")) for each in fixed):
            general = _general(place, fields)
            found.append(_one(key, place, general, fields.get(general, _UNKNOWN), document, said, running))
    return found


# What is not known may be a secret.
_UNKNOWN: Final[JsonObject] = {"x-type": SECRET, "description": ""}


def _document(path: FilePath | None) -> Document:
    if path is None:
        return Document()
    try:
        with path.open("rb") as file:
            document = read_document(file.read(_MOST_BYTES).decode("utf-8-sig", "replace"))
    except OSError:  # it was there at the start; what is known without it is told
        return Document()
    if isinstance(short := document.root.get("local"), bool):  # as the schema takes it
        document.root["local"] = {"enabled": short}
        document.keys["local", "enabled"] = document.place(("local",), at_key=True)
    return document


def _one(
    key: str,
    place: Path,
    general: Path,
    field: JsonObject,
    document: Document,
    said: Mapping[str, Json],
    running: Config,
) -> Setting:
    kind, raw = type_of(field), _at(document.root, place)
    line = document.place(place, at_key=True).line if raw is not None else None
    value, source = raw, _source(raw)
    if key in said:
        value, source = said[key], "portal"
    elif key in _BY_COMMAND and raw != (now := _BY_COMMAND[key](running)) and now != _BY_COMMAND[key](Config()):
        value, source = now, "command line"
    if value is not None and SECRET in kind:
        value = HIDDEN
    description = field.get("description")
    return Setting(
        key=key,
        type=kind,
        value=value,
        default="" if SECRET in kind or general != place else default_of(field).strip("`–"),
        source=source,
        line=line,
        changeable=key in CHANGEABLE,
        restart=needs_restart(key),
        description=description if isinstance(description, str) else "",
    )


_BY_COMMAND: Final[Mapping[str, Callable[[Config], Json]]] = {
    "server.host": lambda config: config.server.host,
    "server.port": lambda config: config.server.port,
    "local.enabled": lambda config: config.local.enabled,
}


def _source(raw: Json) -> Source:
    if raw is None:
        return "default"
    if isinstance(raw, str) and "${" in raw.replace("$${", "") and not raw.startswith(FILE_MARK):
        return "environment"
    return "file"


def _at(root: Json, place: Path) -> Json:
    for piece in place:
        if isinstance(root, dict) and isinstance(piece, str):
            root = root.get(piece)
        elif isinstance(root, list) and isinstance(piece, int) and piece < len(root):
            root = root[piece]
        else:
            return None
    return root


def _leaves(value: Json, place: Path) -> Iterator[Path]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, (*place, key))
    elif isinstance(value, list) and any(isinstance(each, dict | list) for each in value):
        for at, inner in enumerate(value):
            yield from _leaves(inner, (*place, at))
    else:
        yield place


def _general(place: Path, fields: Mapping[Path, JsonObject]) -> Path:
    """The path in the schema: names of the owner's choice are ``NAME`` there, and places in a list 0."""
    found: Path = ()
    for piece in place:
        step: str | int = 0 if isinstance(piece, int) else piece
        known = any(each[: len(found) + 1] == (*found, step) for each in fields)
        found = (*found, step if known else "NAME")
    if found not in fields and found[:-1] in fields:  # an entry of a mapping or a list of plain values
        return found[:-1]
    return found


def _leads_on(field: JsonObject) -> bool:
    """Whether it is a section, or holds some."""
    below = [field.get("items"), field.get("additionalProperties"), *_list(field.get("anyOf"))]
    return any("$ref" in each for each in (field, *below) if isinstance(each, dict))


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []

"""The smallest useful instance of a JSON schema, as a grammar-bound model would give one. Pure and deterministic.

Understands what is sent in practice: ``$ref`` inside the document, ``anyOf``/``oneOf``/``allOf``, ``enum``, ``const``,
nested objects and arrays with their bounds, and lists of types. A reference to itself ends at the first chance: by
``null``, an empty array, or leaving an optional property out.
"""

from __future__ import annotations

from typing import Any, cast

from potluck_fake_engine.asking import JsonObject

_MAX_DEPTH = 24
_FORMATS = {
    "date-time": "2026-01-02T03:04:05Z",
    "date": "2026-01-02",
    "time": "03:04:05Z",
    "email": "someone@example.org",
    "uri": "https://example.org/",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "ipv4": "192.0.2.1",
}


class NoInstance(ValueError):
    """The schema cannot be met, or not by this generator."""


def instance(schema: JsonObject) -> Any:
    """A value that meets `schema`.

    Raises:
        NoInstance: it recurses without an end, or refers to nothing.
    """
    return _value(schema, schema, 0)


def _value(schema: JsonObject | bool, root: JsonObject, depth: int) -> Any:
    if isinstance(schema, bool):
        return {}
    if depth > _MAX_DEPTH:
        raise NoInstance("the schema refers to itself without an end")
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    if "$ref" in schema:
        return _value(_resolve(cast("str", schema["$ref"]), root), root, depth + 1)
    if "allOf" in schema:
        return _value(_merged(schema, root), root, depth + 1)
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return _first_possible(schema[key], root, depth)
    return _of_type(_type_of(schema), schema, root, depth)


def _resolve(reference: str, root: JsonObject) -> JsonObject:
    node: Any = root
    for part in reference.removeprefix("#").strip("/").split("/") if reference != "#" else ():
        try:
            node = node[part.replace("~1", "/").replace("~0", "~")]
        except (KeyError, TypeError) as exc:
            raise NoInstance(f"{reference} leads nowhere") from exc
    return cast("JsonObject", node)


def _merged(schema: JsonObject, root: JsonObject) -> JsonObject:
    merged: JsonObject = {key: value for key, value in schema.items() if key != "allOf"}
    for part in cast("list[JsonObject]", schema["allOf"]):
        part = _resolve(part["$ref"], root) if "$ref" in part else part
        for key, value in part.items():
            if key == "properties":
                merged[key] = {**merged.get(key, {}), **value}
            elif key == "required":
                merged[key] = [*merged.get(key, []), *value]
            else:
                merged.setdefault(key, value)
    return merged


def _first_possible(options: list[JsonObject], root: JsonObject, depth: int) -> Any:
    for option in options:
        try:
            return _value(option, root, depth + 1)
        except NoInstance:
            continue
    raise NoInstance("no option can be met")


def _type_of(schema: JsonObject) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        # The first that is not null, as a model would rather say something.
        names = [name for name in cast("list[str]", kind) if name != "null"]
        return names[0] if names else "null"
    if isinstance(kind, str):
        return kind
    return "array" if "items" in schema and "properties" not in schema else "object"


def _of_type(kind: str, schema: JsonObject, root: JsonObject, depth: int) -> Any:
    match kind:
        case "object":
            return _object(schema, root, depth)
        case "array":
            return _array(schema, root, depth)
        case "string":
            return _string(schema)
        case "integer":
            return int(_number(schema, whole=True))
        case "number":
            return _number(schema, whole=False)
        case "boolean":
            return True
        case _:
            return None


def _object(schema: JsonObject, root: JsonObject, depth: int) -> JsonObject:
    required = frozenset(cast("list[str]", schema.get("required", [])))
    result: JsonObject = {}
    for name, part in cast("JsonObject", schema.get("properties", {})).items():
        try:
            result[name] = _value(part, root, depth + 1)
        except NoInstance:
            if name in required:
                raise
    for name in required - result.keys():
        result[name] = "x"
    return result


def _array(schema: JsonObject, root: JsonObject, depth: int) -> list[Any]:
    first = [_value(part, root, depth + 1) for part in schema.get("prefixItems", [])]
    least = int(schema.get("minItems", 0))
    wanted = min(max(least, 1), int(schema.get("maxItems", 1 if least < 1 else least)))
    item = schema.get("items", {"type": "string"})
    if item is False:
        return first
    try:
        return first + [_value(item, root, depth + 1) for _ in range(wanted - len(first))]
    except NoInstance:
        if least > len(first):
            raise
        return first


def _string(schema: JsonObject) -> str:
    if (form := schema.get("format")) in _FORMATS:
        return _FORMATS[form]
    least, most = int(schema.get("minLength", 0)), int(schema.get("maxLength", 1 << 20))
    return ("text" * (least // 4 + 1))[: max(least, min(4, most))]


def _number(schema: JsonObject, *, whole: bool) -> float:
    step = float(schema.get("multipleOf", 1 if whole else 0.5))
    low = schema.get("minimum")
    if low is None and "exclusiveMinimum" in schema:
        low = schema["exclusiveMinimum"] + step
    high = schema.get("maximum")
    if high is None and "exclusiveMaximum" in schema:
        high = schema["exclusiveMaximum"] - step
    value = 1.0 if low is None else float(low)
    if high is not None and value > high:
        value = float(high)
    return -(-value // step) * step if low is not None or whole else value

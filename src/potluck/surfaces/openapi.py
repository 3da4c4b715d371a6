"""The native API described from its table of routes: an OpenAPI 3.1 document, a page, and docs/reference/http.md.

``python -m potluck.surfaces.reference`` writes the last to stdout.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator, Sequence
from hashlib import sha256
from html import escape
from typing import cast

import msgspec

from potluck.core.errors import BadRequest, Forbidden, PayloadTooLarge, PotluckError, Unauthenticated
from potluck.core.model import Json, JsonObject
from potluck.core.people import Role, roles_with
from potluck.surfaces.v1.endpoint import Route
from potluck.surfaces.v1.errors import ErrorBody, status_of

_REF = "#/components/schemas/{name}"
_PATH_PARAM = re.compile(r"{(\w+)}")


def document(routes: Sequence[Route], version: str) -> JsonObject:
    """The OpenAPI document."""
    shapes = list(dict.fromkeys(_shapes(routes)))
    schemas, components = msgspec.json.schema_components(shapes, ref_template=_REF)
    by_shape = cast("dict[type[msgspec.Struct], Json]", dict(zip(shapes, schemas, strict=True)))
    paths: dict[str, Json] = {}
    for route in routes:
        item = paths.setdefault(route.shown, {})
        assert isinstance(item, dict)
        item[route.method.lower()] = _operation(route, by_shape, cast("JsonObject", components))
    return {
        "openapi": "3.1.0",
        "info": {"title": "Potluck", "version": version, "description": "The native API of Potluck."},
        "paths": paths,
        "components": {
            "schemas": cast("JsonObject", components),
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "potluck"},
            },
        },
        "security": [{"key": []}, {"session": []}],
    }


def errors_of(route: Route) -> dict[int, list[str]]:
    """The ``type``s that a route may answer with, by status."""
    kinds: list[type[PotluckError]] = [*route.errors]
    if route.right is not None:
        kinds.append(Unauthenticated)
    if route.action.body or route.action.query:
        kinds.append(BadRequest)
    if route.action.body:
        kinds.append(PayloadTooLarge)
    if route.right is not None and _who(route):
        kinds.append(Forbidden)
    rows = sorted({status_of(kind)[:2] for kind in kinds})
    return {status: [word for known, word in rows if known == status] for status, _ in rows}


def _who(route: Route) -> str:
    """Whom a route is for, where that is not everybody with a key, and no others."""
    if route.right is None:
        return "Needs no key."
    roles = roles_with(route.right)
    return "" if roles == tuple(Role) else f"For {', '.join(roles)}."


def _shapes(routes: Sequence[Route]) -> Iterator[type[msgspec.Struct]]:
    yield ErrorBody
    for route in routes:
        for shape in (route.action.body, route.action.query, route.answer, *route.events.values()):
            if shape is not None:
                yield shape


def _operation(route: Route, schemas: dict[type[msgspec.Struct], Json], components: JsonObject) -> Json:
    operation: dict[str, Json] = {"summary": route.summary, "operationId": _operation_id(route)}
    if route.right is None:
        operation["security"] = []
    if parameters := [*_path_parameters(route), *_query_parameters(route, components)]:
        operation["parameters"] = parameters
    if route.action.body:
        operation["requestBody"] = {
            "required": not route.action.bare,
            "content": {"application/json": {"schema": schemas[route.action.body]}},
        }
    if route.action.upload:
        operation["requestBody"] = _UPLOAD
    answers: dict[str, Json] = {str(route.status): _success(route, schemas)}
    for status, words in errors_of(route).items():
        answers[str(status)] = {
            "description": ", ".join(words),
            "content": {"application/json": {"schema": schemas[ErrorBody]}},
        }
    operation["responses"] = answers
    return operation


_UPLOAD: JsonObject = {
    "required": True,
    "content": {
        "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {"file": {"type": "string", "format": "binary"}},
            }
        },
    },
}
"""A file, as the body or in a form."""


def _operation_id(route: Route) -> str:
    words = re.findall(r"\w+", route.shown.removeprefix("/api/v1"))
    return "_".join([route.method.lower(), *words])


def _path_parameters(route: Route) -> list[Json]:
    names: list[str] = _PATH_PARAM.findall(route.shown)
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]


def _query_parameters(route: Route, components: JsonObject) -> list[Json]:
    if route.action.query is None:
        return []
    shape = components[route.action.query.__name__]
    assert isinstance(shape, dict)
    properties = shape["properties"]
    assert isinstance(properties, dict)
    return [{"name": name, "in": "query", "schema": schema} for name, schema in properties.items()]


def _success(route: Route, schemas: dict[type[msgspec.Struct], Json]) -> Json:
    content: dict[str, Json] = {}
    if route.answer:
        content["application/json"] = {"schema": schemas[route.answer]}
    elif route.status == 200:
        content[route.media_type] = {"schema": {}}
    for media_type in route.also:
        content[media_type] = {"schema": {}}
    if route.events:
        # OpenAPI 3.1 has no word for a stream of events: their data stand here by name.
        listed: JsonObject = {name: schemas[shape] for name, shape in route.events.items()}
        content["text/event-stream"] = {"schema": {}, "x-events": listed}
    return {"description": route.summary, **({"content": content} if content else {})}


# --- For people ------------------------------------------------------------------------------------------------------


def page(routes: Sequence[Route]) -> str:
    """One HTML page with all routes; it loads nothing from anywhere."""
    return _PAGE.replace("{style}", _STYLE).replace("{rows}", "\n".join(_rows(routes)))


def _rows(routes: Sequence[Route]) -> Iterator[str]:
    for route in routes:
        streams = ", ".join(route.events)
        errors = "; ".join(f"{status} {', '.join(words)}" for status, words in errors_of(route).items())
        cells = (
            f"<code>{route.method}</code>",
            f"<code>{escape(route.shown)}</code>",
            escape(route.summary) + (f" <em>{_who(route)}</em>" if _who(route) else ""),
            _fields(route.action.body or route.action.query),
            _fields(route.answer) + (f"<br>events: {escape(streams)}" if streams else ""),
            escape(errors),
        )
        yield "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _fields(shape: type[msgspec.Struct] | None) -> str:
    if shape is None:
        return ""
    fields = msgspec.structs.fields(shape)
    return ", ".join(f"<code>{field.encode_name}{'' if field.required else '?'}</code>" for field in fields)


_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 80rem; padding: 0 1rem; }
.table { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid #8886; padding: .5rem; text-align: left; vertical-align: top; }
"""

PAGE_POLICY = (
    f"default-src 'none'; style-src 'sha256-{b64encode(sha256(_STYLE.encode()).digest()).decode()}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The page's content security policy: its one style by what it is, no script, and nothing from anywhere."""

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Potluck: the native API</title>
<style>{style}</style>
</head>
<body>
<h1>The native API</h1>
<p>Every request carries a key: <code>Authorization: Bearer KEY</code>. Fields with a question mark may be left out.
The same as an <a href="/api/v1/openapi.json">OpenAPI document</a>.</p>
<div class="table" role="region" aria-label="Routes" tabindex="0">
<table>
<thead><tr><th>Method</th><th>Path</th><th>What it does</th><th>Takes</th><th>Gives</th><th>Errors</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>
</div>
</body>
</html>
"""


def markdown(routes: Sequence[Route]) -> str:
    """docs/reference/http.md."""
    return "\n".join([_HEAD, *(_row(route) for route in routes), "", *_sections(routes)])


_HEAD = """# The native HTTP API

Made from `NATIVE_ROUTES` by `python -m potluck.surfaces.reference`; change it there. `GET /docs` shows the same on a
running Potluck, `GET /api/v1/openapi.json` is for programs.

Every request carries a key (`Authorization: Bearer KEY`). Errors are
`{"error": {"type", "message", "hint", "request_id", "param"?, "conversation"?}}`. Streams are server-sent events, each
with an `id` that counts from 1; one that fails ends with an `error` event instead of `done`, and a chat that was ended
early with `stopped`; docs/guides/leaving-and-coming-back.md tells how to come back to one. Fields marked `?` may be
left out; fields that are not known are ignored, but refused where a right is given (keys, users, invitations, shared
links).

| Method | Path | What it does |
| --- | --- | --- |"""


def _row(route: Route) -> str:
    return f"| {route.method} | `{route.shown}` | {' '.join(filter(None, (route.summary, _who(route))))} |"


def _sections(routes: Sequence[Route]) -> Iterator[str]:
    for route in routes:
        yield f"## {route.method} {route.shown}\n\n{route.summary}\n"
        if shape := route.action.body or route.action.query:
            yield f"{'Body' if route.action.body else 'Query'}: {_named(shape)}\n"
        if route.answer:
            yield f"Answer ({route.status}): {_named(route.answer)}\n"
        if route.events:
            yield "Events:\n"
            yield from (f"- `{name}`: {_named(shape)}" for name, shape in route.events.items())
            yield ""
        yield "Errors:\n"
        yield from (
            f"- {status}: {', '.join(f'`{word}`' for word in words)}" for status, words in errors_of(route).items()
        )
        yield ""


def _named(shape: type[msgspec.Struct]) -> str:
    fields = msgspec.structs.fields(shape)
    return ", ".join(f"`{field.encode_name}{'' if field.required else '?'}`" for field in fields)

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from potluck.surfaces.openapi import document, markdown, page
from potluck.surfaces.v1.routes import NATIVE_ROUTES

from .v1.world import World

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "http.md"


def made() -> dict[str, Any]:
    return document(NATIVE_ROUTES, "1.2.3")


def references(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*map(references, value.values()))
    return set().union(*map(references, value)) if isinstance(value, list) else set()


def test_the_reference_page_is_what_the_routes_say() -> None:
    assert REFERENCE.read_text() == markdown(NATIVE_ROUTES), "python -m potluck.surfaces.reference > " + str(REFERENCE)


def test_every_route_is_in_the_document_and_every_reference_leads_somewhere() -> None:
    doc = made()
    described = {(method.upper(), path) for path, item in doc["paths"].items() for method in item}
    assert described == {(route.method, route.shown) for route in NATIVE_ROUTES}
    known = {f"#/components/schemas/{name}" for name in doc["components"]["schemas"]}
    assert references(doc) <= known
    assert doc["openapi"] == "3.1.0"


def test_operations_have_names_of_their_own_and_their_parameters() -> None:
    operations = [operation for item in made()["paths"].values() for operation in item.values()]
    assert len({operation["operationId"] for operation in operations}) == len(NATIVE_ROUTES)
    for path, item in made()["paths"].items():
        for operation in item.values():
            named = {one["name"] for one in operation.get("parameters", []) if one["in"] == "path"}
            assert named == set(re.findall(r"{(\w+)}", path))


def test_streams_name_their_events() -> None:
    chat = made()["paths"]["/api/v1/chat"]["post"]["responses"]["200"]["content"]
    assert list(chat["text/event-stream"]["x-events"]) == [
        *("queued", "seated", "meta", "delta", "reasoning", "rescued", "done", "error", "stopped")
    ]


def test_the_page_lists_every_route_and_loads_nothing() -> None:
    html = page(NATIVE_ROUTES)
    assert all(f"<code>{route.shown}</code>" in html for route in NATIVE_ROUTES)
    assert not re.search(r"https?://|src=|@import|url\(|<link", html)


async def test_both_are_served() -> None:
    world = World()
    served = await world.ask("GET", "/api/v1/openapi.json")
    assert (served.status, served.headers["content-type"]) == (200, "application/json")
    assert served.json()["info"]["title"] == "Potluck"
    served = await world.ask("GET", "/docs")
    assert served.headers["content-type"] == "text/html; charset=utf-8"

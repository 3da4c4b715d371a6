"""The native API against its own description: whatever is sent, the answer is one that the document tells of.

schemathesis makes the requests from `GET /api/v1/openapi.json`, right ones and wrong ones, the same each time.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import msgspec
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis import Case, CheckContext, Config, Response
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from potluck import __version__
from potluck.surfaces import openapi
from potluck.surfaces.v1.routes import NATIVE_ROUTES
from potluck.wire.sse import SseReader
from tests.e2e import processes
from tests.e2e.processes import Fronted

# Every boundary of every field is some two thousand requests more, for who has a minute (POTLUCK_THOROUGH=1). Methods
# that a path has not are asked of every path by test_headers.
THOROUGH = bool(os.environ.get("POTLUCK_THOROUGH"))
CONFIG = Config.from_dict({"phases": {"coverage": {"enabled": THOROUGH, "unexpected-methods": []}}})
SCHEMA = schemathesis.openapi.from_dict(openapi.document(NATIVE_ROUTES, __version__), config=CONFIG)
ROUTES = {(route.method, route.shown): route for route in NATIVE_ROUTES}


def every_event_is_described(_: CheckContext, response: Response, case: Case) -> bool | None:
    """Each event of a stream has a name that its route lists, and the fields that go with that name."""
    if not response.headers.get("content-type", [""])[0].startswith("text/event-stream"):
        return None
    events = ROUTES[case.operation.method.upper(), case.operation.path].events
    for event in SseReader().feed(response.content):
        # A field that is missing or of another type is an error here.
        msgspec.json.decode(event.data, type=events[event.name])
    return None


def what_is_wrong_is_refused(context: CheckContext, response: Response, case: Case) -> bool | None:
    """An empty value in a query is no wrong one: it counts as left out."""
    return None if "" in (case.query or {}).values() else negative_data_rejection(context, response, case)


CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    what_is_wrong_is_refused,
    every_event_is_described,
]


@pytest.fixture(scope="module")
def battered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fronted]:
    """A service of its own: drills, drains and removals are among what is asked of it."""
    with processes.fronted(tmp_path_factory.mktemp("battered")) as running:
        yield running


@SCHEMA.parametrize()
@settings(
    max_examples=6,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_one_that_the_document_tells_of(case: Case, battered: Fronted) -> None:
    headers = {"authorization": f"Bearer {battered.service.key}"}
    case.call_and_validate(base_url=battered.service.url, headers=headers, checks=CHECKS, timeout=20)

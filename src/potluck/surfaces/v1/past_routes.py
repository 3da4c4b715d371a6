"""Routes that tell how machines are and were, and what went wrong. `routes` joins them."""

from __future__ import annotations

from typing import Final

from potluck.core import errors as e
from potluck.core.people import Right
from potluck.surfaces.v1 import home, home_shapes, past, past_shapes
from potluck.surfaces.v1.endpoint import Route, asking, plain

PAST_ROUTES: Final[tuple[Route, ...]] = (
    Route(
        "GET",
        "/api/v1/home",
        "Tell what matters now: how the machines are, what is wrong, and for owners what is to be done.",
        plain(home.read_home),
        home_shapes.HomeReply,
        right=Right.SEE_FLEET,
    ),
    Route(
        "GET",
        "/api/v1/history",
        "Tell how the machines were in the last hours: all together, and each.",
        asking(past_shapes.HistoryQuery, past.fleet_history),
        past_shapes.FleetHistoryReply,
        right=Right.SEE_FLEET,
    ),
    Route(
        "GET",
        "/api/v1/nodes/{node}/history",
        "Tell how a machine was in the last hours.",
        asking(past_shapes.HistoryQuery, past.node_history),
        past_shapes.HistoryReply,
        errors=(e.NotFound,),
        right=Right.SEE_FLEET,
    ),
    Route(
        "GET",
        "/api/v1/incidents",
        "List what went wrong and when, newest first.",
        asking(past_shapes.IncidentQuery, past.list_incidents),
        past_shapes.IncidentList,
        right=Right.SEE_FLEET,
    ),
)

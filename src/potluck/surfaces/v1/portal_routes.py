"""Routes that the portal lives on, and any other client that people chat in. `routes` joins them."""

from __future__ import annotations

from typing import Final

from potluck.core.people import Right
from potluck.surfaces.v1 import boot, boot_shapes
from potluck.surfaces.v1.endpoint import Route, plain

PORTAL_ROUTES: Final[tuple[Route, ...]] = (
    Route(
        "GET",
        "/api/v1/boot",
        "All that the portal starts with: who one is, models, conversations, answers under way, counts.",
        plain(boot.boot),
        boot_shapes.BootReply,
        right=Right.LOOK,
    ),
)

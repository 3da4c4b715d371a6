"""Routes by which the owner keeps house: settings. `routes` joins them."""

from __future__ import annotations

from typing import Final

from potluck.core.people import Right
from potluck.surfaces.v1 import settings, settings_shapes
from potluck.surfaces.v1.endpoint import Route, plain, reading

HOUSE_ROUTES: Final[tuple[Route, ...]] = (
    Route(
        "GET",
        "/api/v1/settings",
        "List every setting with what holds, where that comes from, and whether it can be changed here.",
        plain(settings.read_settings),
        settings_shapes.SettingsReply,
        right=Right.CHANGE_FLEET,
    ),
    Route(
        "PATCH",
        "/api/v1/settings",
        "Change settings; they hold at once, and go before the file.",
        reading(settings_shapes.SettingsChange, settings.change_settings),
        settings_shapes.SettingsChanged,
        right=Right.CHANGE_FLEET,
        lasting=True,
    ),
)

"""Routes by which the owner keeps house: settings, backups. `routes` joins them."""

from __future__ import annotations

from typing import Final

from potluck.core import errors as e
from potluck.core.people import Right
from potluck.surfaces.v1 import backup, backup_shapes, settings, settings_shapes
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
    Route(
        "GET",
        "/api/v1/backup",
        "List the backups in the data directory, and tell how far one is that is being made.",
        plain(backup.read_backup),
        backup_shapes.BackupReply,
        right=Right.CHANGE_FLEET,
    ),
    Route(
        "POST",
        "/api/v1/backup",
        "Make a backup in the background, and check it.",
        plain(backup.make_backup),
        backup_shapes.BackupReply,
        errors=(e.Conflict,),
        status=202,
        right=Right.CHANGE_FLEET,
        lasting=True,
    ),
)

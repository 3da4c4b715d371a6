"""``/api/v1/settings``: what holds, where it comes from, and what may be changed while the service runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from potluck.core.audit import Event
from potluck.core.model import Json
from potluck.surfaces.v1.exchange import Exchange, Reply
from potluck.surfaces.v1.settings_shapes import (
    Plain,
    SettingInfo,
    SettingsChange,
    SettingsChanged,
    SettingsReply,
)

if TYPE_CHECKING:  # pydantic's 18 MB come with it, and not before somebody asks
    from potluck.config.effective import Setting


async def read_settings(exchange: Exchange) -> Reply:
    settings = exchange.services.settings
    return Reply(SettingsReply(settings.file, [_info(each) for each in await settings.all()]))


async def change_settings(exchange: Exchange, body: SettingsChange) -> Reply:
    settings = exchange.services.settings
    previous = await settings.change(cast("dict[str, Json]", body.changes))
    await exchange.tell(Event.SETTINGS_CHANGED, keys=", ".join(body.changes))
    return Reply(
        SettingsChanged(
            cast("dict[str, Plain]", dict(previous)),
            [_info(each) for each in await settings.all() if each.key in body.changes],
        )
    )


def _info(setting: Setting) -> SettingInfo:
    return SettingInfo(
        key=setting.key,
        section=setting.key.partition(".")[0].partition("[")[0],
        type=setting.type,
        value=setting.value,
        default=setting.default,
        source=setting.source,
        line=setting.line,
        changeable=setting.changeable,
        restart=setting.restart,
        description=setting.description,
    )

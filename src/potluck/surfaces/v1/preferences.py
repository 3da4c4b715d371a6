"""``/api/v1/users/me/preferences``: how the caller wants the portal."""

from __future__ import annotations

import msgspec
from msgspec import UNSET

from potluck.surfaces.v1.exchange import Exchange, Reply
from potluck.surfaces.v1.portal_shapes import Preferences, PreferencesPatch


async def read_preferences(exchange: Exchange) -> Reply:
    return Reply(await preferences_of(exchange))


async def change_preferences(exchange: Exchange, body: PreferencesPatch) -> Reply:
    services = exchange.services
    wanted = {name: value for name, value in msgspec.structs.asdict(body).items() if value is not UNSET}
    changed = msgspec.structs.replace(await preferences_of(exchange), **wanted)
    kept = msgspec.json.encode(changed).decode()
    await services.storage.preferences.set(exchange.caller.user, kept, services.clock())
    return Reply(changed)


async def preferences_of(exchange: Exchange) -> Preferences:
    """The caller's; what another version has kept, and this one does not understand, is as if it were not there."""
    kept = await exchange.services.storage.preferences.get(exchange.caller.user)
    if kept is None:
        return Preferences()
    try:
        return msgspec.json.decode(kept, type=Preferences)
    except msgspec.DecodeError:
        return Preferences()

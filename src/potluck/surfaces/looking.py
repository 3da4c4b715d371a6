"""Taking in what an engine has now, for who has just changed it or asks right after."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from starlette.requests import Request

from potluck.gateway.fleet import Installation
from potluck.surfaces.state import services_of

# An engine on the same network lists its models within milliseconds.
_LOOK_S = 2.0


async def look(request: Request, installation: Installation) -> None:
    """A slow engine is not waited for: what is known of it must do."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_LOOK_S):
            await services_of(request).look(installation.id)

"""Where a house's owner chooses the first password."""

from __future__ import annotations

import structlog

from potluck import logs
from potluck.app.given import Given
from potluck.gateway.audit import Audit
from potluck.storage.ports import Storage

log = structlog.get_logger(__name__)


async def offer_set_up(given: Given, storage: Storage, audit: Audit, url: str) -> None:
    """Say where, at the URL that is listened at, as long as nobody has a password."""
    if any(ways.password for ways in (await storage.credentials.standing()).values()):
        return
    from potluck.gateway.making_links import LinkMaker, own_url  # noqa: PLC0415 - only first starts need it

    maker = LinkMaker(storage, given.wall_clock, given.new_id, given.random_bytes, audit)
    _, token = await maker.set_up()
    link = f"{own_url(given.config.server.url, url)}/setup?token={token}"
    # It is for whoever reads this, and for once: the one secret that is meant for the log.
    log.info(logs.Meant(f"nobody has a password yet: choose the owner's at {link}"))

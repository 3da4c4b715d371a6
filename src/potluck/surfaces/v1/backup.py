"""``/api/v1/backup``: the backups in the data directory, and making another one."""

from __future__ import annotations

from potluck.core.audit import Event
from potluck.gateway.backups import KEPT
from potluck.surfaces.v1.backup_shapes import BackupInfo, BackupReply, BackupStep
from potluck.surfaces.v1.exchange import Exchange, Reply
from potluck.surfaces.v1.shapes import rfc3339


async def read_backup(exchange: Exchange) -> Reply:
    care = exchange.services.backups
    step, began_s = care.under_way, care.began_s
    return Reply(
        BackupReply(
            possible=not care.why_not,
            why=care.why_not,
            under_way=None
            if step is None or began_s is None
            else BackupStep(step.stage, step.done, step.total, rfc3339(began_s)),
            trouble=care.trouble,
            backups=[BackupInfo.of(each) for each in await care.all()],
            keep=KEPT,
        )
    )


async def make_backup(exchange: Exchange) -> Reply:
    """It is made in the background: `read_backup` tells how far it is."""
    exchange.services.backups.begin()
    await exchange.tell(Event.BACKUP_BEGUN)
    return await read_backup(exchange)

"""Put the audit log together: what is kept, and the same facts in the log."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack

import structlog

from potluck.app.given import Given
from potluck.core.audit import Fact
from potluck.core.model import UserId
from potluck.gateway.audit import Audit
from potluck.storage.audit_head import HeadFile
from potluck.storage.datadir import DataDir
from potluck.storage.journal import Journal
from potluck.storage.owed_facts import MOST_OWED_FACT_BYTES, JournaledFacts
from potluck.storage.ports import Storage
from potluck.surfaces.auth import Keyring

log = structlog.get_logger(__name__)


def open_audit(given: Given, storage: Storage, keyring: Keyring, stack: AsyncExitStack) -> Audit:
    audit = audit_of(storage, given.data, given.wall_clock, given.clock, given.new_id, keyring.name_of)
    keyring.refused = audit.key_refused
    stack.push_async_callback(audit.close)
    return audit


def audit_of(
    storage: Storage,
    data: DataDir,
    wall_clock: Callable[[], float],
    clock: Callable[[], float],
    new_id: Callable[[], str],
    name_of: Callable[[UserId], str] = str,
) -> Audit:
    """What its journal holds from before is written, too."""
    return Audit(
        storage.audit,
        clock=wall_clock,
        monotonic=clock,
        new_id=new_id,
        name_of=name_of,
        heads=HeadFile(data.audit_head),
        heard=_log_fact,
        owed=JournaledFacts(facts_journal(data)),
    )


def facts_journal(data: DataDir) -> Journal:
    return Journal(data.journal / "audit", synced=True, most_bytes=MOST_OWED_FACT_BYTES)


def _log_fact(fact: Fact) -> None:
    """To the log, too: where that goes, nobody who writes the database can change it."""
    who = {"user": fact.name, "key": fact.key, "address": fact.address}
    log.info(
        "audit", what=str(fact.event), subject=fact.subject, **who, **{f"with_{k}": v for k, v in fact.detail.items()}
    )

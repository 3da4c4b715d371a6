"""Put the audit log together: what is kept, and the same facts in the log."""

from __future__ import annotations

from contextlib import AsyncExitStack

import structlog

from potluck.app.given import Given
from potluck.core.audit import Fact
from potluck.gateway.audit import Audit
from potluck.storage.audit_head import HeadFile
from potluck.storage.ports import Storage
from potluck.surfaces.auth import Keyring

log = structlog.get_logger(__name__)


def open_audit(given: Given, storage: Storage, keyring: Keyring, stack: AsyncExitStack) -> Audit:
    audit = Audit(
        storage.audit,
        clock=given.wall_clock,
        monotonic=given.clock,
        new_id=given.new_id,
        name_of=keyring.name_of,
        heads=HeadFile(given.data.audit_head),
        heard=_log_fact,
    )
    keyring.refused = audit.key_refused
    stack.push_async_callback(audit.close)
    return audit


def _log_fact(fact: Fact) -> None:
    """To the log, too: where that goes, nobody who writes the database can change it."""
    who = {"user": fact.name, "key": fact.key, "address": fact.address}
    log.info(
        "audit", what=str(fact.event), subject=fact.subject, **who, **{f"with_{k}": v for k, v in fact.detail.items()}
    )

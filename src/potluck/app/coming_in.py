"""Puts together how people come in without a key. Not imported before somebody does, or is offered to."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from potluck.config.model import Config
from potluck.core.passwords import cost_for
from potluck.gateway.accounts import Accounts, accounts
from potluck.gateway.audit import Audit
from potluck.gateway.hashing import Hashing
from potluck.gateway.people import People
from potluck.gateway.vault import Vault
from potluck.storage.datadir import DataDir, ensure_secret_key
from potluck.storage.ports import Storage

_SECRET_BYTES = 32
# What a container may use (cgroup v2); "max" where nobody said.
_CONTAINERS_MEMORY = Path("/sys/fs/cgroup/memory.max")


def coming_in(
    config: Config,
    data: DataDir,
    storage: Storage,
    people: People,
    audit: Audit,
    changed: Callable[[], Awaitable[None]],
    *,
    clock: Callable[[], float],
    monotonic: Callable[[], float],
    new_id: Callable[[], str],
    random_bytes: Callable[[int], bytes],
    at_the_end: Callable[[Callable[[], None]], object],
) -> Accounts:
    """``clock`` is Unix seconds. ``at_the_end`` is told what ends the threads that hash."""

    def secret() -> bytes:
        told = config.access.secret_key
        if told is not None:
            return hashlib.sha256(told.reveal().encode()).digest()
        return ensure_secret_key(data, random_bytes(_SECRET_BYTES))

    hashing = Hashing(cost_for(memory_bytes()))
    at_the_end(hashing.close)
    return accounts(
        storage,
        people,
        hashing,
        Vault(secret, random_bytes),
        clock=clock,
        monotonic=monotonic,
        new_id=new_id,
        random_bytes=random_bytes,
        changed=changed,
        audit=audit,
    )


def memory_bytes() -> int:
    """What this machine, or this container, has; 0 if nothing tells."""
    try:
        whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        whole = 0
    try:
        allowed = int(_CONTAINERS_MEMORY.read_text("ascii"))
    except (OSError, ValueError):
        return whole
    return min(whole, allowed) if whole else allowed

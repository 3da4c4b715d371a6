"""All by which people come in without a key, put together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from potluck.gateway.attempts import Attempts
from potluck.gateway.audit import Audit
from potluck.gateway.by_password import ByPassword
from potluck.gateway.hashing import Hashing
from potluck.gateway.links import Links
from potluck.gateway.people import People
from potluck.gateway.second_factor import SecondFactors
from potluck.gateway.signing_in import SigningIn
from potluck.gateway.vault import Vault
from potluck.storage.ports import Storage


class Accounts(msgspec.Struct, frozen=True):
    """Passwords, links and second factors, which count wrong attempts together."""

    signing_in: SigningIn
    links: Links
    factors: SecondFactors
    attempts: Attempts
    by_password: ByPassword


def accounts(
    storage: Storage,
    people: People,
    hashing: Hashing,
    vault: Vault,
    *,
    clock: Callable[[], float],
    monotonic: Callable[[], float],
    new_id: Callable[[], str],
    random_bytes: Callable[[int], bytes],
    changed: Callable[[], Awaitable[None]],
    audit: Audit,
) -> Accounts:
    """``clock`` is Unix seconds, ``monotonic`` what pauses are measured by."""
    attempts = Attempts(monotonic, vault, random_bytes)
    factors = SecondFactors(storage, people, hashing, attempts, vault, clock, random_bytes, audit)
    signing_in = SigningIn(storage, people, hashing, attempts, factors, clock, changed, audit)
    links = Links(storage, people, hashing, attempts, factors, clock, new_id, random_bytes, changed, audit)
    by_password = ByPassword(signing_in, factors, storage.credentials)
    return Accounts(signing_in, links, factors, attempts, by_password)

"""Passwords hashed in threads: never more than two at once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from potluck.core.errors import OperatorError, Overloaded
from potluck.core.passwords import Cost
from potluck.gateway.hashing import Hashing
from potluck.gateway.vault import Vault

CHEAP = Cost(1, 8, 1)


@pytest.fixture
def hashing() -> Iterator[Hashing]:
    made = Hashing(CHEAP, waiting=3)
    yield made
    made.close()


async def test_a_hash_matches_its_password_alone_and_nobodys_matches_none(hashing: Hashing) -> None:
    hashed = await hashing.hash("correct horse")
    assert hashed.startswith("$argon2id$v=19$m=8,t=1,p=1$")
    assert await hashing.matches(hashed, "correct horse")
    assert not await hashing.matches(hashed, "wrong horse")
    for nobodys in (None, "not a hash", "$argon2id$v=19$m=8,t=1,p=1$"):
        assert not await hashing.matches(nobodys, "")


async def test_a_hash_of_other_parameters_is_outdated(hashing: Hashing) -> None:
    hashed = await hashing.hash("correct horse")
    other = Hashing(Cost(2, 16, 1))
    assert (await hashing.outdated(hashed), await other.outdated(hashed)) == (False, True)
    assert await other.matches(hashed, "correct horse")
    other.close()


async def test_two_run_at_once_some_wait_and_no_more_are_taken(
    hashing: Hashing, monkeypatch: pytest.MonkeyPatch
) -> None:
    running, most, go = 0, 0, threading.Event()
    lock = threading.Lock()

    def slow(hash_: str, password: str) -> bool:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        go.wait()
        with lock:
            running -= 1
        return True

    monkeypatch.setattr(hashing, "_compared", slow)
    asked = [asyncio.ensure_future(hashing.matches(None, "x")) for _ in range(5)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await hashing.matches(None, "x")
    asked[4].cancel()  # who leaves the line makes room in it
    await asyncio.wait([asked[4]])
    await asyncio.sleep(0)
    last = asyncio.ensure_future(hashing.matches(None, "x"))
    await asyncio.sleep(0)
    go.set()
    assert await asyncio.gather(*asked[:4], last) == [True] * 5
    assert most == 2


def test_what_is_locked_opens_for_whom_it_was_locked_and_with_its_key_alone() -> None:
    vault = Vault(lambda: b"key", lambda count: b"n" * count)
    locked = vault.locked(b"secret", "anna")
    assert b"secret" not in locked
    assert vault.opened(locked, "anna") == b"secret"
    for other, whose, content in (
        (vault, "bert", locked),
        (Vault(lambda: b"other", bytes), "anna", locked),
        (vault, "anna", locked[:-1]),
        (vault, "anna", b""),
    ):
        with pytest.raises(OperatorError, match="another key"):
            other.opened(content, whose)


def test_nobody_signs_without_the_key() -> None:
    signed = Vault(lambda: b"key", bytes).signature("text")
    assert signed == Vault(lambda: b"key", bytes).signature("text")
    assert signed not in (Vault(lambda: b"other", bytes).signature("text"), Vault(lambda: b"key", bytes).signature("t"))

"""Attempts to come in by something that could be guessed: who makes too many waits (`core.backoff`)."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from enum import Enum
from hmac import compare_digest

import msgspec

from potluck.core.backoff import Backoff, Mark, Rule
from potluck.core.errors import ClientError, PotluckError, RateLimited
from potluck.core.floods import place_of
from potluck.core.model import UserId
from potluck.core.people import folded, own_key
from potluck.gateway.port import Caller
from potluck.gateway.vault import Vault
from potluck.storage.records import UserRecord

# A person who has forgotten which of five passwords it was. From one place a name is then tried twelve times an hour.
_HERE = Rule(free=5, first_s=5.0, ceiling_s=300.0, forget_s=3_600.0)
# A household, or everybody behind one proxy, shares an address.
_ADDRESS = Rule(free=20, first_s=5.0, ceiling_s=300.0, forget_s=3_600.0)
# From however many places. Its owner waits a minute at the most, and not at all on a device that is known.
_NAME = Rule(free=30, first_s=1.0, ceiling_s=60.0, forget_s=3_600.0)

_NONCE_BYTES = 12


class Visitor(msgspec.Struct, frozen=True):
    """From where somebody asks. ``device`` is the cookie that a browser was given when somebody signed in with it."""

    address: str = ""
    agent: str = ""
    device: str = ""

    def as_caller(self, user: UserRecord) -> Caller:
        """``user`` itself, who has come in without a key, for the audit log."""
        return Caller(own_key(user.id), user.name, user.id, user.role, address=self.address)


class Outcome(Enum):
    """What became of an attempt. ``OPEN``: it was not wrong, but more is needed."""

    WRONG = "wrong"
    OPEN = "open"
    RIGHT = "right"


class Attempt:
    """One attempt; it is wrong until somebody says otherwise."""

    def __init__(self) -> None:
        self.outcome = Outcome.WRONG


class Attempts:
    """``clock`` is monotonic seconds, ``vault`` signs the cookies of known devices."""

    def __init__(self, clock: Callable[[], float], vault: Vault, random_bytes: Callable[[int], bytes]) -> None:
        self._clock = clock
        self._vault = vault
        self._random_bytes = random_bytes
        self._backoff = Backoff()

    @contextmanager
    def trying(self, name: str, visitor: Visitor) -> Generator[Attempt]:
        """An attempt on ``name`` by a visitor as `recognised` gives it. Raises `RateLimited` if it is too early.

        What fails for another reason than the visitor's is not held against it.
        """
        own, shared = self._marks(folded(name), visitor)
        wait_s = self._backoff.attempt((*own, *shared), self._clock())
        if wait_s > 0.0:
            raise RateLimited("There were too many wrong attempts.", retry_after_s=wait_s, hint="Wait, then try again.")
        attempt = Attempt()
        try:
            yield attempt
        except PotluckError as error:
            if not isinstance(error, ClientError):
                attempt.outcome = Outcome.OPEN
            raise
        finally:
            if attempt.outcome is Outcome.RIGHT:
                self._backoff.passed(own, shared)
            elif attempt.outcome is Outcome.OPEN:
                self._backoff.passed((), (*own, *shared))

    def device(self, user: UserId) -> str:
        """The cookie of a device that ``user`` has signed in with."""
        text = f"{user}.{self._random_bytes(_NONCE_BYTES).hex()}"
        return f"{text}.{self._vault.signature(text)}"

    def recognised(self, visitor: Visitor, user: UserId | None) -> Visitor:
        """The visitor, with its device only if ``user`` has signed in with it before."""
        text, _, signature = visitor.device.rpartition(".")
        ours = user is not None and text.startswith(f"{user}.")
        if ours and compare_digest(signature.encode(), self._vault.signature(text).encode()):
            return visitor
        return msgspec.structs.replace(visitor, device="")

    def _marks(self, name: str, visitor: Visitor) -> tuple[tuple[Mark, ...], tuple[Mark, ...]]:
        """Those of this name, and those that it shares with others."""
        if visitor.device:
            return (Mark(f"device {visitor.device}", _HERE),), ()
        address = place_of(visitor.address)
        return (Mark(f"here {address} {name}", _HERE), Mark(f"name {name}", _NAME)), (Mark(f"at {address}", _ADDRESS),)

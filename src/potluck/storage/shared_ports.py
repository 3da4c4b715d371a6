"""What gateways of one installation share beside its database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

import msgspec

from potluck.core.allowances import Claim, Hold, Level, Verdict
from potluck.storage.records import GatewayRecord, Heard, Topic


class SharedMeter(Protocol):
    """Buckets and places that all gateways of an installation share (`core.allowances.Meter`), exact however many ask.

    It has a clock of its own, which never goes back. Raises `StorageAway` where its server does not answer.
    """

    async def take(self, claims: Sequence[Claim], holds: Sequence[Hold] = (), call: str = "") -> Verdict:
        """Pay all claims and take all holds for a ``call``, or none."""
        ...

    async def charge(self, claims: Sequence[Claim], holds: Sequence[Hold] = (), call: str = "") -> None:
        """Pay for what has been used already, into debt if need be; a cost below 0 gives back. Free a call's holds."""
        ...

    async def keep(self, held: Mapping[str, Sequence[Hold]]) -> None:
        """Say which calls still run, and what they hold: places that nobody speaks for are free after `LEASE_S`."""
        ...

    async def levels(self, claims: Sequence[Claim]) -> tuple[Level, ...]:
        """How the buckets of claims stand."""
        ...


class Subscription(Protocol):
    """What one listener of a `Bus` has not heard yet."""

    async def next(self) -> Heard:
        """The next word, once it comes. What was said several times meanwhile comes once."""
        ...


class Bus(Protocol):
    """Word between gateways that something has changed, so that nobody needs to look all the time.

    A hint and no more: the truth is in the database. Who listens hears what its own gateway says at once, what others
    say a moment later, and a word about nothing in particular (`Heard.what` is empty) whenever some may have been
    missed: at the beginning, when the server was away, or when it lags far behind. While the server is away nobody
    hears of others: whoever must know looks from time to time as well.
    """

    def publish(self, topic: Topic, what: str = "") -> None:
        """Say that something has changed. Neither waits nor fails."""
        ...

    def listen(self, *topics: Topic) -> AbstractContextManager[Subscription]:
        """Hear what is said of these from now on, to the end of the block."""
        ...

    async def relaying(self) -> None:
        """Pass words between gateways, for as long as it runs: the composition root runs it once. Where there is only
        one gateway it returns at once."""
        ...


class Presence(Protocol):
    """Which gateways of an installation are alive. Raises `StorageAway` where its server does not answer."""

    async def here(self, gateway: GatewayRecord, ttl_s: float) -> None:
        """Say that one is alive, and will say so again within ``ttl_s``, or it counts as gone."""
        ...

    async def leave(self, gateway: str) -> None:
        """One stops in good order. One that is not there is passed over."""
        ...

    async def all(self) -> tuple[GatewayRecord, ...]:
        """Those that are alive, the first to start first."""
        ...


class JobSpread(Protocol):
    """Tells gateways that jobs wait: each job one of them, so that not all run for it. Which job that one takes then
    the database decides. While its server is away nobody is told, and gateways look from time to time as they do
    anyway.
    """

    async def announce(self, job: str) -> None:
        """Say that a job waits. Never fails."""
        ...

    async def next(self) -> str:
        """A job of which nobody else was told; once it comes, also if that is long. Who dies before `settle` has said
        nothing: another gateway is told then."""
        ...

    async def settle(self, told: str) -> None:
        """The gateway has looked for work since it was told. Never fails."""
        ...


class Shared(msgspec.Struct, frozen=True):
    """What gateways of one installation share beside its database. ``server`` tells how the server is that it takes;
    None where there is none, and one gateway shares with nobody."""

    bus: Bus
    presence: Presence
    meter: SharedMeter
    jobs: JobSpread
    server: ServerState | None = None


class ServerState(Protocol):
    """How a server is, from memory."""

    @property
    def trouble(self) -> str:
        """Why it is not used now, in an owner's words; empty if it is."""
        ...

"""What is kept of jobs, and what the rest may ask of where they are kept.

`JobStore` is a port as those of `storage.ports`: each method is one transaction, on disk when it returns, and raises
`OperatorError` where the database fails. Every implementation passes tests/contract/storage/test_jobs.py.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import StrEnum
from typing import NewType, Protocol

import msgspec

from potluck.core.jobs import Held, JobState, Priority
from potluck.core.model import KeyId, UserId

JobId = NewType("JobId", str)

EVENTS_KEPT = 100
"""Of each job the last so many: each tells all there is to know at its time, so none before it is missed."""


class NewJob(msgspec.Struct, frozen=True):
    """Work that is to be done. ``request`` is the kind's own JSON, ``total`` how many parts it will have.

    ``idempotency`` names it among its user's jobs, so that who did not hear the answer may ask again; empty for none.
    """

    id: JobId
    user: UserId
    key: KeyId
    kind: str
    request: str
    created_s: float
    total: int = 1
    title: str = ""
    priority: Priority = Priority.NORMAL
    idempotency: str = ""


class JobFailure(msgspec.Struct, frozen=True):
    """As the native API words errors."""

    kind: str
    message: str
    hint: str = ""


class JobRecord(msgspec.Struct, frozen=True):
    """A job without its request and its parts. ``done`` of ``total`` parts are kept; ``failures`` counts tries that
    failed. ``not_before_s`` is when a try that waits may begin. ``cancelling``: it is to end, and its worker has not
    heard yet. ``failure`` is the last one, which has ended it if it is ``FAILED``."""

    id: JobId
    user: UserId
    key: KeyId
    kind: str
    title: str
    priority: Priority
    state: JobState
    created_s: float
    started_s: float | None
    ended_s: float | None
    not_before_s: float
    failures: int
    cancelling: bool
    done: int
    total: int
    last_event: int
    failure: JobFailure | None


class Lease(msgspec.Struct, frozen=True):
    """A worker's claim on a job. Each taking has another ``fence``: what one with an older one writes is refused."""

    job: JobId
    fence: int


class Claimed(msgspec.Struct, frozen=True):
    record: JobRecord
    lease: Lease
    request: str


class Part(msgspec.Struct, frozen=True):
    """A piece of the result, as the kind's own JSON. Numbers count from 0."""

    number: int
    content: str


class JobEvent(msgspec.Struct, frozen=True):
    """Something that happened to a job: numbered from 1 without gaps, ``data`` is JSON."""

    number: int
    time_s: float
    name: str
    data: str


class JobStanding(msgspec.Struct, frozen=True):
    """The data of the store's own events: how the job stood then, and when a try that failed is made again."""

    state: JobState
    done: int
    total: int
    failures: int
    again_s: float | None
    failure: JobFailure | None


STORE_EVENTS = frozenset(
    {"queued", "started", "progress", "waiting", "retrying", "cancelling", "done", "failed", "cancelled"}
)
"""Events that the store writes itself; all others are a kind's."""


class Beat(StrEnum):
    """How a lease stands. ``CANCELLED``: it is held, and its job is to end."""

    HELD = "held"
    CANCELLED = "cancelled"
    LOST = "lost"


class JobStore(Protocol):
    """Jobs. Another user's is `NotFound`, as if it did not exist.

    Methods that take a lease return whether it still holds; where it does not, nothing is written.
    """

    async def add(self, job: NewJob, *, most_unfinished: int) -> JobRecord:
        """Keep a new one. One with the same ``idempotency`` and request that is there already is returned instead.

        Raises `Conflict` where that one's request is another, `QueueFull` where the user has ``most_unfinished``.
        """
        ...

    async def get(self, job: JobId, user: UserId) -> JobRecord:
        """Raises `NotFound`."""
        ...

    async def list(
        self, user: UserId, *, limit: int, before: JobId | None = None, state: JobState | None = None, kind: str = ""
    ) -> tuple[JobRecord, ...]:
        """Newest first; those behind ``before``, of one ``kind`` only where it is named. Raises `NotFound` for one that
        is not there."""
        ...

    async def request(self, job: JobId, user: UserId) -> str:
        """What was asked for, as the kind's own JSON. Raises `NotFound`."""
        ...

    async def forget(self, some: Sequence[JobId], user: UserId) -> int:
        """Forget those of them that have ended, with all that came of them; how many they were."""
        ...

    async def events(self, job: JobId, user: UserId, after: int = 0) -> tuple[JobEvent, ...]:
        """Those that are kept, above ``after``, oldest first. Raises `NotFound`."""
        ...

    async def parts(self, job: JobId, user: UserId, *, after: int = -1, limit: int) -> tuple[Part, ...]:
        """By number, those above ``after``. Raises `NotFound`."""
        ...

    async def ahead(self, job: JobId, user: UserId) -> int:
        """How many jobs are likely to be begun before this one (`core.jobs.ahead_of`); 0 for one that does not wait.
        Raises `NotFound`."""
        ...

    async def cancel(self, job: JobId, user: UserId, now: float) -> JobRecord:
        """End one that waits, and ask the worker of one that runs to end it; one that has ended stays as it is. Raises
        `NotFound`."""
        ...

    async def claim(self, worker: str, kinds: Collection[str], now: float) -> Claimed | None:
        """Lease the next job of these kinds by `core.jobs.in_turn`. No two callers get the same one."""
        ...

    async def numbers(self, lease: Lease) -> frozenset[int]:
        """The numbers of the parts that are kept."""
        ...

    async def beat(self, lease: Lease) -> Beat:
        """Give a sign of life."""
        ...

    async def keep(self, lease: Lease, parts: Sequence[Part], now: float) -> bool:
        """Keep parts of the result, with an event ``progress``; one whose number is there already is passed over."""
        ...

    async def note(self, lease: Lease, name: str, data: str, now: float) -> bool:
        """An event of the kind's own."""
        ...

    async def finish(self, lease: Lease, now: float) -> bool:
        """All is done."""
        ...

    async def fail(
        self, lease: Lease, failure: JobFailure, retry_s: float | None, now: float, *, counted: bool = True
    ) -> bool:
        """A try has come to nothing; the next may begin at ``retry_s``, None for no more. Not ``counted`` is one that
        only waits."""
        ...

    async def end_cancelled(self, lease: Lease, now: float) -> bool:
        """Its worker has heard that it is to end."""
        ...

    async def give_back(self, lease: Lease, now: float) -> bool:
        """Its worker stops in good order: it waits again, at its old place, and no try is counted."""
        ...

    async def held(self) -> tuple[Held, ...]:
        """All leases."""
        ...

    async def take_away(self, held: Held, now: float) -> bool:
        """End a lease that has not been renewed since it looked like this (`core.jobs.without_worker`)."""
        ...

    async def unfinished(self) -> tuple[int, int]:
        """How many jobs wait, and how many run."""
        ...

    async def prune(self, before_s: float) -> int:
        """Forget jobs that ended before; how many they were."""
        ...

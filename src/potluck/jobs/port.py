"""What a kind of job is, what it is given to work with, and what surfaces may ask of jobs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from potluck.core.errors import PotluckError
from potluck.core.jobs import JobState, Priority
from potluck.core.model import KeyId
from potluck.gateway.gallery import Gallery
from potluck.gateway.picture_progress import Progresses
from potluck.gateway.port import Caller, Calls
from potluck.gateway.prompt_feed import PromptFeed
from potluck.gateway.studio import Studio
from potluck.storage.jobs import JobEvent, JobFailure, JobRecord, Part
from potluck.storage.records import RequestRecord
from potluck.wire.prompts.styles import Style


class Pictures(msgspec.Struct, frozen=True):
    """What pictures are made with: who draws them, and the owner's styles and lists for prompts, by name. ``feed`` is
    what ComfyUI's clients hear."""

    studio: Studio
    styles: Mapping[str, Style] = {}
    wildcards: Mapping[str, Sequence[str]] = {}
    feed: PromptFeed = msgspec.field(default_factory=PromptFeed)


def _nothing_kept(record: RequestRecord) -> None:
    """Where nobody asks what was used."""


async def _nobody_limited(caller: Caller, images: int) -> None:
    """Where everybody may have as many as he likes."""


class Tools(msgspec.Struct, frozen=True):
    """What kinds work with. ``gallery`` keeps pictures, ``progress`` is told how far they are; ``pictures`` is there
    where some can be drawn, ``counted`` keeps account of each, and ``give_back`` takes so many images back that were
    asked for and will not be made. ``caller_of`` tells who a key belongs to now, None if it does
    not count any more; ``words`` how an error is shown."""

    calls: Calls
    gallery: Gallery
    progress: Progresses
    caller_of: Callable[[KeyId], Caller | None]
    words: Callable[[PotluckError], JobFailure]
    pictures: Pictures | None = None
    counted: Callable[[RequestRecord], None] = _nothing_kept
    give_back: Callable[[Caller, int], Awaitable[None]] = _nobody_limited


class Work(Protocol):
    """One try of a job, as its kind sees it. Every method waits while the database is away, and raises
    `asyncio.CancelledError` where the job is no longer this worker's."""

    @property
    def record(self) -> JobRecord: ...

    @property
    def request(self) -> str:
        """As `Kind.prepare` made it."""
        ...

    @property
    def kept(self) -> frozenset[int]:
        """The numbers of the parts that earlier tries have kept: they are not to be done again."""
        ...

    @property
    def last_try(self) -> bool:
        """Whether engines that fail once more would end the job for good."""
        ...

    @property
    def again(self) -> bool:
        """Whether there was a try before: what it has begun elsewhere may still be there."""
        ...

    async def keep(self, *parts: Part) -> None:
        """Keep parts of the result, for good."""
        ...

    async def note(self, name: str, data: msgspec.Struct) -> None:
        """Tell who follows the job of something beside its progress."""
        ...


class Prepared(msgspec.Struct, frozen=True):
    """A job that has been checked: ``request`` is JSON for the kind itself, ``total`` how many parts will be kept."""

    request: str
    total: int
    title: str = ""
    priority: Priority = Priority.NORMAL


class Kind(msgspec.Struct, frozen=True):
    """A kind of job. To add one: a file with these three, and its line in `jobs.kinds`.

    ``asked`` is the JSON that asks for it, a tagged struct whose tag ``kind`` is its name. ``prepare`` checks it before
    anything is kept, and raises `ClientError`. ``run`` does all parts that are not kept yet; a try may be cut off
    anywhere and is then made again. What it raises fails the try: `core.jobs.mends` says whether there is another one.
    ``at_once`` is how many of this kind may run beside all others; None: it counts among those.
    """

    asked: type[msgspec.Struct]
    prepare: Callable[[Any, Caller], Prepared]
    run: Callable[[Work, Tools], Awaitable[None]]
    at_once: int | None = None

    @property
    def name(self) -> str:
        return str(self.asked.__struct_config__.tag)


class JobCare(Protocol):
    """A user's own jobs: `jobs.jobs.Jobs`. Raises `NotFound` for others'."""

    async def submit(self, asked: msgspec.Struct, caller: Caller, idempotency: str = "", id: str = "") -> JobRecord:
        """``id`` is what it is to be called, where that is not left to us; nobody else's may be the same. Raises
        `ClientError`, `QueueFull`, and `Conflict` where ``idempotency`` names another request."""
        ...

    async def get(self, job: str, caller: Caller) -> JobRecord: ...

    async def request(self, job: str, caller: Caller) -> str:
        """What was asked for, as `Kind.prepare` made it."""
        ...

    async def list(
        self, caller: Caller, *, limit: int, before: str = "", state: JobState | None = None, kind: str = ""
    ) -> Sequence[JobRecord]: ...

    async def forget(self, some: Sequence[str], caller: Caller) -> int:
        """Forget those of them that have ended; how many they were."""
        ...

    async def parts(self, job: str, caller: Caller, *, after: int = -1, limit: int) -> Sequence[Part]: ...

    def follow(self, job: str, caller: Caller, after: int = 0) -> AsyncIterator[JobEvent]:
        """Its events above ``after``, now and to come, until it has ended."""
        ...

    async def ahead(self, job: str, caller: Caller) -> int:
        """How many jobs are likely to be begun before this one; 0 for one that does not wait."""
        ...

    async def cancel(self, job: str, caller: Caller) -> JobRecord: ...

    async def counts(self) -> tuple[int, int] | None:
        """How many jobs wait and how many run, everybody's; None where the database does not say so at once."""
        ...

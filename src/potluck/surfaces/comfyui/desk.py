"""What one ComfyUI would remember: numbers, whose prompts are under way, and how many."""

from __future__ import annotations

import asyncio
import itertools
from collections import OrderedDict
from contextlib import suppress
from typing import NamedTuple

import structlog

from potluck.core.errors import NotFound, PotluckError
from potluck.core.jobs import ENDED, JobState
from potluck.core.model import JsonObject, UserId
from potluck.gateway.port import Caller
from potluck.jobs.workflow import NAME, read_job, wish_id
from potluck.storage.jobs import JobRecord
from potluck.storage.records import Topic
from potluck.surfaces.services import Services
from potluck.wire.comfyui.frames import status, write_text

log = structlog.get_logger(__name__)

# What no word came of is looked at all the same.
_LOOK_S = 2.0
# Of one user as many are looked at as may be unfinished, and more than anybody reads.
MOST = 1000
# Clients whose prompts have ended while they were not there.
_MOST_UNHEARD = 1000


class Live(NamedTuple):
    """A prompt that has not ended, as far as is known here. ``state`` is what its user's clients were told last."""

    caller: Caller
    prompt: str
    client: str
    state: JobState = JobState.QUEUED


class Desk:
    """Owned by one port. Called from one event loop; `watching` runs beside it."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.uploading = asyncio.Lock()
        """Names of files are looked for and taken in one go."""
        self._numbers = itertools.count()
        self._live: dict[str, Live] = {}
        self._deleted: set[str] = set()
        self._unheard: OrderedDict[tuple[UserId, str], list[str]] = OrderedDict()

    def number(self) -> int:
        return next(self._numbers)

    async def began(self, job: JobRecord, live: Live) -> None:
        """A prompt is there; its user's clients are told so. One that was asked for once more may have ended."""
        if job.state in ENDED:
            self._say_over(live)
            return
        self._live[job.id] = live
        await self.tell_status(live.caller)

    def deleted(self, job: str) -> None:
        """It is to leave nothing behind when it has ended."""
        self._deleted.add(job)

    async def unfinished(self, caller: Caller) -> list[JobRecord]:
        """A user's prompts that have not ended, oldest first."""
        found: dict[str, JobRecord] = {}
        # One may begin, or wait for another try, between two looks: none is to be missed, for clients stop at none.
        for state in (JobState.QUEUED, JobState.RUNNING, JobState.QUEUED):
            some = await self._services.jobs.list(caller, limit=MOST, state=state, kind=NAME)
            found |= {job.id: job for job in some}
        return sorted(found.values(), key=lambda job: (job.created_s, job.id))

    def draws(self, job: JobRecord) -> bool:
        """Whether an engine has it now: while it stands in the studio's line it waits, whatever its worker does."""
        return job.state is JobState.RUNNING and self._services.pictures_line(wish_id(job.id)) is None

    async def tell_status(self, caller: Caller) -> None:
        if caller.user in self._services.feed.users():
            with suppress(PotluckError):
                self._services.feed.send_all(caller.user, status(len(await self.unfinished(caller))))

    # --- sockets ---

    async def greeting(self, caller: Caller, client: str) -> list[str]:
        """What a socket is told first. Prompts of before a restart are known again then."""
        unfinished = await self.unfinished(caller)
        for job in unfinished:
            if job.id not in self._live:
                with suppress(NotFound):
                    asked = read_job(await self._services.jobs.request(job.id, caller))
                    self._live[job.id] = Live(caller, asked.prompt, asked.client, job.state)
        ended = self._unheard.pop((caller.user, client), [])
        return [status(len(unfinished), client), *(_over(prompt) for prompt in ended)]

    async def watching(self) -> None:
        """Tell clients of the end of their prompts, for ever. What is said before that the job itself says."""
        with self._services.shared.bus.listen(Topic.JOBS) as listening:
            while True:
                some = list(self._live)
                with suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_S):
                        word = (await listening.next()).what
                        some = [word] if word else some
                for job in some:
                    if (live := self._live.get(job)) is not None:
                        await self._look(job, live)

    async def _look(self, id: str, live: Live) -> None:
        jobs = self._services.jobs
        try:
            job = await jobs.get(id, live.caller)
            if job.state is live.state:
                return
            self._live[id] = live._replace(state=job.state)
            if job.state in ENDED:
                del self._live[id]
                await self._ended(job, live)
            await self.tell_status(live.caller)
        except NotFound:
            self._live.pop(id, None)
        except PotluckError as error:
            log.warning("a prompt cannot be looked at", why=error.message, detail=error.detail)
            return
        if id not in self._live:
            self._say_over(live)

    async def _ended(self, job: JobRecord, live: Live) -> None:
        """What the job could not say itself; a prompt that was taken out of the line leaves nothing behind."""
        if job.id in self._deleted:
            self._deleted.discard(job.id)
            await self._services.jobs.forget([job.id], live.caller)
        elif job.done == 0 and job.state is not JobState.DONE:
            kind, data = ending(job, live.prompt)
            text = write_text(kind, data)
            if kind == "execution_interrupted":
                self._services.feed.send_all(live.caller.user, text)
            else:
                self._services.feed.send(live.caller.user, live.client, text)

    def _say_over(self, live: Live) -> None:
        if not live.client:
            return
        if self._services.feed.hears(live.caller.user, live.client):
            self._services.feed.send(live.caller.user, live.client, _over(live.prompt))
            return
        self._unheard.setdefault((live.caller.user, live.client), []).append(live.prompt)
        if len(self._unheard) > _MOST_UNHEARD:
            self._unheard.popitem(last=False)


def _over(prompt: str) -> str:
    return write_text("executing", {"node": None, "prompt_id": prompt})


def ending(job: JobRecord, prompt: str) -> tuple[str, JsonObject]:
    """How a prompt ended of which no engine's word is kept."""
    told: JsonObject = {"prompt_id": prompt, "node_id": "", "node_type": "", "executed": []}
    told["timestamp"] = int((job.ended_s or job.created_s) * 1000)
    if job.state is JobState.CANCELLED:
        return "execution_interrupted", told
    failure = job.failure
    message = f"{failure.message} {failure.hint}".strip() if failure is not None else "It has failed."
    return "execution_error", {
        **told,
        "exception_message": message,
        "exception_type": failure.kind if failure is not None else "failed",
        "traceback": [],
        "current_inputs": {},
        "current_outputs": [],
    }

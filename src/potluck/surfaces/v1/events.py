"""``GET /api/v1/events``: one stream for a portal of all that changes, each topic at most twice a second.

Nothing is queued for a reader: at each tick it is told how what it may see differs from what it was told last, so one
that reads slowly is told less often, and nobody's memory grows. What is not in this process's memory (jobs,
conversations) is heard of by the bus.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from potluck.core.discovery import State
from potluck.core.errors import BadRequest, PotluckError
from potluck.core.jobs import ENDED, JobState
from potluck.core.people import Right
from potluck.gateway.announcements import conversation_of
from potluck.storage.records import Heard, Topic
from potluck.storage.shared_ports import Subscription
from potluck.surfaces.live import Picture
from potluck.surfaces.v1 import live
from potluck.surfaces.v1.exchange import Events, Exchange, Result, Stream
from potluck.surfaces.v1.jobs import JobInfo, job_info
from potluck.surfaces.v1.live_shapes import ConversationsChanged, EventsQuery, InboxCount
from potluck.surfaces.v1.past import incident_info
from potluck.surfaces.v1.shapes import rfc3339

TOPICS: Final[Mapping[str, Right]] = {
    "nodes": Right.SEE_FLEET,
    "models": Right.LOOK,
    "queue": Right.SEE_FLEET,
    "generations": Right.CONVERSE,
    "jobs": Right.RUN_JOBS,
    "conversations": Right.CONVERSE,
    "incidents": Right.SEE_FLEET,
    "discovery": Right.CHANGE_FLEET,
}
"""What is told of, each with the right that it takes."""

_SINGLE: Final = frozenset({"queue", "discovery"})
"""Topics that are one thing, told whole; of all others the items that changed."""

_WAITING: Final = frozenset({State.NEW, State.MOVED})
_NEWEST_INCIDENTS: Final = 30
_NEWEST_JOBS: Final = 30
_NEWEST_GENERATIONS: Final = 30
# Who is turned out, or has other rights now, hears nothing more after that.
_ASK_AGAIN_TICKS: Final = 10
# Jobs are looked at so often while some are under way, also where no word of them comes (`storage.shared_ports.Bus`).
_LOOK_AT_JOBS_TICKS: Final = 10
_MOST_CONVERSATIONS: Final = 50


async def read_events(exchange: Exchange, query: EventsQuery) -> Result:
    """A reader that comes back is told everything anew: its ``Last-Event-ID`` is passed over."""
    topics = _wanted(query.topics, exchange)
    attending = exchange.services.live.attending(exchange.caller.user)

    async def run(events: Events) -> None:
        with attending, exchange.services.shared.bus.listen(Topic.JOBS, Topic.CONVERSATIONS) as listening:
            await _tell(_Feed(exchange, topics), listening, events)

    return Stream(run)


def _wanted(asked: str, exchange: Exchange) -> tuple[str, ...]:
    """1. None that is not there. 2. All or those asked for. 3. None that is not the caller's to see."""
    names = [name for name in (each.strip() for each in asked.split(",")) if name]
    if unknown := [name for name in names if name not in TOPICS]:
        raise BadRequest(
            f"There is no topic '{unknown[0][:50]}'.", param="topics", hint=f"There is {', '.join(TOPICS)}."
        )
    return tuple(
        topic for topic, right in TOPICS.items() if (not names or topic in names) and exchange.caller.may(right)
    )


async def _tell(feed: _Feed, listening: Subscription, events: Events) -> None:
    """1. Everything. 2. At each tick, what is not as it was told. 3. Until the caller or the service goes."""
    services = feed.exchange.services
    await _words(listening, 0.0)  # what came before is in the snapshot, or read by who comes back
    await events.send_json("snapshot", await feed.snapshot())
    ticks = 0
    while not services.stopping():
        heard = await _words(listening, services.live.tick_s)
        ticks += 1
        if ticks % _ASK_AGAIN_TICKS == 0 and not services.welcome(feed.exchange.caller):
            return
        for topic, told in await feed.changes(heard, look_at_jobs=ticks % _LOOK_AT_JOBS_TICKS == 0):
            await events.send_json(topic, told)


async def _words(listening: Subscription, within_s: float) -> set[Heard]:
    """What is said until the next tick."""
    heard: set[Heard] = set()
    deadline_s = asyncio.get_running_loop().time() + within_s
    while True:
        try:
            async with asyncio.timeout_at(deadline_s):
                heard.add(await listening.next())
        except TimeoutError:
            return heard


class _Delta(msgspec.Struct):
    changed: list[msgspec.Raw]
    gone: list[str]


@dataclass
class _Feed:
    """One reader: what it was told last, by topic."""

    exchange: Exchange
    topics: tuple[str, ...]
    told: dict[str, Picture] = field(default_factory=dict[str, Picture])
    unfinished: bool = False

    async def snapshot(self) -> bytes:
        shown: dict[str, msgspec.Raw | str | Sequence[str] | Sequence[msgspec.Raw]] = {
            "at": rfc3339(self.exchange.services.clock()),
            "topics": self.topics,
        }
        for topic in self.topics:
            if topic == "conversations":
                continue
            picture = self.told[topic] = await self._look(topic)
            items = [msgspec.Raw(each) for each in picture.values()]
            shown[topic] = items[0] if topic in _SINGLE else items
        return msgspec.json.encode(shown)

    async def changes(self, heard: Iterable[Heard], *, look_at_jobs: bool) -> list[tuple[str, bytes]]:
        """What to tell now, by topic."""
        found: list[tuple[str, bytes]] = []
        about_jobs = any(each.topic is Topic.JOBS for each in heard) or (look_at_jobs and self.unfinished)
        for topic in self.topics:
            if topic == "conversations":
                if told := self._conversations(heard):
                    found.append((topic, msgspec.json.encode(told)))
            elif topic != "jobs" or about_jobs:
                before = self.told.get(topic, {})
                picture = self.told[topic] = await self._look(topic)
                if told_bytes := _difference(topic, before, picture):
                    found.append((topic, told_bytes))
        return found

    def _conversations(self, heard: Iterable[Heard]) -> ConversationsChanged | None:
        about = [conversation_of(each.what) for each in heard if each.topic is Topic.CONVERSATIONS]
        own = sorted(str(conversation) for user, conversation in about if user == self.exchange.caller.user)
        every = ("", "") in about or len(own) > _MOST_CONVERSATIONS
        return ConversationsChanged([] if every else own, every) if own or every else None

    async def _look(self, topic: str) -> Picture:
        services, caller = self.exchange.services, self.exchange.caller
        match topic:
            case "nodes":
                eyes = "all" if caller.may(Right.SEE_ALL) else caller.user
                return self._shared(topic, eyes, lambda: live.live_nodes(services, caller))
            case "models":
                return self._shared(topic, caller.key, lambda: live.live_models(services, caller))
            case "queue":
                eyes = "all" if caller.may(Right.SEE_ALL) else caller.user
                return self._shared(topic, eyes, lambda: {"": live.live_queue(services, caller)})
            case "incidents":
                every = caller.may(Right.SEE_ALL)
                last = services.recorder.recent()[:_NEWEST_INCIDENTS]
                return _encoded({each.id: incident_info(each, every=every) for each in last})
            case "discovery":
                waiting = sum(each.state in _WAITING for each in services.discovery.proposals())
                return _encoded({"": InboxCount(waiting)})
            case "generations":
                summaries = await services.generations.list(caller.user)
                return _encoded({each.head.id: live.live_generation(each) for each in summaries[:_NEWEST_GENERATIONS]})
            case _:
                return await self._jobs()

    def _shared(self, topic: str, eyes: str, look: Callable[[], Mapping[str, msgspec.Struct]]) -> Picture:
        services = self.exchange.services
        return services.live.seen(topic, eyes, services.clock(), lambda: _encoded(look()))

    async def _jobs(self) -> Picture:
        """While the database is away nothing is known to have changed."""
        try:
            jobs = await self.exchange.services.jobs.list(self.exchange.caller, limit=_NEWEST_JOBS)
        except PotluckError:
            return self.told.get("jobs", {})
        shown: dict[str, JobInfo] = {job.id: job_info(job) for job in jobs}
        self.unfinished = any(JobState(each.state) not in ENDED for each in shown.values())
        return _encoded(shown)


def _encoded(items: Mapping[str, msgspec.Struct]) -> Picture:
    return {name: msgspec.json.encode(each) for name, each in items.items()}


def _difference(topic: str, before: Picture, now: Picture) -> bytes:
    """What to tell who knows ``before``; empty if nothing."""
    changed = [each for name, each in now.items() if before.get(name) != each]
    if topic in _SINGLE:
        return changed[0] if changed else b""
    gone = [name for name in before if name not in now]
    if not changed and not gone:
        return b""
    return msgspec.json.encode(_Delta([msgspec.Raw(each) for each in changed], gone))

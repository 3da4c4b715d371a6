"""``/api/v1/events``: the one stream of a portal."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from potluck.core.errors import StorageAway
from potluck.core.incidents import Cause, Incident
from potluck.core.model import EngineId, Health
from potluck.core.scheduling.classes import Kind
from potluck.core.scopes import Scope
from potluck.gateway.port import Caller
from potluck.gateway.seats import Running
from potluck.storage.records import Topic
from potluck.surfaces.live import Live

from .test_discovery import PROPOSALS
from .world import ADMIN, AGX0, ANNA, BERT, CODER, DOWN, GUEST, LOCAL, OWNER, Hang, Served, World

EVENTS = "/api/v1/events"
Told = tuple[int, str, Any]


async def listen(
    world: World,
    *steps: Callable[[], object],
    caller: Caller = ANNA,
    topics: str = "nodes,queue",
    leave: bool = True,
    until: bytes = b"",
) -> list[Told]:
    """What a reader is told: first the snapshot, then what comes of each step; it leaves when it has ``until``."""
    got = bytearray()
    came = asyncio.Event()
    left = asyncio.Event()

    async def receive() -> dict[str, Any]:
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        got.extend(message.get("body", b""))
        if b"data: " in message.get("body", b""):
            came.set()

    async def play() -> None:
        for step in (None, *steps):
            if step is not None:
                step()
            await came.wait()
            came.clear()
        while until not in got:
            await came.wait()
            came.clear()
        if leave:
            left.set()

    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        tasks.create_task(world.raw(receive, send, EVENTS, caller, "GET", query=f"topics={topics}".encode()))
        tasks.create_task(play())
    return Served(200, {}, bytes(got)).events()


def call(caller: Caller, request: str = "r1") -> Running:
    return Running(
        request=request,  # pyright: ignore[reportArgumentType]
        user=caller.user,
        asked="chat",
        model=CODER.id,
        node=AGX0.node,
        engine=AGX0.id,
        family="openai",
        kind=Kind.CHAT,
        since_s=1_750_000_000.0,
        answering=True,
    )


async def test_everything_comes_first_and_then_what_has_changed() -> None:
    world = World()
    up_again = replace(DOWN, health=Health.UP)

    def mend() -> None:
        world.fleet.engines = (AGX0, LOCAL, up_again)

    def lose() -> None:
        world.fleet.engines = (AGX0, up_again)

    snapshot, mended, lost = await listen(world, mend, lose, topics="nodes")
    assert (snapshot[:2], snapshot[2]["topics"]) == ((1, "snapshot"), ["nodes"])
    agx0, here, orin0 = snapshot[2]["nodes"]
    assert [each["state"] for each in (agx0, here, orin0)] == ["up", "up", "down"]
    assert (agx0["busy"], agx0["slots"], orin0["slots"]) == (1, 4, 0)
    (held,) = agx0["engines"][0]["held"]
    assert (held["model"], held["memory_bytes"], held["decode_tps"]) == ("coder:1b", 1200, 52.5)
    assert agx0["held_bytes"] == 1200
    assert (mended[:2], lost[:2]) == ((2, "nodes"), (3, "nodes"))
    assert ([each["id"] for each in mended[2]["changed"]], mended[2]["gone"]) == (["orin0"], [])
    assert lost[2] == {"changed": [], "gone": ["here"]}


async def test_why_and_others_calls_are_the_owners_to_see() -> None:
    world = World()
    world.fleet.running = [call(ANNA, "mine"), call(BERT, "theirs")]
    (anna,), (owner,) = await listen(world), await listen(world, caller=OWNER)
    assert [(each["id"], each["user"]) for each in anna[2]["nodes"][0]["calls"]] == [("mine", "name of anna"), ("", "")]
    assert [each["id"] for each in owner[2]["nodes"][0]["calls"]] == ["mine", "theirs"]
    assert "192.168" not in str(anna)
    assert "192.168.1.157" in owner[2]["nodes"][2]["engines"][0]["why"]
    assert [each["position"] for each in anna[2]["queue"]["calls"]] == [1, 3]
    assert [each["position"] for each in owner[2]["queue"]["calls"]] == [1, 2, 3]


async def test_nobody_is_told_what_is_not_theirs_to_see() -> None:
    world = World()
    every = ",".join(("nodes", "models", "queue", "generations", "conversations", "discovery"))
    ((_, _, guest),) = await listen(world, caller=GUEST, topics=every)
    assert guest["topics"] == ["models"]
    assert [each["id"] for each in guest["models"]] == ["coder:1b", "lost:1b", "talker:8b"]
    assert [(each["ready"], each["resident"]) for each in guest["models"]] == [
        (True, True),
        (False, False),
        (True, False),
    ]
    limited = limited_to(ANNA, Scope(None, ("talker:8b",)))
    ((_, _, anna),) = await listen(world, caller=limited, topics="models,discovery")
    assert [each["id"] for each in anna["models"]] == ["talker:8b"]


def limited_to(caller: Caller, scope: Scope) -> Caller:
    return Caller(caller.key, caller.name, caller.user, caller.role, scope)


async def test_an_unknown_topic_is_refused_with_those_that_there_are() -> None:
    refused = await World().ask("GET", f"{EVENTS}?topics=nodes,weather")
    assert (refused.status, refused.json()["error"]["param"]) == (400, "topics")
    assert "discovery" in refused.json()["error"]["hint"]


async def test_own_answers_are_told_of_as_they_come_and_go() -> None:
    world = World(lambda call: (Hang(),))
    work: list[asyncio.Task[Any]] = []

    def ask() -> None:
        work.append(asyncio.create_task(world.ask("POST", "/api/v1/chat", {"message": "Hi"})))

    def stop() -> None:
        (running,) = world.generations._running  # pyright: ignore[reportPrivateUsage]
        work.append(asyncio.create_task(world.ask("DELETE", f"/api/v1/generations/{running}")))

    bert = asyncio.create_task(listen(world, caller=BERT, topics="generations"))
    told = await listen(world, ask, stop, topics="generations", until=b"interrupted")
    states = [each["state"] for _, name, data in told if name == "generations" for each in data["changed"]]
    assert (states[0], states[-1]) == ("running", "interrupted")
    assert (await bert)[0][2]["generations"] == []
    await asyncio.gather(*work)


async def test_a_conversation_is_told_of_to_its_user_alone() -> None:
    world = World()
    say = world.app.state.services.announcements.conversation

    def both() -> None:
        say(BERT.user, "his")
        say(ANNA.user, "hers")
        say(ANNA.user, "hers")

    def any_of_all() -> None:  # as a bus does whose server was away
        world.bus.publish(Topic.CONVERSATIONS)

    snapshot, told, every = await listen(world, both, any_of_all, topics="conversations")
    assert "conversations" not in snapshot[2]
    assert told[1:] == ("conversations", {"changed": ["hers"], "all": False})
    assert every[1:] == ("conversations", {"changed": [], "all": True})


class FewJobs:
    def __init__(self) -> None:
        self.away = False

    async def list(self, caller: Caller, **_: object) -> list[Any]:
        if self.away:
            raise StorageAway("The database is away.", retry_after_s=1.0)
        return []


async def test_a_database_that_is_away_ends_no_stream() -> None:
    jobs = FewJobs()
    world = World(jobs=jobs)

    def away() -> None:
        jobs.away = True
        world.bus.publish(Topic.JOBS, "j1")
        world.fleet.engines = (AGX0,)

    snapshot, changed = await listen(world, away, topics="jobs,nodes")
    assert (snapshot[2]["jobs"], changed[1]) == ([], "nodes")


async def test_the_inbox_counts_for_who_may_empty_it() -> None:
    world = World()

    def find() -> None:
        world.discovery.found = list(PROPOSALS)

    before, after = await listen(world, find, caller=ADMIN, topics="discovery")
    assert (before[2]["discovery"], after[1:]) == ({"proposals": 0}, ("discovery", {"proposals": 1}))


@pytest.mark.parametrize("how", [{"stopping": True}, {"welcome": False}], ids=["service", "right"])
async def test_a_stream_ends_with_the_service_and_with_the_right_to_it(how: dict[str, bool]) -> None:
    told = await listen(World(stopping=how.get("stopping", False), welcome=how.get("welcome", True)), leave=False)
    assert [name for _, name, _ in told] == ["snapshot"]


def test_what_many_look_at_is_looked_at_once_in_a_tick() -> None:
    live, looks = Live(tick_s=0.5), list[float]()

    def look(now_s: float) -> dict[str, bytes]:
        looks.append(now_s)
        return {}

    for now_s in (1.0, 1.1, 1.4, 1.5, 0.2):
        live.seen("nodes", "all", now_s, lambda now_s=now_s: look(now_s))  # type: ignore[misc]
    assert looks == [1.0, 1.5, 0.2]


async def test_one_user_has_so_many_streams_and_no_more() -> None:
    world = World()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("potluck.surfaces.live._MOST_OF_ONE", 1)
        with world.live.attending(ANNA.user):
            refused = await world.ask("GET", EVENTS)
            assert (refused.status, refused.headers["retry-after"]) == (503, "10")
            assert len(await listen(world, caller=OWNER)) == 1
    assert world.live.streams == 0


async def test_incidents_are_told_as_they_begin_and_end() -> None:
    world = World()
    began = Incident("i1", Cause.NODE_DOWN, AGX0.node, EngineId(""), 1_750_000_000.0, None, "at 192.168.1.5")
    world.recorder.since["agx0"] = 1_750_000_000.0

    def begin() -> None:
        world.recorder.incidents = [began]

    def end() -> None:
        world.recorder.incidents = [replace(began, until_s=1_750_000_005.0)]

    snapshot, first, second = await listen(world, begin, end, topics="incidents,nodes")
    assert (snapshot[2]["incidents"], snapshot[2]["nodes"][0]["since"]) == ([], "2025-06-15T15:06:40.000Z")
    states = [[each["state"] for each in told["changed"]] for _, name, told in (first, second) if name == "incidents"]
    assert states == [["open"], ["over"]]
    assert "192.168" not in str(first)

"""``/api/v1/jobs`` on a real database, with a runner behind it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from potluck.gateway.picture_progress import Progresses
from potluck.gateway.tasks import Tasks
from potluck.jobs.jobs import Jobs
from potluck.jobs.kinds import KINDS
from potluck.jobs.port import Tools
from potluck.jobs.runner import Limits, Runner
from potluck.storage.jobs import JobFailure
from potluck.storage.open import open_storage, sqlite_url
from potluck.storage.shared.memory import MemoryJobSpread
from potluck.surfaces.v1.errors import failure_of

from .world import ANNA, BERT, GUEST, Served, World

CHAT = {"kind": "chat", "requests": ["one", {"custom_id": "mine", "messages": [{"role": "user", "content": "two"}]}]}
Begin = Callable[[], None]


@asynccontextmanager
async def worlds(folder: Path, most_unfinished: int = 9) -> AsyncIterator[tuple[World, Begin]]:
    """A world, and what sets its runner going."""
    async with open_storage(sqlite_url(folder / "potluck.db"), clock=time.monotonic) as storage, Tasks() as tasks:
        world, spread = World(), MemoryJobSpread()

        def words(error: Any) -> JobFailure:
            told = failure_of(error)
            return JobFailure(told.kind, told.message, told.hint)

        runner = Runner(
            storage.jobs,
            world.bus,
            spread,
            KINDS,
            Tools(world.calls, world.gallery, Progresses(), lambda key: ANNA, words),
            tasks,
            Limits(),
            worker="w",
            sole=True,
            clock=time.monotonic,
            wall_clock=world._tick,
            chance=lambda: 0.5,
        )
        world.app.state.services = replace(
            world.app.state.services,
            jobs=Jobs(
                storage.jobs,
                world.bus,
                spread,
                KINDS,
                most_unfinished=most_unfinished,
                clock=world._tick,
                new_id=world.app.state.services.new_id,
                wake=runner.wake,
            ),
        )
        yield world, runner.begin


async def made(world: World, **more: Any) -> str:
    served = await world.ask("POST", "/api/v1/jobs", {**CHAT, **more})
    assert served.status == 201
    assert served.headers["location"] == f"/api/v1/jobs/{served.json()['id']}"
    return str(served.json()["id"])


async def followed(world: World, job: str, **headers: str) -> Served:
    return await world.ask("GET", f"/api/v1/jobs/{job}/events", headers=headers)


async def test_a_job_is_made_followed_and_its_result_read(tmp_path: Path) -> None:
    async with worlds(tmp_path) as (world, begin):
        job = await made(world, title="Two", priority="low")
        waits = (await world.ask("GET", f"/api/v1/jobs/{job}")).json()
        assert (await world.ask("GET", "/api/v1/status")).json()["jobs"] == {"waiting": 1, "running": 0}
        assert (waits["state"], waits["total"], waits["title"], waits["priority"]) == ("queued", 2, "Two", "low")
        begin()
        events = (await followed(world, job)).events()
        assert [name for _, name, _ in events] == ["queued", "started", "progress", "progress", "done"]
        assert events[-1][2] == {
            "state": "done", "done": 2, "total": 2, "failures": 0, "again_at": None, "error": None
        }  # fmt: skip
        result = (await world.ask("GET", f"/api/v1/jobs/{job}/result")).json()
        assert [part["text"] for part in result["parts"]] == ["Hello", "Hello"]
        assert [part.get("custom_id") for part in result["parts"]] == [None, "mine"]
        page = (await world.ask("GET", f"/api/v1/jobs/{job}/result?limit=1")).json()
        assert (len(page["parts"]), page["next"]) == (1, 0)
        page = (await world.ask("GET", f"/api/v1/jobs/{job}/result?limit=1&after=0")).json()
        assert (page["parts"][0]["index"], page["next"]) == (1, None)


async def test_who_comes_back_hears_what_was_missed_and_who_has_all_is_told_so(tmp_path: Path) -> None:
    async with worlds(tmp_path) as (world, begin):
        job = await made(world)
        begin()
        await followed(world, job)
        missed = (await followed(world, job, **{"last-event-id": "3"})).events()
        assert [(number, name) for number, name, _ in missed] == [(4, "progress"), (5, "done")]
        assert (await followed(world, job, **{"last-event-id": "5"})).status == 204
        assert (await followed(world, job, **{"last-event-id": "x"})).status == 400


async def test_a_job_is_its_users_alone(tmp_path: Path) -> None:
    async with worlds(tmp_path) as (world, _):
        job = await made(world)
        for path in ("", "/events", "/result"):
            assert (await world.ask("GET", f"/api/v1/jobs/{job}{path}", caller=BERT)).status == 404
        assert (await world.ask("POST", f"/api/v1/jobs/{job}/cancel", caller=BERT)).status == 404
        assert (await world.ask("GET", "/api/v1/jobs", caller=BERT)).json() == {"jobs": [], "next": None}
        assert (await world.ask("POST", "/api/v1/jobs", CHAT, caller=GUEST)).status == 403


async def test_jobs_are_listed_page_by_page(tmp_path: Path) -> None:
    async with worlds(tmp_path) as (world, _):
        jobs = [await made(world) for _ in range(3)]
        page = (await world.ask("GET", "/api/v1/jobs?limit=2")).json()
        assert ([job["id"] for job in page["jobs"]], page["next"]) == (jobs[:0:-1], jobs[1])
        page = (await world.ask("GET", f"/api/v1/jobs?limit=2&before={jobs[1]}")).json()
        assert ([job["id"] for job in page["jobs"]], page["next"]) == (jobs[:1], None)
        assert (await world.ask("GET", "/api/v1/jobs?state=done")).json()["jobs"] == []
        assert (await world.ask("GET", "/api/v1/jobs?state=lost")).status == 400


async def test_a_job_that_waits_is_cancelled(tmp_path: Path) -> None:
    async with worlds(tmp_path) as (world, begin):
        job = await made(world)
        assert (await world.ask("POST", f"/api/v1/jobs/{job}/cancel")).json()["state"] == "cancelled"
        begin()
        assert [name for _, name, _ in (await followed(world, job)).events()] == ["queued", "cancelled"]
        assert world.calls.calls == []


async def test_the_same_request_under_one_key_is_one_job(tmp_path: Path) -> None:
    async with worlds(tmp_path) as (world, _):
        key = {"idempotency-key": "first"}
        ids = {(await world.ask("POST", "/api/v1/jobs", CHAT, headers=key)).json()["id"] for _ in range(3)}
        assert len(ids) == 1
        other = await world.ask("POST", "/api/v1/jobs", {**CHAT, "requests": ["else"]}, headers=key)
        assert (other.status, other.json()["error"]["type"]) == (409, "conflict")
        long = await world.ask("POST", "/api/v1/jobs", CHAT, headers={"idempotency-key": "x" * 201})
        assert long.status == 400


async def test_more_unfinished_jobs_than_allowed_are_refused_for_a_while(tmp_path: Path) -> None:
    async with worlds(tmp_path, most_unfinished=1) as (world, _):
        await made(world)
        served = await world.ask("POST", "/api/v1/jobs", CHAT)
        assert (served.status, served.headers["retry-after"]) == (503, "60")


async def test_what_is_no_job_is_refused_with_its_field(tmp_path: Path) -> None:
    async with worlds(tmp_path) as (world, _):
        for body, param in (
            ({"kind": "dance", "requests": ["x"]}, "kind"),
            ({"kind": "chat", "requests": []}, "requests"),
            ({"kind": "chat", "requests": ["x"] * 1001}, "requests"),
            ({"kind": "chat", "requests": ["x", {"messages": 7}]}, "requests[1].messages"),
            ({"requests": ["x"]}, "kind"),
        ):
            served = await world.ask("POST", "/api/v1/jobs", body)
            assert (served.status, served.json()["error"].get("param")) == (400, param)

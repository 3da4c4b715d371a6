"""Jobs are brought to their end, whatever becomes of their workers."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from potluck.core.errors import BadRequest, NodeUnreachable, Overloaded, StorageAway
from potluck.core.jobs import FIRST_PAUSE_S, KEEPS_S, LEASE_S, JobState
from potluck.jobs.port import Tools, Work
from potluck.storage.jobs import Beat, JobId, JobStore, Lease, Part
from tests.jobs.world import ANNA, Gateway, gateways, nothing


class Steps:
    """A kind that keeps its parts one by one, and stops before those that a test holds back."""

    def __init__(self, *held: int) -> None:
        self.held = set(held)
        self.did: list[int] = []
        self.here = asyncio.Event()
        self.go_on = asyncio.Event()

    async def __call__(self, work: Work, tools: Tools) -> None:
        for number in range(work.record.total):
            if number in work.kept:
                continue
            if number in self.held:
                self.here.set()
                await self.go_on.wait()
            self.did.append(number)
            await work.keep(Part(number, str(number)))


async def test_a_job_is_done_and_followed_to_its_end(tmp_path: Path) -> None:
    steps = Steps()
    async with gateways(tmp_path, steps) as (one,):
        one.runner.begin()
        job = await one.submit(3)
        events = [event.name async for event in one.jobs.follow(job.id, ANNA)]
        assert events == ["queued", "started", "progress", "progress", "progress", "done"]
        assert steps.did == [0, 1, 2]
        assert (await one.get(job)).state is JobState.DONE


async def test_no_more_run_at_once_than_allowed(tmp_path: Path) -> None:
    steps = Steps(0)
    async with gateways(tmp_path, steps, at_once=2) as (one,):
        one.runner.begin()
        jobs = [await one.submit() for _ in range(4)]
        for job in jobs[:2]:
            await one.until(job, "started")
        assert one.runner.running == 2
        assert (await one.get(jobs[3])).state is JobState.QUEUED
        steps.go_on.set()
        for job in jobs:
            assert (await one.until(job, "done")).state is JobState.DONE


async def test_what_time_may_mend_is_tried_again_after_a_pause(tmp_path: Path) -> None:
    failures = [NodeUnreachable("It is away."), Overloaded("Full.", retry_after_s=40.0)]

    async def fails(work: Work, tools: Tools) -> None:
        if failures:
            raise failures.pop(0)

    async with gateways(tmp_path, fails) as (one,):
        one.runner.begin()
        job = await one.submit()
        waits = await one.until(job, "retrying")
        assert (waits.state, waits.failures, waits.not_before_s) == (JobState.QUEUED, 1, one.wall + FIRST_PAUSE_S)
        one.wall += FIRST_PAUSE_S
        one.runner.wake()
        async with asyncio.timeout(20):
            while (waits := await one.get(job)).not_before_s != one.wall + 40.0:  # as the engine said
                await asyncio.sleep(0.01)
        assert waits.failures == 1, "to wait is no failure"
        one.wall += 40.0
        one.runner.wake()
        assert (await one.until(job, "done")).failures == 1


async def test_what_nobody_but_the_caller_mends_ends_the_job(tmp_path: Path) -> None:
    async def refuses(work: Work, tools: Tools) -> None:
        raise BadRequest("Nonsense.", hint="Do better.")

    async def stumbles(work: Work, tools: Tools) -> None:
        raise RuntimeError("a bug, with a secret in it")

    async with gateways(tmp_path, refuses) as (one,):
        one.runner.begin()
        failure = (await one.until(await one.submit(), "failed")).failure
        assert failure is not None
        assert (failure.kind, failure.message, failure.hint) == ("BadRequest", "Nonsense.", "Do better.")
        one.run = stumbles
        failure = (await one.until(await one.submit(), "failed")).failure
        assert failure is not None
        assert failure.message == "Something went wrong inside Potluck."


async def test_a_job_that_runs_is_cancelled_at_once(tmp_path: Path) -> None:
    steps = Steps(1)
    async with gateways(tmp_path, steps) as (one,):
        one.runner.begin()
        job = await one.submit(3)
        await steps.here.wait()
        await one.jobs.cancel(job.id, ANNA)
        assert (await one.until(job, "cancelled")).done == 1
        assert steps.did == [0]


async def test_a_gateway_that_stops_gives_its_jobs_back_and_another_goes_on(tmp_path: Path) -> None:
    first, second = Steps(1), Steps()
    async with gateways(tmp_path, first, second) as (one, other):
        one.runner.begin()
        job = await one.submit(3)
        await first.here.wait()
        await one.runner.stop()
        given = await one.get(job)
        assert (given.state, given.done, given.failures) == (JobState.QUEUED, 1, 0)
        other.runner.begin()
        await other.until(job, "done")
        assert (first.did, second.did) == ([0], [1, 2])


async def test_what_a_gateway_held_when_it_was_killed_goes_on_at_its_next_start(tmp_path: Path) -> None:
    second = Steps()
    async with gateways(tmp_path, nothing, second, sole=True) as (one, other):
        job = await one.submit(3)
        claimed = await one.store.claim("dead", ["sums"], one.wall)
        assert claimed is not None
        await one.store.keep(claimed.lease, [Part(0, "0")], one.wall)
        other.runner.begin()
        await other.until(job, "done")
        assert second.did == [1, 2]


async def abandoned(one: Gateway) -> JobId:
    """A job whose worker has died."""
    await one.submit()
    claimed = await one.store.claim("dead", ["sums"], one.wall)
    assert claimed is not None
    return claimed.lease.job


async def test_a_worker_that_gives_no_sign_of_life_loses_its_job_to_another(tmp_path: Path) -> None:
    async with gateways(tmp_path, nothing) as (one,):
        job = await abandoned(one)
        await one.runner.look()
        one.now += LEASE_S - 0.1
        one.wall -= 1e6  # clocks may step as they like
        await one.runner.look()
        assert len(await one.store.held()) == 1
        one.now += 0.2
        await one.runner.look()
        assert await one.store.held() == ()
        one.runner.begin()
        assert (await one.until(await one.jobs.get(job, ANNA), "done")).failures == 0


async def test_a_worker_whose_job_was_taken_stops_and_writes_nothing(tmp_path: Path) -> None:
    steps = Steps(1)
    async with gateways(tmp_path, steps) as (one,):
        one.runner.begin()
        job = await one.submit(3)
        await steps.here.wait()
        one.leads = False  # it takes no other
        (held,) = await one.store.held()
        assert await one.store.take_away(held, one.wall)
        steps.go_on.set()
        async with asyncio.timeout(20):
            while one.runner.running:
                await asyncio.sleep(0.01)
        assert (await one.get(job)).done == 1, "what it did after that is nobody's"
        assert (await one.get(job)).state is JobState.QUEUED


class MayBeAway:
    """A store whose signs of life may fail."""

    def __init__(self, store: JobStore) -> None:
        self._store = store
        self.away = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def beat(self, lease: Lease) -> Beat:
        if self.away:
            raise StorageAway("PostgreSQL does not answer.", retry_after_s=5.0)
        return await self._store.beat(lease)


async def test_a_worker_that_cannot_renew_its_lease_stops_before_anybody_could_take_it(tmp_path: Path) -> None:
    steps = Steps(0)
    async with gateways(tmp_path, steps) as (plain,):
        store = MayBeAway(plain.store)
        one = Gateway(store, plain.bus, plain.spread, plain.tasks, steps)  # type: ignore[arg-type]
        one.runner.begin()
        await one.submit()
        await steps.here.wait()
        one.leads = False
        store.away = True
        (trying,) = one.runner._running.values()
        trying.poked.set()
        await asyncio.sleep(0.05)
        assert one.runner.running == 1, "it may come back in time"
        one.now += KEEPS_S
        trying.poked.set()
        async with asyncio.timeout(20):
            while one.runner.running:
                await asyncio.sleep(0.01)
        assert trying.why == "lost"
        assert len(await plain.store.held()) == 1, "the lease is left to run out"


async def test_a_gateway_that_does_not_lead_takes_nothing(tmp_path: Path) -> None:
    async with gateways(tmp_path, nothing) as (one,):
        one.leads = False
        one.runner.begin()
        job = await one.submit()
        await asyncio.sleep(0.05)
        assert (await one.get(job)).state is JobState.QUEUED
        one.leads = True
        one.runner.wake()
        await one.until(job, "done")

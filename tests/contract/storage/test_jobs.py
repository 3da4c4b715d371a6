"""Jobs: leased, fair, fenced, and kept part by part."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import Any

import pytest

from potluck.core.errors import Conflict, NotFound, QueueFull
from potluck.core.jobs import LONGEST_PAUSE_S, MOST_LOST, Held, JobState, Priority
from potluck.core.model import KeyId, UserId
from potluck.core.people import Role
from potluck.storage.jobs import EVENTS_KEPT, Beat, Claimed, JobFailure, JobId, JobStore, Lease, NewJob, Part
from potluck.storage.ports import Storage
from potluck.storage.records import UserRecord

ANNA, BERT = UserId("anna"), UserId("bert")
KINDS = frozenset({"chat"})
BROKE = JobFailure("node_failed", "It broke.", "Try again.")


@pytest.fixture
def jobs(storage: Storage) -> JobStore:
    return storage.jobs


def new(number: int | str, user: UserId = ANNA, **more: Any) -> NewJob:
    created_s = float(number) if isinstance(number, int) else 0.0
    more = {"kind": "chat", "request": '{"n":1}', "created_s": created_s, **more}
    return NewJob(JobId(f"j{number}"), user, KeyId("k"), **more)


async def add(jobs: JobStore, *news: NewJob) -> None:
    for each in news:
        await jobs.add(each, most_unfinished=100)


async def claim(jobs: JobStore, worker: str = "w1", now: float = 100.0) -> Claimed:
    claimed = await jobs.claim(worker, KINDS, now)
    assert claimed is not None
    return claimed


async def names(jobs: JobStore, job: str, after: int = 0, user: UserId = ANNA) -> list[str]:
    return [event.name for event in await jobs.events(JobId(job), user, after)]


# --- making and finding ---


async def test_a_place_in_the_line_is_the_turn_at_which_a_job_is_taken(jobs: JobStore) -> None:
    await add(jobs, new(1), new(2), new(3, priority=Priority.LOW), new(4), new(5, BERT), new(6, BERT))
    users = {"j1": ANNA, "j2": ANNA, "j3": ANNA, "j4": ANNA, "j5": BERT, "j6": BERT}
    places = {job: await jobs.ahead(JobId(job), user) for job, user in users.items()}
    taken: dict[str, int] = {}
    for place in range(6):
        claimed = await claim(jobs, now=100.0 + place)
        taken[claimed.record.id] = place
        await jobs.finish(claimed.lease, 100.5 + place)
    assert places == taken
    assert await jobs.ahead(JobId("j1"), ANNA) == 0
    with pytest.raises(NotFound):
        await jobs.ahead(JobId("j1"), BERT)


async def test_a_job_waits_as_it_was_told_and_is_its_users_alone(jobs: JobStore) -> None:
    made = await jobs.add(new(1, title="Chapter\0 one", total=7, priority=Priority.LOW), most_unfinished=1)
    assert made == await jobs.get(JobId("j1"), ANNA)
    assert (made.state, made.title, made.total, made.done, made.priority) == (
        JobState.QUEUED,
        "Chapter one",
        7,
        0,
        Priority.LOW,
    )
    for ask in (jobs.get(JobId("j1"), BERT), jobs.events(JobId("j1"), BERT), jobs.cancel(JobId("j1"), BERT, 2.0)):
        with pytest.raises(NotFound):
            await ask
    with pytest.raises(NotFound):
        await jobs.parts(JobId("j1"), BERT, limit=1)
    assert await jobs.list(BERT, limit=10) == ()


async def test_the_same_request_again_is_the_same_job_and_another_one_under_its_name_is_refused(jobs: JobStore) -> None:
    first = await jobs.add(new(1, idempotency="x"), most_unfinished=1)
    assert await jobs.add(new(2, idempotency="x"), most_unfinished=1) == first
    with pytest.raises(Conflict):
        await jobs.add(new(3, idempotency="x", request="{}"), most_unfinished=9)
    assert (await jobs.add(new(4, BERT, idempotency="x"), most_unfinished=1)).id == "j4", "another user's name"


async def test_of_the_same_request_at_one_moment_one_job_comes(jobs: JobStore) -> None:
    made = await asyncio.gather(*(jobs.add(new(number, idempotency="x"), most_unfinished=9) for number in range(8)))
    assert len({each.id for each in made}) == 1
    assert len(await jobs.list(ANNA, limit=10)) == 1


async def test_nobody_has_more_unfinished_jobs_than_allowed(jobs: JobStore) -> None:
    await jobs.add(new(1), most_unfinished=2)
    await jobs.add(new(2), most_unfinished=2)
    with pytest.raises(QueueFull):
        await jobs.add(new(3), most_unfinished=2)
    await jobs.add(new(4, BERT), most_unfinished=2)
    await jobs.cancel(JobId("j1"), ANNA, 5.0)
    await jobs.add(new(3), most_unfinished=2)


async def test_jobs_are_listed_newest_first_page_by_page_and_by_state(jobs: JobStore) -> None:
    await add(jobs, *(new(number) for number in range(1, 6)), new("b", BERT))
    await jobs.cancel(JobId("j2"), ANNA, 9.0)
    page = await jobs.list(ANNA, limit=3)
    assert [job.id for job in page] == ["j5", "j4", "j3"]
    assert [job.id for job in await jobs.list(ANNA, limit=3, before=page[-1].id)] == ["j2", "j1"]
    assert [job.id for job in await jobs.list(ANNA, limit=9, state=JobState.CANCELLED)] == ["j2"]
    with pytest.raises(NotFound):
        await jobs.list(ANNA, limit=3, before=JobId("jb"))


# --- whose turn it is ---


async def test_users_take_turns_however_many_jobs_one_has(jobs: JobStore) -> None:
    await add(jobs, *(new(number) for number in range(1, 7)), new(7, BERT), new(8, BERT))
    order = [(await claim(jobs, now=100.0 + number)).record.user for number in range(8)]
    assert [str(user) for user in order] == ["anna", "bert", "anna", "bert", "anna", "anna", "anna", "anna"]


async def test_who_had_a_job_just_now_comes_after_who_had_none(jobs: JobStore) -> None:
    await add(jobs, new(1), new(2), new(3, BERT))
    one = await claim(jobs)
    await jobs.finish(one.lease, 101.0)
    assert (await claim(jobs, now=102.0)).record.id == "j3"


async def test_of_one_users_jobs_the_urgent_goes_first_then_the_older(jobs: JobStore) -> None:
    await add(jobs, new(1, priority=Priority.LOW), new(3), new(2), new(4, priority=Priority.HIGH))
    assert [(await claim(jobs)).record.id for _ in range(4)] == ["j4", "j2", "j3", "j1"]


async def test_only_kinds_that_the_worker_knows_are_taken(jobs: JobStore) -> None:
    await add(jobs, new(1, kind="image"))
    assert await jobs.claim("w1", KINDS, 100.0) is None
    assert await jobs.claim("w1", {"chat", "image"}, 100.0) is not None


async def test_of_many_workers_at_once_no_two_get_the_same_job(jobs: JobStore) -> None:
    await add(jobs, *(new(number, ANNA if number % 2 else BERT) for number in range(12)))
    taken = await asyncio.gather(*(jobs.claim(f"w{number}", KINDS, 100.0) for number in range(12)))
    again = [await jobs.claim("late", KINDS, 100.0) for _ in range(12)]  # one that found all held comes again
    counts = Counter(each.record.id for each in (*taken, *again) if each is not None)
    assert len(counts) == 12
    assert set(counts.values()) == {1}


# --- a worker's way ---


async def test_a_job_is_done_part_by_part_and_its_events_tell_so(jobs: JobStore) -> None:
    await add(jobs, new(1, total=3))
    claimed = await claim(jobs)
    assert (claimed.request, claimed.record.state, claimed.record.started_s) == ('{"n":1}', JobState.RUNNING, 100.0)
    assert await jobs.beat(claimed.lease) is Beat.HELD
    assert await jobs.keep(claimed.lease, [Part(2, '"c"'), Part(0, '"a"')], 101.0)
    assert await jobs.keep(claimed.lease, [Part(0, '"again"'), Part(1, '"b"')], 102.0)
    assert await jobs.numbers(claimed.lease) == {0, 1, 2}
    assert await jobs.note(claimed.lease, "thinking", '{"of":"x"}', 102.5)
    assert await jobs.finish(claimed.lease, 103.0)
    done = await jobs.get(JobId("j1"), ANNA)
    assert (done.state, done.done, done.ended_s, done.last_event) == (JobState.DONE, 3, 103.0, 6)
    parts = await jobs.parts(JobId("j1"), ANNA, limit=9)
    assert [(part.number, part.content) for part in parts] == [(0, '"a"'), (1, '"b"'), (2, '"c"')]
    assert [part.number for part in await jobs.parts(JobId("j1"), ANNA, after=0, limit=1)] == [1]
    events = await jobs.events(JobId("j1"), ANNA)
    assert [event.name for event in events] == ["queued", "started", "progress", "progress", "thinking", "done"]
    assert [event.number for event in events] == [1, 2, 3, 4, 5, 6]
    assert [json.loads(event.data).get("done") for event in events] == [0, 0, 2, 3, None, 3]
    assert events[4].data == '{"of":"x"}'
    assert await names(jobs, "j1", after=4) == ["thinking", "done"]
    assert await jobs.unfinished() == (0, 0)


async def test_of_very_many_events_the_last_are_kept(jobs: JobStore) -> None:
    await add(jobs, new(1))
    lease = (await claim(jobs)).lease
    for number in range(EVENTS_KEPT):
        assert await jobs.note(lease, "step", str(number), 101.0)
    events = await jobs.events(JobId("j1"), ANNA)
    assert len(events) == EVENTS_KEPT
    assert (events[0].number, events[-1].number) == (3, EVENTS_KEPT + 2)


async def test_a_failed_try_waits_and_the_last_one_ends_the_job(jobs: JobStore) -> None:
    await add(jobs, new(1))
    first = await claim(jobs)
    assert await jobs.fail(first.lease, BROKE, 130.0, 101.0)
    assert await jobs.claim("w1", KINDS, 129.0) is None
    second = await claim(jobs, now=130.0)
    assert (second.record.failures, second.record.failure) == (1, BROKE)
    assert await jobs.fail(second.lease, BROKE, None, 131.0)
    ended = await jobs.get(JobId("j1"), ANNA)
    assert (ended.state, ended.failures, ended.failure, ended.ended_s) == (JobState.FAILED, 2, BROKE, 131.0)
    assert await names(jobs, "j1") == ["queued", "started", "retrying", "started", "failed"]
    assert await jobs.claim("w1", KINDS, 1e9) is None


async def test_a_clock_that_was_set_back_holds_no_job_for_ever(jobs: JobStore) -> None:
    await add(jobs, new(1))
    assert await jobs.fail((await claim(jobs, now=1e9)).lease, BROKE, 1e9 + 5, 1e9)
    assert await jobs.claim("w1", KINDS, 1e9 + 4 - LONGEST_PAUSE_S / 2) is None
    assert await jobs.claim("w1", KINDS, 1e6) is not None


# --- cancelling ---


async def test_a_job_that_waits_is_cancelled_at_once_and_for_good(jobs: JobStore) -> None:
    await add(jobs, new(1))
    cancelled = await jobs.cancel(JobId("j1"), ANNA, 5.0)
    assert (cancelled.state, cancelled.ended_s) == (JobState.CANCELLED, 5.0)
    assert await jobs.cancel(JobId("j1"), ANNA, 6.0) == cancelled
    assert await jobs.claim("w1", KINDS, 100.0) is None
    assert await names(jobs, "j1") == ["queued", "cancelled"]


async def test_the_worker_of_a_job_that_runs_is_asked_to_end_it(jobs: JobStore) -> None:
    await add(jobs, new(1))
    lease = (await claim(jobs)).lease
    assert (await jobs.cancel(JobId("j1"), ANNA, 101.0)).cancelling
    await jobs.cancel(JobId("j1"), ANNA, 101.5)
    assert await jobs.beat(lease) is Beat.CANCELLED
    assert await jobs.keep(lease, [Part(0, "1")], 102.0), "what is there already is not thrown away"
    assert await jobs.end_cancelled(lease, 103.0)
    assert (await jobs.get(JobId("j1"), ANNA)).state is JobState.CANCELLED
    assert await names(jobs, "j1") == ["queued", "started", "cancelling", "progress", "cancelled"]


@pytest.mark.parametrize("how", ["take_away", "give_back"])
async def test_a_job_that_was_to_end_ends_also_without_its_worker(jobs: JobStore, how: str) -> None:
    await add(jobs, new(1))
    lease = (await claim(jobs)).lease
    await jobs.cancel(JobId("j1"), ANNA, 101.0)
    if how == "take_away":
        assert await jobs.take_away((await jobs.held())[0], 102.0)
    else:
        assert await jobs.give_back(lease, 102.0)
    assert (await jobs.get(JobId("j1"), ANNA)).state is JobState.CANCELLED


# --- leases that end ---


async def everything(jobs: JobStore, lease: Lease) -> list[bool]:
    """What a worker may write."""
    return [
        await jobs.keep(lease, [Part(9, "0")], 200.0),
        await jobs.note(lease, "step", "{}", 200.0),
        await jobs.fail(lease, BROKE, 300.0, 200.0),
        await jobs.end_cancelled(lease, 200.0),
        await jobs.give_back(lease, 200.0),
        await jobs.finish(lease, 200.0),
    ]


async def test_a_worker_that_lost_its_lease_can_write_nothing(jobs: JobStore) -> None:
    await add(jobs, new(1))
    lost = (await claim(jobs)).lease
    (held,) = await jobs.held()
    assert held == Held("j1", lost.fence, 0)
    assert await jobs.take_away(held, 150.0)
    assert not any(await everything(jobs, lost)), "while it waits"
    now = await claim(jobs, "w2", 151.0)
    assert now.lease.fence > lost.fence
    before = await jobs.get(JobId("j1"), ANNA)
    assert not any(await everything(jobs, lost)), "while another has it"
    assert await jobs.beat(lost) is Beat.LOST
    assert await jobs.get(JobId("j1"), ANNA) == before
    assert await jobs.finish(now.lease, 160.0)
    assert not any(await everything(jobs, lost))
    assert not any(await everything(jobs, now.lease)), "nor the one that has finished, twice"
    assert await jobs.parts(JobId("j1"), ANNA, limit=9) == ()


async def test_a_lease_that_was_renewed_meanwhile_is_not_taken_away(jobs: JobStore) -> None:
    await add(jobs, new(1))
    lease = (await claim(jobs)).lease
    (seen,) = await jobs.held()
    await jobs.beat(lease)
    assert not await jobs.take_away(seen, 150.0)
    assert await jobs.beat(lease) is Beat.HELD


async def test_of_many_that_take_a_lease_away_one_does(jobs: JobStore) -> None:
    await add(jobs, new(1))
    await claim(jobs)
    (seen,) = await jobs.held()
    assert sum(await asyncio.gather(*(jobs.take_away(seen, 150.0) for _ in range(6)))) == 1
    assert await names(jobs, "j1") == ["queued", "started", "waiting"]


async def test_what_a_worker_kept_before_it_was_lost_is_there_for_the_next(jobs: JobStore) -> None:
    await add(jobs, new(1, total=2))
    await jobs.keep((await claim(jobs)).lease, [Part(1, '"b"')], 101.0)
    assert await jobs.take_away((await jobs.held())[0], 102.0)
    again = await claim(jobs, "w2")
    assert (await jobs.numbers(again.lease), again.record.done, again.record.failures) == ({1}, 1, 0)


async def test_a_job_that_is_given_back_keeps_its_place_and_counts_no_try(jobs: JobStore) -> None:
    await add(jobs, new(1), new(2))
    assert await jobs.give_back((await claim(jobs)).lease, 101.0)
    again = await claim(jobs)
    assert (again.record.id, again.record.failures) == ("j1", 0)


async def test_a_job_that_kills_whoever_takes_it_is_not_taken_for_ever(jobs: JobStore) -> None:
    await add(jobs, new(1, total=2))
    for number in range(2 * MOST_LOST):
        claimed = await jobs.claim("w1", KINDS, 100.0)
        if claimed is None:
            break
        if number == 3:
            await jobs.keep(claimed.lease, [Part(0, "0")], 100.0)
        await jobs.take_away((await jobs.held())[0], 101.0)
    ended = await jobs.get(JobId("j1"), ANNA)
    assert (ended.state, number) == (JobState.FAILED, 3 + MOST_LOST), "counted since something was kept"
    assert ended.failure is not None


# --- the house ---


async def test_old_jobs_are_forgotten_with_all_that_came_of_them(jobs: JobStore) -> None:
    await add(jobs, new(1), new(2), new(3))
    for number in (1, 2):
        lease = (await claim(jobs)).lease
        await jobs.keep(lease, [Part(0, "0")], 101.0)
        await jobs.finish(lease, 100.0 * number)
    assert await jobs.prune(150.0) == 1
    assert [job.id for job in await jobs.list(ANNA, limit=9)] == ["j3", "j2"]
    assert await jobs.unfinished() == (1, 0)


async def test_a_users_jobs_go_with_the_user_and_their_workers_notice(storage: Storage) -> None:
    jobs = storage.jobs
    await storage.users.add(UserRecord(ANNA, "Anna", Role.MEMBER, 1.0))
    await add(jobs, new(1))
    lease = (await claim(jobs)).lease
    await storage.users.remove(ANNA)
    assert await jobs.beat(lease) is Beat.LOST
    assert not await jobs.keep(lease, [Part(0, "0")], 101.0)


async def test_a_users_jobs_of_one_kind_are_listed_read_and_forgotten_when_they_have_ended(jobs: JobStore) -> None:
    await add(
        jobs, new(1), new(2, kind="image", request='{"graph":1}'), new(3, kind="image"), new(4, BERT, kind="image")
    )
    assert [each.id for each in await jobs.list(ANNA, limit=9, kind="image")] == ["j3", "j2"]
    assert await jobs.request(JobId("j2"), ANNA) == '{"graph":1}'
    with pytest.raises(NotFound):
        await jobs.request(JobId("j4"), ANNA)
    await jobs.cancel(JobId("j2"), ANNA, 5.0)
    await jobs.cancel(JobId("j4"), BERT, 5.0)
    assert await jobs.forget([JobId("j2"), JobId("j3"), JobId("j4"), JobId("nobody")], ANNA) == 1
    assert [each.id for each in await jobs.list(ANNA, limit=9)] == ["j3", "j1"]
    assert (await jobs.get(JobId("j4"), BERT)).state is JobState.CANCELLED

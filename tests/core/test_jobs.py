from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core.errors import BadRequest, NodeUnreachable, OperatorError, PotluckError, QueueFull, StorageAway
from potluck.core.jobs import (
    BEAT_S,
    FIRST_PAUSE_S,
    KEEPS_S,
    LEASE_S,
    LONGEST_PAUSE_S,
    MOST_FAILURES,
    MOST_LOST,
    Held,
    Hold,
    JobState,
    Priority,
    Turn,
    Watch,
    again_in_s,
    ahead_of,
    counts_most,
    due,
    in_turn,
    mends,
    pause_s,
    tried_again,
    without_worker,
)
from potluck.core.model import UserId


def turn(user: str, running: int = 0, priority: int = 1, started_s: float = 0.0, created_s: float = 0.0) -> Turn:
    return Turn(UserId(user), running, priority, started_s, created_s)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (turn("b", running=0, priority=2), turn("a", running=1, priority=0)),
        (turn("b", priority=Priority.HIGH, started_s=9.0), turn("a", priority=Priority.NORMAL)),
        (turn("b", started_s=1.0, created_s=9.0), turn("a", started_s=2.0)),
        (turn("b", created_s=1.0), turn("a", created_s=2.0)),
        (turn("a"), turn("b")),
    ],
)
def test_fewest_running_then_urgency_then_who_was_not_served_for_long_then_age(first: Turn, second: Turn) -> None:
    assert in_turn([second, first]) == [first, second]


@given(st.dictionaries(st.sampled_from("abcd"), st.integers(1, 30), min_size=1), st.integers(1, 4))
def test_whoever_has_much_waiting_everybody_is_served_in_turn(waiting: dict[str, int], workers: int) -> None:
    """With workers that take a second for each job: nobody is more than one job ahead of one who still waits."""
    served, running, started = dict.fromkeys(waiting, 0), list[str](), dict.fromkeys(waiting, 0.0)
    now = 0.0
    while any(waiting.values()) or running:
        while len(running) < workers and any(waiting.values()):
            now += 0.01
            turns = [turn(user, running.count(user), 1, started[user]) for user, count in waiting.items() if count]
            user = in_turn(turns)[0].user
            waiting[user] -= 1
            served[user] += 1
            started[user] = now
            running.append(user)
            still = [each for each, count in waiting.items() if count]
            assert all(served[user] <= served[each] + 1 for each in still)
        now += 1.0
        running.clear()


@pytest.mark.parametrize(
    ("error", "does"),
    [
        (QueueFull("full", retry_after_s=1.0), True),
        (NodeUnreachable("away"), True),
        (StorageAway("away", retry_after_s=1.0), True),
        (BadRequest("wrong"), False),
        (OperatorError("disk full"), False),
        (PotluckError("a bug"), False),
    ],
)
def test_time_and_other_nodes_mend_some_failures_and_no_others(error: PotluckError, does: bool) -> None:
    assert mends(error) is does
    assert tried_again(error, 1) is does


def test_of_several_failures_the_one_that_nothing_mends_is_told_and_what_only_waits_last() -> None:
    full, away, wrong = QueueFull("full", retry_after_s=1.0), NodeUnreachable("away"), BadRequest("wrong")
    assert counts_most([full, away, wrong]) is wrong
    assert counts_most([full, away]) is away


def test_engines_that_fail_are_tried_so_often_and_what_only_waits_waits_on() -> None:
    assert tried_again(NodeUnreachable("away"), MOST_FAILURES - 1)
    assert not tried_again(NodeUnreachable("away"), MOST_FAILURES)
    assert tried_again(QueueFull("full", retry_after_s=1.0), 1000)
    assert again_in_s(NodeUnreachable("away"), 1, 1.0) == FIRST_PAUSE_S
    assert again_in_s(QueueFull("full", retry_after_s=1.0), 0, 1.0) == 4 * FIRST_PAUSE_S
    assert again_in_s(QueueFull("full", retry_after_s=90.0), 0, 0.0) == 90.0


@given(st.integers(1, 2000), st.floats(0, 1), st.floats(0, 10_000))
def test_pauses_grow_are_spread_and_bounded(failures: int, jitter: float, at_least_s: float) -> None:
    pause = pause_s(failures, jitter, at_least_s)
    assert min(at_least_s, LONGEST_PAUSE_S) <= pause <= LONGEST_PAUSE_S
    assert pause >= FIRST_PAUSE_S / 2
    assert pause_s(failures + 1, jitter) >= pause_s(failures, jitter)
    assert pause_s(failures, 0.0) <= pause_s(failures, jitter)


@given(st.floats(-1e9, 1e10), st.floats(0, LONGEST_PAUSE_S), st.floats(-1e9, 1e9))
def test_a_clock_that_is_set_back_holds_no_job_longer_than_the_longest_pause(
    now: float, pause: float, step_s: float
) -> None:
    after = now + step_s
    waits_s = 0.0 if due(now + pause, after) else now + pause - after
    assert waits_s <= LONGEST_PAUSE_S + 1e-3


def test_a_job_without_its_worker_waits_for_the_next_unless_it_is_to_end() -> None:
    assert without_worker(1, cancelling=False) is JobState.QUEUED
    assert without_worker(1, cancelling=True) is JobState.CANCELLED
    assert without_worker(MOST_LOST, cancelling=False) is JobState.FAILED


def test_a_worker_holds_its_lease_from_when_it_last_asked() -> None:
    hold = Hold(10.0)
    assert hold.holds(10.0 + KEEPS_S - 0.1)
    assert not hold.holds(10.0 + KEEPS_S)
    hold.renewed(14.0)
    hold.renewed(12.0)
    assert hold.holds(14.0 + KEEPS_S - 0.1)


def test_a_lease_that_stands_still_for_its_whole_time_is_abandoned() -> None:
    watch = Watch()
    still, moving = Held("a", 1, 0), Held("b", 1, 0)
    assert watch.abandoned([still, moving], 100.0) == []
    assert watch.abandoned([still, moving._replace(beat=1)], 100.0 + LEASE_S) == [still]
    assert watch.abandoned([], 200.0) == []
    assert watch.abandoned([still], 300.0) == [], "it was not held meanwhile"


@given(st.integers(0, 2**32), st.floats(-1e9, 1e9), st.floats(0.98, 1.02))
def test_nobody_takes_a_job_whose_worker_still_works_whatever_their_clocks_say(
    seed: int, apart_s: float, drift: float
) -> None:
    """A worker and a watcher with clocks of their own, delays anywhere, and a worker that may fall silent."""
    chance = random.Random(seed)
    hold, watch = Hold(0.0), Watch()
    beat, true_s, beats_from_s = 0, 0.0, 0.0
    silent_after_s = chance.uniform(0, 3 * LEASE_S)
    while true_s < 8 * LEASE_S:
        true_s += chance.uniform(0.1, 2.0)
        if true_s < silent_after_s and true_s - beats_from_s >= BEAT_S:
            beats_from_s = true_s
            beat += 1  # in the row, at this moment; the worker knows that it asked at the latest now
            hold.renewed(true_s)
        taken = watch.abandoned([Held("job", 1, beat)], apart_s + true_s * drift)
        if taken:
            assert not hold.holds(true_s)
            return
    raise AssertionError("a silent worker's job is taken in the end")


def test_users_take_turns_in_the_line_too() -> None:
    assert ahead_of(0, []) == 0
    assert ahead_of(3, []) == 3
    assert ahead_of(0, [(9, True), (9, False)]) == 1
    assert ahead_of(2, [(9, True), (9, False), (1, False), (0, True)]) == 2 + 3 + 2 + 1

"""The line of pictures: turns, places, second copies; and a house in virtual time."""

from __future__ import annotations

import heapq
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core.model import EngineId, ModelId, NodeId, UserId
from potluck.core.pictures.catalogue import Family
from potluck.core.pictures.placing import Begin, Cost, Line, Spot, Standing, Want
from potluck.core.pictures.speeds import Reading, Speeds

FAST, SLOW = EngineId("fast/comfyui:8188"), EngineId("slow/a1111:7860")
SPOTS = (Spot(FAST, NodeId("fast"), 1), Spot(SLOW, NodeId("slow"), 0))


def want(id: str, user: str = "anna", at_s: float = 0.0, **seconds: float) -> Want:
    told = seconds or {"fast": 10.0, "slow": 30.0}
    costs = {{"fast": FAST, "slow": SLOW}[name]: Cost("xl", each, 5.0) for name, each in told.items()}
    return Want(id, UserId(user), costs, at_s)


def test_a_picture_goes_where_it_is_finished_first() -> None:
    line = Line()
    line.arrive(want("a"))
    assert line.begins(SPOTS, 0) == [Begin("a", FAST)]
    assert line.busy() == {FAST}


def test_by_the_owners_order_it_goes_to_the_first_that_can() -> None:
    line = Line(in_order=True)
    line.arrive(want("a"))
    line.arrive(want("b", at_s=1, fast=1.0))
    assert line.begins(SPOTS, 0) == [Begin("a", SLOW), Begin("b", FAST)]
    assert Line(in_order=True).begins(SPOTS, 0) == []


def test_a_second_copy_is_loaded_only_when_waiting_takes_longer() -> None:
    line = Line()
    loaded = (Spot(FAST, NodeId("fast"), loaded="xl"), Spot(SLOW, NodeId("slow")))
    for at, id in enumerate("abcd"):
        line.arrive(want(id, at_s=at))
    # At 0 s: 10, 20, 30 on the fast one; the fourth would be there in 40 s, and in 35 s with a load on the slow one.
    assert line.begins(loaded, 0) == [Begin("a", FAST), Begin("d", SLOW)]


def test_what_fails_everywhere_stays_in_line_and_says_so() -> None:
    line = Line()
    line.arrive(want("a", fast=1.0))
    assert line.begins(SPOTS[1:], 0) == []
    assert not line.can_begin("a", SPOTS[1:])
    assert line.can_begin("a", SPOTS)
    assert not line.can_begin("nobody", SPOTS)
    assert line.standings(SPOTS[1:], 0) == {"a": Standing(1, None)}
    line.leave("a")
    line.leave("a")
    assert line.waiting == 0


def test_others_pictures_are_waited_for() -> None:
    line = Line()
    line.arrive(want("a"))
    busy = (Spot(FAST, NodeId("fast"), others=2), SPOTS[1])
    assert line.begins(busy, 0) == [Begin("a", SLOW)]


def test_everybody_in_line_is_told_where_they_stand() -> None:
    line = Line()
    for at, id in enumerate("abc"):
        line.arrive(want(id, at_s=at, fast=10.0))
    assert line.begins(SPOTS, 0) == [Begin("a", FAST)]
    assert line.standings(SPOTS, 5.0) == {"b": Standing(1, 20.0), "c": Standing(2, 30.0)}
    line.ended(FAST, 10.0)
    line.ended(FAST, 10.0)
    assert line.begins(SPOTS, 10.0) == [Begin("b", FAST)]


def test_an_engine_that_takes_longer_than_expected_is_not_free() -> None:
    line = Line()
    line.arrive(want("a", fast=10.0))
    line.begins(SPOTS, 0)
    line.arrive(want("b", fast=10.0))
    assert line.begins(SPOTS, 100.0) == []


def test_an_engine_that_is_given_back_is_free_and_costs_its_user_nothing() -> None:
    line = Line()
    line.arrive(want("a", fast=10.0))
    assert line.begins(SPOTS, 0) == [Begin("a", FAST)]
    line.given_back(FAST)
    line.ended(FAST, 100.0)
    line.arrive(want("b", "bert", at_s=1, fast=10.0))
    line.arrive(want("c", at_s=0, fast=10.0))
    assert line.begins(SPOTS, 100.0) == [Begin("c", FAST)]


def test_upscaling_wants_no_model_and_leaves_it_where_it_is() -> None:
    line = Line()
    line.arrive(Want("a", UserId("anna"), {FAST: Cost("", 3.0)}, 0))
    spots = (Spot(FAST, NodeId("fast"), loaded="xl"),)
    assert line.begins(spots, 0) == [Begin("a", FAST)]
    line.arrive(want("b", fast=1.0))
    assert line.standings(spots, 0)["b"].ready_s == pytest.approx(3.0 + 5.0 + 1.0 - 5.0)


def test_a_hundred_in_line_are_all_told_of() -> None:
    line = Line()
    for number in range(100):
        line.arrive(want(f"{number:03}", at_s=number, fast=1.0))
    told = line.standings(SPOTS, 0)
    assert len(told) == 100
    assert told["099"].ready_s is None


# --- a house in virtual time -----------------------------------------------------------------------------------------


def drawn(jobs: list[Want], speeds: dict[EngineId, float], line: Line) -> Iterator[tuple[float, Want, EngineId]]:
    """Run until all is drawn: when each was finished, and where. ``speeds`` stretch what was predicted."""
    by_id = {job.id: job for job in jobs}
    loaded: dict[EngineId, str] = dict.fromkeys(speeds, "")
    for job in jobs:
        line.arrive(job)
    ends: list[tuple[float, str, EngineId]] = []
    now = 0.0
    while True:
        spots = [Spot(engine, NodeId(engine), loaded=loaded[engine]) for engine in speeds]
        for begin in line.begins(spots, now):
            cost = by_id[begin.id].costs[begin.engine]
            load_s = 0.0 if loaded[begin.engine] == cost.model else cost.load_s
            loaded[begin.engine] = cost.model
            heapq.heappush(ends, (now + (load_s + cost.draw_s) * speeds[begin.engine], begin.id, begin.engine))
        if not ends:
            return
        now, id, engine = heapq.heappop(ends)
        line.ended(engine, now)
        yield now, by_id[id], engine


@pytest.mark.parametrize(("slow_s", "count"), [(30.0, 40), (13.0, 40), (70.0, 40), (30.0, 12)])
def test_two_engines_of_unequal_speed_end_within_15_percent_of_the_optimum(slow_s: float, count: int) -> None:
    jobs = [want(f"{number:03}", at_s=number / 1000, fast=10.0, slow=slow_s) for number in range(count)]
    last_s = max(at for at, _, _ in drawn(jobs, {FAST: 1.0, SLOW: 1.0}, Line()))
    # The best split of whole pictures, found by trying all.
    best = min(
        max(5.0 * (left > 0) + 10.0 * left, (5.0 + slow_s * (count - left)) * (left < count))
        for left in range(count + 1)
    )
    assert last_s <= 1.15 * best


@pytest.mark.parametrize(
    ("fast_s", "slow_s", "count"), [(0.1, 0.3, 40), (0.5, 0.65, 40), (0.2, 1.4, 60), (2.0, 6.0, 40)]
)
def test_engines_of_which_nobody_knows_the_speed_end_near_the_optimum_too(
    fast_s: float, slow_s: float, count: int
) -> None:
    """As the studio does it: costs are guessed until something was drawn, and looked up anew while a picture waits."""
    step_s, load_s, work = {FAST: fast_s, SLOW: slow_s}, 5.0, 26.0
    speeds, line, model = Speeds(), Line(), ModelId("xl")
    waiting = [f"{number:03}" for number in range(count)]
    loaded, now = {FAST: "", SLOW: ""}, 0.0
    ends: list[tuple[float, EngineId, bool]] = []
    while waiting or ends:
        for id in waiting:
            costs = {
                engine: Cost(
                    "xl",
                    speeds.draw_s(engine, model, Family.SDXL, work),
                    speeds.load_s(engine, model, Family.SDXL),
                )
                for engine in step_s
            }
            line.arrive(Want(id, UserId("anna"), costs, int(id) / 1000))
        for begin in line.begins([Spot(engine, NodeId(engine), loaded=loaded[engine]) for engine in step_s], now):
            waiting.remove(begin.id)
            cold = not loaded[begin.engine]
            heapq.heappush(ends, (now + cold * load_s + work * step_s[begin.engine], begin.engine, cold))
        if not ends:
            now += 1.0
            continue
        now, engine, cold = heapq.heappop(ends)
        loaded[engine] = "xl"
        speeds.observe(engine, model, Reading(work, work * step_s[engine], cold * load_s))
        line.ended(engine, now)
    best = min(
        max(load_s + work * fast_s * left, (load_s + work * slow_s * (count - left)) * (left < count))
        for left in range(1, count + 1)
    )
    assert now <= 1.15 * best


@given(
    st.lists(st.floats(5, 60), min_size=20, max_size=60),
    st.floats(1.2, 8),
    st.lists(st.floats(0.8, 1.25), min_size=2, max_size=2),
)
def test_the_line_is_near_the_optimum_whatever_the_pictures(
    sizes: list[float], ratio: float, errors: list[float]
) -> None:
    jobs = [want(f"{number:03}", at_s=number / 1000, fast=size, slow=size * ratio) for number, size in enumerate(sizes)]
    speeds = dict(zip((FAST, SLOW), errors, strict=True))
    last_s = max(at for at, _, _ in drawn(jobs, speeds, Line()))
    # No schedule is shorter than all work divided by both speeds; the last picture may stick out on the slower one.
    least = sum(sizes) / (1 / errors[0] + 1 / (ratio * errors[1]))
    assert last_s <= 1.15 * least + max(sizes) * max(errors) + 10.0


def test_500_jobs_of_five_users_are_served_fairly() -> None:
    users = [f"user{number}" for number in range(5)]
    # The first one sends all of theirs before anybody else comes.
    jobs = [
        want(f"{user}-{number:03}", user, at_s=order * 1.0 + number / 1000)
        for order, user in enumerate(users)
        for number in range(100)
    ]
    counts = dict.fromkeys(users, 0)
    most = 0
    for _, job, _ in drawn(jobs, {FAST: 1.0, SLOW: 1.0}, Line()):
        counts[job.user] += 1
        if min(counts.values()) < 95:
            most = max(most, max(counts.values()) - min(counts.values()))
    assert set(counts.values()) == {100}
    assert most <= 4


def test_who_was_served_long_ago_is_forgiven() -> None:
    line = Line()
    line.arrive(want("a", "anna", fast=10.0))
    line.begins(SPOTS, 0)
    line.ended(FAST, 10.0)
    line.arrive(want("b", "anna", at_s=10, fast=10.0))
    line.arrive(want("c", "bert", at_s=11, fast=10.0))
    assert line.begins(SPOTS, 11.0) == [Begin("c", FAST)]
    line.ended(FAST, 11.0)
    assert line.begins(SPOTS, 1e6) == [Begin("b", FAST)]

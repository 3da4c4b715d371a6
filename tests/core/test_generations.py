from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core.answer import Event, Finish, FinishReason, Reasoning, Text, Usage
from potluck.core.generations import (
    TRIES,
    Bounds,
    EndedLog,
    Fate,
    Found,
    Frame,
    Standing,
    Step,
    Unfinished,
    Unread,
    fate,
    forgotten,
    frames,
    given_up,
    steps,
)
from potluck.core.model import KeyId

BOUNDS = Bounds(alone_s=100, alone_per_key=2, keep_s=1000, keep_bytes=50)


def test_an_answer_that_nobody_reads_is_given_up_when_its_time_is_over() -> None:
    unread = [Unread("a", KeyId("k"), 0.0), Unread("b", KeyId("k"), 1.0)]
    assert given_up(unread, BOUNDS, 99.0) == ()
    assert given_up(unread, BOUNDS, 100.0) == ("a",)


def test_of_too_many_those_are_given_up_that_were_left_first() -> None:
    unread = [Unread(name, KeyId("k"), since) for name, since in (("new", 3.0), ("old", 1.0), ("middle", 2.0))]
    assert given_up([*unread, Unread("other", KeyId("l"), 0.0)], BOUNDS, 4.0) == ("old",)


@given(
    st.lists(st.builds(Unread, st.uuids().map(str), st.sampled_from("kl").map(KeyId), st.floats(0, 200))),
    st.floats(200, 250),
)
def test_what_stays_is_within_the_bounds_and_no_more_goes_than_must(unread: list[Unread], now: float) -> None:
    gone = set(given_up(unread, BOUNDS, now))
    left = Counter(each.key for each in unread if each.id not in gone)
    assert all(count <= BOUNDS.alone_per_key for count in left.values())
    for each in unread:
        if each.id not in gone:
            assert now - each.since_s < BOUNDS.alone_s
        elif now - each.since_s < BOUNDS.alone_s:
            assert left[each.key] == BOUNDS.alone_per_key


def test_logs_are_forgotten_by_age_and_where_they_are_too_large_in_all() -> None:
    logs = [EndedLog("a", 10.0, 20), EndedLog("b", 11.0, 20), EndedLog("c", 12.0, 20)]
    assert forgotten(logs, BOUNDS, 13.0) == ("a",)
    assert set(forgotten(logs, BOUNDS, 1011.0)) == {"a", "b"}


CUT = Found(ended=False, goes_on=True, welcome=True, tries=0, age_s=0.0)


@pytest.mark.parametrize(
    ("found", "bounds", "wanted"),
    [
        (CUT, BOUNDS, Fate.CONTINUE),
        (replace(CUT, ended=True), BOUNDS, Fate.SETTLE),
        (replace(CUT, goes_on=False), BOUNDS, Fate.INTERRUPT),
        (replace(CUT, welcome=False), BOUNDS, Fate.INTERRUPT),
        (replace(CUT, tries=TRIES - 1), BOUNDS, Fate.CONTINUE),
        (replace(CUT, tries=TRIES), BOUNDS, Fate.INTERRUPT),
        (replace(CUT, age_s=900.0), BOUNDS, Fate.CONTINUE),
        (replace(CUT, age_s=901.0), BOUNDS, Fate.INTERRUPT),
        (CUT, replace(BOUNDS, unfinished=Unfinished.INTERRUPT), Fate.INTERRUPT),
    ],
)
def test_what_becomes_of_an_answer_that_was_cut(found: Found, bounds: Bounds, wanted: Fate) -> None:
    assert fate(found, bounds) is wanted


def test_text_that_comes_together_is_one_frame_for_each_kind() -> None:
    events: list[Event] = [
        Reasoning("h"), Reasoning("m"), Text(""), Text("Hel"), Text("lo"), Finish(FinishReason.STOP), Usage(),
    ]  # fmt: skip
    assert list(frames(events)) == [Frame("hm", 2, reasoning=True), Frame("Hello", 2, reasoning=False)]


@given(st.lists(st.builds(Text, st.text(max_size=3)) | st.builds(Reasoning, st.text(max_size=3)), max_size=20))
def test_frames_hold_all_text_in_order(events: list[Event]) -> None:
    made = list(frames(events))
    for reasoning, kind in ((False, Text), (True, Reasoning)):
        wanted = "".join(event.text for event in events if isinstance(event, kind))
        assert "".join(frame.text for frame in made if frame.reasoning == reasoning) == wanted
    assert all(one.reasoning != two.reasoning for one, two in pairwise(made))


IN_LINE = Standing(position=3, eta_s=10.0)
SEATED = Standing(node="a")


@pytest.mark.parametrize(
    ("before", "now", "began", "wanted"),
    [
        (None, Standing(), False, ()),
        (None, IN_LINE, False, (Step.QUEUED,)),
        (IN_LINE, IN_LINE, False, ()),
        (IN_LINE, replace(IN_LINE, eta_s=14.0), False, ()),
        (IN_LINE, replace(IN_LINE, eta_s=16.0), False, (Step.QUEUED,)),
        (IN_LINE, replace(IN_LINE, position=2), False, (Step.QUEUED,)),
        (IN_LINE, SEATED, False, (Step.SEATED,)),
        (SEATED, SEATED, False, ()),
        (SEATED, replace(SEATED, node="b", attempts=2), False, (Step.SEATED,)),
        (SEATED, SEATED, True, ()),
        (SEATED, replace(SEATED, node="b", attempts=2), True, ()),
        (SEATED, Standing(node="b", attempts=2, way="replay"), True, (Step.RESCUED,)),
        (Standing(node="b", attempts=2, way="replay"), Standing(node="b", attempts=2, way="replay"), True, ()),
    ],
)
def test_only_what_is_news_is_told(
    before: Standing | None, now: Standing, began: bool, wanted: tuple[Step, ...]
) -> None:
    assert tuple(steps(before, now, began=began)) == wanted

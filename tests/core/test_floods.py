"""Refusals that anybody can cause: the first is told, the rest is counted, and all of it is little."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core.floods import ELSEWHERE, MOST_PLACES, WINDOW_S, Flood, Tally, place_of


def test_the_first_refusal_is_told_at_once_and_the_rest_at_the_end() -> None:
    flood = Flood()
    assert flood.refused("192.0.2.1", "pk-abc", 0.0) == Tally("192.0.2.1", 1, 0, "pk-abc")
    assert flood.refused("192.0.2.1", "pk-def", 10.0) is None
    assert flood.refused("192.0.2.1", "", 70.0) is None
    assert flood.due(WINDOW_S - 1) == []
    assert flood.due(WINDOW_S) == [Tally("192.0.2.1", 2, 70, "")]
    assert flood.due(2 * WINDOW_S) == []


def test_one_refusal_is_told_once() -> None:
    flood = Flood()
    flood.refused("192.0.2.1", "", 0.0)
    assert flood.due(WINDOW_S) == []
    assert flood.refused("192.0.2.1", "", WINDOW_S) is not None, "a new window"


def test_at_the_end_all_is_told() -> None:
    flood = Flood()
    flood.refused("a", "", 0.0)
    flood.refused("a", "", 1.0)
    assert flood.due(2.0, all_of_them=True) == [Tally("a", 1, 1, "")]


@given(st.lists(st.integers(0, 10_000), max_size=400))
def test_who_comes_from_everywhere_makes_no_more_lines_than_a_few_dozen(hosts: list[int]) -> None:
    flood = Flood()
    at_once = [told for n, host in enumerate(hosts) if (told := flood.refused(f"host{host}", "", n * 0.001))]
    later = flood.due(WINDOW_S * 2)
    assert len(at_once) + len(later) <= 2 * (MOST_PLACES + 1)
    assert sum(told.count for told in [*at_once, *later]) == len(hosts)


def test_whoever_has_no_place_left_is_elsewhere() -> None:
    flood = Flood()
    for host in range(MOST_PLACES):
        flood.refused(f"host{host}", "", 0.0)
    assert flood.refused("late", "", 1.0) == Tally(ELSEWHERE, 1, 0, "")
    assert flood.refused("later", "", 2.0) is None


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("unix", "unix"),
    ],
)
def test_a_household_is_one_place(address: str, place: str) -> None:
    assert place_of(address) == place

"""The last hours of each machine, in a ring."""

from __future__ import annotations

import pytest

from potluck.core import history
from potluck.core.history import FIGURES, STEP_S, STEPS, Figure, History

NOW = 1_750_000_000.0 // STEP_S * STEP_S


def series(
    past: History, name: Figure, now_s: float = NOW, *, hours: float = 0.025, steps: int = 1
) -> list[float | None]:
    return list(past.series("a", now_s=now_s, hours=hours, steps=steps).figures[name])


def test_a_step_holds_the_mean_and_of_temperatures_the_highest() -> None:
    past = History()
    for busy, celsius in ((1.0, 50.0), (2.0, 60.0), (3.0, 55.0)):
        past.take({"a": {"busy": busy, "celsius": celsius}}, NOW)
    assert (series(past, "busy"), series(past, "celsius")) == ([None, None, 2.0], [None, None, 60.0])
    assert series(past, "cpu_load") == [None, None, None]


def test_what_was_not_looked_at_is_not_known() -> None:
    past = History()
    assert (past.begun_s, past.series("a", now_s=NOW, hours=1).figures["up"]) == (None, [None] * 120)
    past.take({"a": {"up": 1.0}}, NOW - 2 * STEP_S)
    past.take({"b": {"up": 1.0}}, NOW)
    assert series(past, "up") == [1.0, None, None]
    assert (past.begun_s, past.nodes()) == (NOW - 2 * STEP_S, ("a", "b"))


def test_six_hours_are_kept_and_no_more() -> None:
    past = History()
    for step in range(STEPS + 10):
        past.take({"a": {"busy": float(step)}}, NOW + step * STEP_S)
    kept = past.series("a", now_s=NOW + (STEPS + 9) * STEP_S, hours=6).figures["busy"]
    assert (len(kept), kept[0], kept[-1]) == (STEPS, 10.0, float(STEPS + 9))
    assert past.series("a", now_s=NOW + 3 * STEPS * STEP_S, hours=6).figures["busy"] == [None] * STEPS


@pytest.mark.parametrize("steps", [1, 2, 7, 120])
def test_steps_of_several_are_the_same_whenever_they_are_asked_for(steps: int) -> None:
    past = History()
    for step in range(STEPS):
        past.take({"a": {"busy": float(step % 7), "celsius": float(step % 11)}}, NOW + step * STEP_S)
    last = NOW + (STEPS - 1) * STEP_S
    for after_s in (0, 29, 30, 31, 600, 3000):
        now, later = (past.series("a", now_s=at, hours=6, steps=steps) for at in (last, last + after_s))
        assert now.step_s == steps * STEP_S
        assert now.since_s % now.step_s == later.since_s % later.step_s == 0
        first = round((later.since_s - now.since_s) / now.step_s)
        for name in ("busy", "celsius"):
            whole = now.figures[name][first:-1]
            assert list(later.figures[name][: len(whole)]) == list(whole)


def test_nodes_that_are_long_gone_make_room_and_else_the_longest_silent_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "_MOST_NODES", 3)
    past = History()
    past.take({"old": {}}, NOW)
    past.take({"a": {}}, NOW + 1000 * STEP_S)
    assert past.nodes() == ("a",)
    past.take({"b": {}}, NOW + 1001 * STEP_S)
    past.take({"c": {}, "d": {}}, NOW + 1002 * STEP_S)
    assert past.nodes() == ("b", "c", "d")


def test_it_outlives_a_restart() -> None:
    past = History()
    for step in range(5):
        past.take({"a": dict.fromkeys(FIGURES, float(step)), "b": {"up": 1.0}}, NOW + step * STEP_S)
    again = History()
    again.recall(past.kept(), NOW + 4 * STEP_S)
    assert again.begun_s == NOW
    assert again.nodes() == ("a", "b")
    for node in again.nodes():
        told = [each.series(node, now_s=NOW + 6 * STEP_S, hours=1) for each in (past, again)]
        assert told[0] == told[1]


def test_what_does_not_fit_or_is_to_come_is_left_out() -> None:
    past = History()
    past.take({"a": {"up": 1.0}}, NOW)
    kept = dict(past.kept())
    again = History()
    again.recall({**kept, "b": {"numbers": b"short"}, "c": {}}, NOW - STEP_S)  # a clock that was set back
    assert (again.nodes(), again.begun_s) == (("a",), None)
    assert series(again, "up", NOW) == [None, None, None]
    full = History()
    for number in range(history._MOST_NODES):  # pyright: ignore[reportPrivateUsage]
        full.take({str(number): {}}, NOW)
    full.recall(kept, NOW)
    assert "a" not in full.nodes()

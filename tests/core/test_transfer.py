from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from potluck.core.transfer import Transfer, advance


def run(*samples: tuple[str, int, int, float]) -> Transfer:
    transfer = Transfer()
    for part, completed, total, now in samples:
        transfer = advance(transfer, part, completed, total, now)
    return transfer


def test_nothing_is_known_before_something_came() -> None:
    transfer = Transfer()
    assert (transfer.completed, transfer.total, transfer.rate, transfer.eta_s) == (0, 0, None, None)


def test_a_steady_line_has_its_rate_and_its_end() -> None:
    transfer = run(*(("a", second * 10, 100, float(second)) for second in range(6)))
    assert transfer.rate == 10.0
    assert (transfer.completed, transfer.total, transfer.eta_s) == (50, 100, 5.0)


def test_what_was_here_before_does_not_count_as_speed() -> None:
    assert run(("a", 90, 100, 0.0), ("a", 91, 100, 1.0)).rate == 1.0


def test_a_part_that_was_here_already_does_not_either() -> None:
    transfer = run(("a", 0, 100, 0.0), ("b", 1000, 1000, 1.0), ("a", 10, 100, 2.0))
    assert (transfer.completed, transfer.total) == (1010, 1100)
    assert transfer.rate is not None
    assert transfer.rate < 10


def test_samples_too_near_to_each_other_are_not_a_rate() -> None:
    assert run(("a", 0, 100, 0.0), ("a", 50, 100, 0.01)).rate is None


def test_a_change_of_speed_is_smoothed() -> None:
    before = run(*(("a", second * 10, 1000, float(second)) for second in range(6)))
    after = advance(before, "a", 150, 1000, 6.0)
    assert before.rate is not None
    assert after.rate is not None
    assert before.rate < after.rate < 100


def test_a_download_that_begins_anew_has_no_negative_rate() -> None:
    transfer = run(("a", 0, 100, 0.0), ("a", 50, 100, 1.0), ("a", 0, 100, 2.0), ("a", 50, 100, 3.0))
    assert transfer.rate == 50.0


def test_a_size_that_nobody_tells_has_no_end() -> None:
    assert run(("a", 0, 0, 0.0), ("a", 50, 0, 1.0)).eta_s is None


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 10**9), st.floats(0, 10)), max_size=30))
def test_figures_are_never_negative_whatever_comes(steps: list[tuple[str, int, float]]) -> None:
    transfer, now = Transfer(), 0.0
    for part, completed, pause_s in steps:
        now += pause_s
        transfer = advance(transfer, part, completed, 10**9, now)
        assert transfer.rate is None or transfer.rate >= 0
        assert transfer.eta_s is None or transfer.eta_s >= 0
    assert transfer.completed <= transfer.total

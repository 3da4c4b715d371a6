from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core.scheduling.rates import Rates, Timing, guessed


def rates() -> Rates:
    return Rates(100.0, 10.0, load_s=10.0)


def test_the_first_reading_replaces_the_guess_and_later_ones_are_smoothed() -> None:
    one = rates()
    one.observe(Timing(100, 0.5, 100, 2.0, load_s=4.0), neighbours=0, share=1)
    assert (one.prefill_tps, one.decode_tps, one.load_s) == (200.0, 50.0, 4.0)
    one.observe(Timing(100, 0.25, 100, 1.0, load_s=9.0), neighbours=0, share=1)
    assert (one.prefill_tps, one.decode_tps, one.load_s) == pytest.approx((240.0, 60.0, 5.0))


def test_what_a_shared_machine_shows_is_taken_as_what_it_would_do_alone() -> None:
    one = rates()
    one.observe(Timing(100, 1.0, 100, 10.0), neighbours=0, share=2)
    assert (one.prefill_tps, one.decode_tps) == (200.0, 20.0)


def test_batching_is_learned_from_calls_in_company() -> None:
    one = rates()
    one.observe(Timing(0, 0.0, 100, 2.0), neighbours=0, share=1)
    for _ in range(200):
        one.observe(Timing(0, 0.0, 100, 2.0 * (1 + 0.3 * 3)), neighbours=3, share=1)
        one.observe(Timing(0, 0.0, 100, 2.0), neighbours=0, share=1)
    assert one.batching == pytest.approx(0.3, abs=0.02)
    assert one.decode_tps == pytest.approx(50.0, rel=0.05)


def test_a_few_tokens_say_nothing_of_a_rate_but_an_image_does() -> None:
    one = rates()
    one.observe(Timing(10, 0.001, 2, 0.001), neighbours=0, share=1)
    assert (one.prefill_tps, one.decode_tps) == (100.0, 10.0)
    one = rates()
    one.observe(Timing(answer_tokens=1, decode_s=20.0), neighbours=0, share=1)
    assert one.decode_tps == 0.05


def test_an_unseen_models_guess_follows_what_its_engine_showed() -> None:
    first, unseen = rates(), rates()
    shown = Rates(200.0, 40.0, load_s=5.0, readings=9, loads=2)
    unseen.guess(first, [(shown, rates())])
    assert (unseen.prefill_tps, unseen.decode_tps, unseen.load_s) == (200.0, 40.0, 5.0)
    unseen.guess(first, [(Rates(200.0, 40.0, readings=1), rates())])
    assert unseen.load_s == 5.0


def test_larger_models_are_guessed_slower_and_larger_machines_faster() -> None:
    small, large = guessed(2 * 10**9, 8 * 10**9), guessed(20 * 10**9, 64 * 10**9)
    assert small.decode_tps > large.decode_tps
    assert large.load_s > small.load_s
    assert guessed(2 * 10**9, 64 * 10**9).decode_tps > small.decode_tps
    assert guessed(None, None).decode_tps > 0


@given(st.builds(Rates, *[st.floats(0.01, 1e5)] * 2, *[st.floats(0, 1e3)] * 2, *[st.integers(0, 99)] * 2))
def test_rates_survive_being_kept(one: Rates) -> None:
    assert Rates.of_plain(json.loads(json.dumps(one.plain()))) == one


@pytest.mark.parametrize(
    "broken", [{}, {**Rates(1, 1).plain(), "decode_tps": 0}, {**Rates(1, 1).plain(), "loads": None}]
)
def test_what_is_no_kept_rates_is_said_so(broken: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="not kept rates"):
        Rates.of_plain(broken)


def test_a_prompt_that_was_expected_in_the_cache_tells_nothing_of_reading_where_hits_are_not_told() -> None:
    one = rates()
    assert one.observe(Timing(1000, 1.0), neighbours=0, share=1)
    assert not one.observe(Timing(1000, 0.1, maybe_cached=True), neighbours=0, share=1, warm=True)
    assert one.prefill_tps == 1000.0
    assert one.observe(Timing(100, 0.2), neighbours=0, share=1, warm=True)
    assert one.prefill_tps == 900.0


def test_hits_that_nobody_expected_make_an_engine_seem_little_faster() -> None:
    """As many calls begin with what an agent always says: nine tenths of every third prompt come from the cache."""
    one = rates()
    for _ in range(100):
        assert one.observe(Timing(1000, 1.0, maybe_cached=True), neighbours=0, share=1)
        assert one.observe(Timing(1000, 1.0, maybe_cached=True), neighbours=0, share=1)
        assert not one.observe(Timing(1000, 0.1, maybe_cached=True), neighbours=0, share=1)
    assert 1000.0 <= one.prefill_tps < 1200.0


def test_an_engine_that_got_faster_is_followed_though_it_might_be_its_cache() -> None:
    one = rates()
    one.observe(Timing(1000, 10.0, maybe_cached=True), neighbours=0, share=1)
    for _ in range(60):
        one.observe(Timing(1000, 1.0, maybe_cached=True), neighbours=0, share=1)
    assert one.prefill_tps == pytest.approx(1000.0, rel=0.01)

from hypothesis import given
from hypothesis import strategies as st

from potluck.core.circuit import FIRST_S, MOST_S, Circuit


def test_who_answers_is_asked_by_everybody() -> None:
    circuit = Circuit()
    assert all(circuit.admits(0.0) for _ in range(3))
    circuit.answered()
    assert not circuit.broken


def test_after_a_failure_one_asks_again_when_it_is_time() -> None:
    circuit = Circuit()
    circuit.failed(10.0)
    assert circuit.broken
    assert not circuit.admits(10.0)
    assert circuit.admits(10.0 + FIRST_S)
    assert not circuit.admits(11.0), "one is trying"
    circuit.answered()
    assert circuit.admits(11.0)


def test_many_that_fail_at_once_are_one_failure() -> None:
    circuit = Circuit()
    for _ in range(20):
        circuit.failed(0.0)
    assert circuit.admits(FIRST_S)


def test_who_leaves_while_it_tries_lets_the_next_try() -> None:
    circuit = Circuit()
    circuit.failed(0.0)
    assert circuit.admits(1.0)
    circuit.left()
    assert circuit.admits(1.0)


@given(st.integers(1, 30))
def test_pauses_grow_to_the_longest_and_no_further(failures: int) -> None:
    circuit, now, pauses = Circuit(), 0.0, list[float]()
    for _ in range(failures):
        assert circuit.admits(now)
        circuit.failed(now)
        pauses.append(circuit.not_before_s - now)
        now = circuit.not_before_s
    assert pauses == sorted(pauses)
    assert pauses[0] == FIRST_S
    assert pauses[-1] <= MOST_S

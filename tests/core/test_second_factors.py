from hypothesis import given
from hypothesis import strategies as st

from potluck.core.second_factors import (
    RECOVERY_BYTES,
    STEP_S,
    matching,
    read_recovery_code,
    recovery_code,
    steps_at,
)


def test_the_codes_of_now_and_on_either_side_are_taken() -> None:
    assert list(steps_at(10 * STEP_S + 29.9)) == [10, 9, 11]


def test_a_code_is_taken_once_and_none_before_it_after_it() -> None:
    codes = [(10, "111111"), (9, "999999"), (11, "222222")]
    assert matching("111 111", codes, 0) == 10
    assert matching("111111", codes, 10) is None
    assert matching("999999", codes, 10) is None
    assert matching("222222", codes, 10) == 11
    assert matching("333333", codes, 0) is None
    assert matching("\u0661", codes, 0) is None


def test_of_two_steps_with_one_code_the_likeliest_counts() -> None:
    assert matching("111111", [(10, "111111"), (9, "111111")], 0) == 10


@given(st.binary(min_size=RECOVERY_BYTES, max_size=RECOVERY_BYTES))
def test_a_recovery_code_is_read_however_it_is_typed(random: bytes) -> None:
    code = recovery_code(random)
    assert len(code.replace("-", "")) == 16
    assert read_recovery_code(f" {code.upper().replace('-', ' ').replace('0', 'o').replace('1', 'l')} ") == code


def test_two_codes_differ() -> None:
    assert recovery_code(bytes(9) + b"\x01") != recovery_code(bytes(10))

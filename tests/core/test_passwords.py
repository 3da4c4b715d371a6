import pytest

from potluck.core.errors import BadRequest
from potluck.core.passwords import LONGEST, SHORTEST, checked_password, cost_for, prepared


@pytest.mark.parametrize(
    "password", ["x7 b", "correct horse battery staple", "ÄÖÜß äöü", "🐎" * 4 + "abcd", "8 chars!"]
)
def test_length_alone_makes_a_password(password: str) -> None:
    if len(password) < SHORTEST:
        with pytest.raises(BadRequest, match=str(SHORTEST)):
            checked_password(password, "anna")
    else:
        assert checked_password(password, "anna") == prepared(password)


@pytest.mark.parametrize(
    "password", ["", "1234567", "Password", "PASSWORT", "12345678", "aaaaaaaaaaaa", "x" * LONGEST + "y", "Anna Blume"]
)
def test_the_first_that_anybody_would_try_are_refused_and_not_repeated(password: str) -> None:
    with pytest.raises(BadRequest) as refused:
        checked_password(password, "anna blume", "new_password")
    assert refused.value.param == "new_password"
    assert not password or password not in str(refused.value)


def test_one_letter_written_in_two_ways_is_one_password() -> None:
    assert checked_password("Ångström unit", "a") == checked_password("A\u030angstro\u0308m unit", "a")


def test_a_hash_takes_what_the_rfc_says_and_less_on_a_small_machine() -> None:
    assert cost_for(0) == cost_for(8_000_000_000) == (3, 65_536, 4)
    assert cost_for(1_000_000_000).memory_kib < 20_000

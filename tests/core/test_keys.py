import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core.keys import RANDOM_BYTES, digest, make_key, prefix

RANDOM = st.binary(min_size=RANDOM_BYTES, max_size=RANDOM_BYTES)


@given(RANDOM)
def test_a_key_is_one_word_of_letters_and_digits_after_its_mark(random: bytes) -> None:
    key = make_key(random)
    assert key.startswith("pk-")
    assert len(key) == 46
    assert key[3:].isascii()
    assert key[3:].isalnum()


@given(RANDOM, RANDOM)
def test_no_chance_is_lost_in_making_a_key(one: bytes, other: bytes) -> None:
    assert (make_key(one) == make_key(other)) == (one == other)


@pytest.mark.parametrize("count", [0, 31, 33])
def test_a_key_of_less_or_more_chance_is_refused(count: int) -> None:
    with pytest.raises(ValueError, match="32 random bytes"):
        make_key(b"x" * count)


def test_the_digest_is_sha_256_and_takes_what_clients_send() -> None:
    assert digest("pk-a") == hashlib.sha256(b"pk-a").digest()
    assert len(digest("ä\udc80")) == 32


def test_what_is_shown_of_a_key_gives_little_of_it_away() -> None:
    key = make_key(bytes(range(32)))
    assert prefix(key) == key[:9]

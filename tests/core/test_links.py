from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core.errors import NotFound
from potluck.core.links import read_link, sign_link

SECRET = b"s" * 32


def test_a_link_leads_to_its_file_until_it_is_over() -> None:
    token = sign_link(SECRET, "file-abc", 100)
    assert read_link(SECRET, token, 99.9) == "file-abc"
    with pytest.raises(NotFound):
        read_link(SECRET, token, 100.0)


def test_a_link_of_another_secret_leads_nowhere() -> None:
    with pytest.raises(NotFound):
        read_link(b"t" * 32, sign_link(SECRET, "file-abc", 100), 1.0)


@given(st.integers(0, 200), st.characters())
def test_a_link_that_was_changed_leads_nowhere(at: int, other: str) -> None:
    token = sign_link(SECRET, "file-abc", 100)
    changed = token[:at] + other + token[at + 1 :]
    if changed != token:
        with pytest.raises(NotFound):
            read_link(SECRET, changed, 1.0)


@pytest.mark.parametrize("token", ["", ".", "..", "a.b.c", "file-abc.999", "file-abc.²."])
def test_what_is_no_link_leads_nowhere(token: str) -> None:
    with pytest.raises(NotFound):
        read_link(SECRET, token, 1.0)

"""What errors say that nobody had to write out."""

from __future__ import annotations

from potluck.core.errors import SignInRefused, Unauthenticated


def test_a_refused_sign_in_does_not_say_what_was_wrong_and_is_a_missing_key_to_programs() -> None:
    refused = SignInRefused()
    assert isinstance(refused, Unauthenticated)
    assert "name or the password" in str(refused)
    assert "potluck users reset" in refused.hint

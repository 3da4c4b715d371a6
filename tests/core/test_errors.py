"""What errors say that nobody had to write out."""

from __future__ import annotations

from potluck.core.errors import GraphFailed, SignInRefused, Unauthenticated


def test_a_refused_sign_in_does_not_say_what_was_wrong_and_is_a_missing_key_to_programs() -> None:
    refused = SignInRefused()
    assert isinstance(refused, Unauthenticated)
    assert "name or the password" in str(refused)
    assert "potluck users reset" in refused.hint


def test_a_node_of_a_graph_fails_with_its_own_words_and_without_the_engines_stack() -> None:
    failed = GraphFailed("3", "KSampler", "ValueError", "too many steps")
    assert (failed.graph_node, failed.node_type, failed.words) == ("3", "KSampler", "too many steps")
    assert str(failed) == "The node KSampler has failed. too many steps"

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core.names import Name, canonical, near, parse, same_model, tagged


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("llama3.2", Name("llama3.2")),
        ("llama3.2:1b", Name("llama3.2", "1b")),
        ("me/llama3.2:1b", Name("llama3.2", "1b", "me")),
        ("host:5000/me/llama3.2:1b", Name("llama3.2", "1b", "me", "host:5000")),
        ("llama3.2@sha256:ab", Name("llama3.2", digest="sha256:ab")),
        ("", Name("")),
    ],
)
def test_a_name_is_taken_apart(text: str, name: Name) -> None:
    assert parse(text) == name
    assert str(name) == text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("llama3.2", "llama3.2:latest"),
        ("Llama3.2", "llama3.2:LATEST"),
        ("library/llama3.2", "llama3.2"),
        ("registry.ollama.ai/library/llama3.2", "llama3.2"),
        ("hf.co/Qwen/Q:Q4_K_M", "hf.co/qwen/q:q4_k_m"),
    ],
)
def test_names_of_the_same_model(one: str, other: str) -> None:
    assert same_model(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("llama3.2", "llama3.2:1b"), ("me/llama3.2", "llama3.2"), ("hf.co/library/q", "q"), ("a", "b")],
)
def test_names_of_different_models(one: str, other: str) -> None:
    assert not same_model(one, other)


def test_a_listing_shows_the_tag_and_keeps_capitals() -> None:
    assert tagged("library/Foo") == "Foo:latest"
    assert tagged("hf.co/library/Foo:Q4") == "hf.co/library/Foo:Q4"


@given(st.text())
def test_the_canonical_name_is_its_own_canonical_name(text: str) -> None:
    # Some capital letters have no stable lower case ("İ"); such are no models' names.
    if text.lower().lower() == text.lower() and text.lower().isascii():
        assert canonical(canonical(text)) == canonical(text)


def test_near_names_come_best_first_and_at_most_three() -> None:
    known = ["llama3.1:8b", "llama3.2:latest", "llama3.2:1b", "codellama:34b", "nomic-embed-text:latest"]
    assert near("llama3.2:3b", known)[0] == "llama3.2:1b"
    assert len(near("llama3.2:3b", known)) == 3
    assert "nomic-embed-text:latest" not in near("llama3.2:3b", known)


def test_a_part_of_a_name_is_near() -> None:
    assert near("nomic", ["nomic-embed-text:latest", "llava:7b"]) == ("nomic-embed-text:latest",)


def test_nothing_is_near_a_strange_name() -> None:
    assert near("zzz", ["llama3.2:latest", "qwen2.5:7b"]) == ()
    assert near("anything", []) == ()

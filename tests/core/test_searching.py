"""What is searched for, and what is shown of what was found."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core.searching import MOST_TERMS, Piece, Term, Word, folded, snippet, terms_of, words_of

BIG_CAT = Term("big cat", (Word("big", False), Word("cat", True)), exact=True)


def test_a_text_is_found_by_each_of_its_words_once() -> None:
    assert words_of(folded("The CAT, the cat's hat; foo_bar 3.14 Äpfel")) == (
        *("the", "cat", "s", "hat", "foo", "bar", "3", "14", "äpfel"),
    )
    assert words_of("x" * 100) == ("x" * 64,)
    assert len(words_of(" ".join(map(str, range(20_000))))) == 10_000
    assert words_of("…!") == ()


@pytest.mark.parametrize(
    ("query", "terms"),
    [
        ("  ", ()),
        ('""', ()),
        ("Cat", (Term("cat", (Word("cat", True),), False),)),
        ("cat cat", (Term("cat", (Word("cat", True),), False),)),
        ('"big cat" x', (BIG_CAT, Term("x", (Word("x", True),), False))),
        ("foo.bar()", (Term("foo.bar()", (Word("foo", False), Word("bar", False)), True),)),
        ('"open', (Term('"open', (Word("open", True),), True),)),
        ("--", (Term("--", (), True),)),
    ],
)  # fmt: skip
def test_a_query_is_what_must_all_be_there(query: str, terms: tuple[Term, ...]) -> None:
    assert terms_of(query) == terms


def test_a_query_has_no_more_terms_than_anybody_means() -> None:
    assert len(terms_of(" ".join(map(str, range(99))))) == MOST_TERMS


def shown(text: str, query: str) -> str:
    return "".join(f"[{piece.text}]" if piece.found else piece.text for piece in snippet(text, terms_of(query)))


def test_a_snippet_is_a_line_around_what_was_found_and_marks_it() -> None:
    assert shown("The big\nCAT and a cat.", "cat") == "The big [CAT] and a [cat]."
    assert shown("concat cat", "cat") == "concat [cat]", "a word that begins so goes before one that ends so"
    assert shown("concat", "cat") == "con[cat]"
    assert shown("nothing here", "cat") == "nothing here"
    assert shown("Über Äpfel", "äpf") == "Über [Äpf]el"
    assert shown("straße İ x", "x") == "straße İ [x]", "whose folded form is longer"
    line = shown("a " * 200 + "needle" + " b" * 200, "needle")
    assert line.startswith("…")
    assert line.endswith("…")
    assert "[needle]" in line
    assert len(line) < 200


@given(st.text(max_size=300), st.text(max_size=40))
def test_a_snippet_of_a_short_text_leaves_nothing_out(text: str, query: str) -> None:
    pieces = snippet(text, terms_of(query))
    if len(text) <= 60:
        assert "".join(piece.text for piece in pieces) == text.replace("\n", " ").replace("\r", " ").replace("\t", " ")
    assert all(isinstance(piece, Piece) and piece.text for piece in pieces)


@given(st.text(max_size=100))
def test_every_word_of_a_text_finds_it(text: str) -> None:
    for word in words_of(folded(text)):
        (term,) = terms_of(word)
        assert term.words == (Word(word, True),)

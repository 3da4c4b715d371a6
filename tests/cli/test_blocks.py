"""Markdown is cut where no later text can change what is above the cut, however the text arrives."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.cli.blocks import Blocks, tail

lines = st.lists(
    st.sampled_from(["", " ", "text", "- item", "  more", "```python", "```", "~~~~", "~~~", "````", "# Head", "`a`"]),
    max_size=12,
).map("\n".join)


def blocks(*pieces: str) -> list[str]:
    growing = Blocks()
    done = [block for piece in pieces for block in growing.feed(piece)]
    rest = growing.end()
    return [*done, rest] if rest else done


@given(lines, st.lists(st.integers(0, 80), max_size=5))
def test_how_the_text_is_cut_into_pieces_changes_nothing(text: str, cuts: list[int]) -> None:
    places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    pieces = [text[start:end] for start, end in pairwise(places)]
    assert blocks(*pieces) == blocks(*text)


@given(lines)
def test_nothing_is_lost(text: str) -> None:
    kept = [line for block in blocks(text) for line in block.split("\n") if line.strip()]
    assert kept == [line for line in text.split("\n") if line.strip()]


def test_paragraphs_are_blocks() -> None:
    assert blocks("one\ntwo\n\nthree\n") == ["one\ntwo", "three"]


def test_a_block_is_handed_out_as_soon_as_the_next_one_begins() -> None:
    growing = Blocks()
    assert growing.feed("one\n\n") == []
    assert growing.feed("t") == ["one"]
    assert growing.pending == "t"


@pytest.mark.parametrize("fence", ["```", "~~~", "````"])
def test_a_blank_line_in_a_code_fence_does_not_cut_it(fence: str) -> None:
    text = f"{fence}python\na\n\nb\n{fence}"
    assert blocks(text + "\n\nafter") == [text, "after"]


def test_a_shorter_fence_inside_a_longer_one_is_text() -> None:
    text = "````\n```\n\n```\n````"
    assert blocks(text) == [text]


def test_an_indented_paragraph_stays_with_its_list_item() -> None:
    assert blocks("1. one\n\n   more\n\ntext") == ["1. one\n\n   more", "text"]


def test_the_tail_is_the_last_lines() -> None:
    assert tail("a\nb\nc", 2) == "b\nc"

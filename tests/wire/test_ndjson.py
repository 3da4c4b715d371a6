from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core.errors import MalformedAnswer
from potluck.wire.ndjson import LineSplitter, whole_lines


def lines_of(pieces: list[bytes]) -> list[bytes]:
    splitter = LineSplitter()
    lines = [line for piece in pieces for line in splitter.feed(piece)]
    return [*lines, rest] if (rest := splitter.rest()) else lines


@given(st.binary(max_size=60).map(lambda data: data.replace(b"0", b"\n")), st.integers(1, 5))
def test_where_the_stream_is_cut_does_not_matter(data: bytes, size: int) -> None:
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    assert lines_of(pieces) == lines_of([data])


def test_lines_come_without_their_ends_and_empty_ones_not_at_all() -> None:
    assert lines_of([b'{"a":1}\r\n\n  \n{"b":', b"2}\n"]) == [b'{"a":1}', b'{"b":2}']


def test_a_last_line_without_its_end_is_the_rest() -> None:
    splitter = LineSplitter()
    assert splitter.feed(b'{"a"') == []
    assert splitter.rest() == b'{"a"'
    assert splitter.rest() == b""


def test_only_newlines_end_lines() -> None:
    text = '"\u2028 \u0085 \x0b"'.encode()
    assert lines_of([text + b"\n"]) == [text]


def test_a_line_that_never_ends_is_refused() -> None:
    splitter = LineSplitter(longest=10)
    splitter.feed(b"x" * 10)
    with pytest.raises(MalformedAnswer):
        splitter.feed(b"x")


def test_whole_lines_are_cut_behind_the_last_end() -> None:
    assert whole_lines(b"a\nb\nc") == (b"a\nb\n", b"c")
    assert whole_lines(b"abc") == (b"", b"abc")

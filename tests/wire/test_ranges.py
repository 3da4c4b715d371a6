from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core.errors import RangeNotSatisfiable
from potluck.wire.ranges import matches, read_range


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("bytes=0-3", (0, 4)),
        ("bytes=2-", (2, 10)),
        ("bytes=-3", (7, 10)),
        ("bytes=-99", (0, 10)),
        ("Bytes = 4 - 99 ", (4, 10)),
        ("", None),
        ("bytes=", None),
        ("bytes=-", None),
        ("bytes=5-2", None),
        ("bytes=0-1,4-5", None),
        ("lines=1-2", None),
        ("bytes=" + "9" * 5000 + "-", None),
    ],
)
def test_a_range_is_read_and_what_is_none_means_everything(header: str, wanted: tuple[int, int] | None) -> None:
    assert read_range(header, 10) == wanted


@pytest.mark.parametrize(("header", "size"), [("bytes=10-", 10), ("bytes=-0", 10), ("bytes=0-0", 0), ("bytes=-5", 0)])
def test_a_range_outside_is_told_with_the_size(header: str, size: int) -> None:
    with pytest.raises(RangeNotSatisfiable) as caught:
        read_range(header, size)
    assert caught.value.size_bytes == size


@given(st.binary(max_size=20), st.integers(0, 30), st.integers(0, 30))
def test_a_range_is_a_slice(data: bytes, first: int, last: int) -> None:
    try:
        wanted = read_range(f"bytes={first}-{last}", len(data))
    except RangeNotSatisfiable:
        assert data[first : last + 1] == b""
    else:
        assert wanted is None or data[slice(*wanted)] == data[first : last + 1]
        assert (wanted is None) == (last < first)


@pytest.mark.parametrize("header", ['"a"', 'W/"a"', '"b", "a"', "*"])
def test_an_entity_tag_that_is_named_matches(header: str) -> None:
    assert matches(header, '"a"')


@pytest.mark.parametrize("header", ["", '"b"', "a"])
def test_one_that_is_not_named_does_not(header: str) -> None:
    assert not matches(header, '"a"')

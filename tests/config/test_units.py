import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.config.units import Unfit, parse_duration, parse_size, show_duration, show_size


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("30s", 30), ("5m", 300), ("1h30m", 5400), ("250ms", 0.25), ("2d", 172_800), ("1.5h", 5400), ("1h 30m", 5400)],
)
def test_durations_have_units(written: str, seconds: float) -> None:
    assert parse_duration(written) == pytest.approx(seconds)


@pytest.mark.parametrize("written", [0, 7, 7.5, "7.5"])
def test_a_bare_number_is_seconds(written: object) -> None:
    assert parse_duration(written) == float(str(written))


@pytest.mark.parametrize(
    "written", ["", "s", "5 parsecs", "-3s", -3, True, None, "5m x", "3 0s", float("inf"), [], "٣s"]
)
def test_what_is_no_duration_is_refused_with_an_example(written: object) -> None:
    with pytest.raises(Unfit) as caught:
        parse_duration(written)
    assert "1h30m" in caught.value.hint


@pytest.mark.parametrize(
    ("written", "count"),
    [
        ("64GB", 64 * 10**9),
        ("512MiB", 512 * 2**20),
        ("1.5 GB", 1_500_000_000),
        ("10kb", 10_000),
        (4096, 4096),
        ("7B", 7),
    ],
)
def test_sizes_are_decimal_or_binary_by_their_unit(written: object, count: int) -> None:
    assert parse_size(written) == count


@pytest.mark.parametrize("written", ["64G", "64 gigs", "GB", "-1MB", False, None, {}])
def test_a_size_without_a_clear_unit_is_refused(written: object) -> None:
    with pytest.raises(Unfit, match="size"):
        parse_size(written)


@given(st.integers(min_value=0, max_value=10**15))
def test_a_shown_size_reads_back_as_itself(count: int) -> None:
    assert parse_size(show_size(count)) == count


@given(st.integers(min_value=0, max_value=10**6))
def test_a_shown_duration_reads_back_as_itself(seconds: int) -> None:
    assert parse_duration(show_duration(seconds)) == seconds

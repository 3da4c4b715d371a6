from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core.errors import BadRequest
from potluck.core.model import Json
from potluck.wire.ollama.times import FOREVER_S, nanoseconds, parse_duration, read_keep_alive, rfc3339, write_keep_alive


def test_times_have_nanoseconds_and_a_zone() -> None:
    assert rfc3339(1767225600.25) == "2026-01-01T00:00:00.250000000Z"


@given(st.floats(0, 4e9))
def test_times_are_read_back_by_clients(unix_s: float) -> None:
    read = datetime.fromisoformat(rfc3339(unix_s))
    assert abs(read.timestamp() - unix_s) < 1e-5


def test_durations_are_whole_nanoseconds_and_never_negative() -> None:
    assert nanoseconds(0.25) == 250_000_000
    assert nanoseconds(-1) == 0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5m", 300.0),
        ("1h30m", 5400.0),
        ("-1m", -60.0),
        ("+2s", 2.0),
        ("300ms", 0.3),
        ("1.5h", 5400.0),
        (".5s", 0.5),
        ("1us", 1e-6),
        ("1µs", 1e-6),
        ("0", 0.0),
        ("24h0m0s", 86400.0),
    ],
)
def test_go_durations_are_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("300", 'time: missing unit in duration "300"'),
        ("5 m", 'time: invalid duration "5 m"'),
        ("", 'time: invalid duration ""'),
        ("forever", 'time: invalid duration "forever"'),
        ("--1m", 'time: invalid duration "--1m"'),
        ("3d", 'time: unknown unit "d" in duration "3d"'),
        ("1" * 5000 + "!", f'time: invalid duration "{"1" * 5000}!"'),
    ],
)
def test_what_is_no_duration_is_refused_in_gos_words(text: str, message: str) -> None:
    with pytest.raises(BadRequest) as caught:
        parse_duration(text)
    assert str(caught.value) == message
    assert caught.value.param == "keep_alive"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [(None, None), ("", None), (0, 0.0), (30, 30.0), (1.5, 1.5), ("5m", 300.0), (-1, FOREVER_S), ("-1m", FOREVER_S)],
)
def test_keep_alive_is_a_number_or_a_duration(value: Json, seconds: float | None) -> None:
    assert read_keep_alive(value) == seconds


@pytest.mark.parametrize("value", [1e308, 10**400, "9" * 400 + "h", 300 * 365 * 86400])
def test_longer_than_gos_durations_hold_is_forever(value: Json) -> None:
    assert read_keep_alive(value) == FOREVER_S


@pytest.mark.parametrize("value", [True, [], {}])
def test_any_other_keep_alive_is_refused(value: Json) -> None:
    with pytest.raises(BadRequest):
        read_keep_alive(value)


@pytest.mark.parametrize(("seconds", "written"), [(300.0, 300), (0.0, 0), (FOREVER_S, -1), (0.3, "300ms")])
def test_keep_alive_is_written_back(seconds: float, written: int | str) -> None:
    assert write_keep_alive(seconds) == written
    assert read_keep_alive(written) == seconds

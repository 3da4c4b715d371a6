"""What usage may be asked for, and how a table of it is written."""

from __future__ import annotations

import csv
from io import StringIO

import pytest

from potluck.core.errors import BadRequest
from potluck.core.usage import Dimension, day_of, hour_of, kept_from, read_days, read_dimensions, table

NOON_S = 1_795_694_400.0  # 2026-11-26, 12:00 UTC


def test_what_is_told_apart_stands_in_the_order_in_which_it_was_asked_for() -> None:
    assert read_dimensions(" model, USER,model,") == (Dimension.MODEL, Dimension.USER)
    assert read_dimensions("") == ()
    with pytest.raises(BadRequest, match="'month'") as caught:
        read_dimensions("day,month")
    assert caught.value.param == "by"


def test_days_are_utcs_and_the_last_month_where_nobody_says() -> None:
    assert (day_of(NOON_S), hour_of(NOON_S + 7_199)) == ("2026-11-26", "2026-11-26T13")
    assert read_days("", "", NOON_S) == ("2026-10-28", "2026-11-26")
    assert read_days("2026-01-01", "", NOON_S) == ("2026-01-01", "2026-11-26")
    assert read_days("", "2026-01-02", NOON_S) == ("2025-12-04", "2026-01-02")
    assert read_days("", "0001-01-02", NOON_S) == ("0001-01-01", "0001-01-02")


@pytest.mark.parametrize(("first", "last", "param"), [("yesterday", "", "from"), ("", "2026-13-01", "to")])
def test_what_is_no_day_is_told(first: str, last: str, param: str) -> None:
    with pytest.raises(BadRequest) as caught:
        read_days(first, last, NOON_S)
    assert caught.value.param == param


def test_days_that_run_backwards_are_refused() -> None:
    with pytest.raises(BadRequest, match="after"):
        read_days("2026-11-26", "2026-11-25", NOON_S)


def test_a_day_is_kept_whole_until_its_end_is_old_enough() -> None:
    assert kept_from(NOON_S, 86_400.0) == "2026-11-25"
    assert kept_from(5.0, 86_400.0) == "1970-01-01"


def test_a_table_is_csv_and_no_name_becomes_a_formula() -> None:
    text = table(["user", "calls", "energy_wh"], [["=1+1", 3, None], ['a,"b"', 1, 0.5], ["ok", 0, -1.0]])
    assert text.splitlines()[1] == "'=1+1,3,"
    assert list(csv.reader(StringIO(text)))[2:] == [['a,"b"', "1", "0.5"], ["ok", "0", "-1.0"]]

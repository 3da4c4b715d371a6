from __future__ import annotations

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.cli import failure, output
from potluck.cli.output import cells, cut, duration, harmless, size, table, table_width

printable = st.text(st.characters(exclude_categories=["Cs", "Cc", "Mn", "Me", "Cf"]), max_size=40)


@given(rows=st.lists(st.tuples(printable, printable, printable), max_size=6), width=st.integers(40, 120))
def test_a_table_never_is_wider_than_its_terminal(rows: list[tuple[str, str, str]], width: int) -> None:
    assert all(cells(line) <= width for line in table(("A", "B", "C"), rows, width).split("\n"))


def test_a_table_that_fits_is_not_cut() -> None:
    shown = table(("NAME", "SIZE"), [("llama3.2:latest", "2.0 GB")], 80)
    assert shown == "NAME             SIZE\nllama3.2:latest  2.0 GB"


@pytest.mark.usefixtures("capsys")
def test_nothing_is_cut_in_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    assert "…" not in table(("A",), [("x" * 500,)], table_width())


def test_the_widest_column_gives_way_first() -> None:
    shown = table(("A", "B"), [("x" * 60, "short")], 40)
    assert "short" in shown
    assert "…" in shown


def test_a_line_break_in_a_cell_does_not_break_the_table() -> None:
    assert table(("A",), [("one\ntwo",)], 80) == "A\none two"


@given(st.text(max_size=50), st.integers(1, 30))
def test_cut_text_fits(text: str, width: int) -> None:
    assert cells(cut(text, width)) <= max(width, 1)


@given(st.text())
def test_no_text_can_command_the_terminal(text: str) -> None:
    assert not any(char in "\x1b\x07\x08\x9b\r\u202e\u2066" for char in harmless(text))


def test_harmless_text_keeps_lines_tabs_and_letters() -> None:
    assert harmless("é\tü\n日本 👍") == "é\tü\n日本 👍"


@pytest.mark.parametrize(
    ("count", "shown"),
    [(None, "-"), (0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (999_999, "1.0 MB"), (2_500_000_000_000, "2.5 TB")],
)
def test_sizes_are_decimal(count: int | None, shown: str) -> None:
    assert size(count) == shown


@pytest.mark.parametrize(("seconds", "shown"), [(0, "0s"), (61, "1m 1s"), (90_061, "1d 1h")])
def test_durations_have_two_units(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


@pytest.mark.parametrize("module", [output, failure])
def test_the_examples_in_the_docstrings_hold(module: object) -> None:
    assert doctest.testmod(module).failed == 0  # type: ignore[arg-type]

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core.diffs import parse_diff
from potluck.core.findings import read_answer
from potluck.core.review import Dropped, Finding, Piece, Severity, plan

DIFF = """\
--- a/src/app.py
+++ b/src/app.py
@@ -9,3 +9,4 @@ def main():
 nine
-ten
+TEN
+eleven
 twelve
@@ -100,2 +101,3 @@
 hundred
+hundred and one
 hundred and two
"""
PIECE: Piece = plan(parse_diff(DIFF), 10_000).pieces[0]


def item(**changes: Any) -> dict[str, Any]:
    return {"line": 10, "severity": "high", "title": "Wrong", "explanation": "Because.", **changes}


def answer(*items: Any) -> str:
    return json.dumps({"findings": list(items)})


def only(text: str) -> Finding:
    reading = read_answer(text, PIECE)
    assert len(reading.findings) == 1, reading
    return reading.findings[0]


def test_a_good_finding_is_taken_as_it_is() -> None:
    assert only(answer(item(end_line=11))) == Finding("src/app.py", 10, Severity.HIGH, "Wrong", "Because.", end_line=11)
    assert read_answer(answer(), PIECE).findings == []
    assert not read_answer(answer(), PIECE).unreadable
    assert not read_answer("{}", PIECE).unreadable


@pytest.mark.parametrize(
    "text",
    [
        "```json\n" + answer(item()) + "\n```",
        "Here is what I found: " + json.dumps([item()]) + " Good luck!",
        json.dumps(item()),
        '<think>[1] maybe</think>{"findings" : [' + json.dumps(item()) + "]}",
    ],
)
def test_json_is_found_in_whatever_stands_around_it(text: str) -> None:
    assert only(text).line == 10


def test_findings_before_the_cut_are_kept() -> None:
    whole = answer(item(title="one"), item(line=11, title="two"), item(line=12, title="three"))
    reading = read_answer(whole[: whole.index("three")], PIECE)
    assert [finding.title for finding in reading.findings] == ["one", "two"]
    assert reading.cut


def test_a_finding_that_is_cut_in_its_suggestion_is_kept_without_it() -> None:
    whole = answer(item(title="one"), item(line=11, title="two", replacement="never ends, never ends"))
    reading = read_answer(whole[:-20], PIECE)
    assert [(finding.title, finding.patch) for finding in reading.findings] == [("one", ""), ("two", "")]
    assert reading.cut
    broken = whole.replace('"line": 11', '"line": ?')
    assert [finding.title for finding in read_answer(broken[:-20], PIECE).findings] == ["one"]


@given(st.integers(0, 400))
def test_an_answer_cut_anywhere_gives_a_beginning_of_the_whole_one(at: int) -> None:
    whole = answer(item(title="one"), item(line=11, title="two", end_line=12), item(line=102, title="three"))
    full = read_answer(whole, PIECE)
    part = read_answer(whole[:at], PIECE)
    assert part.findings == full.findings[: len(part.findings)]
    assert part.dropped == []
    assert part.cut == (at < whole.index("]}") + 1 if at < len(whole) else False)


@pytest.mark.parametrize("text", ["", "The code looks good.", "{", '{"findings"', "[" * 5000])
def test_an_answer_without_json_is_not_an_answer_without_findings(text: str) -> None:
    assert read_answer(text, PIECE).unreadable


@pytest.mark.parametrize("value", [10, 10.0, "10", "L10", "line 10", "10-12"])
def test_a_line_may_be_written_as_models_write_it(value: Any) -> None:
    assert only(answer(item(line=value))).line == 10


@pytest.mark.parametrize(
    "bad",
    [
        item(line=None),
        item(line=True),
        item(line="somewhere"),
        item(line=10.5),
        item(severity="awful"),
        item(severity=3),
        item(title=""),
        item(title=None),
        "text",
        7,
        None,
    ],
)
def test_what_does_not_fit_the_schema_is_dropped_and_counted(bad: Any) -> None:
    reading = read_answer(answer(bad, item(title="good")), PIECE)
    assert [finding.title for finding in reading.findings] == ["good"]
    assert reading.dropped == [Dropped.MALFORMED]


def test_a_line_near_the_hunk_snaps_and_one_far_from_it_is_dropped() -> None:
    reading = read_answer(answer(item(line=14), item(line=98), item(line=60), item(line=7, title="x")), PIECE)
    assert [finding.line for finding in reading.findings] == [12, 101, 9]
    assert reading.snapped == 3
    assert reading.dropped == [Dropped.OUTSIDE]


@pytest.mark.parametrize("end", [9, 10, "nonsense", None])
def test_an_end_that_is_none_is_left_out(end: Any) -> None:
    assert only(answer(item(end_line=end))).end_line is None


def test_an_end_beyond_the_hunk_is_cut_to_it() -> None:
    assert only(answer(item(end_line=99))).end_line == 12


def test_a_finding_where_lines_were_only_removed_points_to_their_place() -> None:
    (piece,) = plan(parse_diff("--- a/t\n+++ b/t\n@@ -5,2 +4,0 @@\n-x\n-y\n"), 1000).pieces
    reading = read_answer(answer(item(line=5, replacement="x")), piece)
    assert [(finding.line, finding.patch) for finding in reading.findings] == [(4, "")]


@pytest.mark.parametrize(("path", "kept"), [("src/app.py", 1), ("b/src/app.py", 1), ("app.py", 1), ("other.py", 0)])
def test_a_path_must_be_the_pieces_own(path: str, kept: int) -> None:
    reading = read_answer(answer(item(path=path)), PIECE)
    assert len(reading.findings) == kept
    assert reading.dropped == ([] if kept else [Dropped.OTHER_FILE])


def test_replaced_lines_become_a_patch() -> None:
    found = only(answer(item(end_line=11, replacement="10\n11\n")))
    assert found.patch == (
        "--- a/src/app.py\n+++ b/src/app.py\n@@ -9,4 +9,4 @@\n nine\n-TEN\n-eleven\n+10\n+11\n twelve\n"
    )


def test_a_diff_of_the_models_own_gets_the_right_numbers() -> None:
    own = "```diff\n--- a/src/app.py\n+++ b/src/app.py\n@@ -1,9 +1,9 @@\n TEN\n-eleven\n+ELEVEN\n\n```"
    assert only(answer(item(suggested_patch=own))).patch == (
        "--- a/src/app.py\n+++ b/src/app.py\n@@ -9,4 +9,4 @@\n nine\n-TEN\n-eleven\n+TEN\n+ELEVEN\n twelve\n"
    )


@pytest.mark.parametrize(
    "suggestion",
    [
        "TEN",
        "  ",
        5,
        "10 + fixed",
        "@@ -1,2 +1,2 @@\n not there\n-nor this\n+x",
        "@@ -1,2 +1,2 @@\n TEN\n eleven",
        "@@ -1 +1 @@\n+only added",
        "@@ -1 +1 @@\n-TEN\nnonsense",
    ],
)
def test_a_patch_that_changes_nothing_or_fits_nowhere_is_dropped_and_its_finding_kept(suggestion: Any) -> None:
    reading = read_answer(answer(item(replacement=suggestion)), PIECE)
    assert [finding.patch for finding in reading.findings] == [""]
    assert reading.dropped == [Dropped.PATCH]


def test_a_snapped_finding_has_no_patch_since_its_lines_were_others() -> None:
    assert only(answer(item(line=14, replacement="x"))).patch == ""


def test_a_patch_keeps_a_files_carriage_returns() -> None:
    (piece,) = plan(parse_diff("--- a/w\n+++ b/w\n@@ -1 +1 @@\n-x\r\n+y\r\n"), 1000).pieces
    (found,) = read_answer(answer(item(line=1, replacement="z")), piece).findings
    assert "-y\r\n+z\r\n" in found.patch

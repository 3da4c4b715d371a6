from __future__ import annotations

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core.call import FormatKind, Role
from potluck.core.diffs import parse_diff, whole_file
from potluck.core.review import (
    CHARS_PER_TOKEN,
    Dropped,
    Finding,
    Piece,
    Severity,
    Tally,
    answer_tokens,
    halves,
    piece_budget,
    plan,
    question,
    schema,
    shown,
)

DIFF = """\
--- a/src/app.py
+++ b/src/app.py
@@ -9,3 +9,4 @@ def main():
 nine
-ten
+TEN
+eleven
 twelve
"""


def piece_of(text: str) -> Piece:
    return plan(parse_diff(text), 10_000).pieces[0]


def test_every_line_is_shown_with_its_new_number_and_marker() -> None:
    assert shown(piece_of(DIFF)) == "... def main():\n 9   nine\n   - ten\n10 + TEN\n11 + eleven\n12   twelve"


def test_a_whole_file_is_shown_without_markers() -> None:
    (piece,) = plan([whole_file("a.py", "x\ny\n")], 1000).pieces
    assert shown(piece) == "1 x\n2 y"


def test_the_question_holds_the_lines_the_wishes_and_a_schema_of_existing_lines() -> None:
    call = question(piece_of(DIFF), model="m", instructions="look at names", max_tokens=77)
    assert [message.role for message in call.messages] == [Role.SYSTEM, Role.USER]
    assert "src/app.py" in call.messages[1].text
    assert "look at names" in call.messages[1].text
    assert "10 + TEN" in call.messages[1].text
    assert (call.format.kind, call.sampling.max_tokens, call.sampling.temperature) == (FormatKind.SCHEMA, 77, 0.0)
    checker = jsonschema.Draft202012Validator(call.format.schema)
    good = {"line": 10, "severity": "high", "title": "t", "explanation": "e", "replacement": "x"}
    assert checker.is_valid({"findings": [good]})
    assert checker.is_valid({"findings": []})
    for bad in ({"line": 13}, {"line": 8}, {"severity": "awful"}, {"title": 3}, {"path": "x"}):
        assert not checker.is_valid({"findings": [{**good, **bad}]})


def test_the_schema_is_one_by_the_books() -> None:
    jsonschema.Draft202012Validator.check_schema(schema(piece_of(DIFF)))


def test_files_without_lines_to_look_at_are_skipped_with_a_reason() -> None:
    text = (
        "diff --git a/i.png b/i.png\nBinary files a/i.png and b/i.png differ\n"
        "diff --git a/d b/d\ndeleted file mode 100644\n--- a/d\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n"
        "--- a/nil\n+++ b/nil\n@@ -0,0 +0,0 @@\n"
        "diff --git a/o b/n\nsimilarity index 100%\nrename from o\nrename to n\n"
    )
    planned = plan(parse_diff(text), 1000)
    assert planned.pieces == ()
    assert [(skipped.path, skipped.why) for skipped in planned.skipped] == [
        ("i.png", "binary"),
        ("d", "deleted"),
        ("nil", "no changed lines"),
        ("n", "no changed lines"),
    ]


def test_no_piece_holds_two_files() -> None:
    planned = plan(parse_diff(DIFF + DIFF.replace("app.py", "b.py") + DIFF.replace("app.py", "c.py")), 10_000)
    assert [(piece.number, piece.path) for piece in planned.pieces] == [
        (1, "src/app.py"),
        (2, "src/b.py"),
        (3, "src/c.py"),
    ]


def test_a_long_file_is_cut_between_hunks_where_possible() -> None:
    hunks = "".join(f"@@ -{at},1 +{at},3 @@\n a\n+{'b' * 40}\n+{'c' * 40}\n" for at in (1, 101, 201))
    (file,) = parse_diff(f"--- a/t\n+++ b/t\n{hunks}")
    per_hunk = int(120 / CHARS_PER_TOKEN)
    assert [len(piece.hunks) for piece in plan([file], per_hunk * 2).pieces] == [2, 1]
    assert [piece.first for piece in plan([file], per_hunk).pieces] == [1, 101, 201]


@given(
    st.lists(st.tuples(st.sampled_from(" +-"), st.text("ab \t", max_size=60)), min_size=1, max_size=80),
    st.integers(20, 400),
)
def test_cutting_loses_no_line_and_keeps_every_number(lines: list[tuple[str, str]], budget: int) -> None:
    old = sum(marker != "+" for marker, _ in lines)
    new = sum(marker != "-" for marker, _ in lines)
    body = "".join(f"{marker}{text}\n" for marker, text in lines)
    (file,) = parse_diff(f"--- a/t\n+++ b/t\n@@ -7,{old} +7,{new} @@\n{body}")
    pieces = plan([file], budget).pieces
    assert [line for piece in pieces for hunk in piece.hunks for line in hunk.lines] == list(file.hunks[0].lines)
    for piece in pieces:
        cost = sum((len(line.text) + 9) / CHARS_PER_TOKEN for hunk in piece.hunks for line in hunk.lines)
        assert cost <= budget or sum(len(hunk.lines) for hunk in piece.hunks) == 1
        for hunk in piece.hunks:
            first = hunk.new_lines[0].new if hunk.new_lines else hunk.new_start
            assert first == hunk.new_start
            assert piece.first <= hunk.new_start <= max(piece.last, hunk.new_start)


def test_a_piece_is_halved_until_one_line_is_left() -> None:
    (piece,) = plan([whole_file("a", "x\n" * 40)], 10_000).pieces
    parts = halves(piece)
    assert 2 <= len(parts) <= 3
    assert {part.number for part in parts} == {piece.number}
    assert sum(len(hunk.lines) for part in parts for hunk in part.hunks) == 40
    (single,) = plan([whole_file("a", "x" * 5000)], 10_000).pieces
    assert halves(single) == (single,)


@pytest.mark.parametrize("context", [512, 2048, 4096, 8192, 131_072])
def test_a_piece_and_its_answer_fit_the_context(context: int) -> None:
    assert piece_budget(context) + answer_tokens(context) <= context
    assert piece_budget(context, "x" * 400) <= piece_budget(context)


def finding(line: int = 1, severity: Severity = Severity.LOW, title: str = "t", path: str = "a") -> Finding:
    return Finding(path, line, severity, title, "e")


def test_findings_come_once_and_are_sorted_by_severity_path_and_line() -> None:
    tally = Tally()
    assert len(tally.add([finding(5), finding(2), finding(5, title="T.")])) == 2
    assert tally.add([finding(2, Severity.HIGH)]) == ()
    tally.add([finding(9, Severity.CRITICAL, path="z"), finding(1, path="b")])
    assert [(found.path, found.line) for found in tally.findings()] == [("z", 9), ("a", 2), ("a", 5), ("b", 1)]
    assert tally.dropped == {Dropped.DUPLICATE: 2}
    assert tally.counts() == {"info": 0, "low": 3, "medium": 0, "high": 0, "critical": 1}


def test_what_is_not_severe_enough_is_counted() -> None:
    tally = Tally(Severity.MEDIUM)
    assert tally.add([finding(1, Severity.LOW), finding(1, Severity.MEDIUM)]) == (finding(1, Severity.MEDIUM),)
    assert tally.dropped == {Dropped.BELOW_SEVERITY: 1}


def test_the_words_around_a_piece_stay_within_what_is_set_aside_for_them() -> None:
    call = question(plan([whole_file("a.py", "x\n")], 100).pieces[0], model="m")
    assert sum(len(message.text) for message in call.messages) / CHARS_PER_TOKEN < 4096 - 1024 - piece_budget(4096)

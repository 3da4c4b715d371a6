from __future__ import annotations

import pytest

from potluck.core.diffs import ChangeKind, LineKind, parse_diff, whole_file, write_patch
from potluck.core.errors import BadRequest

MODIFIED = """\
diff --git a/src/app.py b/src/app.py
index 83db48f..bf2a1c0 100644
--- a/src/app.py
+++ b/src/app.py
@@ -1,4 +1,5 @@ def main():
 one
-two
+TWO
+two and a half
 three
 four
@@ -20,2 +21,1 @@
 twenty
---- gone
"""


def test_lines_carry_their_numbers_in_the_old_and_the_new_file() -> None:
    (file,) = parse_diff(MODIFIED)
    first, second = file.hunks
    assert (file.path, file.kind) == ("src/app.py", ChangeKind.MODIFIED)
    assert [(line.kind, line.old, line.new, line.text) for line in first.lines] == [
        (LineKind.CONTEXT, 1, 1, "one"),
        (LineKind.REMOVED, 2, None, "two"),
        (LineKind.ADDED, None, 2, "TWO"),
        (LineKind.ADDED, None, 3, "two and a half"),
        (LineKind.CONTEXT, 3, 4, "three"),
        (LineKind.CONTEXT, 4, 5, "four"),
    ]
    assert first.section == "def main():"
    assert (second.lines[-1].text, second.lines[-1].old) == ("--- gone", 21)


def test_a_removed_line_that_looks_like_a_header_stays_a_line() -> None:
    text = "--- a/q.sql\n+++ b/q.sql\n@@ -1,2 +1,1 @@\n--- old\n-++ new\n+++ kept\n"
    (file,) = parse_diff(text)
    assert [line.text for line in file.hunks[0].lines] == ["-- old", "++ new", "++ kept"]


@pytest.mark.parametrize(
    ("header", "path", "old_path", "kind", "binary"),
    [
        ("diff --git a/x y.py b/x y.py\nold mode 100644\nnew mode 100755\n", "x y.py", "x y.py", "modified", False),
        (
            "diff --git a/old b.py b/new b.py\nsimilarity index 100%\nrename from old b.py\nrename to new b.py\n",
            "new b.py",
            "old b.py",
            "renamed",
            False,
        ),
        ("diff --git a/a.py b/c.py\ncopy from a.py\ncopy to c.py\n", "c.py", "a.py", "copied", False),
        (
            "diff --git a/i.png b/i.png\nnew file mode 100644\nindex 0..1\nBinary files /dev/null and b/i.png differ\n",
            "i.png",
            "i.png",
            "added",
            True,
        ),
        (
            "diff --git a/i.png b/i.png\nindex 1..2 100644\nGIT binary patch\nliteral 3\nKcmZ\n\n",
            "i.png",
            "i.png",
            "modified",
            True,
        ),
        (
            'diff --git "a/\\303\\274.png" "b/\\303\\274.png"\nBinary files differ\n',
            "ü.png",
            "ü.png",
            "modified",
            True,
        ),
        ("diff --git a/e.txt b/e.txt\nnew file mode 100644\nindex 0..e69de29\n", "e.txt", "e.txt", "added", False),
    ],
)
def test_changes_without_lines_are_told_by_gits_headers(
    header: str, path: str, old_path: str, kind: str, binary: bool
) -> None:
    (file,) = parse_diff(header)
    assert (file.path, file.old_path, file.kind, file.binary, file.hunks) == (path, old_path, kind, binary, ())


def test_a_deleted_file_keeps_its_old_name_and_a_new_one_has_one_only() -> None:
    deleted = "diff --git a/d.py b/d.py\ndeleted file mode 100644\n--- a/d.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n"
    added = "--- /dev/null\n+++ b/n.py\n@@ -0,0 +1,2 @@\n+x\n+y\n"
    one, two = parse_diff(deleted + added)
    assert (one.path, one.kind) == ("d.py", ChangeKind.DELETED)
    assert (two.path, two.kind, two.hunks[0].lines[1].new) == ("n.py", ChangeKind.ADDED, 2)


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ('"a/f\\303\\274r \\"du\\".txt"', '"b/f\\303\\274r \\"du\\".txt"', 'für "du".txt'),
        ("a/with space.py\t", "b/with space.py\t", "with space.py"),
        ("old/file.c\t2026-01-01 10:00:00", "old/file.c\t2026-01-02 10:00:00", "old/file.c"),
        ("a/inside.py", "a/inside.py", "a/inside.py"),
        ("i/x.py", "w/x.py", "x.py"),
    ],
)
def test_paths_are_read_without_quotes_prefixes_and_time_stamps(old: str, new: str, path: str) -> None:
    (file,) = parse_diff(f"--- {old}\n+++ {new}\n@@ -1 +1 @@\n-x\n+y\n")
    assert file.path == path


def test_carriage_returns_belong_to_the_lines_unless_the_whole_text_was_converted() -> None:
    unix_headers = "--- a/w.txt\n+++ b/w.txt\n@@ -1 +1 @@\n-x\r\n+y\r\n"
    (file,) = parse_diff(unix_headers)
    assert [line.text for line in file.hunks[0].lines] == ["x\r", "y\r"]
    (file,) = parse_diff("--- a/w.txt\r\n+++ b/w.txt\r\n@@ -1 +1 @@\r\n-x\r\n+y\r\n")
    assert (file.path, [line.text for line in file.hunks[0].lines]) == ("w.txt", ["x", "y"])


def test_an_unterminated_last_line_is_marked() -> None:
    (file,) = parse_diff(
        "--- a/t\n+++ b/t\n@@ -1 +1 @@\n-x\n\\ No newline at end of file\n+y\n\\ No newline at end of file\n"
    )
    assert [line.open_end for line in file.hunks[0].lines] == [True, True]


def test_words_around_a_diff_are_passed_over() -> None:
    mail = f"From: a\nSubject: [PATCH] b\n---\n src/app.py | 2 +-\n\n{MODIFIED}-- \n2.40.1\n"
    assert [file.path for file in parse_diff(mail)] == ["src/app.py"]


def test_an_empty_context_line_may_have_lost_its_blank() -> None:
    (file,) = parse_diff("--- a/t\n+++ b/t\n@@ -1,2 +1,3 @@\n x\n\n+y\n")
    assert [line.text for line in file.hunks[0].lines] == ["x", "", "y"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "No change"),
        ("hello", "No change"),
        ("--- a/t\n+++ b/t\n@@ -1,3 +1,3 @@\n x\n", "cut off (line 5)"),
        ("--- a/t\n+++ b/t\n@@ -1,2 +1,2 @@\n x\nnonsense\n", "starts with none of"),
        ("--- a/t\n+++ b/t\n@@ -1,1 +1,2 @@\n+x\n+y\n z\n", "more lines than its header"),
        ("diff --cc t\nindex 1,2..3\n--- a/t\n+++ b/t\n@@@ -1,1 -1,1 +1,1 @@@\n", "combined diff"),
    ],
)
def test_what_is_no_whole_diff_is_refused_with_a_hint(text: str, says: str) -> None:
    with pytest.raises(BadRequest) as refused:
        parse_diff(text)
    assert says in refused.value.message
    assert refused.value.param == "diff"
    assert refused.value.hint


def test_a_whole_file_is_one_hunk_of_added_lines() -> None:
    file = whole_file("a.py", "x\ny")
    assert file.kind is ChangeKind.WHOLE
    assert [(line.new, line.text, line.open_end) for line in file.hunks[0].lines] == [(1, "x", False), (2, "y", True)]
    assert whole_file("a.py", "").hunks == ()
    assert [line.open_end for line in whole_file("a.py", "x\n").hunks[0].lines] == [False]


def test_a_written_patch_has_three_lines_of_context_and_reads_back() -> None:
    (hunk,) = whole_file("a b.py", "".join(f"line {n}\n" for n in range(1, 10))).hunks
    patch = write_patch("a b.py", hunk.lines[4:6], ["five"], hunk)
    assert patch == (
        "--- a/a b.py\n+++ b/a b.py\n@@ -2,8 +2,7 @@\n line 2\n line 3\n line 4\n-line 5\n-line 6\n+five\n"
        " line 7\n line 8\n line 9\n"
    )
    (file,) = parse_diff(patch)
    assert file.path == "a b.py"


def test_a_patch_of_an_unterminated_line_keeps_it_so_and_quotes_odd_names() -> None:
    (hunk,) = whole_file('odd"name', "x").hunks
    patch = write_patch('odd"name', hunk.lines, ["y"], hunk)
    assert patch == (
        '--- "a/odd\\"name"\n+++ "b/odd\\"name"\n@@ -1,1 +1,1 @@\n'
        "-x\n\\ No newline at end of file\n+y\n\\ No newline at end of file\n"
    )
    assert parse_diff(patch)[0].path == 'odd"name'


@pytest.mark.parametrize(
    ("lines", "ends"),
    [
        ("@@ -5,2 +5,2 @@\n x\n-y\n+z\n", True),
        ("@@ -5,2 +5,2 @@\n-x\n+z\n y\n", False),
        ("@@ -5,2 +5,2 @@\n-x\n+z\n y\n\\ No newline at end of file\n", True),
        ("@@ -5 +5 @@\n-x\n+z\n", False),
        ("@@ -0,0 +1 @@\n+z\n", True),
    ],
)
def test_a_patch_without_lines_after_it_is_written_only_where_the_file_ends(lines: str, ends: bool) -> None:
    """Git takes a patch without context after its change for one at the end of the file."""
    (file,) = parse_diff(f"--- a/t\n+++ b/t\n{lines}")
    (hunk,) = file.hunks
    assert bool(write_patch("t", hunk.new_lines[-1:], ["new"], hunk)) is ends

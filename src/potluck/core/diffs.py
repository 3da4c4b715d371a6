"""Unified and git diffs as records with line numbers, and patches written from them.

Format: the GNU diffutils manual ("Detailed Description of Unified Format") and git's ``diff-generate-patch`` page.
Lines keep what stands after their marker, a carriage return included, so that a patch made from them applies.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NoReturn

from potluck.core.errors import BadRequest


class LineKind(StrEnum):
    """The values are the markers of the format."""

    CONTEXT = " "
    ADDED = "+"
    REMOVED = "-"


class ChangeKind(StrEnum):
    MODIFIED = "modified"
    ADDED = "added"
    DELETED = "deleted"
    RENAMED = "renamed"
    COPIED = "copied"
    WHOLE = "whole"
    """Not from a diff: a file handed in as it is."""


@dataclass(frozen=True, slots=True)
class Line:
    """``old`` and ``new`` count from 1; an added line has no ``old``, a removed one no ``new``.

    ``open_end`` marks the last line of a file that does not end in a newline.
    """

    kind: LineKind
    text: str
    old: int | None
    new: int | None
    open_end: bool = False


@dataclass(frozen=True, slots=True)
class Hunk:
    """A run of lines. ``section`` is what git shows after ``@@``: usually the enclosing function's first line."""

    old_start: int
    new_start: int
    lines: tuple[Line, ...]
    section: str = ""

    @property
    def new_lines(self) -> tuple[Line, ...]:
        """What the file has here after the change."""
        return tuple(line for line in self.lines if line.new is not None)

    @property
    def ends_file(self) -> bool:
        """Whether the file is known to end with this hunk: a change without context after it, though there is some
        before it or nothing can be."""
        has_context = any(line.kind is LineKind.CONTEXT for line in self.lines)
        last = self.lines[-1]
        return last.open_end or (last.kind is not LineKind.CONTEXT and (has_context or self.new_start <= 1))


@dataclass(frozen=True, slots=True)
class FileDiff:
    """One file's change. ``path`` is the new name, the old one for a deleted file."""

    path: str
    old_path: str
    kind: ChangeKind
    hunks: tuple[Hunk, ...] = ()
    binary: bool = False


def whole_file(path: str, text: str) -> FileDiff:
    """A file without a change, as one hunk of nothing but added lines."""
    pieces = text.split("\n")
    ends = pieces[-1] == ""
    if ends:
        pieces.pop()
    last = len(pieces)
    lines = tuple(
        Line(LineKind.ADDED, piece, None, number, open_end=number == last and not ends)
        for number, piece in enumerate(pieces, 1)
    )
    return FileDiff(path, path, ChangeKind.WHOLE, (Hunk(0, 1, lines),) if lines else ())


def parse_diff(text: str) -> tuple[FileDiff, ...]:
    """Read a unified diff with or without git's headers; text around it (a mail, a commit message) is passed over.

    Raises `BadRequest` for ``diff`` if there is no diff in it, a hunk is broken or cut off, or it is a merge's
    combined diff, whose lines belong to several parents.
    """
    files = tuple(_Reader(text).files())
    if not files:
        raise BadRequest("No change was found in the diff.", param="diff", hint="Send the output of 'git diff'.")
    return files


def write_patch(path: str, old: Sequence[Line], replacement: Sequence[str], hunk: Hunk) -> str:
    """A git patch that puts ``replacement`` in the place of ``old``, a run of the new lines of ``hunk``.

    Up to three lines on either side go into the patch. Empty if there is none after ``old`` although the file may go
    on: ``git apply`` takes such a patch at the end of a file only. An unterminated last line stays so.
    """
    context = hunk.new_lines
    first = context.index(old[0])
    before = context[max(0, first - 3) : first]
    after = context[first + len(old) : first + len(old) + 3]
    if not after and not hunk.ends_file:
        return ""
    start = _new(before[0] if before else old[0])
    kept = len(before) + len(after)
    out = [f"--- {_quoted('a/' + path)}", f"+++ {_quoted('b/' + path)}"]
    out.append(f"@@ -{_span(start, kept + len(old))} +{_span(start, kept + len(replacement))} @@")
    out.extend(f" {line.text}" for line in before)
    for line in old:
        out.extend(_marked("-", line.text, line.open_end))
    open_end = old[-1].open_end
    for number, added in enumerate(replacement, 1):
        out.extend(_marked("+", added, open_end and number == len(replacement)))
    for line in after:
        out.extend(_marked(" ", line.text, line.open_end))
    return "\n".join(out) + "\n"


def _marked(marker: str, text: str, open_end: bool) -> list[str]:
    return [marker + text, _NO_NEWLINE] if open_end else [marker + text]


def _span(start: int, count: int) -> str:
    # The format names the line before an empty range.
    return f"{start if count else start - 1},{count}"


def _new(line: Line) -> int:
    assert line.new is not None
    return line.new


_NO_NEWLINE = "\\ No newline at end of file"
_HUNK = re.compile(r"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@ ?(.*)$")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v", '"': '"', "\\": "\\"}
_ESCAPE = re.compile(rb"\\([0-7]{3}|.)", re.DOTALL)
# Git's prefixes: a and b, and those of diff.mnemonicPrefix (index, work tree, commit, object, and one of two).
_PREFIXES = frozenset({("a", "b"), ("i", "w"), ("c", "i"), ("c", "w"), ("o", "w"), ("1", "2"), ("b", "a"), ("w", "i")})


@dataclass(slots=True)
class _Header:
    """What the lines before a file's hunks said of it."""

    git: str = ""
    old: str = ""
    new: str = ""
    moved_from: str = ""
    moved_to: str = ""
    kind: ChangeKind = ChangeKind.MODIFIED
    binary: bool = False

    def names(self) -> tuple[str, str]:
        """Old and new path, ``/dev/null`` for a side that does not exist."""
        if self.moved_to:
            return self.moved_from, self.moved_to
        if self.old or self.new:
            return _without_prefixes(_path(self.old), _path(self.new))
        return _without_prefixes(*_git_paths(self.git))

    def file(self, hunks: tuple[Hunk, ...]) -> FileDiff:
        old, new = self.names()
        kind = self.kind
        if new == _NOTHING:
            kind = ChangeKind.DELETED
        elif old == _NOTHING:
            kind = ChangeKind.ADDED
        path = old if new == _NOTHING else new
        return FileDiff(path, path if old == _NOTHING else old, kind, hunks, self.binary)


_NOTHING = "/dev/null"


class _Reader:
    """One pass over the lines of a diff. ``_at`` is the next line's index."""

    def __init__(self, text: str) -> None:
        self._lines = text.split("\n")
        if self._lines[-1] == "":
            self._lines.pop()
        self._at = 0
        # A carriage return in a hunk's header says that the whole text was converted on its way; otherwise one at a
        # line's end belongs to the file.
        self._converted = any(line.startswith("@@ ") and line.endswith("\r") for line in self._lines)

    def files(self) -> Iterator[FileDiff]:
        while self._at < len(self._lines):
            line = self._line(self._at)
            if line.startswith(("diff --cc ", "diff --combined ")):
                raise BadRequest(
                    "A combined diff of a merge cannot be reviewed.",
                    param="diff",
                    hint="Send the diff against one parent: git diff HEAD^1.",
                )
            if line.startswith("diff --git "):
                yield self._file(_Header(git=line.removeprefix("diff --git ")))
            elif self._at_names():
                yield self._file(_Header())
            else:
                self._at += 1

    def _line(self, index: int) -> str:
        """A line of a header, without the carriage return of a converted text."""
        return self._lines[index].removesuffix("\r")

    def _at_names(self) -> bool:
        following = self._at + 1
        return (
            self._line(self._at).startswith("--- ")
            and following < len(self._lines)
            and self._line(following).startswith("+++ ")
        )

    def _file(self, header: _Header) -> FileDiff:
        if header.git:
            self._at += 1
        while self._at < len(self._lines) and not self._at_names():
            if not _read_header(header, self._line(self._at)):
                break
            self._at += 1
        if self._at < len(self._lines) and self._at_names():
            header.old = self._line(self._at).removeprefix("--- ")
            header.new = self._line(self._at + 1).removeprefix("+++ ")
            self._at += 2
        return header.file(tuple(self._hunks()))

    def _hunks(self) -> Iterator[Hunk]:
        while self._at < len(self._lines) and (match := _HUNK.match(self._line(self._at))):
            self._at += 1
            old, old_count, new, new_count, section = match.groups()
            yield self._hunk(int(old), int(old_count or 1), int(new), int(new_count or 1), section)

    def _hunk(self, old_start: int, old_count: int, new_start: int, new_count: int, section: str) -> Hunk:
        old, new = old_start, new_start
        old_end, new_end = old_start + old_count, new_start + new_count
        lines: list[Line] = []
        while old < old_end or new < new_end:
            kind, text = self._hunk_line()
            in_old, in_new = kind is not LineKind.ADDED, kind is not LineKind.REMOVED
            lines.append(Line(kind, text, old if in_old else None, new if in_new else None, self._open_end()))
            old, new = old + in_old, new + in_new
        if old > old_end or new > new_end:
            self._broken("has more lines than its header says")
        return Hunk(old_start, new_start, tuple(lines), section)

    def _hunk_line(self) -> tuple[LineKind, str]:
        if self._at >= len(self._lines):
            self._broken("is cut off")
        line = self._lines[self._at]
        if self._converted:
            line = line.removesuffix("\r")
        # An editor may have taken the blank from an empty line of context.
        marker = line[:1].strip("\r") or " "
        if marker not in _MARKERS:
            self._broken("has a line that starts with none of '+', '-' and a blank")
        self._at += 1
        return LineKind(marker), line if line == "\r" else line[1:]

    def _open_end(self) -> bool:
        """Whether the line just read is followed by the marker of an unterminated last line; passes over it."""
        if self._at < len(self._lines) and self._lines[self._at].startswith("\\"):
            self._at += 1
            return True
        return False

    def _broken(self, what: str) -> NoReturn:
        raise BadRequest(
            f"A hunk of the diff {what} (line {self._at + 1}).", param="diff", hint="Send the output of 'git diff'."
        )


_MARKERS = frozenset(LineKind)


def _read_header(header: _Header, line: str) -> bool:
    """Take in one of git's extended header lines; False if it is none."""
    word, _, rest = line.partition(" ")
    match word, rest.partition(" ")[0]:
        case (("rename" | "copy"), "from"):
            header.moved_from = _unquoted(rest.partition(" ")[2])
        case (("rename" | "copy"), "to"):
            header.moved_to = _unquoted(rest.partition(" ")[2])
            header.kind = ChangeKind.RENAMED if word == "rename" else ChangeKind.COPIED
        case "new", "file":
            header.kind = ChangeKind.ADDED
        case "deleted", "file":
            header.kind = ChangeKind.DELETED
        case ("Binary", "files") | ("GIT", "binary"):
            header.binary = True
        case ("old" | "new", "mode") | ("similarity" | "dissimilarity" | "index", _):
            pass
        case _:
            return False
    return True


def _path(name: str) -> str:
    """A name of a ``---`` or ``+++`` line: quoted by git, or followed by a tab and a time stamp."""
    return _unquoted(name) if name.startswith('"') else name.partition("\t")[0]


def _git_paths(names: str) -> tuple[str, str]:
    """The two names of ``diff --git``, where no other line tells them: then they differ in their prefix at most."""
    if names.startswith('"'):
        first, _, second = names[1:].partition('" ')
        return _unquoted(f'"{first}"'), _unquoted(second)
    middle = len(names) // 2
    return names[:middle], names[middle + 1 :]


def _without_prefixes(old: str, new: str) -> tuple[str, str]:
    old_prefix, old_slash, old_rest = old.partition("/")
    new_prefix, new_slash, new_rest = new.partition("/")
    if old == _NOTHING:
        return old, new_rest if new_slash and any(new_prefix == pair[1] for pair in _PREFIXES) else new
    if new == _NOTHING:
        return old_rest if old_slash and any(old_prefix == pair[0] for pair in _PREFIXES) else old, new
    return (old_rest, new_rest) if (old_prefix, new_prefix) in _PREFIXES else (old, new)


def _unquoted(name: str) -> str:
    """Git's C-style quoting undone: bytes outside ASCII are three octal digits each."""
    if not (len(name) > 1 and name.startswith('"') and name.endswith('"')):
        return name

    def byte(match: re.Match[bytes]) -> bytes:
        code = match[1]
        if len(code) == 3:
            return bytes([int(code, 8) & 0xFF])
        return _ESCAPES.get(code.decode("latin-1"), code.decode("latin-1")).encode("latin-1")

    return _ESCAPE.sub(byte, name[1:-1].encode()).decode("utf-8", errors="replace")


def _quoted(name: str) -> str:
    """A name as git would write it with ``core.quotePath`` off: quoted only if it must be."""
    if not any(char in name for char in '"\\\n\t\r'):
        return name
    back = {char: code for code, char in _ESCAPES.items()}
    return '"' + "".join(f"\\{back[char]}" if char in back else char for char in name) + '"'

"""Code review without a model: what is asked about which lines, and what an answer is worth.

A diff becomes pieces of one file each, small enough for the model's context. Since a piece has one path, the model is
not asked for it; the schema holds it to lines that exist. Whatever it says is still checked, since not every engine
enforces a schema, and a stream can end in the middle.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from potluck.core.call import ChatCall, Format, FormatKind, Message, Role, Sampling, TextPart
from potluck.core.diffs import ChangeKind, FileDiff, Hunk, Line
from potluck.core.model import Json


class Severity(StrEnum):
    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for ``INFO``; higher is worse."""
        return tuple(Severity).index(self)


@dataclass(frozen=True, slots=True)
class Finding:
    """One remark on lines ``line`` to ``end_line`` (new numbers, both included) of ``path``.

    ``patch`` is a git patch against the file after the change, checked to apply; empty if there is none.
    """

    path: str
    line: int
    severity: Severity
    title: str
    explanation: str
    end_line: int | None = None
    patch: str = ""

    @property
    def order(self) -> tuple[int, str, int, str]:
        """Sorts the worst first, then by place."""
        return -self.severity.rank, self.path, self.line, self.title


@dataclass(frozen=True, slots=True)
class Piece:
    """Hunks of one file, or parts of them, to be shown to the model in one call.

    ``number`` counts from 1 over the whole review. ``uncut`` are the file's hunks as they came.
    """

    number: int
    path: str
    kind: ChangeKind
    hunks: tuple[Hunk, ...]
    uncut: tuple[Hunk, ...]

    @property
    def first(self) -> int:
        """The smallest line that a finding may name."""
        return max(1, min(hunk.new_start for hunk in self.hunks))

    @property
    def last(self) -> int:
        return max(self.first, max(_last(hunk) for hunk in self.hunks))


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that is not looked at, and why."""

    path: str
    why: str


@dataclass(frozen=True, slots=True)
class Plan:
    pieces: tuple[Piece, ...]
    skipped: tuple[Skipped, ...] = ()


# Numbered as the model reads it, this repository's code has 2.9 characters per token in SmolLM2's vocabulary, a poor
# one. Lists of hashes have 1.3: a piece of those is refused once and asked about in halves.
CHARS_PER_TOKEN = 2.5
# The words around a piece take 113 tokens there; the rest is for other vocabularies and the chat template.
_PROMPT_TOKENS = 250
ANSWER_TOKENS = 1024
"""What an answer may take; less where the context is small."""
# Beyond this a model overlooks more than it sees, whatever its context.
_MOST_PIECE_TOKENS = 6000
_LEAST_PIECE_TOKENS = 128
# Line numbers, the marker and the newline, in characters.
_LINE_OVERHEAD = 9


def answer_tokens(context: int) -> int:
    """How many tokens of ``context`` an answer may take."""
    return min(ANSWER_TOKENS, max(128, context // 4))


def piece_budget(context: int, instructions: str = "") -> int:
    """Tokens of diff that fit a call to a model with ``context`` tokens."""
    fixed = _PROMPT_TOKENS + len(instructions) / CHARS_PER_TOKEN + answer_tokens(context)
    return max(_LEAST_PIECE_TOKENS, min(_MOST_PIECE_TOKENS, int(context - fixed)))


def plan(files: Sequence[FileDiff], budget: int) -> Plan:
    """Cut files into pieces of about ``budget`` tokens at most: between hunks where possible, else between lines.

    A single line over the budget stays whole.
    """
    pieces: list[Piece] = []
    skipped: list[Skipped] = []
    for file in files:
        if why := _not_reviewed(file):
            skipped.append(Skipped(file.path, why))
            continue
        for hunks in _grouped(file.hunks, budget):
            pieces.append(Piece(len(pieces) + 1, file.path, file.kind, hunks, file.hunks))
    return Plan(tuple(pieces), tuple(skipped))


def halves(piece: Piece) -> tuple[Piece, ...]:
    """A piece that turned out too long, in two of about the same length; itself alone if it has one line only."""
    groups = tuple(_grouped(piece.hunks, sum(map(_tokens, piece.hunks)) // 2))
    return tuple(replace(piece, hunks=hunks) for hunks in groups) if len(groups) > 1 else (piece,)


def _not_reviewed(file: FileDiff) -> str:
    if file.binary:
        return "binary"
    if file.kind is ChangeKind.DELETED:
        return "deleted"
    return "" if any(hunk.lines for hunk in file.hunks) else "no changed lines"


def _grouped(hunks: Iterable[Hunk], budget: int) -> Iterator[tuple[Hunk, ...]]:
    group: list[Hunk] = []
    spent = 0
    for hunk in (part for whole in hunks if whole.lines for part in _split(whole, budget)):
        tokens = _tokens(hunk)
        if group and spent + tokens > budget:
            yield tuple(group)
            group, spent = [], 0
        group.append(hunk)
        spent += tokens
    yield tuple(group)


def _split(hunk: Hunk, budget: int) -> Iterator[Hunk]:
    part: list[Line] = []
    spent = 0
    for line in hunk.lines:
        tokens = _line_tokens(line)
        if part and spent + tokens > budget:
            yield _part(hunk, part)
            part, spent = [], 0
        part.append(line)
        spent += tokens
    yield _part(hunk, part)


def _part(hunk: Hunk, lines: list[Line]) -> Hunk:
    if len(lines) == len(hunk.lines):
        return hunk
    at = hunk.lines.index(lines[0])
    before = hunk.lines[:at]
    old = next((line.old for line in lines if line.old is not None), hunk.old_start)
    # A part of nothing but removed lines lies where the next new line would.
    new_before = sum(line.new is not None for line in before)
    new = next((line.new for line in lines if line.new is not None), hunk.new_start + new_before)
    return Hunk(old, new, tuple(lines), hunk.section)


def _tokens(hunk: Hunk) -> int:
    return sum(map(_line_tokens, hunk.lines))


def _line_tokens(line: Line) -> int:
    return int((len(line.text) + _LINE_OVERHEAD) / CHARS_PER_TOKEN) + 1


def _last(hunk: Hunk) -> int:
    return max((line.new for line in hunk.lines if line.new is not None), default=hunk.new_start)


# --- The question ----------------------------------------------------------------------------------------------------

# One plain task, one plain example of what a line looks like: small models lose longer lists of rules.
_SYSTEM = (
    "You are a careful code reviewer. You read a change and report real problems in it: bugs, security holes, "
    "wrong results, missing error handling. You do not praise and do not report style."
)
_TASK = (
    "Report each problem with the number of its line, a severity, a short title and an explanation. "
    "If you know the fix, give in 'replacement' the corrected text of these lines. "
    "If there is no problem, report no findings. Answer in JSON."
)
# More than these of one piece are hardly real; the bound also stops a small model that repeats itself.
_MOST_FINDINGS = 8
_TITLE_CHARS = 120
_EXPLANATION_CHARS = 600
# Some 25 lines: a longer fix is a change of its own. The three together leave room for a second finding.
_REPLACEMENT_CHARS = 1000


def question(piece: Piece, *, model: str, instructions: str = "", max_tokens: int = ANSWER_TOKENS) -> ChatCall:
    """The call that asks ``model`` for findings on ``piece``."""
    wishes = f"\nThe owner of the code asks: {instructions.strip()}\n" if instructions.strip() else ""
    user = f"{_introduced(piece)}\n\n{shown(piece)}\n{wishes}\n{_TASK}"
    return ChatCall(
        model=model,
        messages=(Message(Role.SYSTEM, (TextPart(_SYSTEM),)), Message(Role.USER, (TextPart(user),))),
        format=Format(FormatKind.SCHEMA, schema(piece), "findings"),
        sampling=Sampling(max_tokens=max_tokens, temperature=0.0),
    )


def shown(piece: Piece) -> str:
    """The piece as the model reads it: each line with its number in the file, as findings must name it."""
    width = len(str(piece.last))
    blocks: list[str] = []
    for hunk in piece.hunks:
        head = [f"... {hunk.section}"] if hunk.section else []
        blocks.append("\n".join(head + [_numbered(line, width, piece.kind) for line in hunk.lines]))
    return "\n...\n".join(blocks)


def _numbered(line: Line, width: int, kind: ChangeKind) -> str:
    number = "" if line.new is None else str(line.new)
    marker = "" if kind is ChangeKind.WHOLE else f" {line.kind}"
    return f"{number:>{width}}{marker} {line.text}".rstrip()


def _introduced(piece: Piece) -> str:
    if piece.kind is ChangeKind.WHOLE:
        return f"This is the file {piece.path}. Every line begins with its number."
    return (
        f"This is a change of the file {piece.path}. Every line begins with its number, then '+' if it was added, "
        "'-' if it was removed, or a blank."
    )


def schema(piece: Piece) -> Json:
    """The JSON schema of an answer about ``piece``."""
    line: dict[str, Json] = {"type": "integer", "minimum": piece.first, "maximum": piece.last}
    finding: dict[str, Json] = {
        "line": line,
        "end_line": line,
        "severity": {"type": "string", "enum": [str(severity) for severity in Severity]},
        "title": {"type": "string", "maxLength": _TITLE_CHARS},
        "explanation": {"type": "string", "maxLength": _EXPLANATION_CHARS},
        "replacement": {"type": "string", "maxLength": _REPLACEMENT_CHARS},
    }
    required: list[Json] = ["line", "severity", "title", "explanation"]
    item: Json = {"type": "object", "properties": finding, "required": required, "additionalProperties": False}
    findings: Json = {"type": "array", "maxItems": _MOST_FINDINGS, "items": item}
    return {
        "type": "object",
        "properties": {"findings": findings},
        "required": ["findings"],
        "additionalProperties": False,
    }


# --- The result ------------------------------------------------------------------------------------------------------


class Dropped(StrEnum):
    """Why something a model said is not in the result."""

    MALFORMED = "malformed"
    OTHER_FILE = "other_file"
    OUTSIDE = "outside_the_change"
    DUPLICATE = "duplicate"
    BELOW_SEVERITY = "below_min_severity"
    PATCH = "patch_does_not_apply"


@dataclass(slots=True)
class Tally:
    """Findings of a whole review as they come in: each once, and counts of the rest. Owned by one task."""

    least: Severity = Severity.INFO
    dropped: dict[Dropped, int] = field(default_factory=dict[Dropped, int])
    snapped: int = 0
    _seen: dict[tuple[str, int, str], Finding] = field(default_factory=dict[tuple[str, int, str], Finding])

    def add(self, findings: Iterable[Finding]) -> tuple[Finding, ...]:
        """The ones that are new and severe enough, the worst first."""
        fresh: list[Finding] = []
        for finding in sorted(findings, key=lambda finding: finding.order):
            if finding.severity.rank < self.least.rank:
                self.drop(Dropped.BELOW_SEVERITY)
            elif (key := _identity(finding)) in self._seen:
                self.drop(Dropped.DUPLICATE)
            else:
                self._seen[key] = finding
                fresh.append(finding)
        return tuple(fresh)

    def drop(self, why: Dropped, count: int = 1) -> None:
        self.dropped[why] = self.dropped.get(why, 0) + count

    def findings(self) -> tuple[Finding, ...]:
        """Everything so far by severity, path and line."""
        return tuple(sorted(self._seen.values(), key=lambda finding: finding.order))

    def counts(self) -> Mapping[Severity, int]:
        """How many of each severity, zeroes too."""
        found = [finding.severity for finding in self._seen.values()]
        return {severity: found.count(severity) for severity in Severity}


def _identity(finding: Finding) -> tuple[str, int, str]:
    return finding.path, finding.line, "".join(char for char in finding.title.lower() if char.isalnum())

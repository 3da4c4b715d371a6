"""A review's findings as text, JSON or SARIF, and what they mean for the exit code."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias, assert_never

import msgspec

from potluck.cli.client import decoded, error_words
from potluck.cli.failure import SERVICE, ServiceError
from potluck.cli.output import harmless
from potluck.cli.sarif import sarif
from potluck.core.review import Severity
from potluck.surfaces.v1.code_shapes import FindingInfo, ReviewDone, ReviewProgress
from potluck.wire.sse import ServerEvent


class Form(StrEnum):
    """How a review is printed."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"


ReviewEvent: TypeAlias = ReviewProgress | FindingInfo | ReviewDone | None


def review_event(event: ServerEvent) -> ReviewEvent:
    """One event of a review's stream; None for one that this version does not know.

    Raises `ServiceError` for an ``error`` event.
    """
    match event.name:
        case "progress":
            return decoded(event.data, ReviewProgress)
        case "finding":
            return decoded(event.data, FindingInfo)
        case "done":
            return decoded(event.data, ReviewDone)
        case "error":
            message, hint = error_words(event.data)
            raise ServiceError(message or "The review failed.", hint=hint)
        case _:
            return None


@dataclass(slots=True)
class Review:
    """What has come of a review so far. ``done`` is None until its last event."""

    findings: list[FindingInfo] = field(default_factory=list[FindingInfo])
    done: ReviewDone | None = None

    def exit_code(self, fail_on: Severity) -> int:
        """1 if a finding is at ``fail_on`` or above; 3 if none is but parts were not looked at; else 0."""
        if any(finding.severity.rank >= fail_on.rank for finding in self.findings):
            return 1
        return SERVICE if self.done is not None and self.done.failed else 0

    @property
    def ordered(self) -> list[FindingInfo]:
        """The worst first, then by place."""
        return sorted(self.findings, key=lambda finding: (-finding.severity.rank, finding.path, finding.line))


def document(review: Review, form: Form, width: int) -> str:
    """A whole review in one of the forms."""
    match form:
        case Form.TEXT:
            return "\n\n".join(as_text(finding, width) for finding in review.ordered)
        case Form.JSON:
            done: dict[str, object] = msgspec.to_builtins(review.done) if review.done else {}
            body = {"findings": review.ordered, **done}
            return msgspec.json.format(msgspec.json.encode(body), indent=2).decode()
        case Form.SARIF:
            whole = review.done is not None and not review.done.failed
            log = sarif(review.ordered, model=review.done.model if review.done else "", complete=whole)
            return msgspec.json.format(msgspec.json.encode(log), indent=2).decode()
        case _:
            assert_never(form)


def as_text(finding: FindingInfo, width: int) -> str:
    """One finding: a line that editors can jump from, the explanation below it, and the patch if there is one."""
    place = f"{finding.path}:{finding.line}"
    if finding.end_line is not None and finding.end_line > finding.line:
        place += f"-{finding.end_line}"
    lines = [f"{place}: {finding.severity}: {' '.join(finding.title.split())}"]
    lines += _wrapped(finding.explanation, width)
    if finding.suggested_patch:
        lines += ["  Suggested patch:", textwrap.indent(finding.suggested_patch.rstrip("\n"), "    ")]
    return harmless("\n".join(lines))


def _wrapped(text: str, width: int) -> list[str]:
    lines: list[str] = []
    for paragraph in text.strip().splitlines():
        lines += textwrap.wrap(paragraph, width, initial_indent="  ", subsequent_indent="  ") or [""]
    return lines


def summary(review: Review) -> list[str]:
    """What to say at the end, beside the findings: counts, and everything that was left out."""
    lines = [f"{_count(len(review.findings), 'finding')}{_by_severity(review.findings)}"]
    if (done := review.done) is None:
        return lines
    lines += [f"Skipped {skipped.path}: {skipped.why}" for skipped in done.skipped]
    lines += [
        f"Not reviewed: {failed.path}, lines {failed.first_line} to {failed.last_line}: {failed.message}"
        for failed in done.failed
    ]
    if dropped := sum(done.dropped.values()):
        reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(done.dropped.items()))
        lines.append(f"{_count(dropped, 'remark')} of the model left out: {reasons}.")
    if done.cut_off:
        lines.append(f"{_count(done.cut_off, 'answer')} of the model cut off by its length.")
    return lines


def _by_severity(findings: Sequence[FindingInfo]) -> str:
    counts = [
        f"{sum(finding.severity is severity for finding in findings)} {severity}"
        for severity in reversed(Severity)
        if any(finding.severity is severity for finding in findings)
    ]
    return f": {', '.join(counts)}." if counts else "."


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}" if number else f"No {noun}s"


def collected(events: Iterable[ServerEvent]) -> Iterable[ReviewEvent]:
    """All events up to ``done``. Raises `ServiceError` if it does not come."""
    for raw in events:
        event = review_event(raw)
        yield event
        if isinstance(event, ReviewDone):
            return
    raise ServiceError("The review broke off.", hint="Try again, or review fewer files at once.")

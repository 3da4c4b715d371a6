"""What the completion and the review of code take and give."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

from potluck.core.review import Severity
from potluck.surfaces.v1.shapes import Named, Temperature, Tokens, UsageInfo


class SnippetInput(msgspec.Struct):
    path: str
    text: str


class CompleteRequest(msgspec.Struct):
    """Code before and after the cursor. ``snippets`` are pieces of other files that may help.

    ``editor`` names one window of an editor, in any words: its next request cancels this one.
    """

    prefix: str
    suffix: str = ""
    language: str = ""
    path: str = ""
    model: str = ""
    max_tokens: Tokens = 128
    temperature: Temperature | None = None
    stop: list[str] = []
    stream: bool = False
    snippets: list[SnippetInput] = []
    editor: Annotated[str, Meta(max_length=200)] = ""


Method: TypeAlias = Literal["infill", "instruct"]


class CompleteMeta(msgspec.Struct):
    """The ``meta`` event. ``method`` says whether the model fills in, or was only asked to in words."""

    model: str
    node: str
    request_id: str
    method: Method


class CompleteReply(msgspec.Struct):
    """``text`` goes between prefix and suffix as it is: no fences, nothing of either repeated."""

    text: str
    model: str
    node: str
    request_id: str
    method: Method
    finish: str | None
    usage: UsageInfo | None


class FileInput(msgspec.Struct):
    path: Named
    text: str


class ReviewRequest(msgspec.Struct):
    """Exactly one of ``diff`` (unified, as git writes it) and ``files``."""

    diff: str | UnsetType = UNSET
    files: list[FileInput] | UnsetType = UNSET
    instructions: Annotated[str, Meta(max_length=4000)] = ""
    min_severity: Severity = Severity.INFO
    model: str = ""
    stream: bool = False


class FindingInfo(msgspec.Struct):
    """``suggested_patch`` is a patch that ``git apply`` takes on top of the change; null if there is none."""

    path: str
    line: int
    end_line: int | None
    severity: Severity
    title: str
    explanation: str
    suggested_patch: str | None = None


class ReviewProgress(msgspec.Struct):
    """The ``progress`` event: piece number ``piece`` of ``of`` has been looked at, ``done`` of them so far."""

    piece: int
    of: int
    path: str
    done: int


class PieceFailure(msgspec.Struct):
    """A part of the change that could not be looked at; ``type`` and ``message`` as in an error."""

    piece: int
    path: str
    first_line: int
    last_line: int
    type: str
    message: str


class SkippedFile(msgspec.Struct):
    path: str
    why: str


class ReviewDone(msgspec.Struct):
    """The ``done`` event. ``dropped`` counts by reason what a model said and the result does not hold."""

    model: str
    pieces: int
    counts: dict[str, int]
    dropped: dict[str, int]
    snapped: int
    cut_off: int
    failed: list[PieceFailure]
    skipped: list[SkippedFile]
    usage: UsageInfo
    request_ids: list[str]


class ReviewReply(ReviewDone, kw_only=True):
    """A review without stream: findings by severity, path and line."""

    findings: list[FindingInfo]

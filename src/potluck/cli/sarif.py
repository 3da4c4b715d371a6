"""Findings as SARIF 2.1.0 (OASIS standard of 27 March 2020), which code hosts and editors show in place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Final
from urllib.parse import quote

from potluck import __version__
from potluck.core.model import Json, JsonObject
from potluck.core.review import Severity
from potluck.surfaces.v1.code_shapes import FindingInfo

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
RULE: Final = "potluck-review"

LEVELS: Final[Mapping[Severity, str]] = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFO: "note",
}
"""SARIF has three levels (3.27.10); the severity itself goes along as a property."""


def sarif(findings: Iterable[FindingInfo], *, model: str, complete: bool = True) -> JsonObject:
    """A log of one run. ``complete`` says that every part was looked at."""
    results: list[Json] = [_result(finding) for finding in findings]
    rules: list[Json] = [
        {
            "id": RULE,
            "name": "Review",
            "shortDescription": {"text": "A remark of a language model on a change."},
            "fullDescription": {
                "text": "A remark that a language model made when it read the change. It may be wrong."
            },
        }
    ]
    run: JsonObject = {
        "tool": {"driver": {"name": "Potluck", "semanticVersion": __version__, "rules": rules}},
        "invocations": [{"executionSuccessful": complete}],
        "columnKind": "unicodeCodePoints",
        "results": results,
        "properties": {"model": model},
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _result(finding: FindingInfo) -> JsonObject:
    text = f"{finding.title}\n\n{finding.explanation}".strip()
    properties: JsonObject = {"severity": finding.severity.value}
    if finding.suggested_patch:
        properties["suggestedPatch"] = finding.suggested_patch
    return {
        "ruleId": RULE,
        "ruleIndex": 0,
        "level": LEVELS[finding.severity],
        "message": {"text": text},
        "locations": [{"physicalLocation": _place(finding)}],
        # Lines move with every commit; path and title let a code host see that it is the same remark.
        "partialFingerprints": {"potluck/v1": sha256(f"{finding.path}\0{finding.title}".encode()).hexdigest()[:32]},
        "properties": properties,
    }


def _place(finding: FindingInfo) -> JsonObject:
    region: JsonObject = {"startLine": max(1, finding.line)}
    if finding.end_line is not None and finding.end_line > finding.line:
        region["endLine"] = finding.end_line
    return {"artifactLocation": {"uri": quote(finding.path), "uriBaseId": "%SRCROOT%"}, "region": region}

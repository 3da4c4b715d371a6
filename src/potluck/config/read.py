"""A config file read and checked. Imported only where there is a file, because pydantic comes with it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from potluck.config.build import build
from potluck.config.cross import cross_findings
from potluck.config.model import Config
from potluck.config.problems import ConfigProblem, Severity
from potluck.config.schema import FileSection
from potluck.config.shape import shape_finding
from potluck.config.source import Document, Finding, Place, read_document
from potluck.config.values import Resolver
from potluck.core.model import JsonObject


def read(path: Path, env: Mapping[str, str]) -> tuple[Config | None, tuple[ConfigProblem, ...]]:
    """The settings, unless there are errors; and everything that was found, in the order of the lines."""
    text = _text(path)
    if isinstance(text, ConfigProblem):
        return None, (text,)
    document = read_document(text)
    resolver = Resolver(document, env, path.parent)
    root = resolver.root()
    file = _shape(root, document, resolver)
    findings = document.findings + list(cross_findings(root, document))
    problems = tuple(sorted((_problem(each, document, path) for each in findings), key=_position))
    warnings = tuple(each for each in problems if each.severity is Severity.WARNING)
    if file is None or len(warnings) < len(problems):
        return None, problems
    return build(file, path, warnings), problems


def _text(path: Path) -> str | ConfigProblem:
    try:
        content = path.read_bytes()
    except OSError as error:
        hint = "Check the path given with --config, and who may read it."
        return ConfigProblem(str(path), 0, 0, f"The config file cannot be read: {error.strerror}.", hint)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return ConfigProblem(str(path), line, 1, "The config file is not UTF-8.", "Save it as UTF-8.")


def _shape(root: JsonObject, document: Document, resolver: Resolver) -> FileSection | None:
    try:
        return FileSection.model_validate(root)
    except ValidationError as error:
        findings = (shape_finding(each, resolver.foreign) for each in error.errors(include_url=False))
        # What could not be found is reported once, not a second time for what its reference looks like.
        document.findings += [finding for finding in findings if finding.path not in resolver.failed]
        return None


def _problem(finding: Finding, document: Document, path: Path) -> ConfigProblem:
    place = finding.place or document.place(finding.path, at_key=finding.at_key)
    return ConfigProblem(str(path), place.line, place.column, finding.message, finding.hint, finding.severity)


def _position(problem: ConfigProblem) -> Place:
    return Place(problem.line, problem.column)

"""``potluck review``: what is reviewed, how findings look, and what the exit code says."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from potluck.cli.review import named
from tests.cli.conftest import Run
from tests.cli.fake_service import FakeService, Stream, event, refusal

REVIEW = "POST /api/v1/code/review"
USAGE = {"prompt_tokens": 1, "completion_tokens": 1}
DONE: dict[str, Any] = {
    "model": "coder",
    "pieces": 1,
    "counts": {},
    "dropped": {},
    "snapped": 0,
    "cut_off": 0,
    "failed": [],
    "skipped": [],
    "usage": USAGE,
    "request_ids": ["r"],
}
FAILED = {"piece": 1, "path": "b.py", "first_line": 1, "last_line": 9, "type": "node_error", "message": "It broke."}


def finding(severity: str, **more: object) -> dict[str, object]:
    plain = {
        "path": "src/a b.py",
        "line": 3,
        "end_line": None,
        "title": "Off by one",
        "explanation": "The end is lost.",
    }
    return {**plain, "severity": severity, "suggested_patch": None, **more}


def answering(service: FakeService, *findings: dict[str, object], done: dict[str, Any] = DONE) -> None:
    progress = event("progress", {"piece": 1, "of": 1, "path": "src/a b.py", "done": 1})
    service.on(REVIEW, Stream((*(event("finding", each) for each in findings), progress, event("done", done))))


def git(*arguments: str) -> None:
    identity = ("-c", "user.name=T", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *identity, *arguments], check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "repo"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    git("init", "-q", "-b", "main")
    (folder / "a.py").write_text("one\n")
    git("add", "a.py")
    git("commit", "-q", "-m", "first")
    return folder


# --- What is reviewed ------------------------------------------------------------------------------------------------


def test_without_arguments_it_is_everything_since_the_last_commit(
    service: FakeService, ask: Run, repository: Path
) -> None:
    answering(service)
    (repository / "a.py").write_text("staged\n")
    git("add", "a.py")
    (repository / "a.py").write_text("both\n")
    git("config", "diff.noprefix", "true")
    git("config", "color.ui", "always")
    assert ask("review").exit_code == 0
    diff = service.bodies(REVIEW)[0]["diff"]
    assert "--- a/a.py\n+++ b/a.py\n" in diff
    assert "\n-one\n+both\n" in diff


def test_staged_is_what_the_next_commit_would_hold(service: FakeService, ask: Run, repository: Path) -> None:
    answering(service)
    (repository / "a.py").write_text("staged\n")
    git("add", "a.py")
    (repository / "a.py").write_text("both\n")
    ask("review", "--staged")
    assert "+staged" in service.bodies(REVIEW)[0]["diff"]


def test_a_repository_without_a_commit_has_a_change_too(
    service: FakeService, ask: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(service)
    monkeypatch.chdir(tmp_path)
    git("init", "-q")
    (tmp_path / "a.py").write_text("new\n")
    git("add", "a.py")
    assert ask("review").exit_code == 0
    assert "+new" in service.bodies(REVIEW)[0]["diff"]


def test_a_range_of_revisions_can_be_named(service: FakeService, ask: Run, repository: Path) -> None:
    answering(service)
    (repository / "a.py").write_text("two\n")
    git("commit", "-q", "-a", "-m", "second")
    ask("review", "--diff", "HEAD~1..HEAD")
    assert "-one\n+two" in service.bodies(REVIEW)[0]["diff"]


def test_files_and_folders_are_reviewed_whole(service: FakeService, ask: Run, repository: Path) -> None:
    answering(service)
    (repository / "sub").mkdir()
    (repository / "sub" / "b.py").write_text("b\n")
    (repository / "sub" / "pic.png").write_bytes(b"\x89PNG\0")
    (repository / ".gitignore").write_text("ignored.py\n")
    (repository / "sub" / "ignored.py").write_text("x\n")
    assert ask("review", "a.py", "sub").exit_code == 0
    files = service.bodies(REVIEW)[0]["files"]
    assert files == [{"path": "a.py", "text": "one\n"}, {"path": "sub/b.py", "text": "b\n"}]


def test_a_file_goes_by_its_name_from_here_and_never_by_an_absolute_one(repository: Path) -> None:
    assert named(repository / "a.py") == named(Path("a.py")) == "a.py"
    assert named(Path("/elsewhere/b.py")) == "elsewhere/b.py"


def test_a_dash_reads_a_diff_from_the_pipe(service: FakeService, ask: Run) -> None:
    answering(service)
    assert ask("review", "-", stdin="--- a/x\n+++ b/x\n").exit_code == 0
    assert service.bodies(REVIEW)[0]["diff"] == "--- a/x\n+++ b/x\n"


def test_options_go_along(service: FakeService, ask: Run) -> None:
    answering(service)
    ask("review", "-", "-m", "coder", "--min-severity", "medium", "--instructions", "races", stdin="diff")
    body = service.bodies(REVIEW)[0]
    assert (body["model"], body["min_severity"], body["instructions"], body["stream"]) == (
        "coder",
        "medium",
        "races",
        True,
    )


@pytest.mark.parametrize("form", ["text", "json", "sarif"])
def test_nothing_to_review_is_fine_and_asks_nobody(service: FakeService, ask: Run, repository: Path, form: str) -> None:
    result = ask("review", "--format", form)
    assert result.exit_code == 0
    assert "nothing to review" in result.stderr
    assert service.asked == []
    if form != "text":
        assert json.loads(result.stdout)


# --- What the exit code says -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "fail_on", "code"),
    [
        ([], "info", 0),
        (["medium"], "high", 0),
        (["high"], "high", 1),
        (["critical"], "high", 1),
        (["low"], "low", 1),
    ],
)
def test_findings_at_the_level_or_above_fail(
    service: FakeService, ask: Run, found: list[str], fail_on: str, code: int
) -> None:
    answering(service, *map(finding, found))
    assert ask("review", "-", "--fail-on", fail_on, stdin="diff").exit_code == code


def test_the_level_is_high_unless_said(service: FakeService, ask: Run) -> None:
    answering(service, finding("high"))
    assert ask("review", "-", stdin="diff").exit_code == 1


def test_a_change_that_was_not_looked_at_whole_does_not_pass(service: FakeService, ask: Run) -> None:
    answering(service, finding("low"), done={**DONE, "failed": [FAILED]})
    result = ask("review", "-", stdin="diff")
    assert result.exit_code == 3
    assert "Not reviewed: b.py, lines 1 to 9: It broke." in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["--staged", "--diff", "HEAD"],
        ["--staged", "a.py"],
        ["-", "a.py"],
        ["gone.py"],
        ["--diff", "no-such-revision"],
        ["--diff", "--output=x"],
        ["--fail-on", "awful"],
    ],
)
def test_wrong_usage_and_git_errors_are_2(ask: Run, repository: Path, arguments: list[str]) -> None:
    result = ask("review", *arguments)
    assert result.exit_code == 2
    assert "Error: " in result.stderr


def test_outside_a_repository_the_way_out_is_told(ask: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    result = ask("review")
    assert result.exit_code == 2
    assert "potluck review -" in result.stderr


def test_a_refusing_service_is_3(service: FakeService, ask: Run) -> None:
    service.on(REVIEW, refusal("No model.", status=404))
    assert ask("review", "-", stdin="diff").exit_code == 3


def test_a_review_that_breaks_off_is_3_and_prints_no_half_document(service: FakeService, ask: Run) -> None:
    service.on(REVIEW, Stream((event("finding", finding("low")),)))
    result = ask("review", "-", "--format", "json", stdin="diff")
    assert (result.exit_code, result.stdout) == (3, "")


def test_no_service_at_all_is_3(run: Run) -> None:
    assert run("review", "-", "--url", "http://127.0.0.1:1", stdin="diff").exit_code == 3


# --- How findings look -----------------------------------------------------------------------------------------------


def test_text_names_place_and_severity_first(service: FakeService, ask: Run) -> None:
    answering(service, finding("high", end_line=5, suggested_patch="-a\n+b\n"))
    result = ask("review", "-", stdin="diff")
    assert result.stdout == (
        "src/a b.py:3-5: high: Off by one\n  The end is lost.\n  Suggested patch:\n    -a\n    +b\n\n"
    )
    assert result.stderr.splitlines()[-1] == "1 finding: 1 high."


def test_what_was_left_out_is_said(service: FakeService, ask: Run) -> None:
    skipped = [{"path": "x.png", "why": "binary"}]
    answering(service, done={**DONE, "skipped": skipped, "dropped": {"outside the change": 2}, "cut_off": 1})
    result = ask("review", "-", stdin="diff")
    assert "No findings." in result.stderr
    assert "Skipped x.png: binary" in result.stderr
    assert "2 remarks of the model left out: 2 outside the change." in result.stderr


def test_json_has_the_worst_first(service: FakeService, ask: Run) -> None:
    answering(service, finding("low"), finding("critical"))
    document = json.loads(ask("review", "-", "--format", "json", stdin="diff").stdout)
    assert [each["severity"] for each in document["findings"]] == ["critical", "low"]
    assert document["model"] == "coder"


# The required properties of the objects used here, from the OASIS schema of SARIF 2.1.0 (sarif-schema-2.1.0.json),
# with its constraints on the values.
TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}}
PLACE = {
    "type": "object",
    "properties": {
        "physicalLocation": {
            "type": "object",
            "anyOf": [{"required": ["address"]}, {"required": ["artifactLocation"]}],
            "properties": {
                "artifactLocation": {
                    "type": "object",
                    "properties": {
                        "uri": {"type": "string", "pattern": r"^[A-Za-z0-9%/._~!$&'()*+,;=:@-]+$"},
                        "uriBaseId": {"type": "string"},
                    },
                    "additionalProperties": False,
                },
                "region": {
                    "type": "object",
                    "properties": {
                        "startLine": {"type": "integer", "minimum": 1},
                        "endLine": {"type": "integer", "minimum": 1},
                    },
                    "additionalProperties": False,
                },
            },
        }
    },
}
RESULT = {
    "type": "object",
    "required": ["message"],
    "properties": {
        "ruleId": {"type": "string"},
        "ruleIndex": {"type": "integer", "minimum": -1},
        "level": {"enum": ["none", "note", "warning", "error"]},
        "message": TEXT,
        "locations": {"type": "array", "items": PLACE},
        "partialFingerprints": {"type": "object", "additionalProperties": {"type": "string"}},
        "properties": {"type": "object"},
    },
    "additionalProperties": False,
}
RUN = {
    "type": "object",
    "required": ["tool"],
    "properties": {
        "tool": {
            "type": "object",
            "required": ["driver"],
            "properties": {
                "driver": {
                    "type": "object",
                    "required": ["name"],
                    "properties": {
                        "rules": {
                            "type": "array",
                            "uniqueItems": True,
                            "items": {
                                "type": "object",
                                "required": ["id"],
                                "properties": {"shortDescription": TEXT, "fullDescription": TEXT},
                            },
                        }
                    },
                }
            },
        },
        "invocations": {"type": "array", "items": {"type": "object", "required": ["executionSuccessful"]}},
        "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
        "results": {"type": "array", "items": RESULT},
        "properties": {"type": "object"},
    },
    "additionalProperties": False,
}
SARIF = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {
        "$schema": {"type": "string", "format": "uri"},
        "version": {"enum": ["2.1.0"]},
        "runs": {"type": "array", "minItems": 0, "items": RUN},
    },
    "additionalProperties": False,
}


def test_sarif_is_what_the_standard_wants(service: FakeService, ask: Run) -> None:
    everything = [finding(level) for level in ("info", "low", "medium", "high", "critical")]
    answering(service, *everything, finding("high", end_line=7, suggested_patch="-a\n+b\n"), finding("low", line=0))
    log = json.loads(ask("review", "-", "--format", "sarif", stdin="diff").stdout)
    Draft7Validator(SARIF).validate(log)
    results = log["runs"][0]["results"]
    assert [each["level"] for each in results] == ["error", "error", "error", "warning", "note", "note", "note"]
    place = results[2]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "src/a%20b.py"
    assert log["runs"][0]["invocations"] == [{"executionSuccessful": True}]


def test_sarif_says_that_parts_were_not_looked_at(service: FakeService, ask: Run) -> None:
    answering(service, done={**DONE, "failed": [FAILED]})
    log = json.loads(ask("review", "-", "--format", "sarif", stdin="diff").stdout)
    assert log["runs"][0]["invocations"] == [{"executionSuccessful": False}]

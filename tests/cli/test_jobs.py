"""``potluck jobs``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from potluck.cli.failure import CliError
from potluck.cli.jobs import questions
from tests.cli.conftest import Run
from tests.cli.fake_service import FakeService, Whole


def info(state: str = "done", **more: Any) -> dict[str, Any]:
    plain = {
        "id": "j1", "kind": "chat", "title": "Poems", "priority": "normal", "state": state, "done": 2, "total": 2,
        "failures": 0, "again_at": None, "error": None, "created_at": "2026-01-02T03:04:05.000Z", "started_at": None,
        "ended_at": None, "cancelling": False, "last_event": 5,
    }  # fmt: skip
    return {**plain, **more}


RESULT = {
    "id": "j1",
    "state": "done",
    "done": 2,
    "total": 2,
    "parts": [{"index": 0, "text": "a"}, {"index": 1, "error": {"type": "t", "message": "m"}}],
}


def test_jobs_are_listed_with_how_far_they_are(service: FakeService, ask: Run) -> None:
    service.on("GET /api/v1/jobs", Whole({"jobs": [info("running", done=1)]}))
    lines = ask("jobs", "ls").stdout.splitlines()
    assert lines[0].split() == ["JOB", "KIND", "STATE", "DONE", "SINCE", "TITLE"]
    assert lines[1].split() == ["j1", "chat", "running", "1/2", "2026-01-02", "03:04:05", "Poems"]
    assert json.loads(ask("jobs", "ls", "--json").stdout)[0]["id"] == "j1"


def test_a_job_that_failed_is_told_with_its_reason_and_ends_with_1(service: FakeService, ask: Run) -> None:
    error = {"type": "node_failed", "message": "It broke.", "hint": "Try again."}
    service.on("GET /api/v1/jobs/j1", Whole(info("failed", error=error)))
    told = ask("jobs", "show", "j1")
    assert (told.exit_code, told.stdout) == (0, "j1 chat: failed, 2 of 2 done: It broke. Try again.\n")
    assert ask("jobs", "follow", "j1").exit_code == 1


def test_a_job_is_cancelled(service: FakeService, ask: Run) -> None:
    service.on("POST /api/v1/jobs/j1/cancel", Whole(info("running", cancelling=True)))
    assert ask("jobs", "cancel", "j1").stdout == "j1 chat: cancelling, 2 of 2 done\n"


def test_questions_of_a_file_are_asked_and_their_answers_printed(
    service: FakeService, ask: Run, tmp_path: Path
) -> None:
    service.on("POST /api/v1/jobs", Whole(info("queued"), 201))
    service.on("GET /api/v1/jobs/j1", Whole(info()))
    service.on("GET /api/v1/jobs/j1/result", Whole(RESULT))
    file = tmp_path / "poems.jsonl"
    file.write_text('a poem\n\n{"messages": [], "custom_id": "x"}\n"quoted"\n')
    told = ask("jobs", "ask", str(file), "-m", "chat", "--low")
    assert [json.loads(line)["index"] for line in told.stdout.splitlines()] == [0, 1]
    assert service.bodies("POST /api/v1/jobs") == [
        {
            "kind": "chat",
            "requests": ["a poem", {"messages": [], "custom_id": "x"}, "quoted"],
            "model": "chat",
            "title": "poems.jsonl",
            "priority": "low",
        }
    ]
    assert ask("jobs", "ask", str(file), "--detach").stdout == "j1\n"
    assert json.loads(ask("jobs", "result", "j1", "--json").stdout)["done"] == 2


@pytest.mark.parametrize("text", ["", " \n", '{"messages": [}'])
def test_a_file_without_questions_or_with_broken_json_is_told(text: str) -> None:
    with pytest.raises(CliError):
        questions(text)


def test_a_file_that_is_not_there_is_a_usage_error(ask: Run, tmp_path: Path) -> None:
    assert ask("jobs", "ask", str(tmp_path / "no")).exit_code == 2

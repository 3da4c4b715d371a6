from __future__ import annotations

import json
import random
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from potluck.core.answer import Failed, Finish, FinishReason, Text
from potluck.core.call import Call, ChatCall, FormatKind
from potluck.core.diffs import parse_diff, whole_file
from potluck.core.errors import ContextOverflow, NodeFailed, QueueFull
from potluck.core.findings import read_answer
from potluck.core.review import plan

from .world import AGX0, CODER, Hang, World, says, unknown_model

PATH = "/api/v1/code/review"


def file_diff(path: str, start: int = 1, added: int = 1) -> str:
    lines = "".join(f"+new {n}\n" for n in range(added))
    return f"--- a/{path}\n+++ b/{path}\n@@ -{start},2 +{start},{2 + added} @@\n before\n{lines} after\n"


THREE = file_diff("a.py") + file_diff("b.py", start=50) + file_diff("c.py", start=200)


def asked_about(call: Call) -> str:
    assert isinstance(call, ChatCall)
    return call.messages[1].text


def finding(line: int, severity: str = "high", **more: Any) -> dict[str, Any]:
    return {"line": line, "severity": severity, "title": f"At {line}", "explanation": "Because.", **more}


def findings(*items: Any) -> Any:
    return says(json.dumps({"findings": items}))


def by_file(answers: dict[str, Any]) -> Any:
    return lambda call: next(answer for path, answer in answers.items() if f"{path}." in asked_about(call))


async def test_three_files_are_asked_about_each_on_its_own_and_findings_come_sorted() -> None:
    world = World(
        by_file(
            {
                "a.py": findings(finding(2, "low"), finding(1, "critical")),
                "b.py": findings(finding(51, "critical", replacement="better")),
                "c.py": findings(),
            }
        )
    )
    served = await world.ask("POST", PATH, {"diff": THREE, "instructions": "Mind the gap"})
    body = served.json()
    assert served.status == 200
    assert [(found["path"], found["line"], found["severity"]) for found in body["findings"]] == [
        ("a.py", 1, "critical"),
        ("b.py", 51, "critical"),
        ("a.py", 2, "low"),
    ]
    assert body["findings"][1]["suggested_patch"].startswith("--- a/b.py\n+++ b/b.py\n@@ -50,3 +50,3 @@\n")
    assert body["findings"][0]["suggested_patch"] is None
    assert (body["pieces"], body["failed"], body["dropped"]) == (3, [], {})
    assert body["counts"] == {"info": 0, "low": 1, "medium": 0, "high": 0, "critical": 2}
    assert body["usage"]["prompt_tokens"] == 21
    assert len(body["request_ids"]) == 3
    assert served.headers["x-potluck-node"] == "agx0"
    for call in world.calls.calls:
        assert isinstance(call, ChatCall)
        assert call.format.kind is FormatKind.SCHEMA
        assert "Mind the gap" in asked_about(call)


async def test_a_stream_tells_progress_and_findings_as_they_come() -> None:
    world = World(by_file({"a.py": findings(finding(2)), "b.py": findings(finding(51)), "c.py": findings()}))
    events = (await world.ask("POST", PATH, {"diff": THREE, "stream": True})).events()
    names = [name for _, name, _ in events]
    assert sorted(names) == ["done", "finding", "finding", "progress", "progress", "progress"]
    assert names[-1] == "done"
    progress = [data for _, name, data in events if name == "progress"]
    assert [data["done"] for data in progress] == [1, 2, 3]
    assert {(data["piece"], data["path"], data["of"]) for data in progress} == {
        (1, "a.py", 3),
        (2, "b.py", 3),
        (3, "c.py", 3),
    }
    assert events[-1][2]["counts"]["high"] == 2


async def test_only_a_few_pieces_run_at_once() -> None:
    world = World(lambda call: findings())
    diff = "".join(file_diff(f"f{n}.py") for n in range(12))
    assert (await world.ask("POST", PATH, {"diff": diff})).json()["pieces"] == 12
    assert world.calls.most_open == 3


async def test_one_piece_that_fails_is_reported_and_the_others_stand() -> None:
    world = World(
        by_file(
            {
                "a.py": findings(finding(2)),
                "b.py": NodeFailed("agx0 failed.", detail="secret"),
                "c.py": (Text('{"findings"'), Failed(NodeFailed("cut"))),
            }
        )
    )
    served = await world.ask("POST", PATH, {"diff": THREE})
    body = served.json()
    assert [found["path"] for found in body["findings"]] == ["a.py"]
    assert body["failed"][0] == {
        "piece": 2,
        "path": "b.py",
        "first_line": 50,
        "last_line": 52,
        "type": "node_failed",
        "message": "agx0 failed.",
    }
    assert body["failed"][1]["path"] == "c.py"
    assert b"secret" not in served.body


@pytest.mark.parametrize("stream", [False, True])
async def test_an_unknown_model_is_one_error_and_not_one_per_piece(stream: bool) -> None:
    world = World(unknown_model)
    served = await world.ask("POST", PATH, {"diff": THREE, "model": "nobody", "stream": stream})
    assert (served.status, served.json()["error"]["type"]) == (404, "model_not_found")


async def test_if_no_piece_came_through_the_answer_is_an_error() -> None:
    served = await World(lambda call: QueueFull("Full.", retry_after_s=2)).ask("POST", PATH, {"diff": THREE})
    assert (served.status, served.headers["retry-after"]) == (503, "2")


async def test_what_a_model_says_beside_the_change_is_dropped_and_counted() -> None:
    items = (finding(2), finding(2), finding(40), finding(4), {"line": 2}, finding(2, "info", title="x", path="z.py"))
    world = World(lambda call: findings(*items))
    body = (await world.ask("POST", PATH, {"diff": file_diff("a.py")})).json()
    assert [found["line"] for found in body["findings"]] == [2, 3]
    assert body["snapped"] == 1
    assert body["dropped"] == {"duplicate": 1, "malformed": 1, "other_file": 1, "outside_the_change": 1}


async def test_findings_below_the_wished_severity_are_left_out_and_counted() -> None:
    world = World(lambda call: findings(finding(1, "low"), finding(2, "medium"), finding(3, "critical")))
    body = (await world.ask("POST", PATH, {"diff": file_diff("a.py"), "min_severity": "medium"})).json()
    assert [found["severity"] for found in body["findings"]] == ["critical", "medium"]
    assert body["dropped"] == {"below_min_severity": 1}


async def test_an_answer_that_is_cut_off_keeps_its_whole_findings() -> None:
    text = json.dumps({"findings": [finding(1), finding(2)]})[:-20]
    world = World(lambda call: (Text(text), Finish(FinishReason.LENGTH)))
    body = (await world.ask("POST", PATH, {"diff": file_diff("a.py")})).json()
    assert ([found["line"] for found in body["findings"]], body["cut_off"], body["failed"]) == ([1], 1, [])


@pytest.mark.parametrize(
    ("steps", "says_so"),
    [
        (says("I am a poem."), "was not the JSON"),
        ((Text('{"findings": [{"line'), Finish(FinishReason.LENGTH)), "ended before"),
        ((Finish(FinishReason.STOP),), "was not the JSON"),
    ],
)
async def test_an_answer_that_cannot_be_read_is_a_failed_piece_and_not_a_clean_bill(steps: Any, says_so: str) -> None:
    body = (await World(lambda call: steps).ask("POST", PATH, {"diff": file_diff("a.py")})).json()
    (failed,) = body["failed"]
    assert failed["type"] == "malformed_answer"
    assert says_so in failed["message"]


async def test_a_huge_hunk_is_split_to_the_models_context() -> None:
    small = replace(CODER, context=1024)
    world = World(lambda call: findings(), engines=(replace(AGX0, models={small.id: small}),))
    body = {"diff": file_diff("a.py", added=400), "model": "coder:1b"}
    served = (await world.ask("POST", PATH, body)).json()
    assert served["pieces"] > 4
    for call in world.calls.calls:
        assert isinstance(call, ChatCall)
        assert call.sampling.max_tokens == 256
        assert sum(len(message.text) for message in call.messages) / 2.5 < 1024 - 256
    shown = "\n".join(map(asked_about, world.calls.calls))
    assert all(f"+ new {n}\n" in shown for n in range(400))


async def test_a_piece_that_is_too_long_after_all_is_asked_about_in_halves() -> None:
    def script(call: Call) -> Any:
        lines = asked_about(call).count("+ new")
        return ContextOverflow(5000, 4096) if lines > 6 else findings(finding(int(asked_about(call).count("new 0"))))

    world = World(script)
    body = (await world.ask("POST", PATH, {"diff": file_diff("a.py", added=20)})).json()
    assert (body["pieces"], body["failed"]) == (1, [])
    assert len(body["request_ids"]) >= 4


async def test_a_line_that_no_context_holds_is_reported() -> None:
    world = World(lambda call: ContextOverflow(5000, 4096) if "long.py" in asked_about(call) else findings())
    files = [{"path": "long.py", "text": "x" * 9000}, {"path": "short.py", "text": "x"}]
    body = (await world.ask("POST", PATH, {"files": files})).json()
    assert [(failed["path"], failed["type"]) for failed in body["failed"]] == [("long.py", "context_overflow")]


async def test_files_are_reviewed_whole() -> None:
    world = World(lambda call: findings(finding(2, replacement="Y = 2")))
    files = [{"path": "m.py", "text": "x = 1\ny = 2\n"}, {"path": "empty.py", "text": ""}]
    body = (await world.ask("POST", PATH, {"files": files})).json()
    assert body["findings"][0]["suggested_patch"].endswith("@@ -1,2 +1,2 @@\n x = 1\n-y = 2\n+Y = 2\n")
    assert body["skipped"] == [{"path": "empty.py", "why": "no changed lines"}]


async def test_nothing_to_look_at_is_a_clean_answer_without_calls() -> None:
    world = World()
    diff = "diff --git a/i.png b/i.png\nBinary files a/i.png and b/i.png differ\n"
    body = (await world.ask("POST", PATH, {"diff": diff})).json()
    assert (body["findings"], body["pieces"], body["skipped"]) == ([], 0, [{"path": "i.png", "why": "binary"}])
    assert world.calls.calls == []


async def test_a_client_that_leaves_ends_every_piece() -> None:
    world = World(lambda call: (Text("{"), Hang()))
    await world.leave(PATH, {"diff": THREE, "stream": True})
    assert world.calls.open == 0


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "diff"),
        ({"diff": THREE, "files": []}, "diff"),
        ({"diff": ""}, "diff"),
        ({"diff": "no diff"}, "diff"),
        ({"diff": 5}, "diff"),
        ({"diff": THREE[:45]}, "diff"),
        ({"files": []}, "files"),
        ({"files": [{"path": "x"}]}, "files[0].text"),
        ({"files": [{"path": "", "text": "x"}]}, "files[0].path"),
        ({"diff": THREE, "min_severity": "awful"}, "min_severity"),
    ],
)
async def test_a_bad_body_is_refused_with_the_field_and_a_hint(body: Any, param: str) -> None:
    served = await World().ask("POST", PATH, body)
    error = served.json()["error"]
    assert (served.status, error["type"], error["param"]) == (400, "bad_request", param)
    assert error["hint"]


@pytest.mark.parametrize("seed", range(6))
def test_git_applies_every_suggested_patch(tmp_path: Path, seed: int) -> None:
    """Against git itself: a changed file, a suggestion for some of its lines, and the result line by line."""
    chance = random.Random(seed)
    end = chance.choice([("\n", "\n"), ("\r\n", "\r\n"), ("\n", "")])
    applied = 0
    old = [f"line {n}" for n in range(1, 41)]
    new = [line if chance.random() > 0.2 else f"{line} changed" for line in old if chance.random() > 0.1]
    text = end[0].join(new) + end[1]
    (tmp_path / "old").write_bytes((end[0].join(old) + "\n").encode())
    (tmp_path / "f x.txt").write_bytes(text.encode())
    run = ["git", "diff", "--no-index", "--no-color", "old", "f x.txt"]
    diff = subprocess.run(run, cwd=tmp_path, capture_output=True, check=False).stdout.decode()
    diff = diff.replace("a/old", "a/f x.txt")
    for file in (*parse_diff(diff), whole_file("f x.txt", text)):
        for piece in plan([file], 60).pieces:
            for hunk in (hunk for hunk in piece.hunks if hunk.new_lines):
                first = chance.choice(hunk.new_lines).new
                assert first is not None
                last = min(first + chance.randrange(3), hunk.new_lines[-1].new or first)
                given = ["fixed one", "fixed two"][: chance.randrange(1, 3)]
                item = finding(first, end_line=last, replacement="\n".join(given))
                (found,) = read_answer(json.dumps([item]), piece).findings
                if not found.patch:
                    assert last == file.hunks[-1].new_lines[-1].new or last == hunk.new_lines[-1].new
                    continue
                applied += 1
                (tmp_path / "f x.txt").write_bytes(text.encode())
                git = ["git", "apply", "--whitespace=nowarn", "-"]
                subprocess.run(git, cwd=tmp_path, input=found.patch.encode(), check=True, capture_output=True)
                expected = end[0].join([*new[: first - 1], *given, *new[last:]]) + end[1]
                assert (tmp_path / "f x.txt").read_bytes() == expected.encode()
    assert applied > 5

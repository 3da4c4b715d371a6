"""``potluck models``: changes to models, and how a long pull looks."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from potluck.cli.models import state
from potluck.cli.progress import Progress
from potluck.cli.pulling import PullView, bar, plain
from potluck.surfaces.v1.fleet_shapes import ModelInfo, ModelPlace
from potluck.surfaces.v1.model_shapes import PullProgress
from potluck.wire.sse import ServerEvent
from tests.cli.conftest import Run
from tests.cli.fake_service import DEADLINE_S, HOLD, FakeService, Stream, Whole, event, refusal

PULL = "POST /api/v1/models/pull"
PLACED = {
    "model": "m",
    "node": "agx0",
    "engine": "agx0/ollama:11434",
    "reason": "it has 64.0 GB of memory",
    "others": [],
}
DONE = {"model": "m:latest", "node": "agx0", "engine": "agx0/ollama:11434", "bytes": 100, "license": "mit"}


def progress(status: str, here: int = 0, total: int | None = None, **more: Any) -> dict[str, Any]:
    plain = {"status": status, "bytes": here, "total": total, "rate": None, "eta_s": None}
    return {**plain, "node": "agx0", "engine": "agx0/ollama:11434", "license": "", **more}


def step(status: str, here: int = 0, total: int | None = None, **more: Any) -> PullProgress:
    return PullProgress(**progress(status, here, total, **more))


def pull(*events: tuple[str, dict[str, Any]]) -> Stream:
    return Stream(tuple(event(name, data) for name, data in events))


# --- pulling ---


def test_a_pull_shows_where_it_goes_its_tenths_and_its_end(service: FakeService, ask: Run) -> None:
    steps = [progress("pulling 0123", here, 100) for here in range(0, 101, 5)]
    service.on(PULL, pull(("placed", PLACED), *(("progress", one) for one in steps), ("done", DONE)))
    result = ask("models", "pull", "llama3.2")
    assert (result.exit_code, result.stdout) == (0, "Pulled llama3.2 as m:latest on agx0.\n")
    placed, *lines = result.stderr.splitlines()
    assert placed == "To agx0 (ollama:11434): it has 64.0 GB of memory."
    assert len(lines) == 11
    assert "50%" in lines[5]
    body = {"model": "llama3.2", "node": "", "sha256": "", "name": "", "stream": True}
    assert service.bodies(PULL) == [body]


def test_the_licence_is_said_once(service: FakeService, ask: Run) -> None:
    told = progress("license mit", license="mit")
    service.on(PULL, pull(("progress", told), ("progress", progress("success", license="mit")), ("done", DONE)))
    assert ask("models", "pull", "m").stderr.splitlines() == ["Licence: mit", "success"]


def test_node_checksum_and_name_are_passed_on_and_the_end_is_json(service: FakeService, ask: Run) -> None:
    service.on(PULL, pull(("done", DONE)))
    result = ask("models", "pull", "http://x/m.gguf", "--node", "n", "--sha256", "ab", "--as", "mine", "--json")
    assert json.loads(result.stdout) == DONE
    assert service.bodies(PULL)[0] | {"stream": True} == {
        "model": "http://x/m.gguf", "node": "n", "sha256": "ab", "name": "mine", "stream": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (refusal("model 'nope' not found", "Did you mean note?", status=404), "Did you mean note?"),
        (
            pull(("placed", PLACED), ("error", {"error": {"message": "The disk is full.", "hint": "Make room."}})),
            "full",
        ),
        (pull(("placed", PLACED)), "pull again"),
        (pull(("noise", {})), "broke off"),
    ],
)
def test_a_pull_that_fails_says_why(service: FakeService, ask: Run, answer: Any, words: str) -> None:
    service.on(PULL, answer)
    result = ask("models", "pull", "nope")
    assert (result.exit_code, result.stdout) == (1, "")
    assert words in result.stderr


def test_ctrl_c_leaves_at_once_and_says_how_to_go_on(service: FakeService, tmp_path: Path) -> None:
    service.on(PULL, Stream((event("placed", PLACED), HOLD)))
    command = [sys.executable, "-m", "potluck.cli", "models", "pull", "m", "--url", service.url, "--key", "k"]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "POTLUCK_DATA": str(tmp_path)},
    )
    assert process.stderr is not None
    assert process.stderr.readline().startswith("To agx0")
    process.send_signal(signal.SIGINT)
    out, rest = process.communicate(timeout=DEADLINE_S)
    assert (process.returncode, out) == (130, "")
    assert rest == "Error: Stopped. What is here is kept: pull again, and it goes on from there.\n"
    assert service.left.wait(DEADLINE_S)


def test_a_terminal_shows_a_bar_with_rate_and_time_left() -> None:
    half = step("pulling 0123", 2_000_000_000, 4_000_000_000, rate=50_000_000.0, eta_s=40.0)
    assert bar(half) == "██████████░░░░░░░░░░ 50%  2.0 GB of 4.0 GB  50.0 MB/s  40s left"
    assert bar(step("verifying sha256 digest", 4, 4)) == "verifying sha256 digest"
    assert plain(step("pulling 0123", 500)) == "pulling 0123  500 B"
    assert plain(step("pulling 0123", 4, 4, rate=1.0, eta_s=0.0)) == "pulling 0123  100%  4 B of 4 B"


def test_on_a_terminal_the_line_is_drawn_over_and_gone_at_the_end() -> None:
    out = io.StringIO()
    view = PullView(Progress(out, True, 80))
    events = [
        ServerEvent("progress", json.dumps(progress("pulling 0123", 50, 100)).encode()),
        ServerEvent("done", json.dumps(DONE).encode()),
    ]
    assert view.follow(events).model == "m:latest"
    view.progress.hide()
    assert out.getvalue().count("█") == 10
    assert out.getvalue().endswith("\r\x1b[K")


# --- the other changes ---

CHANGED = Whole({"changed": [{"node": "agx0", "engine": "agx0/ollama", "model": "a/b:c"}]})
NAME, PATH = "a/b:c", "/api/v1/models/a%2Fb%3Ac"


@pytest.mark.parametrize(
    ("arguments", "route", "body", "words"),
    [
        (["load", NAME], f"POST {PATH}/load", {"node": "", "keep_alive": ""}, "Loaded a/b:c on agx0."),
        (["load", NAME, "--keep-alive", "2h"], f"POST {PATH}/load", {"node": "", "keep_alive": "2h"}, "Loaded"),
        (["unload", NAME, "--node", "n"], f"POST {PATH}/unload", {"node": "n"}, "Unloaded a/b:c on agx0."),
        (["pin", NAME], f"POST {PATH}/pin", {"node": ""}, "Pinned a/b:c on agx0."),
        (["unpin", NAME], f"POST {PATH}/unpin", {"node": ""}, "Unpinned a/b:c on agx0."),
        (["copy", NAME, "d"], f"POST {PATH}/copy", {"to": "d", "node": ""}, "a/b:c is d too, on agx0."),
        (["rm", NAME], f"DELETE {PATH}", None, "Removed a/b:c from agx0."),
    ],
)
def test_each_change_asks_for_it_and_says_where_it_was_done(
    service: FakeService, ask: Run, arguments: list[str], route: str, body: Any, words: str
) -> None:
    service.on(route, CHANGED)
    result = ask("models", *arguments)
    assert result.exit_code == 0
    assert words in result.stdout
    assert service.bodies(route) == [body]
    assert json.loads(ask("models", *arguments, "--json").stdout)[0]["node"] == "agx0"


def test_a_node_narrows_a_removal(service: FakeService, ask: Run) -> None:
    service.on(f"DELETE {PATH}", CHANGED)
    ask("models", "rm", NAME, "--node", "agx0")
    assert service.asked[-1].query == {"node": "agx0"}


@pytest.mark.parametrize(("verb", "words"), [("unload", "a was not loaded.\n"), ("unpin", "a was not pinned.\n")])
def test_where_nothing_had_to_be_done_it_is_said(service: FakeService, ask: Run, verb: str, words: str) -> None:
    service.on(f"POST /api/v1/models/a/{verb}", Whole({"changed": []}))
    result = ask("models", verb, "a")
    assert (result.exit_code, result.stdout) == (0, words)


def test_a_refusal_is_one_line_and_exit_code_1(service: FakeService, ask: Run) -> None:
    service.on("DELETE /api/v1/models/x", refusal("'x' answers a call on agx0 now.", "Try again later.", status=409))
    result = ask("models", "rm", "x")
    assert (result.exit_code, result.stderr) == (1, "Error: 'x' answers a call on agx0 now. Try again later.\n")


@pytest.mark.parametrize(
    ("ready", "resident", "pinned", "word"),
    [
        (False, False, False, "away"),
        (True, False, False, "ready"),
        (True, True, False, "loaded"),
        (True, True, True, "pinned"),
    ],
)
def test_a_models_state_is_one_word(ready: bool, resident: bool, pinned: bool, word: str) -> None:
    place = ModelPlace("n", "n/ollama", "up", resident, pinned)
    assert state(ModelInfo("m", ready, [], None, None, None, None, None, [place])) == word

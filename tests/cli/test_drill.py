"""``potluck drill``: what is asked, said and told, and with which exit code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from potluck.cli import drill, drilling
from potluck.cli.client import Client
from tests.cli.conftest import Run
from tests.cli.fake_service import FakeService, Whole, refusal
from tests.cli.test_fleet import NODES, STATUS

DRILLS = "/api/v1/drills"
PLAN = {
    "node": "agx0",
    "how": "block",
    "running": 1,
    "waiting": 0,
    "most_waiting": 4,
    "models": [
        {"model": "llama3.2:3b", "resident": True, "home": "memory", "nodes": ["orin0", "nano0"]},
        {"model": "qwen:7b", "resident": False, "home": "disk", "nodes": ["orin0"]},
    ],
    "refused": [],
    "impossible": [],
}
LONELY = {"model": "big:70b", "resident": True, "home": "none", "nodes": []}
CALLS = {
    "served": 14,
    "rescued": 3,
    "moved": 1,
    "lost": 0,
    "cancelled": 1,
    "unfinished": 0,
    "waited": 2,
    "longest_wait_s": 1.25,
    "queue_peak": 3,
}
RUNNING: dict[str, Any] = {
    "id": "d1",
    "node": "agx0",
    "how": "block",
    "stage": "under_way",
    "outcome": None,
    "why": "",
    "began_at": "2026-11-26T10:45:00.250Z",
    "until": "2026-11-26T10:46:12.250Z",
    "ended_at": None,
    "seconds": 60.0,
    "calls": CALLS,
    "recovered_s": 0.25,
    "restored": None,
    "models": [
        {"model": "llama3.2:3b", "proven": True, "said": "a new call was answered by orin0", "same": True},
        {"model": "qwen:7b", "proven": False, "said": "not tried: it is not in memory on agx0", "same": None},
    ],
}


def over(outcome: str = "held", **more: object) -> dict[str, object]:
    return {**RUNNING, "stage": "over", "outcome": outcome, "restored": True, **more}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drilling, "LOOK_S", 0.0)


def serves(service: FakeService, *looks: Mapping[str, object], plan: Mapping[str, object] = PLAN) -> None:
    told = iter(looks)
    service.on(f"POST {DRILLS}/plan", Whole(plan))
    service.on(f"POST {DRILLS}", Whole(RUNNING, 201))
    service.on(f"GET {DRILLS}/d1", lambda asked: Whole(next(told)))


def test_a_drill_is_followed_to_its_end_and_told(service: FakeService, ask: Run) -> None:
    serves(
        service, {**RUNNING, "stage": "preparing", "until": None}, RUNNING, {**RUNNING, "stage": "restoring"}, over()
    )
    result = ask("drill", "--how", "block", "--for", "90s", "--yes")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "agx0 was blocked. Nothing was lost.",
        "",
        "Your calls    14 served, 0 lost, 1 left by their clients",
        "Rescued       3 in the middle of an answer, 1 before its first word",
        "Recovered     within 0.25 s",
        "Waited        2, the longest 1.2 s; at most 3 in line",
        "Restored      yes",
        "",
        "MODEL                    WHY",
        "llama3.2:3b  proven      a new call was answered by orin0; its text is the same as undisturbed",
        "qwen:7b      not proven  not tried: it is not in memory on agx0",
    ]
    said = "agx0 is blocked until 10:46:12 UTC: 14 served, 3 rescued, 0 lost, 1 models proven"
    assert {"agx0: test calls set out", said, "agx0 is given back"} <= set(result.stderr.splitlines())
    assert service.bodies(f"POST {DRILLS}") == [
        {"how": "block", "node": "agx0", "seconds": 90.0, "probe": True, "force": False}
    ]


@pytest.mark.parametrize(
    ("report", "code", "said"),
    [
        (over("stopped", why="Its owner ended it."), 0, "It was ended early; nothing was lost. Its owner ended it."),
        (over("lost", why="A call was lost."), 1, "SOMETHING WAS LOST. A call was lost."),
        (over("broken_off", restored=False, models=[]), 1, "Restored      NO: see 'potluck nodes ls'"),
        (over("interrupted", recovered_s=None, restored=None), 1, "The gateway ended in the middle of it."),
        (over("held", calls={**CALLS, "unfinished": 2}), 0, "1 before its first word, 2 still going on"),
        (over("held", models=[{**RUNNING["models"][0], "same": False}]), 0, "; its text is another one"),
    ],
)
def test_the_exit_code_says_whether_anything_was_lost(
    service: FakeService, ask: Run, report: dict[str, object], code: int, said: str
) -> None:
    serves(service, report, report)
    result = ask("drill", "agx0")
    assert result.exit_code == code
    assert said in result.stdout
    as_json = ask("drill", "agx0", "--json")
    assert (as_json.exit_code, json.loads(as_json.stdout)["outcome"]) == (code, report["outcome"])


def test_a_plan_does_nothing(service: FakeService, ask: Run) -> None:
    serves(service)
    result = ask("drill", "--plan")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "agx0 would be blocked. It is broken off when a call is lost, or more than 4 wait in line.",
        "",
        "MODEL        ON agx0    ELSEWHERE",
        "llama3.2:3b  in memory  in memory on orin0, nano0",
        "qwen:7b      on disk    on disk on orin0: it would be loaded when it is needed",
    ]
    assert not service.bodies(f"POST {DRILLS}")
    assert json.loads(ask("drill", "--plan", "--json").stdout)["node"] == "agx0"


def test_what_is_against_it_is_said_with_exit_code_2_and_may_be_insisted_on(service: FakeService, ask: Run) -> None:
    serves(service, over(), plan={**PLAN, "models": [LONELY], "refused": ["'big:70b' has no second home."]})
    planned = ask("drill", "--plan")
    assert planned.exit_code == 2
    assert "big:70b  in memory  nowhere: its calls would fail" in planned.stdout
    assert "Refused: 'big:70b' has no second home." in planned.stdout
    refused = ask("drill", "--yes")
    assert (refused.exit_code, refused.stderr.splitlines()) == (
        2,
        ["Error: 'big:70b' has no second home. --force does it all the same."],
    )
    assert ask("drill", "--force").exit_code == 0
    serves(service, plan={**PLAN, "models": [], "refused": ["It is drained."], "impossible": ["It is drained."]})
    assert "Impossible: It is drained." in ask("drill", "--plan", "--force").stdout
    assert ask("drill", "--force").exit_code == 2


def test_a_block_is_not_begun_before_somebody_has_said_yes(service: FakeService, ask: Run) -> None:
    serves(service)
    result = ask("drill", "--how", "block")
    assert result.exit_code == 2
    assert "agx0 will be cut off for 1m 0s, as if it had died. 1 call of yours run there now" in result.stderr
    assert "Say --yes." in result.stderr
    assert not service.bodies(f"POST {DRILLS}")


@pytest.mark.parametrize(("word", "code"), [("y\n", 0), ("n\n", 2)])
def test_who_sits_at_a_terminal_is_asked(
    service: FakeService, ask: Run, monkeypatch: pytest.MonkeyPatch, word: str, code: int
) -> None:
    serves(service, over())
    monkeypatch.setattr(drill, "somebody_is_there", lambda: True)
    assert ask("drill", "--how", "block", stdin=word).exit_code == code


def test_ctrl_c_gives_the_node_back(service: FakeService, ask: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    serves(service)
    service.on(f"DELETE {DRILLS}/d1", Whole(over("stopped", why="Its owner ended it.")))

    def stopped(self: Client, path: str, answer: object, query: object = None) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Client, "get", stopped)
    result = ask("drill")
    assert result.exit_code == 130
    assert "It was ended early; nothing was lost." in result.stdout


@pytest.mark.parametrize(("status", "code"), [(404, 2), (409, 2), (500, 3)])
def test_a_refusal_is_2_and_a_failure_3(service: FakeService, ask: Run, status: int, code: int) -> None:
    service.on(f"POST {DRILLS}/plan", refusal("No.", status=status))
    assert ask("drill").exit_code == code
    assert ask("drill", "--for", "soon").exit_code == 2


def test_listings_show_who_is_in_a_drill(service: FakeService, ask: Run) -> None:
    now = {"id": "d1", "node": "agx0", "how": "block", "stage": "under_way", "until": RUNNING["until"]}
    service.on("GET /api/v1/status", Whole({**STATUS, "waiting": 0, "drill": now}))
    for until, said in (
        (RUNNING["until"], "agx0, blocked by a drill until 10:46:12 UTC; 'potluck nodes resume agx0' ends it."),
        (None, "agx0 will be blocked by a drill, whose test calls set out."),
    ):
        service.on("GET /api/v1/nodes", Whole({"nodes": [{**NODES["nodes"][0], "drill": {**now, "until": until}}]}))
        for command in (("nodes", "ls"), ("status",)):
            assert said in ask(*command).stdout

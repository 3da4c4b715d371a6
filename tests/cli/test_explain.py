"""``explain``: the decision about one call, readable and as data."""

from __future__ import annotations

import json
from typing import Any

import pytest

from potluck.cli.output import cells
from tests.cli.conftest import Run
from tests.cli.fake_service import FakeService, Whole, refusal

CALL: dict[str, Any] = {
    "id": "r1",
    "at": "2026-11-22T10:00:00Z",
    "family": "openai",
    "asked_model": "coding",
    "model": "coder:7b",
    "route": "coding",
    "node": "agx0",
    "engine": "agx0/ollama:11434",
    "status": "ok",
    "http_status": 200,
    "queue_s": 1.5,
    "first_byte_s": 2.0,
    "total_s": 9.0,
    "usage": {"prompt_tokens": 5, "completion_tokens": 9, "cached_tokens": 0, "estimated": False},
    "attempts": [{"engine": "agx0/ollama:11434", "outcome": "ok", "why": ""}],
    "candidates": [
        {
            "engine": "orin0/ollama:11434",
            "chosen": False,
            "reason": "another place is better",
            "model": "coder:7b",
            "run": 1.2,
            "own": 1.1,
            "harm": 0.1,
            "first_s": 4.0,
            "finish_s": 30.0,
        },
        {"engine": "pi0/ollama:11434", "chosen": False, "reason": "not up", "model": "coder:7b"},
        {
            "engine": "agx0/ollama:11434",
            "chosen": True,
            "reason": "chosen",
            "model": "coder:7b",
            "run": 0.35,
            "own": 0.3,
            "harm": 0.05,
            "first_s": 0.8,
            "finish_s": 8.0,
        },
    ],
    "error": "",
    "replay": {"engine": "agx0/ollama:11434", "model": "coder:7b", "same": True, "rule": "cost"},
}


def test_what_auto_chose_is_told(service: FakeService, ask: Run) -> None:
    service.on("GET /api/v1/requests/r1", Whole(CALL | {"asked_model": "auto", "choice": "code, tools: route coding"}))
    assert "The choice was left to Potluck. code, tools: route coding." in ask("explain", "r1").stdout


def test_a_decision_is_told_best_first(service: FakeService, ask: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    service.on("GET /api/v1/requests/r1", Whole(CALL))
    shown = ask("explain", "r1").stdout
    lines = shown.splitlines()
    assert lines[0].startswith("r1 asked for route coding and went to agx0/ollama:11434, after ")
    places = [
        line.split()[0]
        for line in lines
        if "/ollama:11434 " in line and not line.startswith(("r1", "Tried", "Decided"))
    ]
    assert places == ["agx0/ollama:11434", "orin0/ollama:11434", "pi0/ollama:11434"]
    assert "0.35" in shown
    assert max(map(cells, lines)) <= 80


@pytest.mark.parametrize(
    ("rule", "why"), [("cost", "costs less"), ("order", "owner's order"), ("weights", "owner's weights")]
)
def test_the_decision_is_made_once_more(service: FakeService, ask: Run, rule: str, why: str) -> None:
    service.on("GET /api/v1/requests/r1", Whole({**CALL, "replay": {**CALL["replay"], "rule": rule}}))
    told = " ".join(ask("explain", "r1").stdout.split())
    assert "Decided once more from what is kept above, it is agx0/ollama:11434 again" in told
    assert why in told


def test_a_decision_that_comes_out_otherwise_is_said_so(service: FakeService, ask: Run) -> None:
    other = {"engine": "orin0/ollama:11434", "model": "coder:7b", "same": False, "rule": "cost"}
    service.on("GET /api/v1/requests/r1", Whole({**CALL, "replay": other}))
    told = " ".join(ask("explain", "r1").stdout.split())
    assert "orin0/ollama:11434 is the place, and not agx0/ollama:11434" in told


def test_columns_without_a_figure_are_left_out(service: FakeService, ask: Run) -> None:
    service.on("GET /api/v1/requests/r1", Whole(CALL))
    assert not {"EVICT", "DOUBT", "PRIOR"} & set(ask("explain", "r1").stdout.split())
    doubted = [{**one, "doubt": 1.0, "prior": 2.5} for one in CALL["candidates"]]
    service.on("GET /api/v1/requests/r1", Whole({**CALL, "candidates": doubted}))
    assert {"DOUBT", "PRIOR", "2.5"} <= set(ask("explain", "r1").stdout.split())


def test_a_call_that_nobody_served_is_told_too(service: FakeService, ask: Run) -> None:
    unserved = {
        "engine": None,
        "node": None,
        "model": None,
        "route": "",
        "attempts": [],
        "candidates": [],
        "replay": None,
    }
    service.on("GET /api/v1/requests/r1", Whole({**CALL, **unserved, "error": "server busy"}))
    shown = ask("explain", "r1").stdout
    assert "asked for coding and went nowhere" in shown
    assert "server busy" in shown


def test_as_data_it_is_the_record(service: FakeService, ask: Run) -> None:
    service.on("GET /api/v1/requests/r1", Whole(CALL))
    told = json.loads(ask("explain", "r1", "--json").stdout)
    assert [one["chosen"] for one in told["candidates"]] == [False, False, True]


def test_an_unknown_call_is_said_so(service: FakeService, ask: Run) -> None:
    service.on("GET /api/v1/requests/r2", refusal("There is no record of request 'r2'.", status=404))
    result = ask("explain", "r2")
    assert result.exit_code == 1
    assert "no record" in result.stderr

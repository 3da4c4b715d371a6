"""``status``, ``models`` and ``nodes``: the fleet on a screen of 80 columns, and changes to it."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from potluck.cli.output import cells
from tests.cli.conftest import Run
from tests.cli.fake_service import Asked, FakeService, Whole, refusal

STATUS: dict[str, Any] = {
    "version": "0.1.0",
    "started_at": "2026-11-22T10:00:00Z",
    "uptime_s": 3725.0,
    "nodes": 1,
    "engines": 2,
    "engines_up": 1,
    "models": 2,
    "slots": 4,
    "busy": 1,
    "waiting": 3,
}


def engine(name: str, health: str, why: str = "", **more: object) -> dict[str, object]:
    plain: dict[str, object] = {"id": name, "kind": "ollama", "health": health, "why": why, "slots": 4, "busy": 1}
    return {**plain, "models": ["a", "b"], "resident": ["a"], "children": [], **more}


QUEUE = {
    "waiting": 3,
    "calls": [
        {
            "id": "01a2164591e3b283dda94603",
            "position": 2,
            "model": "qwen2.5-coder:32b",
            "kind": "review",
            "waited_s": 12.0,
            "eta_s": 95.0,
            "user": "anna",
        }
    ],
}

NODES = {
    "nodes": [
        {
            "id": "agx0",
            "engines": [
                engine("agx0/ollama:11434", "up"),
                engine("agx0/llamacpp:8080", "down", "connection refused, tried again and again for a long time"),
            ],
        }
    ]
}


def model(name: str, *, ready: bool, resident: bool) -> dict[str, object]:
    place = {"node": "agx0", "engine": "agx0/ollama:11434", "health": "up", "resident": resident}
    plain: dict[str, object] = {"id": name, "ready": ready, "capabilities": ["completion"], "context": 8192}
    facts: dict[str, object] = {
        "size_bytes": 2_000_000_000,
        "family": None,
        "parameter_size": "3B",
        "quantization": None,
    }
    return {**plain, **facts, "engines": [place]}


@pytest.fixture(autouse=True)
def fleet(service: FakeService) -> None:
    service.on("GET /api/v1/status", Whole(STATUS))
    service.on("GET /api/v1/nodes", Whole(NODES))
    service.on("GET /api/v1/queue", Whole(QUEUE))
    models = [model("a", ready=True, resident=True), model("b", ready=True, resident=False)]
    service.on("GET /api/v1/models", Whole({"models": [*models, model("c", ready=False, resident=False)]}))


@pytest.mark.parametrize("command", [["status"], ["models", "ls"], ["nodes", "ls"]])
def test_a_listing_fits_80_columns(ask: Run, command: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    result = ask(*command)
    assert result.exit_code == 0
    assert max(cells(line) for line in result.stdout.splitlines()) <= 80
    assert "\x1b" not in result.stdout


def test_status_is_the_whole_picture(service: FakeService, ask: Run) -> None:
    shown = ask("status").stdout
    assert f"Potluck 0.1.0 at {service.url}, up for 1h 2m" in shown
    assert "Engines 1 of 2 up" in shown
    assert "Slots 1 of 4 busy   Waiting 3" in shown
    assert "connection refused" in shown
    assert "STARTS IN" in shown
    assert "review" in shown
    assert "1m" in shown


def test_a_quiet_service_shows_no_line(service: FakeService, ask: Run) -> None:
    service.on("GET /api/v1/status", Whole({**STATUS, "waiting": 0}))
    assert "STARTS IN" not in ask("status").stdout


READING = {
    "identity": {"host": "agx0"},
    "memory": {"total_bytes": 64_000_000_000, "available_bytes": 41_200_000_000},
    "gpus": [{"name": "17000000.gpu", "unified": True, "load": 0.734}],
    "temperatures": [{"sensor": "tj-thermal", "celsius": 61.5}],
}
AGENTS = {
    "nodes": [
        {**NODES["nodes"][0], "agent": {"state": "up", "age_s": 2.0, "reading": READING}},
        {"id": "pi3", "engines": [], "agent": {"state": "silent", "silent_s": 40.2, "why": "The agent is gone."}},
    ]
}


def test_what_agents_tell_stands_below_the_engines(service: FakeService, ask: Run) -> None:
    service.on("GET /api/v1/nodes", Whole(AGENTS))
    heard, silent = ask("nodes", "ls").stdout.splitlines()[-2:]
    assert heard.split("  ")[0] == "agx0"
    assert all(word in heard for word in ("41.2 GB of 64.0 GB", "73 %", "62 °C", "answers"))
    assert silent.endswith("agent silent for 40s: The agent is gone.")


@pytest.mark.parametrize("command", [["status"], ["nodes", "ls"]])
def test_what_agents_tell_fits_80_columns(
    service: FakeService, ask: Run, command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    service.on("GET /api/v1/nodes", Whole(AGENTS))
    assert max(cells(line) for line in ask(*command).stdout.splitlines()) <= 80


def test_without_agents_nothing_is_said_of_machines(ask: Run) -> None:
    assert "AGENT" not in ask("nodes", "ls").stdout


@pytest.mark.parametrize(
    ("command", "part"),
    [(["status"], "status"), (["models", "ls"], 0), (["nodes", "ls"], 0)],
)
def test_every_listing_has_json(ask: Run, command: list[str], part: str | int) -> None:
    assert json.loads(ask(*command, "--json").stdout)[part]


def test_models_show_where_they_stand(ask: Run) -> None:
    rows = [line.split() for line in ask("models", "ls").stdout.splitlines()[1:]]
    assert [row[0] for row in rows] == ["a", "b", "c"]
    assert [row[-2] for row in rows] == ["loaded", "ready", "away"]


@pytest.mark.parametrize(
    ("command", "route", "empty"),
    [("models", "GET /api/v1/models", {"models": []}), ("nodes", "GET /api/v1/nodes", {"nodes": []})],
)
def test_an_empty_listing_says_what_to_do(
    service: FakeService, ask: Run, command: str, route: str, empty: dict[str, object]
) -> None:
    service.on(route, Whole(empty))
    assert "There is no" in ask(command, "ls").stdout


def test_a_crashed_process_of_an_engine_is_shown(service: FakeService, ask: Run) -> None:
    child = {"model": "m", "role": "chat", "pid": 1, "state": "waiting", "restarts": 2, "why": "killed by signal 9"}
    service.on(
        "GET /api/v1/nodes", Whole({"nodes": [{"id": "n", "engines": [engine("n/local:0", "up", children=[child])]}]})
    )
    assert "killed by" in ask("nodes", "ls").stdout


# --- Nodes ---------------------------------------------------------------------------------------------------------


def move(model: str, state: str, to: str = "", why: str = "because") -> dict[str, str]:
    return {"model": model, "engine": "agx0/ollama:11434", "state": state, "to": to, "why": why}


def drained(*moves: dict[str, str], running: int = 0, empty: bool = False) -> dict[str, object]:
    return {"since": "2026-11-26T07:09:09.250Z", "running": running, "empty": empty, "moves": list(moves)}


def nodes_with(drain: dict[str, object] | None) -> Whole:
    return Whole({"nodes": [{**NODES["nodes"][0], "drain": drain}]})


def test_a_drained_node_shows_what_is_left_and_where_its_models_go(service: FakeService, ask: Run) -> None:
    moves = [
        move("big:70b", "nowhere", why="no other machine that is up has it"),
        move("llama3.2:3b", "loading", "orin0/ollama:11434", "loading there"),
    ]
    service.on("POST /api/v1/nodes/agx0/drain", Whole(drained(*moves, running=2)))
    result = ask("nodes", "drain", "agx0")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "agx0, drained since 2026-11-26 07:09:09 UTC, has 2 calls to end and 1 model to move.",
        "MODEL        STATE    NOW ON  WHY",
        "llama3.2:3b  loading  orin0   loading there",
        "big:70b      stays    -       no other machine that is up has it",
    ]
    assert json.loads(ask("nodes", "drain", "agx0", "--json").stdout)["running"] == 2


def test_listings_show_drained_nodes(service: FakeService, ask: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    service.on("GET /api/v1/nodes", nodes_with(drained(move("m", "elsewhere", "orin0/ollama"), empty=True)))
    service.on("GET /api/v1/status", Whole({**STATUS, "waiting": 0, "drained": ["agx0"]}))
    for command in (("nodes", "ls"), ("status",)):
        shown = ask(*command).stdout
        assert "agx0, drained since 2026-11-26 07:09:09 UTC, is empty." in shown
        assert "m      moved  orin0   because" in shown
        assert all(cells(line) <= 80 for line in shown.splitlines())
    assert "Drained 1" in shown


def test_waiting_shows_what_is_left_and_ends_when_the_node_is_empty(service: FakeService, ask: Run) -> None:
    looks = iter(
        [drained(move("m", "loading", "orin0/ollama"), running=1), drained(move("m", "elsewhere"), empty=True)]
    )
    begun = threading.Event()

    def begin(asked: Asked) -> Whole:
        begun.set()
        return Whole(drained(running=1))

    service.on("POST /api/v1/nodes/agx0/drain", begin)
    service.on("GET /api/v1/nodes", lambda asked: nodes_with(next(looks) if begun.is_set() else None))
    result = ask("nodes", "drain", "agx0", "--wait")
    assert result.exit_code == 0
    assert "agx0 has 1 call to end and 1 model to move: m is loading on orin0" in result.stderr
    assert "is empty." in result.stdout


def test_waiting_no_longer_than_was_said(service: FakeService, ask: Run) -> None:
    service.on("POST /api/v1/nodes/agx0/drain", Whole(drained(running=1)))
    service.on("GET /api/v1/nodes", nodes_with(drained(running=1)))
    result = ask("nodes", "drain", "agx0", "--wait", "--timeout", "0s")
    assert result.exit_code == 1
    assert "agx0 is not empty yet. It goes on without you" in result.stderr
    assert ask("nodes", "drain", "agx0", "--wait", "--timeout", "soon").exit_code == 2


def test_waiting_for_a_node_that_somebody_resumes_ends(service: FakeService, ask: Run) -> None:
    service.on("POST /api/v1/nodes/agx0/drain", Whole(drained(running=1)))
    service.on("GET /api/v1/nodes", nodes_with(None))
    assert "agx0 was resumed meanwhile." in ask("nodes", "drain", "agx0", "--wait").stderr


def test_a_node_is_resumed(service: FakeService, ask: Run) -> None:
    service.on("POST /api/v1/nodes/agx0/resume", Whole(None, 204))
    assert ask("nodes", "resume", "agx0").stdout == "agx0 takes calls again.\n"
    assert json.loads(ask("nodes", "resume", "agx0", "--json").stdout) == {"node": "agx0", "drained": False}


@pytest.mark.parametrize("status", [404, 405, 501])
def test_a_service_that_cannot_drain_yet_says_so(service: FakeService, ask: Run, status: int) -> None:
    service.on("POST /api/v1/nodes/agx0/drain", refusal("There is no such path.", status=status))
    result = ask("nodes", "drain", "agx0")
    assert result.exit_code == 1
    assert "cannot drain nodes yet" in result.stderr


def test_an_unknown_node_brings_up_similar_names(ask: Run) -> None:
    result = ask("nodes", "drain", "agx1")
    assert result.exit_code == 1
    assert "Did you mean agx0?" in result.stderr

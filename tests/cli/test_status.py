"""``status`` and ``queue``: a fleet of seven on one screen, once and live."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import msgspec
import pytest
from rich.console import Console

from potluck.cli import live
from potluck.cli.dashboard import Picture, fitted, queue_screen, screen, state
from potluck.cli.failure import CliError
from potluck.cli.output import cells
from potluck.core.reading import Gpu, Identity, Memory, Reading, Temperature
from potluck.surfaces.v1.fleet_shapes import (
    AgentInfo,
    ClassQueueInfo,
    EngineInfo,
    GatewayInfo,
    JobCounts,
    LastMinuteInfo,
    LoadedInfo,
    NodeInfo,
    RateInfo,
    RedisInfo,
    StatusReply,
)
from potluck.surfaces.v1.request_shapes import QueuedInfo, TurnInfo
from tests.cli.conftest import Run
from tests.cli.fake_service import FakeService, Whole

GB = 1_000_000_000


def engine(name: str, health: str = "up", *resident: str, why: str = "", slots: int = 2, busy: int = 1) -> EngineInfo:
    return EngineInfo(
        name,
        "ollama",
        health,
        why,
        slots,
        busy,
        models=[*resident, "other:1b"],
        resident=[*resident],
        children=[],
        loaded=[LoadedInfo(model, 4 * GB, pinned=model.startswith("llama")) for model in resident],
        rates=[RateInfo(model, 500.0, 6.24 if "32b" in model else 52.6, 3.0, 9) for model in resident],
    )


def agent(**more: Any) -> AgentInfo:
    reading = Reading(
        identity=Identity(host="x"),
        memory=Memory(64 * GB, 23 * GB),
        gpus=(Gpu(name="gpu", unified=True, load=0.73),),
        temperatures=(Temperature("tj", 61.5),),
    )
    return AgentInfo("up", age_s=2.0, reading=reading, **more)


SEVEN = [
    NodeInfo("agx0", [engine("agx0/ollama:11434", "up", "qwen2.5-coder:32b", "llama3.2:latest")], agent=agent()),
    NodeInfo("orin0", [engine("orin0/ollama:11434", "suspect", "mistral-small:24b", why="failed a call")], 16 * GB),
    NodeInfo(
        "nano0",
        [engine("nano0/ollama:11434", "draining", "llama3.2:3b"), engine("nano0/llamacpp:8080", "down", why="refused")],
        8 * GB,
    ),
    NodeInfo("pi5-a", [engine("pi5-a/llamacpp:8080", "unknown")]),
    NodeInfo("pi5-b", [engine("pi5-b/ollama:11434", "up", "nomic-embed-text")], 8 * GB),
    NodeInfo("edge", [], agent=AgentInfo("silent", silent_s=40.2, why="The agent refuses connections.")),
    NodeInfo("workstation-under-the-stairs", [engine("w/ollama:1", "down", why="The engine refuses connections." * 9)]),
]
STATUS = StatusReply(
    "0.1.0",
    "2026-11-22T10:00:00Z",
    3725.0,
    nodes=7,
    engines=7,
    engines_up=3,
    models=9,
    slots=10,
    busy=5,
    waiting=12,
    queue=[ClassQueueInfo("chat", 9, 12.0, 4.2), ClassQueueInfo("review", 3, 80.0, 95.0)],
    last_minute=LastMinuteInfo(48, 2, 1, 0, 9360),
)
CALLS = [
    QueuedInfo(f"01a216cae1d3a{number:03}", number, "qwen2.5-coder:32b", "chat", 12.0, 4.2, f"user {number}")
    for number in range(1, 13)
]
USERS = [TurnInfo("anna", 12, 75.0)]
PICTURE = Picture("http://127.0.0.1:8420", STATUS, SEVEN, CALLS, USERS)


@pytest.mark.parametrize("width", [80, 120, 200])
def test_seven_nodes_and_a_queue_are_read_at_a_glance(width: int) -> None:
    lines = screen(PICTURE, width).splitlines()
    assert max(map(cells, lines)) <= width
    assert len(lines) <= 40
    assert all(any(line.startswith(node.id[:6]) for line in lines) for node in SEVEN)


def test_what_counts_stands_at_the_head() -> None:
    head = screen(PICTURE, 80).splitlines()[:3]
    assert head == [
        "Potluck 0.1.0 at http://127.0.0.1:8420, up for 1h 2m",
        "Slots 5 of 10 busy   Waiting 12   Engines 3 of 7 up   Models 9",
        "Last minute 48 calls, 2 failed, 1 refused   156.0 tokens/s",
    ]


def test_a_redis_that_is_away_is_told_and_one_that_is_there_is_not() -> None:
    away = msgspec.structs.replace(STATUS, redis=RedisInfo(False, "Redis does not answer."))
    well = msgspec.structs.replace(STATUS, redis=RedisInfo(True))
    assert "Redis does not answer. What it does is done without it." in screen(Picture("u", away, [], []), 80)
    assert "Redis" not in screen(Picture("u", well, [], []), 80)


def test_jobs_are_told_where_there_are_some() -> None:
    some = msgspec.structs.replace(STATUS, jobs=JobCounts(waiting=3, running=1))
    none = msgspec.structs.replace(STATUS, jobs=JobCounts(0, 0))
    assert "Jobs 1 running, 3 waiting" in screen(Picture("u", some, [], []), 80)
    assert "Jobs" not in screen(Picture("u", none, [], []), 80)


def test_gateways_are_told_where_there_are_several() -> None:
    both = [GatewayInfo(name, "", "0.1.0", "2026-11-22T10:00:00Z") for name in ("attic", "cellar")]
    told = msgspec.structs.replace(STATUS, gateways=both)
    alone = msgspec.structs.replace(STATUS, gateways=both[:1])
    assert "Gateways attic, cellar" in screen(Picture("u", told, [], []), 80)
    assert "Gateways" not in screen(Picture("u", alone, [], []), 80)


def test_a_nodes_line_tells_how_it_is_and_how_fast_its_models_are() -> None:
    (line,) = (line for line in screen(PICTURE, 120).splitlines() if line.startswith("agx0"))
    for told in ("up", "1/2", "41.0 of 64.0 GB", "73 %", "62 °C", "qwen2.5-coder:32b 6.2", "llama3.2* 53"):
        assert told in line


def test_without_agents_the_models_get_the_room() -> None:
    plain = Picture("u", STATUS, SEVEN[1:2], [])
    assert "GPU" not in screen(plain, 80)
    assert "4.0 of 16.0 GB" in screen(plain, 80)


def test_what_is_wrong_stands_below_its_node() -> None:
    lines = screen(PICTURE, 80).splitlines()
    below = {line: lines[at + 1] for at, line in enumerate(lines[:-1])}
    (orin0,) = (below[line] for line in lines if line.startswith("orin0"))
    assert orin0 == "  ollama:11434 suspect: failed a call"
    (edge,) = (below[line] for line in lines if line.startswith("edge"))
    assert edge == "  agent silent for 40s: The agent refuses connections."


@pytest.mark.parametrize(
    ("healths", "best"),
    [(["down", "up"], "up"), (["down", "draining"], "draining"), (["unknown", "down"], "unknown"), ([], "-")],
)
def test_a_node_is_as_well_as_its_best_engine(healths: list[str], best: str) -> None:
    assert state(NodeInfo("n", [engine("n/e", health) for health in healths])) == best


def test_a_long_line_is_told_by_class_and_by_its_head() -> None:
    told = queue_screen(PICTURE, 80)
    assert "chat     9      12s      in 4s" in told
    assert told.endswith("4 more")
    assert CALLS[0].id not in told
    assert CALLS[0].id in queue_screen(PICTURE, 120, ids=True)
    assert "user 12" in queue_screen(PICTURE, 80, 100)
    assert queue_screen(Picture("u", STATUS, [], []), 80).splitlines()[0].startswith("IN LINE")
    assert queue_screen(Picture("u", StatusReply("", "", 0, 0, 0, 0, 0, 0, 0, 0), [], []), 80) == ""


def test_names_cannot_take_the_terminal_over() -> None:
    evil = NodeInfo("e\x1b[31m", [engine("e/x", "down", why="\x1b]0;title\x07")])
    assert "\x1b" not in screen(Picture("u", STATUS, [evil], []), 80)


def test_what_does_not_fit_is_said() -> None:
    assert fitted(["a", "b"], 2) == ["a", "b"]
    assert fitted(["a", "b", "c"], 2) == ["a", "… 2 more lines: make the window taller, or leave out --watch"]


# --- Commands --------------------------------------------------------------------------------------------------------


@pytest.fixture
def seven(service: FakeService) -> FakeService:
    plain = json.loads(msgspec.json.encode({"status": STATUS, "nodes": SEVEN, "calls": CALLS, "users": USERS}))
    service.on("GET /api/v1/status", Whole(plain["status"]))
    service.on("GET /api/v1/nodes", Whole({"nodes": plain["nodes"]}))
    service.on("GET /api/v1/queue", Whole({"waiting": 12, "calls": plain["calls"], "users": plain["users"]}))
    return service


def test_status_as_json_is_all_that_is_shown(seven: FakeService, ask: Run) -> None:
    told = json.loads(ask("status", "--json").stdout)
    assert set(told) == {"url", "status", "nodes", "queue", "users"}
    assert told["status"]["queue"][0] == {"kind": "chat", "waiting": 9, "longest_wait_s": 12.0, "next_eta_s": 4.2}
    assert told["nodes"][0]["engines"][0]["rates"][0]["decode_tps"] == 6.24
    assert len(told["queue"]) == 12


def test_the_queue_is_a_command(seven: FakeService, ask: Run) -> None:
    shown = ask("queue").stdout
    assert shown.splitlines()[0].split() == ["IN", "LINE", "CALLS", "LONGEST", "NEXT", "STARTS"]
    assert CALLS[-1].id in shown
    assert ["anna", "12", "1m", "15s"] in [line.split() for line in shown.splitlines()]
    assert len(json.loads(ask("queue", "--json").stdout)["calls"]) == 12


def test_an_empty_queue_is_said_so(seven: FakeService, ask: Run) -> None:
    quiet = {**json.loads(msgspec.json.encode(STATUS)), "waiting": 0, "queue": []}
    seven.on("GET /api/v1/status", Whole(quiet))
    assert ask("queue").stdout == "Nobody waits.\n"


@pytest.mark.parametrize("command", ["status", "queue"])
def test_into_a_pipe_it_is_shown_once_also_when_watched(seven: FakeService, ask: Run, command: str) -> None:
    result = ask(command, "--watch")
    assert result.exit_code == 0
    assert "\x1b" not in result.stdout


def watched(pictures: list[str | CliError]) -> str:
    """What is drawn until Ctrl-C, which comes when there are no more pictures."""
    left = list(pictures)

    def picture(width: int) -> str:
        found = left.pop(0)
        if isinstance(found, CliError):
            raise found
        return found

    def sleep(seconds: float) -> None:
        assert seconds == 2.0
        if not left:
            raise KeyboardInterrupt

    screen = Console(file=StringIO(), force_terminal=True, width=80, height=20)
    live.run(picture, every_s=2.0, sleep=sleep, console=screen)
    assert isinstance(screen.file, StringIO)
    return screen.file.getvalue()


def test_ctrl_c_ends_it_in_peace_and_the_terminal_is_as_it_was() -> None:
    drawn = watched(["first", "second"])
    assert drawn.index("first") < drawn.index("second")
    assert drawn.startswith("\x1b[?1049h")
    assert drawn.endswith("\x1b[?1049l")
    assert drawn.rindex("\x1b[?25h") > drawn.rindex("\x1b[?25l")


def test_a_service_that_is_away_for_a_while_is_waited_for() -> None:
    drawn = watched(["first", CliError("Nobody answers there.")])
    assert "Nobody answers there." in drawn
    assert "first" in drawn


def test_a_service_that_was_never_there_is_an_error() -> None:
    with pytest.raises(CliError, match="Nobody answers"):
        watched([CliError("Nobody answers there.")])

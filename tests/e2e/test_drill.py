"""A drill with real processes: streams are cut and go on elsewhere, and the node comes back whatever becomes of who
asked for it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import processes

M = "m:1b"
PATIENCE_S = 60.0
DRILLS = "/api/v1/drills"


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[tuple[processes.Service, processes.Fake]]:
    """A service before nodes ``one`` and ``two`` with the same model, and the first one's engine."""
    with ExitStack() as stack:
        one, two = (stack.enter_context(processes.fake("--dialect", "ollama", "--model", M)) for _ in range(2))
        config = tmp_path / "potluck.yaml"
        where = "address: 127.0.0.1, memory: 8GB, engines: [{{kind: ollama, port: {}, slots: 4}}]"
        engines = [where.format(each.port) for each in (one, two)]
        config.write_text(f"nodes:\n  one: {{{engines[0]}}}\n  two: {{{engines[1]}}}\nlocal: false\n")
        yield stack.enter_context(processes.service(tmp_path, "--config", str(config))), one


def streaming(service: processes.Service) -> HTTPResponse:
    body = {"model": M, "stream": True, "messages": [{"role": "user", "content": "repeat 50"}]}
    request = urllib.request.Request(
        f"{service.url}/v1/chat/completions",
        data=json.dumps(body).encode(),
        headers={"authorization": f"Bearer {service.key}"},
    )
    answer: HTTPResponse = urllib.request.urlopen(request, timeout=PATIENCE_S)
    assert answer.headers["x-potluck-node"] == "one"
    assert answer.readline().startswith(b"data: ")
    return answer


def drilling(service: processes.Service, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "potluck.cli", "drill", "one", *arguments, "--json", "--data", str(service.data)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def newest(service: processes.Service, is_so: Callable[[Any], bool]) -> Any:
    """The newest drill's report, once it is so."""
    for _ in range(int(PATIENCE_S / 0.1)):
        drills = service.get(DRILLS)["drills"]
        if drills and is_so(drills[0]):
            return drills[0]
        time.sleep(0.1)
    raise AssertionError(service.get(DRILLS))


def test_streams_on_a_blocked_node_go_on_elsewhere_and_it_comes_back_whatever_becomes_of_the_command(
    fleet: tuple[processes.Service, processes.Fake],
) -> None:
    service, one = fleet
    load = [sys.executable, "-m", "potluck.cli", "models", "load", M, "--node", "one", "--data", str(service.data)]
    subprocess.run(load, check=True, capture_output=True, timeout=PATIENCE_S)
    one.control("POST", "/fake/models", {"name": M, "decode": 1})  # what it has begun would take it a minute

    with streaming(service) as first, streaming(service) as second:
        command = drilling(service, "--how", "block", "--for", "10m", "--yes", "--no-probe")
        for answer in (first.read(), second.read()):
            assert b"w50" in answer
            assert answer.rstrip().endswith(b"data: [DONE]")
    newest(service, lambda drill: drill["calls"]["served"] == 2)
    command.send_signal(signal.SIGINT)
    told, said = command.communicate(timeout=PATIENCE_S)
    assert command.returncode == 130, said
    report = json.loads(told)
    assert (report["calls"]["rescued"], report["calls"]["lost"], report["restored"]) == (2, 0, True)

    one.control("POST", "/fake/models", {"name": M, "decode": 0})
    command = drilling(service, "--for", "1s")
    newest(service, lambda drill: drill["id"] != report["id"])
    os.kill(command.pid, signal.SIGKILL)
    command.communicate(timeout=PATIENCE_S)
    over = newest(service, lambda drill: drill["outcome"] is not None)
    assert (over["how"], over["outcome"], over["restored"]) == ("drain", "held", True)
    assert {node["engines"][0]["health"] for node in service.get("/api/v1/nodes")["nodes"]} == {"up"}

"""A gateway and a node agent as processes: what the agent tells is shown, and its silence takes nothing down."""

from __future__ import annotations

import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.agent.process import agent
from tests.e2e import processes
from tests.e2e.test_service import until

KEY = "0123456789abcdef0123456789abcdef"


def test_what_an_agent_tells_is_shown_and_its_silence_takes_nothing_down(tmp_path: Path) -> None:
    (tmp_path / "agent.key").write_text(KEY)
    with ExitStack() as stack:
        engine = stack.enter_context(processes.fake("--dialect", "ollama"))
        with agent("--key-file", str(tmp_path / "agent.key")) as url:
            config = tmp_path / "potluck.yaml"
            config.write_text(
                "nodes:\n"
                "  box:\n"
                "    address: 127.0.0.1\n"
                "    memory: 16GB\n"
                f"    agent: {{port: {url.rpartition(':')[2]}, api_key: file:agent.key}}\n"
                f"    engines: [{{kind: ollama, port: {engine.port}}}]\n"
                "health: {interval: 200ms}\n"
            )
            service = stack.enter_context(processes.service(tmp_path, "--config", str(config)))
            until(lambda: box(service)["agent"]["state"] == "up")
            told = box(service)
            assert told["memory_bytes"] == 16_000_000_000
            assert told["agent"]["reading"]["memory"]["total_bytes"] > 0
            assert b'potluck_node_memory_available_bytes{node="box"}' in metrics(service)
        until(lambda: box(service)["agent"]["state"] == "silent")
        assert box(service)["engines"][0]["health"] == "up"
        assert b'potluck_node_agent_up{node="box"} 0.0' in metrics(service)
        assert KEY not in service.log.read_text()


def box(service: processes.Service) -> dict[str, Any]:
    (node,) = service.get("/api/v1/nodes")["nodes"]
    return node


def metrics(service: processes.Service) -> bytes:
    request = urllib.request.Request(f"{service.url}/metrics", headers={"authorization": f"Bearer {service.key}"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.read()

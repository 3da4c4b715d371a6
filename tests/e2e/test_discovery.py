"""The service as a process: an engine that answers beside the configured ones is found, accepted, and served again."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from potluck.app.discovering import PORTS, own
from tests.e2e import processes
from tests.e2e.test_service import until


def test_addresses_of_this_machine_are_known_without_sending_anything() -> None:
    assert own("127.0.0.1")
    assert not own("192.0.2.77")
    assert not own("2001:db8::1")


def test_an_accepted_node_is_served_at_once_and_after_a_restart_and_the_file_wins(tmp_path: Path) -> None:
    config = tmp_path / "potluck.yaml"
    config.write_text("local: false\n")
    with usual() as fake:
        with processes.service(tmp_path, "--config", str(config)) as service:
            found = next(each for each in look(service)["proposals"] if fake.port in ports(each))
            assert found["state"] == "new"
            assert potluck(service, "nodes", "accept", found["id"], "--name", "box").startswith("box at 127.0.0.1")
            until(lambda: health(service, "box") == "up")
            assert "box: was discovered and accepted." in potluck(service, "nodes", "ls")
            (again,) = [each for each in look(service)["proposals"] if fake.port in ports(each)]
            assert (again["state"], again["node"]) == ("known", "box")
        with processes.service(tmp_path, "--config", str(config)) as service:
            assert health(service, "box") == "up"
            exported = potluck(service, "nodes", "export")
            config.write_text("local: false\n" + exported)
            potluck(service, "reload")
            (node,) = service.get("/api/v1/nodes")["nodes"]
            assert (node["id"], node["source"]) == ("box", "config")
            potluck(service, "nodes", "forget", "box")
            assert health(service, "box") == "up"
            config.write_text("local: false\n")
            potluck(service, "reload")
            assert service.get("/api/v1/nodes")["nodes"] == []
            assert service.key not in service.log.read_text()


@contextmanager
def usual() -> Iterator[processes.Fake]:
    """A fake engine on one of the usual ports that is free here."""
    with ExitStack() as stack:
        for kind, port in PORTS[:-1]:
            with suppress(processes.DidNotStart):
                yield stack.enter_context(
                    processes.fake("--dialect", kind, "--port", str(port), "--model", "found-here")
                )
                return
        raise AssertionError("every usual port is taken")


def ports(proposal: dict[str, Any]) -> list[int]:
    return [engine["port"] for engine in proposal["engines"]]


def look(service: processes.Service) -> Any:
    headers = {"authorization": f"Bearer {service.key}"}
    request = urllib.request.Request(f"{service.url}/api/v1/discovery", headers=headers, method="POST")
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def health(service: processes.Service, node: str) -> str:
    listed = {each["id"]: each for each in service.get("/api/v1/nodes")["nodes"]}
    return str(listed[node]["engines"][0]["health"])


def potluck(service: processes.Service, *arguments: str) -> str:
    command = [sys.executable, "-m", "potluck.cli", *arguments, "--url", service.url, "--key", service.key]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout

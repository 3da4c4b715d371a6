"""A machine is taken out and comes back: what it streams ends, its model moves, and nobody is refused."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import processes

M = "m:1b"
PATIENCE_S = 60.0


@dataclass(frozen=True)
class Pair:
    """Nodes ``one`` and ``two`` with the same model on disk."""

    service: processes.Service
    one: processes.Fake
    two: processes.Fake

    def chat(self, text: str, *, stream: bool = False) -> HTTPResponse:
        body = {"model": M, "stream": stream, "messages": [{"role": "user", "content": text}]}
        request = urllib.request.Request(
            f"{self.service.url}/v1/chat/completions",
            data=json.dumps(body).encode(),
            headers={"authorization": f"Bearer {self.service.key}"},
        )
        answer: HTTPResponse = urllib.request.urlopen(request, timeout=PATIENCE_S)
        return answer

    def node_of_a_call(self) -> str | None:
        with self.chat("say: hello") as answer:
            assert json.load(answer)["choices"][0]["message"]["content"] == "hello"
            return answer.headers["x-potluck-node"]

    def command(self, *arguments: str) -> Any:
        told = subprocess.run(
            [sys.executable, "-m", "potluck.cli", *arguments, "--json", "--data", str(self.service.data)],
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
        )
        assert told.returncode == 0, told.stderr
        return json.loads(told.stdout)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    with ExitStack() as stack:
        one, two = (stack.enter_context(processes.fake("--dialect", "ollama", "--model", M)) for _ in range(2))
        config = tmp_path / "potluck.yaml"
        where = "address: 127.0.0.1, memory: 8GB, engines: [{{kind: ollama, port: {}}}]"
        engines = [where.format(each.port) for each in (one, two)]
        config.write_text(f"nodes:\n  one: {{{engines[0]}}}\n  two: {{{engines[1]}}}\nlocal: false\n")
        yield Pair(stack.enter_context(processes.service(tmp_path, "--config", str(config))), one, two)


def test_a_machine_is_drained_and_resumed_and_nobody_is_refused(pair: Pair) -> None:
    pair.command("models", "load", M, "--node", "one")
    pair.one.control("POST", "/fake/models", {"name": M, "decode": 1})  # it goes on until it is told to hurry
    with pair.chat("repeat 50", stream=True) as stream:
        assert stream.headers["x-potluck-node"] == "one"
        assert stream.readline().startswith(b"data: ")

        drained = pair.command("nodes", "drain", "one")
        assert (drained["running"], drained["empty"]) == (1, False)
        assert pair.node_of_a_call() == "two"

        pair.one.control("POST", "/fake/models", {"name": M, "decode": 0})
        rest = stream.read()
    assert b"w50" in rest
    assert rest.rstrip().endswith(b"data: [DONE]")

    empty = pair.command("nodes", "drain", "one", "--wait", "--timeout", "60s")
    assert empty["empty"]
    assert [(move["model"], move["state"], move["to"].partition("/")[0]) for move in empty["moves"]] == [
        (M, "elsewhere", "two")
    ]
    assert [each["model"] for each in pair.two.control("GET", "/fake/state")["resident"]] == [M]

    pair.command("nodes", "resume", "one")
    pair.command("nodes", "drain", "two")
    assert pair.node_of_a_call() == "one"

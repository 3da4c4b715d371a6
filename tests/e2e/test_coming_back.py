"""A client of a native chat that loses its gateway, or leaves it, and comes back."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.e2e.processes import OLLAMA_MODEL, Fake, Service, fake, service
from tests.e2e.test_leaving import becomes

# Some 90 tokens at 40 a second: two seconds, of which the test needs the first half.
QUESTION = {"message": "repeat 40", "model": OLLAMA_MODEL, "temperature": 0}


@contextmanager
def asked(running: Service, method: str, path: str, body: Any = None, **headers: str) -> Iterator[Any]:
    """An answer, which may be read as far as one likes."""
    parts = urlsplit(running.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    try:
        content = None if body is None else json.dumps(body)
        connection.request(method, path, content, {"authorization": f"Bearer {running.key}", **headers})
        yield connection.getresponse()
    finally:
        connection.close()


def events(answer: Any) -> Iterator[tuple[int, str, Any]]:
    """The events until the stream ends, of its own accord or because its server was killed."""
    fields: dict[str, str] = {}
    while True:
        try:
            line = answer.readline().decode()
        except (OSError, http.client.HTTPException):
            return
        if not line:
            return
        if line == "\n" and "data" in fields:
            yield int(fields["id"]), fields["event"], json.loads(fields["data"])
            fields = {}
        elif not line.startswith(":"):
            name, _, value = line.rstrip("\n").partition(": ")
            fields[name] = value


def said(told: list[tuple[int, str, Any]]) -> str:
    return "".join(data["text"] for _, name, data in told if name == "delta")


def free(engine: Fake) -> bool:
    return becomes(0, lambda: sum(m["busy"] for m in engine.control("GET", "/fake/state")["models"].values()), 4.0)


@pytest.fixture
def engine() -> Iterator[Fake]:
    able = "capabilities=completion"
    with fake("--dialect", "ollama", "--model", f"{OLLAMA_MODEL},{able}") as made:
        made.control("POST", "/fake/models", {"name": OLLAMA_MODEL, "decode": 40})
        yield made


@pytest.fixture
def config(tmp_path: Path, engine: Fake) -> Path:
    file = tmp_path / "potluck.yaml"
    file.write_text(
        f"nodes:\n  one: {{address: 127.0.0.1, engines: [{{kind: ollama, port: {engine.port}, slots: 2}}]}}\n"
        "local: false\nserver: {drain: 0s}\n"
    )
    return file


def whole(running: Service) -> str:
    with asked(running, "POST", "/api/v1/chat", QUESTION) as answer:
        return said(list(events(answer)))


def test_a_killed_gateways_answer_goes_on_after_the_restart_and_each_byte_comes_once(
    tmp_path: Path, engine: Fake, config: Path
) -> None:
    told: list[tuple[int, str, Any]] = []
    with service(tmp_path, "--config", str(config)) as running:
        wanted = whole(running)
        with asked(running, "POST", "/api/v1/chat", QUESTION) as answer:
            generation = answer.headers["x-potluck-generation"]
            for event in events(answer):
                told.append(event)
                if len(told) == 12:
                    running.process.kill()
                    running.process.wait()
        assert 0 < len(said(told)) < len(wanted)
    with service(tmp_path, "--config", str(config)) as running:
        path = f"/api/v1/generations/{generation}"
        with asked(running, "GET", f"{path}/events", **{"last-event-id": str(told[-1][0])}) as answer:
            told += events(answer)
        assert [number for number, _, _ in told] == list(range(1, len(told) + 1))
        assert said(told) == wanted
        assert told[-1][1] == "done"
        state = running.get(path)
        assert (state["state"], state["text"]) == ("complete", wanted)
        messages = running.get(f"/api/v1/conversations/{state['conversation']}")["messages"]
        assert [(each["role"], each["state"]) for each in messages] == [("user", "complete"), ("assistant", "complete")]
        assert messages[1]["text"] == wanted
    assert free(engine)


def test_who_leaves_can_stop_the_answer_and_who_stops_the_service_loses_nothing(
    tmp_path: Path, engine: Fake, config: Path
) -> None:
    with service(tmp_path, "--config", str(config)) as running:
        with asked(running, "POST", "/api/v1/chat", QUESTION) as answer:
            path = f"/api/v1/generations/{answer.headers['x-potluck-generation']}"
            first = next(event for event in events(answer) if event[1] == "delta")
        time.sleep(0.1)  # the service sees that its client left, and goes on
        assert running.get(path)["state"] == "running"
        assert running.busy() == 1
        with asked(running, "DELETE", path) as answer:
            assert answer.status == 204
        assert free(engine)
        state = running.get(path)
        assert state["state"] == "interrupted"
        assert state["text"].startswith(first[2]["text"])
        # The drain of this service has no patience: what is under way is left to the next start.
        with asked(running, "POST", "/api/v1/chat", QUESTION) as answer:
            path = f"/api/v1/generations/{answer.headers['x-potluck-generation']}"
            told = [next(event for event in events(answer))]
            running.process.terminate()
            told += events(answer)
            assert told[-1][1] == "delta"
        assert running.process.wait(20) == 0
    with service(tmp_path, "--config", str(config)) as running:
        with asked(running, "GET", f"{path}/events?after={told[-1][0]}") as answer:
            told += events(answer)
        assert [number for number, _, _ in told] == list(range(1, len(told) + 1))
        assert (told[-1][1], said(told)) == ("done", running.get(path)["text"])

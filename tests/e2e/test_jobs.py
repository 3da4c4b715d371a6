"""A job whose gateway is killed again and again: everything that was accepted is done, and nothing is kept twice."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.processes import OLLAMA_MODEL, Service, fake, service
from tests.e2e.test_coming_back import asked

pytestmark = pytest.mark.slow

QUESTIONS = 20
ROUNDS = 2


def post(running: Service, body: Any) -> Any:
    with asked(running, "POST", "/api/v1/jobs", body) as answer:
        assert answer.status == 201
        return json.loads(answer.read())


def done(running: Service, job: str, at_least: int, within_s: float = 40.0) -> Any:
    """How the job stands, once so many parts are kept."""
    ends = time.monotonic() + within_s
    while (now := running.get(f"/api/v1/jobs/{job}"))["done"] < at_least and time.monotonic() < ends:
        time.sleep(0.02)
    return now


def test_kill_9_at_random_moments_loses_no_job_and_does_none_twice(tmp_path: Path) -> None:
    chance = random.Random(11)
    with fake("--dialect", "ollama", "--model", OLLAMA_MODEL, "--slots", "4", "--speed", "4") as engine:
        config = tmp_path / "potluck.yaml"
        node = f"{{address: 127.0.0.1, engines: [{{kind: ollama, port: {engine.port}, slots: 4}}]}}"
        config.write_text(f"nodes: {{one: {node}}}\nlocal: false\n")
        questions = [f"repeat {number % 7 + 3} of {number}" for number in range(QUESTIONS)]
        jobs: list[str] = []
        kept = 0
        for _ in range(ROUNDS):
            with service(tmp_path, "--config", str(config)) as running:
                body = {"kind": "chat", "model": OLLAMA_MODEL, "requests": questions if not jobs else ["one more"]}
                jobs.append(post(running, body)["id"])  # acknowledged: it may not be lost
                kept = done(running, jobs[0], min(QUESTIONS - 1, kept + chance.randint(1, 8)))["done"]
                running.process.kill()
                running.process.wait()
        with service(tmp_path, "--config", str(config)) as running:
            for job in jobs:
                with asked(running, "GET", f"/api/v1/jobs/{job}/events") as answer:
                    assert "event: done" in answer.read().decode(), "followed to its end"
            result = running.get(f"/api/v1/jobs/{jobs[0]}/result")
            assert [part["index"] for part in result["parts"]] == list(range(QUESTIONS))
            assert all(part["text"] for part in result["parts"])
            assert {running.get(f"/api/v1/jobs/{job}")["state"] for job in jobs} == {"done"}
        asked_for = [json.loads(each["body"])["messages"] for each in engine.requests() if each["path"] == "/api/chat"]
        counts = Counter(messages[-1]["content"] for messages in asked_for)
        again = sum(counts[question] - 1 for question in questions)
        assert again <= ROUNDS * 4, "only what was under way at a kill is asked anew"

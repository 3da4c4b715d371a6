"""A machine without Ollama gets a model: pulled, stopped, gone on with, served, kept over a restart, removed."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from potluck.backends.local.library import shipped_weights
from tests.backends.files_on_the_web import File, WebServer, sha256, web_server
from tests.e2e import processes

pytestmark = [pytest.mark.model, pytest.mark.slow]

NAME = "hf.co/HuggingFaceTB/SmolLM2-135M-Instruct-GGUF:Q4_1"
REPO = "HuggingFaceTB/SmolLM2-135M-Instruct-GGUF"
PATIENCE_S = 60.0


@pytest.fixture
async def hub() -> AsyncIterator[WebServer]:
    weights = shipped_weights()
    assert weights is not None
    async with web_server() as web:
        web.repository(REPO, {weights.name: weights.read_bytes()})
        yield web


def weights_of(hub: WebServer) -> File:
    return next(file for path, file in hub.files.items() if path.startswith("/cdn/"))


def starts(hub: WebServer) -> list[int]:
    path = next(path for path in hub.files if path.startswith("/cdn/"))
    return [int(asked.removeprefix("bytes=").rstrip("-") or 0) for asked in hub.ranges(path)]


async def begun(service: processes.Service, *arguments: str) -> asyncio.subprocess.Process:
    """A command that runs."""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "potluck.cli", *arguments, "--data", str(service.data),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def ran(service: processes.Service, *arguments: str, code: int = 0) -> str:
    """What a command printed."""
    process = await begun(service, *arguments)
    out, said = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    assert process.returncode == code, said.decode()
    return out.decode()


def ready_children(service: processes.Service) -> list[str]:
    engine = service.get("/api/v1/nodes")["nodes"][0]["engines"][0]
    return [child["model"] for child in engine["children"] if child["state"] == "ready"]


async def until_past(process: asyncio.subprocess.Process, percent: int) -> None:
    """Until it says that it is so far or farther. Each tenth is said once, with what has come by then; a last piece
    before a halt may be said with none."""
    assert process.stderr is not None
    async with asyncio.timeout(PATIENCE_S):
        while line := (await process.stderr.readline()).decode():
            if (said := re.search(r"(\d+)%", line)) and int(said[1]) >= percent:
                return
    raise AssertionError("it ended before")


async def test_a_model_from_a_hub_from_the_first_byte_to_its_removal(hub: WebServer, tmp_path: Path) -> None:
    config = tmp_path / "potluck.yaml"
    config.write_text(f"local: {{hub: '{hub.url}', threads: 1, slots: 1, context: 1024}}\n")
    file = weights_of(hub)
    file.hold, file.hold_after = asyncio.Event(), 30_000_000
    with processes.service(tmp_path, "--config", str(config)) as service:
        stopped = await begun(service, "models", "pull", NAME)
        await until_past(stopped, 20)
        stopped.send_signal(signal.SIGINT)
        await asyncio.wait_for(stopped.wait(), PATIENCE_S)
        assert stopped.returncode == 130
        assert len(json.loads(await ran(service, "models", "ls", "--json"))) == 1

        file.hold.set()
        await ran(service, "models", "pull", NAME)
        first, again = starts(hub)
        assert first == 0 < again
        listed = {model["id"]: model for model in json.loads(await ran(service, "models", "ls", "--json"))}
        assert listed[NAME]["size_bytes"] == len(file.data)
        assert (await ran(service, "chat", "-m", NAME, "Say hello.")).strip()

        await ran(service, "models", "copy", NAME, "tiny")
        await ran(service, "models", "pin", "tiny")
        await ran(service, "models", "rm", "smollm2:135m", code=1)
    with processes.service(tmp_path, "--config", str(config)) as service:
        async with asyncio.timeout(PATIENCE_S):
            while "tiny:latest" not in ready_children(service):
                await asyncio.sleep(0.1)
        for name in (NAME, "tiny"):
            await ran(service, "models", "rm", name)
        assert [model["id"] for model in service.get("/api/v1/models")["models"]] == ["smollm2:135m"]
    left = [path.name for path in (service.data / "models").rglob("*") if path.is_file()]
    assert left == []


async def test_a_pull_goes_on_after_the_service_was_killed(hub: WebServer, tmp_path: Path) -> None:
    config = tmp_path / "potluck.yaml"
    config.write_text(f"local: {{hub: '{hub.url}', threads: 1, slots: 1, context: 1024}}\n")
    file = weights_of(hub)
    file.hold, file.hold_after = asyncio.Event(), 70_000_000
    with processes.service(tmp_path, "--config", str(config)) as service:
        pulling = await begun(service, "models", "pull", NAME)
        await until_past(pulling, 50)
        service.process.kill()
        await asyncio.wait_for(pulling.communicate(), PATIENCE_S)
        assert pulling.returncode == 1
    file.hold.set()
    with processes.service(tmp_path, "--config", str(config)) as service:
        done = json.loads(await ran(service, "models", "pull", NAME, "--json", "--sha256", sha256(file.data)))
        assert (done["model"], done["license"]) == (NAME, "apache-2.0")
        assert starts(hub)[-1] >= 32_000_000  # what was made safe on the way

"""Real engines that are killed while they write: the text is the one that would have been written."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from potluck.app.running import running
from potluck.backends.local.child import Task
from potluck.backends.local.library import shipped_weights
from potluck.backends.local.process import Process, spawn
from potluck.config.model import Config, EngineConfig, LocalConfig, NodeConfig, RouteConfig
from potluck.config.secret import Secret
from potluck.core.model import EngineKind, ModelId, NodeId
from potluck.storage.datadir import open_datadir, read_owner_key
from tests.matrix.http import Client

pytestmark = [pytest.mark.model, pytest.mark.asyncio]

NAMES = ("one", "two")
# Without a cache, which adds floating point up in another order than reading the prompt does.
ASKED = {
    "model": "smol",
    "stream": True,
    "temperature": 0,
    "seed": 1,
    "max_tokens": 60,
    "cache_prompt": False,
    "messages": [{"role": "user", "content": "Tell me the story of a lighthouse keeper and a storm."}],
}


@asynccontextmanager
async def servers() -> AsyncGenerator[dict[str, Process]]:
    """llama.cpp's server, several times over, as an owner would start it."""
    weights = shipped_weights()
    assert weights is not None
    async with AsyncExitStack() as stack:
        started: dict[str, Process] = {}
        for name in NAMES:
            task = Task(
                path=str(weights), alias="smol", key="k", embedding=False, context=1024, slots=1, batch=256, threads=1,
                parent=os.getpid(),
            )  # fmt: skip
            started[name] = process = await spawn(task)
            stack.push_async_callback(process.end)
            stack.callback(process.kill)
        yield started


@asynccontextmanager
async def served(config: Config, folder: Path) -> AsyncGenerator[Client]:
    data = open_datadir(folder / "data")
    async with running(config, data, lambda: config) as app:
        server = await asyncio.get_running_loop().create_server(app.relay.connection, "127.0.0.1", 0)
        key = read_owner_key(data)
        assert key
        try:
            yield Client(*server.sockets[0].getsockname()[:2], key)
        finally:
            server.close()


async def read(client: Client, asked: Any, kill: Callable[[], None], at: int = -1) -> tuple[str, str, str]:
    """Text, finish reason and the comments of an answer. ``kill`` is called once ``at`` pieces of the text are here."""
    async with client.connection() as connection:
        connection.send("POST", "/v1/chat/completions", asked)
        reply = await connection.head()
        text, finish, notes, seen = "", "", "", 0
        while await connection.piece(reply):
            for line in reply.pieces[-1].decode().splitlines():
                if line.startswith((": seated", ": rescue")):
                    notes += line.partition(" queue-ms")[0]
                elif line.startswith("data: {"):
                    chunk = json.loads(line[6:])
                    assert "error" not in chunk, chunk
                    for choice in chunk["choices"]:
                        piece = choice["delta"].get("content") or ""
                        text, seen = text + piece, seen + bool(piece)
                        finish = choice["finish_reason"] or finish
                        if seen == at and piece:
                            kill()
        assert reply.body.endswith(b"data: [DONE]\n\n")
        return text, finish, notes


async def test_an_engine_killed_in_the_middle_changes_no_letter(tmp_path: Path) -> None:
    async with servers() as started:
        nodes = {
            NodeId(name): NodeConfig(
                NodeId(name),
                "127.0.0.1",
                engines=(
                    EngineConfig(
                        NodeId(name), EngineKind.LLAMACPP, "127.0.0.1", await process.port(), api_key=Secret("k")
                    ),
                ),
            )
            for name, process in started.items()
        }
        route = RouteConfig("r", (ModelId("smol"),), order=tuple(nodes))
        config = Config(source=tmp_path / "x", nodes=nodes, routes={"r": route}, local=LocalConfig(enabled=False))
        async with served(config, tmp_path) as client:
            asked = {**ASKED, "model": "r"}
            undisturbed = await read(client, asked, lambda: None)
            assert undisturbed[2] == ""
            at = 1 + len(undisturbed[0].split()) // 4
            text, finish, notes = await read(client, asked, lambda: os.kill(started["one"].pid, signal.SIGKILL), at)
            assert (text, finish) == undisturbed[:2]
            assert notes == ": seated node=two attempts=2: rescue way=replay"


async def test_the_only_machines_own_engine_comes_back_and_goes_on(tmp_path: Path) -> None:
    config = Config(source=tmp_path / "x", local=LocalConfig(enabled=True, threads=1, slots=1, context=1024))
    async with served(config, tmp_path) as client:
        asked = {**ASKED, "model": "smollm2:135m"}
        undisturbed = await read(client, asked, lambda: None)
        nodes = (await client.get("/api/v1/nodes")).json["nodes"]
        (pid,) = [child["pid"] for node in nodes for engine in node["engines"] for child in engine["children"]]
        text, finish, notes = await read(client, asked, lambda: os.kill(pid, signal.SIGKILL), 10)
        assert (text, finish) == undisturbed[:2]
        assert notes.endswith("way=replay")

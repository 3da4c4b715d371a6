"""The control API, the records, and the two ways to run a fake in tests."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest

from potluck_fake_engine.main import main, parser, settings_of
from potluck_fake_engine.settings import BadSetting
from potluck_fake_engine.testing import FakeEngine, running, spawned
from tests.fake_engine.raw import ask, chat

CHAT = "/v1/chat/completions"


@pytest.fixture
async def fake() -> AsyncIterator[FakeEngine]:
    async with running() as engine:
        yield engine


async def test_faults_are_set_listed_and_cleared(fake: FakeEngine) -> None:
    both = [{"kind": "reset", "times": None}, {"kind": "status", "status": 503, "path": "/v1/models"}]
    ids = (await ask(fake, "POST", "/fake/faults", both)).json["ids"]
    assert (await ask(fake, "GET", "/v1/models")).status == 503
    listed = (await ask(fake, "GET", "/fake/faults")).json
    assert [fault["id"] for fault in listed["faults"]] == ids[:1]
    assert listed["hits"] == [["status", "/v1/models"]]
    await ask(fake, "DELETE", f"/fake/faults?id={ids[0]}")
    assert (await ask(fake, "POST", CHAT, chat("hi"))).status == 200


@pytest.mark.parametrize("body", [{"kind": "flood"}, {"kind": "reset", "colour": 1}, b"{", {"times": 1}])
async def test_a_fault_that_is_none_is_told(fake: FakeEngine, body: Any) -> None:
    got = await ask(fake, "POST", "/fake/faults", body)
    assert got.status == 400
    assert got.json["error"]


async def test_models_change_while_it_runs(fake: FakeEngine) -> None:
    change = {"name": "fake-model", "decode": 12.5, "capabilities": ["completion"], "context": 99}
    models = (await ask(fake, "POST", "/fake/models", change)).json["models"]
    assert (models["fake-model"]["decode"], models["fake-model"]["context"]) == (12.5, 99)
    assert "new" in (await ask(fake, "POST", "/fake/models", {"name": "new"})).json["models"]
    gone = (await ask(fake, "POST", "/fake/models", {"name": "new", "remove": True})).json["models"]
    assert "new" not in gone
    assert (await ask(fake, "POST", "/fake/models", {"name": "fake-model", "colour": 1})).status == 400
    assert (await ask(fake, "POST", "/fake/models", {})).status == 400


async def test_a_model_can_be_unloaded_and_loaded(fake: FakeEngine) -> None:
    fake.change("fake-model", loaded=False)
    assert fake.state()["resident"] == []
    fake.change("fake-model", loaded=True)
    assert [runner["model"] for runner in fake.state()["resident"]] == ["fake-model"]


async def test_memory_and_slots_change_while_it_runs(fake: FakeEngine) -> None:
    await ask(fake, "POST", "/fake/settings", {"memory": "1GB", "slots": 7, "speed": 2})
    assert fake.engine.memory.limit == 10**9
    assert fake.state()["models"]["fake-model"]["slots"] == 7
    assert (await ask(fake, "POST", "/fake/settings", {"memory": None})).status == 200
    assert (await ask(fake, "POST", "/fake/settings", {"dialects": []})).status == 400


async def test_what_came_in_is_kept_as_it_came(fake: FakeEngine) -> None:
    body = chat("hi", strange=[1, None])
    await ask(fake, "POST", CHAT + "?a=b", body, headers="X-Odd: Yes\r\n")
    await ask(fake, "POST", "/v1/embeddings", b"\xff")
    first, second = (await ask(fake, "GET", "/fake/requests")).json["requests"]
    assert (first["method"], first["path"], first["query"]) == ("POST", CHAT, "a=b")
    assert ["x-odd", "Yes"] in first["headers"]
    assert fake.bodies(CHAT) == [body]
    assert second["body_b64"] == "/w=="
    assert len((await ask(fake, "GET", "/fake/requests?last=1")).json["requests"]) == 1
    await ask(fake, "POST", "/fake/reset")
    assert fake.requests == []
    assert fake.counters.started == 0


async def test_state_counts_calls_tokens_and_bytes(fake: FakeEngine) -> None:
    await ask(fake, "POST", CHAT, chat("repeat 5"))
    counters = (await ask(fake, "GET", "/fake/state")).json["counters"]
    assert (counters["started"], counters["finished"], counters["cancelled"]) == (1, 1, 0)
    assert counters["tokens_out"] == 5
    assert counters["bytes_in"] > 0
    assert counters["bytes_out"] > 0


async def test_what_became_of_calls_is_told() -> None:
    async with running("m,slots=1") as fake:
        for _ in range(2):
            await ask(fake, "POST", CHAT, {**chat("repeat 5"), "model": "m"})
        first, second = (await ask(fake, "GET", "/fake/turns")).json["turns"]
    assert (first["model"], first["cached"], first["tokens"]) == ("m", 0, 5)
    assert "repeat 5" in first["tail"]
    assert second["cached"] == second["prompt_tokens"] - 1


async def test_unknown_controls_name_the_known(fake: FakeEngine) -> None:
    got = await ask(fake, "GET", "/fake/nothing")
    assert got.status == 404
    assert "/fake/state" in got.json["error"]


async def test_tokens_come_at_their_rate() -> None:
    async with running("m,decode=200,prefill=1000") as fake:
        loop = asyncio.get_running_loop()
        began = loop.time()
        got = await ask(fake, "POST", CHAT, {**chat("repeat 20", stream=True), "model": "m"})
        took = loop.time() - began
        assert len(got.events()) == 23
        assert 0.1 < took < 0.6


async def test_a_process_says_ready_and_ends_with_zero() -> None:
    async with spawned("--dialect", "ollama", "--model", "m,context=64") as fake:
        state = await fake.state()
        assert list(state["models"]) == ["m"]
        await fake.fault("status", path="/api/version")
        assert (await fake.control("GET", "/fake/faults"))["faults"][0]["kind"] == "status"
        with pytest.raises(RuntimeError):
            await fake.fault("flood")
        fake.process.send_signal(signal.SIGTERM)
        assert await fake.process.wait() == 0


async def test_a_busy_port_and_a_bad_model_end_with_a_sentence(fake: FakeEngine) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--model", "m,colour=red"])
    assert caught.value.code == 2
    command = [sys.executable, "-m", "potluck_fake_engine.main", "--port", str(fake.port)]
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    _, stderr = await process.communicate()
    assert process.returncode == 1
    assert stderr.startswith(b"potluck-fake-engine: cannot listen")


def test_unknown_dialects_and_quirks_are_told() -> None:
    for arguments in (["--dialect", "klingon"], ["--quirks", "moody"]):
        with pytest.raises(BadSetting):
            settings_of(parser().parse_args(arguments))

"""The embedded engine with real processes of llama.cpp, one thread each."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec
import psutil
import pytest

from potluck.backends.http import AiohttpEngine, open_engine_session
from potluck.backends.local.engine import LocalEngine
from potluck.backends.local.hub import Hub
from potluck.backends.local.keeper import LocalKeeper
from potluck.backends.local.library import shipped_weights
from potluck.backends.local.pulling import Puller
from potluck.backends.outward import Outward
from potluck.backends.port import Address, EngineHttp, Ready
from potluck.core.answer import Finish, FinishReason, collect
from potluck.core.call import ChatCall, EmbedCall, EngineHints, LoadCall, Message, Role, Sampling, TextPart
from potluck.core.errors import Conflict, ModelNotFound, NodeError
from potluck.core.model import Capability, Model, ModelId
from potluck.wire.port import EngineRequest
from tests.contract.backends.rigs import Rig, local_engine

pytestmark = [pytest.mark.model]

EMBEDS = frozenset({Capability.EMBEDDING})


@dataclass(frozen=True, slots=True)
class Home:
    engine: LocalEngine
    http: EngineHttp
    folder: Path

    async def models(self) -> dict[str, Model]:
        return {model.id: model for model in (await self.engine.probe(self.http)).models}

    async def say(self, model: Model, text: str = "Hi.", max_tokens: int = 4) -> str:
        rig = Rig(self.engine, self.http, real=True, busy=self.busy)
        call = ChatCall("", (Message(Role.USER, (TextPart(text),)),), sampling=Sampling(max_tokens=max_tokens))
        return collect(await rig.events(call, model=model)).choices[0].text

    async def busy(self) -> int:
        """One that does not find the time to say is at work."""
        busy = (await self.engine.probe(self.http)).busy
        return 1 if busy is None else busy

    def worked_s(self) -> float:
        """Of processor time, by all children together."""
        return sum(sum(psutil.Process(pid).cpu_times()[:2]) for pid in self.pids())

    def pids(self) -> list[int]:
        return [child.pid for child in self.engine.children() if child.pid is not None]


@asynccontextmanager
async def home(folder: Path, **settings: object) -> AsyncGenerator[Home]:
    async with open_engine_session() as session:
        engine = local_engine(session, folder, **{"slots": 1, "context": 512, "eager": False, **settings})
        try:
            yield Home(engine, AiohttpEngine(session, Address("127.0.0.1", 1)), folder)
        finally:
            await engine.aclose()


def link(folder: Path, place: str) -> Path:
    """The shipped weights under another name."""
    weights = shipped_weights()
    assert weights is not None
    path = folder / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(weights)
    return path


async def until(true: object, *, within_s: float = 10.0) -> None:
    """Wait for what other processes do."""
    assert callable(true)
    async with asyncio.timeout(within_s):
        while not true():
            await asyncio.sleep(0.02)


async def test_a_look_starts_the_default_model_and_does_not_wait_for_it(tmp_path: Path) -> None:
    async with home(tmp_path, eager=True) as here:
        models = await here.models()
        (child,) = here.engine.children()
        assert (child.model, child.role, child.state) == ("smollm2:135m", "chat", "starting")
        await here.engine.prepare(models["smollm2:135m"])
        assert (await here.models())["smollm2:135m"].resident


async def test_a_killed_child_is_started_again_and_the_crash_is_visible(tmp_path: Path) -> None:
    async with home(tmp_path) as here:
        model = (await here.models())["smollm2:135m"]
        await here.engine.prepare(model)
        (before,) = here.pids()
        os.kill(before, signal.SIGKILL)
        await until(lambda: here.engine.children()[0].restarts == 1)
        assert "SIGKILL" in here.engine.children()[0].why
        assert here.engine.address(model) is None
        await until(lambda: here.engine.children()[0].state == "ready")
        assert here.pids() != [before]
        assert await here.say(model)


async def test_a_model_stays_for_as_long_as_its_last_call_says(tmp_path: Path) -> None:
    link(tmp_path, "second.gguf")
    async with home(tmp_path) as here:
        second = (await here.models())["second:latest"]
        assert isinstance(
            here.engine.encode(LoadCall("", hints=EngineHints(keep_alive_s=-1.0)), second, stream=False), EngineRequest
        )
        await here.engine.prepare(second)
        assert (await here.models())["second:latest"].expires_at is None
        here.engine.encode(LoadCall("", hints=EngineHints(keep_alive_s=90.0)), second, stream=False)
        ends = (await here.models())["second:latest"].expires_at
        assert ends is not None
        assert 80 < datetime.fromisoformat(ends).timestamp() - time.time() < 100
        here.engine.encode(LoadCall("", hints=EngineHints(keep_alive_s=0.5)), second, stream=False)
        await until(lambda: not here.pids())


async def test_an_idle_model_is_unloaded_and_comes_back_when_it_is_asked_for(tmp_path: Path) -> None:
    link(tmp_path, "second.gguf")
    async with home(tmp_path, idle_unload_s=0.3) as here:
        models = await here.models()
        await here.engine.prepare(models["smollm2:135m"])
        await here.engine.prepare(models["second:latest"])
        await until(lambda: [child.state for child in here.engine.children()] == ["ready", "asleep"])
        assert len(here.pids()) == 1
        assert await here.say(models["second:latest"])


async def test_a_pinned_model_stays_until_it_is_let_go(tmp_path: Path) -> None:
    link(tmp_path, "second.gguf")
    link(tmp_path, "third.gguf")
    async with home(tmp_path, idle_unload_s=0.3) as here:
        second = (await here.models())["second:latest"]
        await here.engine.load(second.id, -1.0)
        # A call's word does not outweigh the owner's.
        here.engine.encode(LoadCall("", hints=EngineHints(keep_alive_s=0.1)), second, stream=False)
        await here.engine.load(ModelId("third:latest"), None)
        await until(lambda: [child.state for child in here.engine.children()] == ["ready", "asleep"])
        pinned = (await here.models())["second:latest"]
        assert (pinned.resident, pinned.expires_at) == (True, None)
        assert pinned.memory_bytes
        await here.engine.load(second.id, None)
        await until(lambda: not here.pids())


async def test_a_model_at_work_is_not_deleted(tmp_path: Path) -> None:
    path = link(tmp_path, "second.gguf")
    async with home(tmp_path, context=2048) as here, Outward() as outward:
        model = (await here.models())["second:latest"]
        await here.engine.prepare(model)
        keeper = LocalKeeper(here.engine, Puller(tmp_path, outward, Hub(outward), now=lambda: 0.0))
        asked = asyncio.ensure_future(here.say(model, "word " * 1500))
        async with asyncio.timeout(10):
            while not await here.engine.works_with(model.id):
                await asyncio.sleep(0.02)
        with pytest.raises(Conflict):
            await keeper.delete("second", here.http)
        assert path.exists()
        asked.cancel()
        async with asyncio.timeout(10):
            while await here.engine.works_with(model.id):
                await asyncio.sleep(0.02)
        await keeper.delete("second", here.http)
        assert not path.exists()


async def test_two_models_answer_side_by_side(tmp_path: Path) -> None:
    link(tmp_path, "second/7b.gguf")
    async with home(tmp_path) as here:
        models = await here.models()
        assert set(models) == {"smollm2:135m", "second:7b"}
        texts = await asyncio.gather(*(here.say(model) for model in models.values()))
        assert all(texts)
        assert len(here.pids()) == 2


async def test_chat_and_embeddings_of_one_model_have_a_process_each(tmp_path: Path) -> None:
    async with home(tmp_path) as here:
        model = (await here.models())["smollm2:135m"]
        rig = Rig(here.engine, here.http, real=True, busy=here.busy)
        assert collect(await rig.events(EmbedCall("", ("a", "b")), model=model)).vectors
        assert await here.say(model)
        assert sorted(child.role for child in here.engine.children()) == ["chat", "embedding"]
        assert here.engine.address(model, EMBEDS) != here.engine.address(model)


async def test_a_file_that_goes_takes_its_process_with_it(tmp_path: Path) -> None:
    path = link(tmp_path, "second.gguf")
    async with home(tmp_path) as here:
        model = (await here.models())["second:latest"]
        await here.engine.prepare(model)
        (pid,) = here.pids()
        path.unlink()
        assert set(await here.models()) == {"smollm2:135m"}
        await until(lambda: not psutil.pid_exists(pid))
        with pytest.raises(ModelNotFound):
            await here.engine.prepare(model)


async def test_a_broken_file_fails_its_callers_and_nobody_else(tmp_path: Path) -> None:
    weights = shipped_weights()
    assert weights is not None
    (tmp_path / "broken.gguf").write_bytes(weights.read_bytes()[:3_000_000])  # whole metadata, half the tensors
    async with home(tmp_path) as here:
        models = await here.models()
        with pytest.raises(NodeError) as caught:
            await here.engine.prepare(models["broken:latest"])
        assert "could not be loaded" in str(caught.value)
        assert str(tmp_path) not in str(caught.value)
        assert await here.say(models["smollm2:135m"])


async def test_loading_and_unloading_on_demand(tmp_path: Path) -> None:
    async with home(tmp_path) as here:
        model = (await here.models())["smollm2:135m"]
        rig = Rig(here.engine, here.http, real=True, busy=here.busy)
        assert await rig.events(LoadCall(""), stream=False, model=model) == [Finish(FinishReason.LOAD)]
        assert isinstance(here.engine.encode(LoadCall(model.id), model, stream=False), Ready)
        assert (await here.models())["smollm2:135m"].resident
        unload = here.engine.encode(LoadCall(model.id, unload=True), model, stream=False)
        assert unload == Ready((Finish(FinishReason.UNLOAD),))
        await until(lambda: not here.pids())
        assert not (await here.models())["smollm2:135m"].resident


async def test_strangers_on_this_machine_cannot_use_a_child(tmp_path: Path) -> None:
    async with home(tmp_path) as here:
        model = (await here.models())["smollm2:135m"]
        await here.engine.prepare(model)
        address = here.engine.address(model)
        assert address is not None
        async with open_engine_session() as session:
            stranger = AiohttpEngine(session, msgspec.structs.replace(address, headers=()))
            assert (await stranger.request("GET", "/props")).status == 401
        (pid,) = here.pids()
        assert "a-key-of-the-test" not in " ".join(psutil.Process(pid).cmdline())


async def test_a_client_that_leaves_during_a_long_prompt_frees_the_slot_soon(tmp_path: Path) -> None:
    async with home(tmp_path, context=2048) as here:
        model = (await here.models())["smollm2:135m"]
        await here.engine.prepare(model)
        # By its own processor time, which others' work on the machine does not stretch.
        began = here.worked_s()
        await here.say(model, "word " * 150, max_tokens=1)
        tenth_s = here.worked_s() - began
        asked = asyncio.ensure_future(here.say(model, "other " * 1500))
        async with asyncio.timeout(60):
            while not asked.done() and not await here.busy():
                await asyncio.sleep(0.02)
            left = here.worked_s()
            asked.cancel()
            while await here.busy():
                await asyncio.sleep(0.02)
        # The rest of a batch; left alone, it works for ten times as long as on the tenth, and more.
        assert here.worked_s() - left < 4 * tenth_s


_PARENT = """
import asyncio, json, os, sys
from potluck.backends.local.child import Task
from potluck.backends.local.process import spawn

async def main():
    process = await spawn(Task(**json.loads(sys.argv[1]), parent=os.getpid()))
    await process.port()
    print(process.pid, flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


async def test_a_child_does_not_outlive_its_parent() -> None:
    task = {"path": str(shipped_weights()), "alias": "x", "key": "k", "embedding": False, "context": 512, "slots": 1,
            "batch": 64, "threads": 1}  # fmt: skip
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _PARENT, json.dumps(task), stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    pid = int(await parent.stdout.readline())
    assert psutil.pid_exists(pid)
    parent.kill()
    await parent.wait()
    await until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)

"""What every backend finds out about its engine, and what it can count."""

from __future__ import annotations

from dataclasses import replace

import pytest

from potluck.backends.http import AiohttpEngine, open_engine_session
from potluck.backends.port import Address
from potluck.core.call import ChatCall, EmbedCall, Message, Role, Sampling, TextCall, TextPart
from potluck.core.errors import NodeError
from potluck.core.model import Capability, EngineKind, Model
from tests.contract.backends.rigs import CONTEXT, SLOTS, Rig

pytestmark = pytest.mark.asyncio(loop_scope="session")

# Engines that have no route for it.
SILENT_ON_SLOTS = (EngineKind.OLLAMA, EngineKind.OPENAI)
CANNOT_COUNT = (EngineKind.OLLAMA, EngineKind.OPENAI)


async def test_a_look_tells_models_context_and_slots(rig: Rig) -> None:
    report = await rig.backend.probe(rig.http)
    model = report.models[0]
    assert "smol" in model.id
    assert Capability.COMPLETION in model.capabilities
    if rig.backend.kind is not EngineKind.OPENAI:  # its list has no such thing
        assert model.context == CONTEXT
        assert report.version
    assert report.slots == (None if rig.backend.kind in SILENT_ON_SLOTS else SLOTS)


async def test_looking_twice_finds_the_same(rig: Rig) -> None:
    first, second = (await rig.backend.probe(rig.http)).models, (await rig.backend.probe(rig.http)).models

    def lasting(model: Model) -> Model:
        # When a model will be unloaded is told anew, to the nanosecond, each time; and a process may grow meanwhile.
        return replace(model, expires_at=None, memory_bytes=None)

    assert [lasting(model) for model in first] == [lasting(model) for model in second]


async def test_what_a_loaded_model_takes_is_told_as_far_as_the_engine_tells(rig: Rig) -> None:
    call = ChatCall("", (Message(Role.USER, (TextPart("Hi."),)),), sampling=Sampling(max_tokens=1))
    await rig.answer(call)
    model = await rig.model()
    if rig.backend.kind is EngineKind.OPENAI:  # its list has no such thing
        return
    assert model.resident
    assert model.size_bytes
    assert model.loaded_context
    # llama.cpp's server tells the size of its weights and nothing of what they and its context take in memory.
    assert bool(model.memory_bytes) is (rig.backend.kind is not EngineKind.LLAMACPP)


async def test_an_idle_engine_is_not_busy(rig: Rig) -> None:
    assert not (await rig.backend.probe(rig.http)).busy


async def test_looking_at_an_engine_that_is_not_there_is_its_fault(rig: Rig) -> None:
    if rig.backend.kind is EngineKind.LOCAL:
        pytest.skip("it is not asked over the network")
    async with open_engine_session() as session:
        with pytest.raises(NodeError):
            await rig.backend.probe(AiohttpEngine(session, Address("127.0.0.1", 9)))


async def test_tokens_are_counted_as_the_engine_counts_them(rig: Rig) -> None:
    model = await rig.model()
    call = ChatCall(model.id, (Message(Role.USER, (TextPart("How many tokens are these?"),)),))
    counted = await rig.backend.count_tokens(call, model, rig.http)
    if rig.backend.kind in CANNOT_COUNT:
        assert counted is None
        return
    usage = (await rig.answer(call)).usage
    assert usage is not None
    assert counted == usage.prompt
    text = await rig.backend.count_tokens(TextCall(model.id, ("hello world", "hello")), model, rig.http)
    assert text == 3
    assert await rig.backend.count_tokens(EmbedCall(model.id, ((1, 2, 3), "hello")), model, rig.http) == 4

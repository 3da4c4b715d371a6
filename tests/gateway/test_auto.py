"""A call that leaves the choice to us: chosen by what it holds, again when that breaks, and told to its caller."""

from __future__ import annotations

import json

from potluck.backends.port import Report
from potluck.core.model import Capability, EngineId, Model, ModelId
from tests.gateway.world import EngineSide, says_hi, world

CHAT = frozenset({Capability.COMPLETION})
CODER, TALKER = Model(ModelId("coder:7b"), CHAT, resident=True), Model(ModelId("talker"), CHAT, resident=True)


def asked(side: EngineSide) -> str:
    name: str = json.loads(side.body)["model"]
    return name


async def breaks(engine: EngineSide) -> None:
    engine.reply(b"{}", status="500 Broken")


async def test_another_model_is_chosen_when_the_first_ones_engine_breaks() -> None:
    async with world(breaks, says_hi) as w:
        w.fleet.reported(EngineId("n0/openai"), Report((CODER,)))
        w.fleet.reported(EngineId("n1/openai"), Report((TALKER,)))
        client = await w.connect()
        client.post(b'{"model":"auto","messages":[{"role":"user","content":"fix main.py"}]}')
        status, headers, _ = await client.answer()
        assert (status, headers["x-potluck-attempts"]) == (200, "2")
        assert (headers["x-potluck-model"], headers["x-potluck-auto"]) == ("talker", "code: model talker, loaded")
        assert [asked(w.engines[0].requests[0]), asked(w.engines[1].requests[0])] == ["coder:7b", "talker"]
        (record,) = await w.records()
        assert (record.asked_model, record.served_model) == ("auto", "talker")
        assert record.choice == "code: model talker, loaded"
        assert w.nothing_is_held()


async def test_when_none_is_left_the_last_engines_error_is_told() -> None:
    async with world(breaks) as w:
        client = await w.connect()
        client.post(b'{"model":"auto","messages":[{"role":"user","content":"hi"}]}')
        status, _, body = await client.answer()
        assert status == 502
        assert json.loads(body)["error"]["type"]
        assert w.nothing_is_held()


async def test_what_no_model_can_is_the_clients_error_in_its_dialect() -> None:
    async with world() as w:
        picture = '{"type":"input_image","image_url":"data:image/png;base64,iVBORw0KGgo="}'
        client = await w.connect()
        client.post(
            f'{{"model":"auto","input":[{{"role":"user","content":[{picture}]}}]}}'.encode(), path="/v1/responses"
        )
        status, _, body = await client.answer()
        assert (status, json.loads(body)["error"]["message"][:36]) == (400, '"auto" does not support vision. No m')
        client.post(b'{"model":"auto","messages":[{"role":"user","content":"hi"}]}')
        status, headers, _ = await client.answer()
        assert (status, headers["x-potluck-auto"]) == (200, "chat: model m, loaded")


async def test_who_names_the_very_model_is_told_nothing_of_names() -> None:
    async with world() as w:
        client = await w.connect()
        client.ask()
        status, headers, _ = await client.answer()
        assert status == 200
        assert not {"x-potluck-model", "x-potluck-route", "x-potluck-auto"} & set(headers)

"""Every fault, seen on a bare socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck_fake_engine.faults import Fault, FaultBook, FaultKind
from potluck_fake_engine.testing import FakeEngine, running
from tests.fake_engine.raw import ask, chat, dechunk

CHAT = "/v1/chat/completions"
STREAM = chat("repeat 6", stream=True)
WHOLE = chat("say: some words")


@pytest.fixture
async def fake() -> AsyncIterator[FakeEngine]:
    async with running(dialect="all", slots=1) as engine:
        yield engine


def texts(data: bytes) -> list[str]:
    events = [part[6:] for part in data.split(b"\n\n") if part.startswith(b"data: {")]
    return [json.loads(event)["choices"][0]["delta"].get("content") or "" for event in events]


async def fine(fake: FakeEngine) -> bool:
    """The engine has recovered: nothing runs, and a call succeeds."""
    while fake.busy():
        await asyncio.sleep(0.005)
    return (await ask(fake, "POST", CHAT, WHOLE)).status == 200


async def test_refuse_closes_the_listener_for_a_while(fake: FakeEngine) -> None:
    fake.fault("refuse", seconds=60)
    with pytest.raises(ConnectionRefusedError):
        await ask(fake, "POST", CHAT, WHOLE)
    await fake.accept_again()
    assert await fine(fake)


async def test_refuse_ends_by_itself(fake: FakeEngine) -> None:
    fake.fault("refuse", seconds=0.05)
    while True:
        try:
            await ask(fake, "GET", "/v1/models")
            break
        except ConnectionRefusedError:
            await asyncio.sleep(0.01)
    assert await fine(fake)


async def test_reset_comes_before_any_byte(fake: FakeEngine) -> None:
    fake.fault("reset")
    got = await ask(fake, "POST", CHAT, STREAM)
    assert (got.data, got.ended) == (b"", "reset")
    assert await fine(fake)


async def test_status_has_the_wanted_body_and_headers(fake: FakeEngine) -> None:
    fake.fault("status", status=429, body='{"error":"slow down"}', headers={"Retry-After": "7"})
    got = await ask(fake, "POST", CHAT, STREAM)
    assert (got.status, got.json) == (429, {"error": "slow down"})
    assert b"Retry-After: 7" in got.head


async def test_malformed_and_login_page_say_200(fake: FakeEngine) -> None:
    fake.fault("malformed")
    got = await ask(fake, "POST", CHAT, WHOLE)
    assert got.status == 200
    with pytest.raises(json.JSONDecodeError):
        json.loads(got.body)
    fake.fault("login-page")
    got = await ask(fake, "POST", CHAT, WHOLE)
    assert b"text/html" in got.head
    assert b"<form>" in got.body


@pytest.mark.parametrize("body", [STREAM, WHOLE])
async def test_hang_says_nothing_and_keeps_its_slot_until_the_client_leaves(fake: FakeEngine, body: Any) -> None:
    fake.fault("hang")
    task = asyncio.ensure_future(ask(fake, "POST", CHAT, body, silence_s=0.1))
    while not fake.busy():
        await asyncio.sleep(0.005)
    got = await task
    assert (got.data, got.ended) == (b"", "open")
    assert await fine(fake)


async def test_a_short_hang_is_a_late_answer(fake: FakeEngine) -> None:
    fake.fault("hang", seconds=0.01)
    assert (await ask(fake, "POST", CHAT, WHOLE)).status == 200


@pytest.mark.parametrize("body", [STREAM, WHOLE])
async def test_silence_sends_the_head_only(fake: FakeEngine, body: Any) -> None:
    fake.fault("silence")
    got = await ask(fake, "POST", CHAT, body, silence_s=0.05)
    assert got.status == 200
    assert (got.body, got.ended) == (b"", "open")
    assert await fine(fake)


async def test_cut_ends_the_stream_after_so_many_chunks_without_its_end(fake: FakeEngine) -> None:
    fake.fault("cut", after=3)
    got = await ask(fake, "POST", CHAT, STREAM)
    data, complete = dechunk(got.body)
    # The chunk with the role counts.
    assert texts(data) == ["", "w1", " w2"]
    assert (complete, got.ended) == (False, "eof")
    assert await fine(fake)


async def test_cut_may_reset(fake: FakeEngine) -> None:
    fake.fault("cut", after=1, reset=True)
    assert (await ask(fake, "POST", CHAT, STREAM)).ended == "reset"


async def test_cut_of_a_whole_answer_comes_in_its_middle(fake: FakeEngine) -> None:
    fake.fault("cut")
    got = await ask(fake, "POST", CHAT, WHOLE)
    declared = int(got.head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    assert 0 < len(got.body) < declared


async def test_cut_character_leaves_half_of_it(fake: FakeEngine) -> None:
    fake.fault("cut-character", after=2)
    got = await ask(fake, "POST", CHAT, chat("say: one two drei vier fünf", stream=True))
    with pytest.raises(UnicodeDecodeError):
        dechunk(got.body)[0].decode()
    fake.fault("cut-character")
    with pytest.raises(UnicodeDecodeError):
        (await ask(fake, "POST", CHAT, chat("say: fünf"))).body.decode()


async def test_stall_stops_in_the_middle_and_keeps_its_slot(fake: FakeEngine) -> None:
    fake.fault("stall", after=2)
    task = asyncio.ensure_future(ask(fake, "POST", CHAT, STREAM, silence_s=0.1))
    while not fake.busy():
        await asyncio.sleep(0.005)
    got = await task
    assert texts(dechunk(got.body)[0]) == ["", "w1"]
    assert got.ended == "open"
    assert await fine(fake)


@pytest.mark.parametrize(
    ("path", "body", "error"),
    [
        (CHAT, STREAM, {"message": "oh", "type": "server_error", "param": None, "code": None}),
        ("/completion", {"prompt": "repeat 6", "stream": True}, {"code": 500, "message": "oh", "type": "server_error"}),
        ("/api/chat", STREAM, "oh"),
    ],
)
async def test_in_band_errors_have_the_dialects_form(fake: FakeEngine, path: str, body: Any, error: Any) -> None:
    fake.fault("in-band", after=2, message="oh")
    got = await ask(fake, "POST", path, body)
    last = dechunk(got.body)[0].strip().rpartition(b"\n")[2].removeprefix(b"data: ")
    assert json.loads(last) == {"error": error}
    assert b"[DONE]" not in got.body
    assert await fine(fake)


async def test_in_band_of_a_whole_answer_is_a_500(fake: FakeEngine) -> None:
    fake.fault("in-band", message="oh")
    got = await ask(fake, "POST", CHAT, WHOLE)
    assert (got.status, got.json["error"]["message"]) == (500, "oh")


@pytest.mark.parametrize("body", [STREAM, WHOLE])
async def test_drip_is_slow_and_whole(fake: FakeEngine, body: Any) -> None:
    fake.fault("drip", delay_s=0.005)
    loop = asyncio.get_running_loop()
    began = loop.time()
    got = await ask(fake, "POST", CHAT, body)
    assert loop.time() - began > 6 * 0.005
    assert got.events()[-1] == "[DONE]" if body is STREAM else got.json["choices"]


async def test_empty_is_a_200_without_a_body(fake: FakeEngine) -> None:
    fake.fault("empty")
    got = await ask(fake, "POST", CHAT, STREAM)
    assert (got.status, got.body) == (200, b"")


@pytest.mark.parametrize("body", [STREAM, WHOLE])
async def test_wrong_length_promises_more_than_it_sends(fake: FakeEngine, body: Any) -> None:
    fake.fault("wrong-length")
    got = await ask(fake, "POST", CHAT, body)
    declared = int(got.head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    assert declared > len(got.body) > 0
    assert got.ended == "eof"


async def test_a_fault_hits_so_often_and_inference_only(fake: FakeEngine) -> None:
    fake.fault("status", times=2)
    assert (await ask(fake, "GET", "/v1/models")).status == 200
    statuses = [(await ask(fake, "POST", CHAT, WHOLE)).status for _ in range(3)]
    assert statuses == [500, 500, 200]


async def test_a_fault_may_be_for_one_path_or_one_model(fake: FakeEngine) -> None:
    fake.fault("status", path="/v1/m*", times=None)
    fake.fault("status", model="other", times=None)
    assert (await ask(fake, "GET", "/v1/models")).status == 500
    assert (await ask(fake, "POST", CHAT, WHOLE)).status == 200
    assert (await ask(fake, "POST", CHAT, {**WHOLE, "model": "other"})).status == 500
    fake.clear_faults()
    assert (await ask(fake, "GET", "/v1/models")).status == 200


async def test_a_client_that_leaves_frees_its_slot_at_once(fake: FakeEngine) -> None:
    fake.change("fake-model", prefill=0.001)
    for body in (STREAM, WHOLE):
        assert (await ask(fake, "POST", CHAT, body, silence_s=0.05)).data == b""
        while fake.busy():
            await asyncio.sleep(0.001)
    assert fake.counters.cancelled == 2


@given(st.floats(0.05, 0.95), st.integers(0, 99))
def test_probability_is_kept_and_repeatable(probability: float, seed: int) -> None:
    def hits() -> list[bool]:
        book = FaultBook()
        book.add(Fault(FaultKind.RESET, times=None, probability=probability, seed=seed))
        return [book.pick("POST", "/", "", inference=True) is not None for _ in range(400)]

    first = hits()
    assert first == hits()
    assert abs(sum(first) / 400 - probability) < 0.15

"""A client that leaves frees its slot at once, and engines that fail are retried by nobody but us."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import anthropic
import ollama
import openai
import pytest

from tests.e2e.processes import MODEL, Fake, Fronted, Service
from tests.e2e.stands import Stand

# Well under a second on a quiet machine; the bound is for a busy one. The answers would take a minute.
FREE_WITHIN_S = 4.0
LONG = "repeat 2000"
# The toy model may end after a few words, so before anybody can leave: these make its answer long, or at least the same
# each time (92 tokens to `LONG`).
ENDLESS = {"ignore_eos": True}
GREEDY = 0.0


def user(text: str) -> Any:
    return [{"role": "user", "content": text}]


def becomes(wanted: int, look: Callable[[], int], within_s: float) -> bool:
    """Whether ``look`` shows the wanted number in time."""
    until = time.monotonic() + within_s
    while look() != wanted:
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


@contextmanager
def slowly(fake: Fake | None, model: str) -> Iterator[None]:
    """The fake's answers come at the pace of a real model: 40 tokens a second."""
    if fake is None:
        yield
        return
    fake.control("POST", "/fake/models", {"name": model, "decode": 40})
    try:
        yield
    finally:
        fake.control("POST", "/fake/models", {"name": model, "decode": 0})


def freed(stand: Stand) -> None:
    """The service has no slot in use any more, and the engine itself stopped working."""
    assert becomes(0, stand.service.busy, FREE_WITHIN_S), stand.service.get("/api/v1/nodes")
    if stand.fake is not None:
        fake = stand.fake
        assert becomes(0, lambda: _busy(fake), FREE_WITHIN_S)


def _busy(fake: Fake) -> int:
    return sum(model["busy"] for model in fake.control("GET", "/fake/state")["models"].values())


def test_closing_an_openai_stream_frees_the_slot(stand: Stand) -> None:
    with slowly(stand.fake, stand.model), openai.OpenAI(base_url=f"{stand.url}/v1", api_key=stand.key) as client:
        stream = client.chat.completions.create(
            model=stand.model, messages=user(LONG), max_tokens=2000, stream=True, extra_body=ENDLESS
        )
        next(iter(stream))
        assert stand.service.busy() == 1
        stream.close()
        freed(stand)


def test_closing_an_anthropic_stream_frees_the_slot(stand: Stand) -> None:
    with slowly(stand.fake, stand.model), anthropic.Anthropic(base_url=stand.url, api_key=stand.key) as client:
        with client.messages.stream(
            model=stand.model, max_tokens=2000, messages=user(LONG), extra_body={"temperature": GREEDY}
        ) as stream:
            next(stream.text_stream)
            assert stand.service.busy() == 1
        freed(stand)


def test_leaving_an_ollama_stream_frees_the_slot(stand: Stand) -> None:
    headers = {"Authorization": f"Bearer {stand.key}"}
    with slowly(stand.fake, stand.model), ollama.Client(stand.url, headers=headers) as client:
        parts: Any = client.chat(
            stand.model, user(LONG), stream=True, options={"num_predict": 2000, "temperature": GREEDY}
        )
        next(parts)
        assert stand.service.busy() == 1
        parts.close()
        freed(stand)


def test_a_client_that_gives_up_waiting_for_a_whole_answer_frees_the_slot(stand: Stand) -> None:
    with (
        slowly(stand.fake, stand.model),
        openai.OpenAI(base_url=f"{stand.url}/v1", api_key=stand.key, timeout=0.5, max_retries=0) as client,
    ):
        with pytest.raises(openai.APITimeoutError):
            client.chat.completions.create(model=stand.model, messages=user(LONG), max_tokens=2000, extra_body=ENDLESS)
        freed(stand)


def test_an_engine_that_failed_is_told_as_a_server_error(fronted: Fronted) -> None:
    """With one engine for the model there is nowhere else to go; the client may try again, as SDKs do by themselves."""
    service, fake = fronted.service, fronted.openai
    fake.control("POST", "/fake/faults", {"kind": "status", "status": 500, "times": 1})
    with openai.OpenAI(base_url=f"{service.url}/v1", api_key=service.key, max_retries=2) as client:
        answer = client.chat.completions.create(model="open-fake", messages=user("say: here again"))
    assert answer.choices[0].message.content == "here again"


@pytest.mark.model
def test_more_callers_than_slots_in_three_dialects_are_all_served(embedded: Service) -> None:
    """Some wait; none is lost or refused."""
    headers = {"Authorization": f"Bearer {embedded.key}"}
    with (
        openai.OpenAI(base_url=f"{embedded.url}/v1", api_key=embedded.key, max_retries=0) as first,
        anthropic.Anthropic(base_url=embedded.url, api_key=embedded.key, max_retries=0) as second,
        ollama.Client(embedded.url, headers=headers) as third,
        ThreadPoolExecutor(6) as pool,
    ):
        calls: list[Callable[[], Any]] = [
            lambda: first.chat.completions.create(model=MODEL, messages=user("Count."), max_tokens=8),
            lambda: second.messages.create(model=MODEL, messages=user("Count."), max_tokens=8),
            lambda: third.chat(MODEL, user("Count."), options={"num_predict": 8}),
        ]
        answers = list(pool.map(lambda call: call(), calls * 2))
    assert all(answer.choices[0].message.content for answer in answers[0::3])
    assert all(answer.content[0].text for answer in answers[1::3])
    assert all(answer.message.content for answer in answers[2::3])

"""What cannot succeed is refused in each dialect's own way: the SDK raises its own class, and the text helps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import anthropic
import httpx
import ollama
import openai
import pytest

from tests.e2e.processes import OLLAMA_MODEL, OPENAI_MODEL, Fronted

NEAR = "olla-fake"
"""What is left of the model's name when its tag is forgotten and mistyped below."""


@dataclass(frozen=True, slots=True)
class Sdks:
    openai: openai.OpenAI
    anthropic: anthropic.Anthropic
    ollama: ollama.Client


def sdks(stack: ExitStack, url: str, key: str) -> Sdks:
    """Without retries: what is tested here is the first answer."""
    return Sdks(
        stack.enter_context(openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0)),
        stack.enter_context(anthropic.Anthropic(base_url=url, api_key=key, max_retries=0)),
        stack.enter_context(ollama.Client(url, headers={"Authorization": f"Bearer {key}"})),
    )


@pytest.fixture
def right(fronted: Fronted) -> Iterator[Sdks]:
    with ExitStack() as stack:
        yield sdks(stack, fronted.service.url, fronted.service.key)


@pytest.fixture
def wrong(fronted: Fronted) -> Iterator[Sdks]:
    """With a key that nobody made."""
    with ExitStack() as stack:
        yield sdks(stack, fronted.service.url, "pk-nobody-made-this")


def user(text: str) -> Any:
    return [{"role": "user", "content": text}]


@pytest.mark.parametrize("stream", [False, True])
def test_an_unknown_model_is_a_404_that_names_what_is_near(right: Sdks, stream: bool) -> None:
    asked = "olla-fak:1b"
    with pytest.raises(openai.NotFoundError, match=OLLAMA_MODEL) as told:
        right.openai.chat.completions.create(model=asked, messages=user("x"), stream=stream)
    assert told.value.code == "model_not_found"
    assert asked in told.value.message
    with pytest.raises(anthropic.NotFoundError, match=OLLAMA_MODEL):
        right.anthropic.messages.create(model=asked, max_tokens=5, messages=user("x"), stream=stream)
    with pytest.raises(ollama.ResponseError, match=f"model '{asked}' not found.*{OLLAMA_MODEL}") as refused:
        for _ in right.ollama.chat(asked, user("x"), stream=True) if stream else right.ollama.chat(asked, user("x")):
            pass
    assert refused.value.status_code == 404


def test_a_wrong_key_is_a_401_that_does_not_repeat_it(wrong: Sdks) -> None:
    with pytest.raises(openai.AuthenticationError) as first:
        wrong.openai.models.list()
    assert first.value.code == "invalid_api_key"
    with pytest.raises(anthropic.AuthenticationError) as second:
        wrong.anthropic.messages.create(model=OPENAI_MODEL, max_tokens=5, messages=user("x"))
    with pytest.raises(ollama.ResponseError) as third:
        wrong.ollama.chat(OLLAMA_MODEL, user("x"))
    assert third.value.status_code == 401
    for error in (first, second, third):
        assert "nobody-made-this" not in str(error.value)
        assert "potluck keys create" in str(error.value)


def test_a_wrong_field_is_a_400_that_names_it(right: Sdks) -> None:
    wrong: Any = "not a list"
    with pytest.raises(openai.BadRequestError) as first:
        right.openai.chat.completions.create(model=OPENAI_MODEL, messages=wrong)
    assert first.value.param == "messages"
    with pytest.raises(anthropic.BadRequestError, match="max_tokens"):
        right.anthropic.messages.create(model=OPENAI_MODEL, max_tokens=-1, messages=user("x"))
    with pytest.raises(ollama.ResponseError, match=r"keep_alive|duration") as third:
        right.ollama.chat(OLLAMA_MODEL, user("x"), keep_alive="soon")
    assert third.value.status_code == 400


def test_a_body_over_the_limit_is_a_413(right: Sdks) -> None:
    """The service of these tests takes 4 MB."""
    much = user("x" * 5_000_000)
    with pytest.raises(openai.APIStatusError) as first:
        right.openai.chat.completions.create(model=OPENAI_MODEL, messages=much)
    with pytest.raises(anthropic.APIStatusError) as second:
        right.anthropic.messages.create(model=OPENAI_MODEL, max_tokens=5, messages=much)
    with pytest.raises(ollama.ResponseError) as third:
        right.ollama.chat(OLLAMA_MODEL, much)
    assert [first.value.status_code, second.value.status_code, third.value.status_code] == [413, 413, 413]
    assert "4000000 bytes" in str(first.value)


def test_a_prompt_over_the_context_tells_both_numbers(right: Sdks) -> None:
    much = user("word " * 200_000)
    with pytest.raises(openai.BadRequestError, match="131072") as first:
        right.openai.chat.completions.create(model=OPENAI_MODEL, messages=much)
    assert first.value.code == "context_length_exceeded"
    with pytest.raises(anthropic.BadRequestError, match="131072"):
        right.anthropic.messages.create(model=OPENAI_MODEL, max_tokens=5, messages=much)


def test_a_path_that_is_not_there_is_refused_in_its_dialect(fronted: Fronted) -> None:
    service = fronted.service
    bodies = {}
    for path in ("/v1/nothing", "/v1/messages/nothing", "/api/nothing"):
        answer = httpx.post(service.url + path, headers={"authorization": f"Bearer {service.key}"}, json={})
        assert answer.status_code == 404
        bodies[path] = answer.json()
    assert set(bodies["/v1/nothing"]["error"]) == {"message", "type", "param", "code"}
    assert bodies["/v1/messages/nothing"]["type"] == "error"
    assert isinstance(bodies["/api/nothing"]["error"], str)


def test_no_key_at_all_is_refused_but_on_the_paths_of_life(fronted: Fronted) -> None:
    url = fronted.service.url
    assert httpx.get(f"{url}/v1/models").status_code == 401
    assert httpx.get(f"{url}/api/tags").status_code == 401
    assert httpx.get(f"{url}/healthz").status_code == 200
    assert httpx.get(f"{url}/api/version").status_code == 200


@pytest.mark.parametrize("how", ["bearer", "x-api-key", "basic"])
def test_every_way_to_show_a_key_opens_every_door(fronted: Fronted, how: str) -> None:
    service = fronted.service
    headers = {"bearer": {"authorization": f"Bearer {service.key}"}, "x-api-key": {"x-api-key": service.key}}
    auth = httpx.BasicAuth("anybody", service.key) if how == "basic" else None
    for path in ("/v1/models", "/api/tags"):
        answer = httpx.get(service.url + path, headers=headers.get(how), auth=auth)
        assert answer.status_code == 200

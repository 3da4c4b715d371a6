"""OpenAI's own SDK asks and reads, over a transport that never leaves the process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import httpx2
import openai
import pytest
from hypothesis import given, settings

from potluck.core.answer import Event, Finish, FinishReason, Text, ToolStart, Usage, Vector, collect
from potluck.core.call import EmbedCall
from potluck.core.errors import ContextOverflow, ModelNotFound, NodeFailed, PotluckError, RateLimited
from potluck.core.model import Model, ModelId
from potluck.wire.openai.asks import read_chat, read_completion, read_embedding
from potluck.wire.openai.errors import write_error
from potluck.wire.openai.models import write_model, write_models
from potluck.wire.port import AnswerMeta, Ask
from tests.wire.legal_events import legal_events

META = AnswerMeta(id="ID", model="m", created_s=1700000000.0)
HELLO: Any = [{"role": "user", "content": "hi"}]


def client(answer: Callable[[httpx2.Request], httpx2.Response]) -> openai.OpenAI:
    transport = httpx2.MockTransport(answer)
    return openai.OpenAI(
        base_url="http://potluck/v1", api_key="k", max_retries=0, http_client=httpx2.Client(transport=transport)
    )


def answering(
    read: Callable[[bytes], Ask], events: Sequence[Event], error: PotluckError | None = None
) -> openai.OpenAI:
    def answer(request: httpx2.Request) -> httpx2.Response:
        ask = read(request.read())
        writer = ask.writer(META)
        if not ask.stream:
            return httpx2.Response(200, content=writer.whole(collect(events), 0.0))
        body = writer.open() + b"".join(writer.write([event], 0.0) for event in events)
        body += writer.fail(error, "r") if error else writer.close(0.0)
        return httpx2.Response(200, content=body, headers={"content-type": writer.stream_type})

    return client(answer)


@settings(max_examples=30)
@given(legal_events())
def test_a_stream_and_a_whole_answer_say_the_same_to_the_sdk(events: list[Event]) -> None:
    api = answering(read_chat, events)
    whole = api.chat.completions.create(model="m", messages=HELLO)
    text, arguments, ids, finishes = "", dict[int, str](), dict[int, str | None](), list[str]()
    chunks = list(api.chat.completions.create(model="m", messages=HELLO, stream=True))
    for chunk in chunks:
        (choice,) = chunk.choices
        text += choice.delta.content or ""
        for call in choice.delta.tool_calls or ():
            if call.id:
                ids[call.index] = call.id
            assert call.function is not None
            arguments[call.index] = arguments.get(call.index, "") + (call.function.arguments or "")
        if choice.finish_reason:
            finishes.append(choice.finish_reason)
    message = whole.choices[0].message
    assert text == (message.content or "")
    assert [*ids.values()] == [call.id for call in message.tool_calls or ()]
    calls: list[Any] = [*(message.tool_calls or ())]
    assert [*arguments.values()] == [call.function.arguments for call in calls]
    assert finishes == [whole.choices[0].finish_reason]
    assert chunks[0].choices[0].delta.role == "assistant"
    assert {(chunk.id, chunk.created) for chunk in chunks} == {(whole.id, whole.created)}


def test_usage_comes_last_if_it_is_asked_for() -> None:
    api = answering(read_chat, [Text("a"), Finish(FinishReason.STOP), Usage(3, 2)])
    *_, last = api.chat.completions.create(
        model="m",
        messages=HELLO,
        stream=True,
        stream_options={"include_usage": True},
    )
    assert last.choices == []
    assert last.usage is not None
    assert last.usage.total_tokens == 5


def test_the_sdks_stream_helper_follows_tool_calls() -> None:
    api = answering(read_chat, [Text("a"), ToolStart(0, "x", "f"), Finish(FinishReason.STOP)])
    with api.chat.completions.stream(model="m", messages=HELLO) as stream:
        final = stream.get_final_completion()
    assert final.choices[0].finish_reason == "tool_calls"


def test_an_error_in_band_is_raised_by_the_sdk() -> None:
    api = answering(read_chat, [Text("a")], NodeFailed("The engine failed."))
    with pytest.raises(openai.APIError, match=r"The engine failed\."):
        list(api.chat.completions.create(model="m", messages=HELLO, stream=True))


def test_completions_stream_and_whole() -> None:
    api = answering(read_completion, [Text("a"), Text("b"), Finish(FinishReason.LENGTH)])
    whole = api.completions.create(model="m", prompt="p", echo=True)
    assert (whole.choices[0].text, whole.choices[0].finish_reason) == ("pab", "length")
    chunks = api.completions.create(model="m", prompt="p", stream=True)
    assert "".join(chunk.choices[0].text for chunk in chunks) == "ab"


def test_embeddings_as_the_sdk_asks_for_them() -> None:
    seen: list[EmbedCall] = []

    def read(body: bytes) -> Ask:
        ask = read_embedding(body)
        seen.append(ask.call())
        assert b'"base64"' in body
        return ask

    api = answering(read, [Vector(0, (0.5, -1.0)), Usage(prompt=3)])
    assert api.embeddings.create(model="m", input=["a"], dimensions=2).data[0].embedding == [0.5, -1.0]
    assert seen == [EmbedCall("m", ("a",), 2)]


def test_models_are_listed_and_retrieved() -> None:
    model = Model(ModelId("qwen:7b"))
    single = write_model(model, created_s=5)
    api = client(
        lambda request: httpx2.Response(
            200, content=single if "qwen" in str(request.url) else write_models([model], created_s=5)
        )
    )
    assert [each.id for each in api.models.list()] == ["qwen:7b"]
    assert api.models.retrieve("qwen:7b").created == 5


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ModelNotFound("m", ["n"]), openai.NotFoundError),
        (ContextOverflow(9, 8), openai.BadRequestError),
        (RateLimited("slow down", retry_after_s=3), openai.RateLimitError),
        (NodeFailed("broken"), openai.InternalServerError),
    ],
)
def test_errors_become_the_sdks_own(error: PotluckError, kind: type[openai.APIStatusError]) -> None:
    reply = write_error(error, "req-1")
    api = client(lambda _: httpx2.Response(reply.status, content=reply.body, headers=dict(reply.headers)))
    with pytest.raises(kind) as caught:
        api.models.list()
    assert str(error) in str(caught.value)
    assert caught.value.request_id == "req-1"

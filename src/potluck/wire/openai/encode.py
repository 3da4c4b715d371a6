"""Requests for engines of the OpenAI family, from neutral calls.

Remote images must have been fetched before. What an engine is not known to take alike is a field of `Habits`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import assert_never

import msgspec

from potluck.core.call import (
    AudioPart,
    ChatCall,
    EmbedCall,
    Format,
    FormatKind,
    ImagePart,
    InfillCall,
    Message,
    Part,
    Role,
    Sampling,
    TextCall,
    TextPart,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolMode,
)
from potluck.core.model import Json, JsonObject
from potluck.core.tool_ids import made_up_id
from potluck.wire.images import data_uri

_json = msgspec.json.encode


class Habits(msgspec.Struct, frozen=True):
    """How a server of the family differs from the book.

    ``template_kwargs``: it hands ``chat_template_kwargs`` to the chat template, which is how thinking is switched
    (llama.cpp, vLLM, SGLang). ``stream_options``: it reads them; a few old servers answer 400.
    """

    template_kwargs: bool = False
    stream_options: bool = True


PLAIN = Habits()
LLAMACPP = Habits(template_kwargs=True)


def encode_chat(call: ChatCall, model: str, *, stream: bool, habits: Habits = PLAIN) -> bytes:
    """``POST /v1/chat/completions``."""
    body: JsonObject = {"model": model, "messages": list(_messages(call.messages))}
    if call.tools:
        body["tools"] = [_tool(tool) for tool in call.tools]
        body["tool_choice"] = _tool_choice(call.tool_choice)
        _put(body, "parallel_tool_calls", call.parallel_tool_calls)
    if call.format.kind is not FormatKind.TEXT:
        body["response_format"] = _format(call.format)
    if call.sampling.logprobs:
        body["logprobs"] = True
        body["top_logprobs"] = call.sampling.top_logprobs
    _put_thinking(body, call.thinking, habits)
    _put_sampling(body, call.sampling, call.choices)
    return _finished(body, call.hints.extra, stream=stream, habits=habits)


def encode_completion(call: TextCall, model: str, *, stream: bool, habits: Habits = PLAIN) -> bytes:
    """``POST /v1/completions``. The echo is left to the writer, because llama.cpp refuses to."""
    prompts: list[Json] = [prompt if isinstance(prompt, str) else list[Json](prompt) for prompt in call.prompts]
    body: JsonObject = {"model": model, "prompt": prompts[0] if len(prompts) == 1 else prompts}
    if call.format.kind is not FormatKind.TEXT:
        body["response_format"] = _format(call.format)
    _put_text_sampling(body, call.sampling, call.choices)
    return _finished(body, call.hints.extra, stream=stream, habits=habits)


def encode_infill(call: InfillCall, model: str, *, stream: bool, habits: Habits = PLAIN) -> bytes:
    """``POST /v1/completions`` with a ``suffix``, for servers that fill in by themselves. Snippets are lost."""
    body: JsonObject = {"model": model, "prompt": call.prefix + call.prompt, "suffix": call.suffix}
    _put_text_sampling(body, call.sampling, 1)
    return _finished(body, call.hints.extra, stream=stream, habits=habits)


def encode_embedding(call: EmbedCall, model: str) -> bytes:
    """``POST /v1/embeddings``, always as numbers."""
    inputs: list[Json] = [text if isinstance(text, str) else list[Json](text) for text in call.inputs]
    body: JsonObject = {"model": model, "input": inputs, "encoding_format": "float"}
    _put(body, "dimensions", call.dimensions)
    return _json({**call.hints.extra, **body})


def as_chat(call: TextCall) -> ChatCall:
    """A templated `TextCall` (Ollama's ``generate``) as the conversation it means; of several prompts the first."""
    prompt = call.prompts[0]
    assert isinstance(prompt, str)  # token ids are never templated
    system = (Message(Role.SYSTEM, (TextPart(call.system),)),) if call.system else ()
    user = Message(Role.USER, (TextPart(prompt), *call.images))
    return ChatCall(
        model=call.model,
        messages=(*system, user),
        format=call.format,
        thinking=call.thinking,
        sampling=call.sampling,
        choices=call.choices,
        hints=call.hints,
    )


def _finished(body: JsonObject, extra: Mapping[str, Json], *, stream: bool, habits: Habits) -> bytes:
    """The body with what the client sent beside it. What we said stands, but template arguments are joined."""
    body["stream"] = stream
    if stream and habits.stream_options:
        body["stream_options"] = {"include_usage": True}
    ours, theirs = body.get("chat_template_kwargs"), extra.get("chat_template_kwargs")
    if isinstance(ours, dict) and isinstance(theirs, dict):
        body["chat_template_kwargs"] = {**ours, **theirs}
    return _json({**extra, **body})


def _put(body: JsonObject, name: str, value: Json) -> None:
    if value is not None:
        body[name] = value


def _put_sampling(body: JsonObject, sampling: Sampling, choices: int) -> None:
    for name in ("max_tokens", "temperature", "top_p", "top_k", "min_p", "seed"):
        _put(body, name, getattr(sampling, name))
    for name in ("presence_penalty", "frequency_penalty", "repeat_penalty"):
        _put(body, name, getattr(sampling, name))
    if sampling.stop:
        body["stop"] = list[Json](sampling.stop)
    if sampling.logit_bias:
        body["logit_bias"] = dict[str, Json](sampling.logit_bias)
    if choices > 1:
        body["n"] = choices


def _put_text_sampling(body: JsonObject, sampling: Sampling, choices: int) -> None:
    if sampling.logprobs:
        body["logprobs"] = sampling.top_logprobs
    _put_sampling(body, sampling, choices)


def _put_thinking(body: JsonObject, thinking: Thinking, habits: Habits) -> None:
    effort = thinking.effort or ("none" if thinking.enabled is False else "")
    if effort:
        body["reasoning_effort"] = effort
    if not habits.template_kwargs:
        return
    kwargs: JsonObject = {}
    _put(kwargs, "enable_thinking", thinking.enabled)
    if effort and effort != "none":
        kwargs["reasoning_effort"] = effort
    if kwargs:
        body["chat_template_kwargs"] = kwargs


def _tool(tool: Tool) -> JsonObject:
    function: JsonObject = {"name": tool.name, "parameters": tool.parameters}
    if tool.description:
        function["description"] = tool.description
    _put(function, "strict", tool.strict)
    return {"type": "function", "function": function}


def _tool_choice(choice: ToolChoice) -> Json:
    if choice.mode is ToolMode.NAMED:
        return {"type": "function", "function": {"name": choice.name}}
    return choice.mode.value


def _format(wanted: Format) -> JsonObject:
    if wanted.kind is FormatKind.JSON:
        return {"type": "json_object"}
    schema: JsonObject = {"name": wanted.name or "answer", "strict": True, "schema": wanted.schema}
    return {"type": "json_schema", "json_schema": schema}


def _messages(messages: Sequence[Message]) -> Iterator[JsonObject]:
    """The conversation. Calls without an id get one, and results without one are given to the calls in order.

    Images that came with a tool's result follow as a user's, since tool messages take text only.
    """
    unanswered: list[str] = []
    for turn, message in enumerate(messages):
        match message.role:
            case Role.ASSISTANT:
                calls = [_called(call, turn, index) for index, call in enumerate(message.tool_calls)]
                unanswered = [call_id for call_id, _ in calls]
                yield _assistant(message, [call for _, call in calls])
            case Role.TOOL:
                call_id = message.tool_call_id or (unanswered[0] if unanswered else made_up_id(turn, 0, message.name))
                if call_id in unanswered:
                    unanswered.remove(call_id)
                yield _named({"role": "tool", "tool_call_id": call_id, "content": message.text}, message.name)
                if images := [part for part in message.parts if not isinstance(part, TextPart)]:
                    yield {"role": "user", "content": [_part(part) for part in images]}
            case Role.SYSTEM | Role.USER:
                yield _named({"role": message.role.value, "content": _content(message.parts)}, message.name)
            case _:
                assert_never(message.role)


def _named(message: JsonObject, name: str) -> JsonObject:
    if name:
        message["name"] = name
    return message


def _assistant(message: Message, calls: Sequence[JsonObject]) -> JsonObject:
    content = _content(message.parts)
    out: JsonObject = {"role": "assistant", "content": None if calls and not content else content}
    if message.reasoning:
        out["reasoning_content"] = message.reasoning
    if calls:
        out["tool_calls"] = list[Json](calls)
    return _named(out, message.name)


def _called(call: ToolCall, turn: int, index: int) -> tuple[str, JsonObject]:
    call_id = call.id or made_up_id(turn, index, call.name, call.arguments)
    function: JsonObject = {"name": call.name, "arguments": call.arguments or "{}"}
    return call_id, {"id": call_id, "type": "function", "function": function}


def _content(parts: Sequence[Part]) -> Json:
    """Text alone as a string, which every template takes; else the list of parts in their order."""
    if all(isinstance(part, TextPart) for part in parts):
        return "".join(part.text for part in parts if isinstance(part, TextPart))
    return [_part(part) for part in parts]


def _part(part: Part) -> JsonObject:
    match part:
        case TextPart():
            return {"type": "text", "text": part.text}
        case ImagePart():
            return {"type": "image_url", "image_url": {"url": data_uri(part)}}
        case AudioPart():
            return {"type": "input_audio", "input_audio": {"data": part.data_b64, "format": part.format}}
        case _:
            assert_never(part)

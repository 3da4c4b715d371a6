"""Every surface as a pair of small functions: a request from a wish, and what was said from an answer."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.matrix.errors import json_type
from tests.matrix.framing import chunks, events, lines, pieces_are_whole
from tests.matrix.http import Reply
from tests.matrix.said import Called, Said

# 1x1, so that engines and checks take it for what it is.
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
PNG_B64 = base64.b64encode(PNG).decode()


@dataclass(frozen=True)
class Wish:
    """What a test wants said. ``tools`` are (name, JSON schema); ``choice`` a tool's name, ``required`` or empty.

    ``turns`` replace the single user message ``text``: (role, text). ``image`` is base64 or a URL.
    """

    model: str
    text: str = "say: hello there"
    stream: bool = False
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    n: int | None = None
    tools: tuple[tuple[str, Any], ...] = ()
    choice: str = ""
    schema: Any = None
    image: str = ""
    think: bool | None = None
    suffix: str = ""
    # Calls that the model made, with their results: the second half of a round trip.
    results: tuple[tuple[Called, str], ...] = ()
    more: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True)
class Surface:
    """``family`` names the shape of errors. ``chat`` says whether it carries tools and images."""

    name: str
    path: str
    family: str
    build: Callable[[Wish], Any]
    whole: Callable[[Any], Said]
    streamed: Callable[[Reply], Said] | None = None
    code: bool = False

    def body(self, wish: Wish) -> Any:
        body = {name: value for name, value in self.build(wish).items() if value is not None and value != []}
        return {**body, **dict(wish.more)}

    def read(self, wish: Wish, reply: Reply) -> Said:
        """Raises `AssertionError` for anything that is not to the letter of the dialect."""
        assert reply.status == 200, (reply.status, reply.body)
        assert reply.whole
        if wish.stream:
            assert self.streamed is not None
            assert reply.headers.get("transfer-encoding") == "chunked"
            return self.streamed(reply)
        assert reply.content_type == json_type(self.family)
        return self.whole(reply.json)


def _is_url(image: str) -> bool:
    return image.startswith("http")


def _data_url(image: str) -> str:
    return image if _is_url(image) else f"data:image/png;base64,{image}"


_FINISHES = {"stop": "stop", "length": "length", "tool_calls": "tools"}

# --- OpenAI chat -----------------------------------------------------------------------------------------------------


def _openai_chat(wish: Wish) -> Any:
    content: Any = wish.text
    if wish.image:
        content = [
            {"type": "text", "text": wish.text},
            {"type": "image_url", "image_url": {"url": _data_url(wish.image)}},
        ]
    messages: list[Any] = [{"role": "user", "content": content}]
    if wish.results:
        messages.append(
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {
                        "id": call.id,
                        "type": "function",
                        "function": {"name": call.name, "arguments": json.dumps(call.arguments)},
                    }
                    for call, _ in wish.results
                ],
            }
        )
        messages += [{"role": "tool", "tool_call_id": call.id, "content": result} for call, result in wish.results]
    choice: Any = wish.choice or None
    if wish.choice not in ("", "required", "none"):
        choice = {"type": "function", "function": {"name": wish.choice}}
    return {
        "model": wish.model,
        "messages": messages,
        "stream": wish.stream or None,
        "stream_options": {"include_usage": True} if wish.stream else None,
        "max_tokens": wish.max_tokens,
        "stop": list(wish.stop),
        "seed": wish.seed,
        "n": wish.n,
        "tools": [{"type": "function", "function": {"name": n, "parameters": s}} for n, s in wish.tools],
        "tool_choice": choice,
        "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": wish.schema}}
        if wish.schema
        else None,
        "reasoning_effort": None if wish.think is None else "medium" if wish.think else "none",
    }


def _openai_usage(said: Said, usage: Any) -> None:
    said.prompt, said.completion = usage["prompt_tokens"], usage["completion_tokens"]
    assert usage["total_tokens"] == said.prompt + said.completion


def _openai_whole(body: Any) -> Said:
    assert body["object"] == "chat.completion"
    assert body["id"].startswith("chatcmpl-")
    assert isinstance(body["created"], int)
    texts: dict[int, str] = {}
    said = Said(model=body["model"])
    for choice in body["choices"]:
        message = choice["message"]
        assert message["role"] == "assistant"
        texts[choice["index"]] = message["content"] or ""
        if choice["index"] == 0:
            said.reasoning = message.get("reasoning_content") or ""
            said.finish = _FINISHES[choice["finish_reason"]]
            for call in message.get("tool_calls") or ():
                assert call["type"] == "function"
                function = call["function"]
                said.calls.append(Called(call["id"], function["name"], json.loads(function["arguments"])))
            if said.calls:
                assert not message["content"]
    said.text, *said.others = [texts[index] for index in range(len(texts))]
    _openai_usage(said, body["usage"])
    return said


def _openai_stream(reply: Reply) -> Said:
    return _chunked(reply, usage_wanted=True)


def _mistral_stream(reply: Reply) -> Said:
    return _chunked(reply, usage_wanted=False)


def _chunked(reply: Reply, *, usage_wanted: bool) -> Said:
    found = chunks(reply, "chat.completion.chunk")
    assert found[0]["id"].startswith("chatcmpl-")
    said = Said(model=found[0]["model"])
    if usage_wanted:
        last = found.pop()
        assert last["choices"] == []
        _openai_usage(said, last["usage"])
    texts: dict[int, str] = {}
    finishes: dict[int, str] = {}
    calls: dict[int, Any] = {}
    for chunk in found:
        assert not chunk.get("usage")
        assert chunk["choices"], "an empty chunk that is no usage"
        for choice in chunk["choices"]:
            index, delta = choice["index"], choice["delta"]
            assert index not in finishes, "a delta behind the finish"
            if index not in texts:
                assert delta.get("role") == "assistant", "the first delta has no role"
                texts[index] = ""
            else:
                assert "role" not in delta
            texts[index] += delta.get("content") or ""
            if index == 0:
                said.reasoning += delta.get("reasoning_content") or ""
            for piece in delta.get("tool_calls") or ():
                if "id" in piece:
                    assert piece["index"] == len(calls)
                    calls[piece["index"]] = [piece["id"], piece["function"]["name"], ""]
                    assert piece["type"] == "function"
                calls[piece["index"]][2] += piece["function"].get("arguments") or ""
            if choice["finish_reason"] is not None:
                assert not delta.get("content")
                assert not delta.get("tool_calls")
                finishes[index] = choice["finish_reason"]
    assert finishes.keys() == texts.keys()
    said.finish = _FINISHES[finishes[0]]
    said.text, *said.others = [texts[index] for index in range(len(texts))]
    said.calls = [Called(id_, name, json.loads(text)) for id_, name, text in calls.values()]
    return said


# --- OpenAI completions ----------------------------------------------------------------------------------------------


def _completion(wish: Wish) -> Any:
    return {
        "model": wish.model,
        "prompt": wish.text,
        "suffix": wish.suffix or None,
        "stream": wish.stream or None,
        "stream_options": {"include_usage": True} if wish.stream else None,
        "max_tokens": wish.max_tokens or 64,
        "stop": list(wish.stop),
        "seed": wish.seed,
        "n": wish.n,
    }


def _completion_whole(body: Any) -> Said:
    assert body["object"] == "text_completion"
    assert body["id"].startswith(("cmpl-", "chatcmpl-"))
    said = Said(model=body["model"])
    choices = sorted(body["choices"], key=lambda choice: choice["index"])
    assert [choice["index"] for choice in choices] == list(range(len(choices)))
    said.text, *said.others = [choice["text"] for choice in choices]
    said.finish = _FINISHES[choices[0]["finish_reason"]]
    _openai_usage(said, body["usage"])
    return said


def _completion_stream(reply: Reply) -> Said:
    found = chunks(reply, "text_completion")
    said = Said(model=found[0]["model"])
    last = found.pop()
    assert last["choices"] == []
    _openai_usage(said, last["usage"])
    texts: dict[int, str] = {}
    finishes: dict[int, str] = {}
    for chunk in found:
        for choice in chunk["choices"]:
            assert choice["index"] not in finishes
            texts[choice["index"]] = texts.get(choice["index"], "") + choice["text"]
            if choice["finish_reason"] is not None:
                finishes[choice["index"]] = choice["finish_reason"]
    assert finishes.keys() == texts.keys()
    said.text, *said.others = [texts[index] for index in range(len(texts))]
    said.finish = _FINISHES[finishes[0]]
    return said


# --- OpenAI responses ------------------------------------------------------------------------------------------------


def _responses(wish: Wish) -> Any:
    content: Any = wish.text
    if wish.image:
        content = [
            {"type": "input_text", "text": wish.text},
            {"type": "input_image", "image_url": _data_url(wish.image)},
        ]
    items: Any = [{"role": "user", "content": content}]
    items += [
        {"type": "function_call", "call_id": call.id, "name": call.name, "arguments": json.dumps(call.arguments)}
        for call, _ in wish.results
    ]
    items += [{"type": "function_call_output", "call_id": call.id, "output": result} for call, result in wish.results]
    choice: Any = wish.choice or None
    if wish.choice not in ("", "required", "none"):
        choice = {"type": "function", "name": wish.choice}
    return {
        "model": wish.model,
        "input": items,
        "stream": wish.stream or None,
        "max_output_tokens": wish.max_tokens,
        "tools": [{"type": "function", "name": name, "parameters": schema} for name, schema in wish.tools],
        "tool_choice": choice,
        "text": {"format": {"type": "json_schema", "name": "answer", "schema": wish.schema}} if wish.schema else None,
        "reasoning": None if wish.think is None else {"effort": "medium" if wish.think else "none"},
    }


def _responses_whole(body: Any) -> Said:
    assert body["object"] == "response"
    assert body["id"].startswith("resp_")
    assert body["error"] is None
    said = Said(model=body["model"])
    for item in body["output"]:
        match item["type"]:
            case "message":
                assert item["role"] == "assistant"
                said.text += "".join(part["text"] for part in item["content"])
            case "function_call":
                said.calls.append(Called(item["call_id"], item["name"], json.loads(item["arguments"])))
            case "reasoning":
                said.reasoning += "".join(part["text"] for part in item["summary"])
            case other:
                raise AssertionError(other)
    if body["status"] == "incomplete":
        assert body["incomplete_details"] == {"reason": "max_output_tokens"}
        said.finish = "length"
    else:
        assert body["status"] == "completed"
        said.finish = "tools" if said.calls else "stop"
    usage = body["usage"]
    said.prompt, said.completion = usage["input_tokens"], usage["output_tokens"]
    assert usage["total_tokens"] == said.prompt + said.completion
    return said


def _responses_stream(reply: Reply) -> Said:
    pieces_are_whole(reply, b"\n\n")
    found = events(reply)
    assert [data["sequence_number"] for _, data in found] == list(range(len(found)))
    assert all(name == data["type"] for name, data in found)
    assert [name for name, _ in found[:2]] == ["response.created", "response.in_progress"]
    name, last = found[-1]
    assert name in ("response.completed", "response.incomplete")
    assert len({data["response"]["id"] for _, data in found if "response" in data}) == 1
    told: dict[int, str] = {}
    added: dict[int, str] = {}
    done: dict[int, str] = {}
    for name, data in found:
        match name:
            case "response.output_item.added":
                assert data["output_index"] == len(added)
                assert added.keys() == done.keys(), "items overlap"
                added[data["output_index"]] = data["item"]["id"]
            case "response.output_item.done":
                done[data["output_index"]] = data["item"]["id"]
            case _ if name.endswith(".delta"):
                told[data["output_index"]] = told.get(data["output_index"], "") + data["delta"]
            case _:
                pass
    assert added == done == {index: item["id"] for index, item in enumerate(last["response"]["output"])}
    said = _responses_whole(last["response"])
    deltas = "".join(told[index] for index in sorted(told))
    expected = said.reasoning + said.text if not said.calls else deltas
    assert deltas == expected
    return said


# --- Anthropic -------------------------------------------------------------------------------------------------------


def _messages(wish: Wish) -> Any:
    content: Any = wish.text
    if wish.image:
        source = (
            {"type": "url", "url": wish.image}
            if _is_url(wish.image)
            else {"type": "base64", "media_type": "image/png", "data": wish.image}
        )
        content = [{"type": "text", "text": wish.text}, {"type": "image", "source": source}]
    messages: list[Any] = [{"role": "user", "content": content}]
    if wish.results:
        uses = [
            {"type": "tool_use", "id": call.id, "name": call.name, "input": call.arguments} for call, _ in wish.results
        ]
        results = [{"type": "tool_result", "tool_use_id": call.id, "content": result} for call, result in wish.results]
        messages += [{"role": "assistant", "content": uses}, {"role": "user", "content": results}]
    choice: Any = None
    if wish.choice:
        kinds = {"required": {"type": "any"}, "none": {"type": "none"}}
        choice = kinds.get(wish.choice, {"type": "tool", "name": wish.choice})
    thinking: Any = None
    if wish.think is not None:
        thinking = {"type": "enabled", "budget_tokens": 1024} if wish.think else {"type": "disabled"}
    return {
        "model": wish.model,
        "max_tokens": wish.max_tokens or 4096,
        "messages": messages,
        "stream": wish.stream or None,
        "stop_sequences": list(wish.stop),
        "tools": [{"name": name, "input_schema": schema} for name, schema in wish.tools],
        "tool_choice": choice,
        "thinking": thinking,
        "output_config": {"format": {"type": "json_schema", "schema": wish.schema}} if wish.schema else None,
    }


_STOPS = {"end_turn": "stop", "stop_sequence": "stop", "max_tokens": "length", "tool_use": "tools"}


def _messages_whole(body: Any) -> Said:
    assert body["type"] == "message"
    assert body["role"] == "assistant"
    assert body["id"].startswith("msg_")
    said = Said(model=body["model"], finish=_STOPS[body["stop_reason"]], stop_sequence=body["stop_sequence"])
    assert (body["stop_reason"] == "stop_sequence") == (body["stop_sequence"] is not None)
    for block in body["content"]:
        match block["type"]:
            case "text":
                said.text += block["text"]
            case "thinking":
                said.reasoning += block["thinking"]
                assert "signature" in block
            case "tool_use":
                said.calls.append(Called(block["id"], block["name"], block["input"]))
            case other:
                raise AssertionError(other)
    usage = body["usage"]
    said.prompt = usage["input_tokens"] + usage["cache_read_input_tokens"] + usage["cache_creation_input_tokens"]
    said.completion = usage["output_tokens"]
    return said


def _messages_stream(reply: Reply) -> Said:
    pieces_are_whole(reply, b"\n\n")
    found = [(name, data) for name, data in events(reply) if name != "ping"]
    assert all(name == data["type"] for name, data in found)
    assert found[0][0] == "message_start"
    assert [name for name, _ in found[-2:]] == ["message_delta", "message_stop"]
    message = found[0][1]["message"]
    assert (message["content"], message["stop_reason"]) == ([], None)
    assert message["usage"]["input_tokens"] > 0
    blocks: list[Any] = []
    arguments: list[str] = []
    open_block: int | None = None
    for name, data in found[1:-2]:
        match name:
            case "content_block_start":
                assert open_block is None
                assert data["index"] == len(blocks)
                open_block = data["index"]
                blocks.append(dict(data["content_block"]))
                arguments.append("")
            case "content_block_delta":
                assert data["index"] == open_block
                delta = data["delta"]
                match delta["type"]:
                    case "text_delta":
                        blocks[-1]["text"] += delta["text"]
                    case "thinking_delta":
                        blocks[-1]["thinking"] += delta["thinking"]
                    case "signature_delta":
                        blocks[-1]["signature"] = delta["signature"]
                    case "input_json_delta":
                        arguments[-1] += delta["partial_json"]
                    case other:
                        raise AssertionError(other)
            case "content_block_stop":
                assert data["index"] == open_block
                if blocks[-1]["type"] == "tool_use":
                    assert blocks[-1]["input"] == {}
                    blocks[-1]["input"] = json.loads(arguments[-1] or "{}")
                open_block = None
            case other:
                raise AssertionError(other)
    assert open_block is None
    delta = found[-2][1]
    usage = {**message["usage"], **delta["usage"]}
    return _messages_whole({**message, **delta["delta"], "content": blocks, "usage": usage})


# --- Ollama ----------------------------------------------------------------------------------------------------------


def _ollama_options(wish: Wish) -> Any:
    options = {"num_predict": wish.max_tokens, "stop": list(wish.stop) or None, "seed": wish.seed}
    return {name: value for name, value in options.items() if value is not None} or None


def _ollama_chat(wish: Wish) -> Any:
    user: Any = {"role": "user", "content": wish.text}
    if wish.image:
        user["images"] = [wish.image]
    messages: list[Any] = [user]
    if wish.results:
        calls = [{"id": c.id, "function": {"name": c.name, "arguments": c.arguments}} for c, _ in wish.results]
        messages.append({"role": "assistant", "content": "", "tool_calls": calls})
        messages += [{"role": "tool", "tool_name": call.name, "content": result} for call, result in wish.results]
    return {
        "model": wish.model,
        "messages": messages,
        "stream": wish.stream,
        "options": _ollama_options(wish),
        "tools": [{"type": "function", "function": {"name": n, "parameters": s}} for n, s in wish.tools],
        "format": wish.schema,
        "think": wish.think,
    }


def _ollama_end(said: Said, last: Any) -> Said:
    said.model = last["model"]
    said.finish = {"stop": "stop", "length": "length"}[last["done_reason"]]
    said.prompt, said.completion = last.get("prompt_eval_count"), last.get("eval_count", 0)
    for name in ("total_duration", "eval_duration", "prompt_eval_duration", "load_duration"):
        assert isinstance(last.get(name, 0), int)
    assert last["total_duration"] > 0
    if said.calls:
        said.finish = "tools"
    return said


def _ollama_message(said: Said, message: Any) -> None:
    assert message["role"] == "assistant"
    said.text += message.get("content") or ""
    said.reasoning += message.get("thinking") or ""
    for call in message.get("tool_calls") or ():
        function = call["function"]
        assert isinstance(function["arguments"], dict)
        assert function.get("index", 0) == len(said.calls)
        said.calls.append(Called(call.get("id", ""), function["name"], function["arguments"]))


def _ollama_chat_whole(body: Any) -> Said:
    assert body["done"] is True
    said = Said()
    _ollama_message(said, body["message"])
    return _ollama_end(said, body)


def _ollama_chat_stream(reply: Reply) -> Said:
    said = Said()
    found = lines(reply)
    for line in found:
        _ollama_message(said, line["message"])
        assert line["created_at"].endswith("Z") or "+" in line["created_at"]
    assert len({line["model"] for line in found}) == 1
    return _ollama_end(said, found[-1])


def _ollama_generate(wish: Wish) -> Any:
    return {
        "model": wish.model,
        "prompt": wish.text,
        "suffix": wish.suffix or None,
        "images": [wish.image] if wish.image else None,
        "stream": wish.stream,
        "options": _ollama_options(wish),
        "format": wish.schema,
        "think": wish.think,
    }


def _ollama_generate_whole(body: Any) -> Said:
    assert body["done"] is True
    assert isinstance(body["context"], list)
    return _ollama_end(Said(text=body["response"], reasoning=body.get("thinking") or ""), body)


def _ollama_generate_stream(reply: Reply) -> Said:
    found = lines(reply)
    said = Said(
        text="".join(line["response"] for line in found),
        reasoning="".join(line.get("thinking") or "" for line in found),
    )
    return _ollama_end(said, found[-1])


# --- Code ------------------------------------------------------------------------------------------------------------


def _infill(wish: Wish) -> Any:
    return {
        "model": wish.model,
        "input_prefix": wish.text,
        "input_suffix": wish.suffix,
        "input_extra": [{"filename": "a.py", "text": "pass"}],
        "prompt": "",
        "n_predict": wish.max_tokens or 64,
        "stop": list(wish.stop),
        "stream": wish.stream,
        "samplers": ["top_k"],
        "cache_prompt": True,
        "t_max_predict_ms": 1000,
    }


def _infill_end(said: Said, body: Any) -> Said:
    assert body["stop"] is True
    assert set(body["timings"]) >= {"prompt_n", "prompt_ms", "predicted_n", "predicted_ms"}
    said.finish = {"eos": "stop", "word": "stop", "limit": "length", "none": "loaded"}[body["stop_type"]]
    said.model = body["model"]
    said.prompt, said.completion = body["tokens_evaluated"], body["tokens_predicted"]
    return said


def _infill_whole(body: Any) -> Said:
    return _infill_end(Said(text=body["content"]), body)


def _infill_stream(reply: Reply) -> Said:
    found = [data for _, data in events(reply)]
    assert [data["stop"] for data in found[:-1]] == [False] * (len(found) - 1)
    return _infill_end(Said(text="".join(data["content"] for data in found)), found[-1])


def _tabby(wish: Wish) -> Any:
    return {
        "model": wish.model,
        "language": "python",
        "segments": {"prefix": wish.text, "suffix": wish.suffix, "filepath": "b.py"},
        "user": "somebody",
    }


def _tabby_whole(body: Any) -> Said:
    assert body["id"].startswith("cmpl-")
    (choice,) = body["choices"]
    assert choice["index"] == 0
    return Said(text=choice["text"])


def _mistral(wish: Wish) -> Any:
    return {
        "model": wish.model,
        "prompt": wish.text,
        "suffix": wish.suffix,
        "max_tokens": wish.max_tokens or 64,
        "stop": list(wish.stop),
        "stream": wish.stream,
    }


# --- Native ----------------------------------------------------------------------------------------------------------


def _native_chat(wish: Wish) -> Any:
    message: Any = wish.text
    if wish.image:
        image = {"url": wish.image} if _is_url(wish.image) else {"data": wish.image}
        message = [{"type": "text", "text": wish.text}, {"type": "image", **image}]
    return {
        "message": message,
        "model": wish.model,
        "stream": wish.stream,
        "max_tokens": wish.max_tokens,
        "stop": list(wish.stop),
        "seed": wish.seed,
        "think": wish.think,
        # Like other dialects' answers it ends when its client leaves; that it need not is tried elsewhere.
        "detached": False,
    }


def _native_end(said: Said, body: Any) -> Said:
    said.finish = {"stop": "stop", "length": "length"}[body["finish"]]
    said.prompt, said.completion = body["usage"]["prompt_tokens"], body["usage"]["completion_tokens"]
    return said


def _native_whole(body: Any) -> Said:
    return _native_end(Said(text=body["text"], reasoning=body.get("reasoning") or "", model=body["model"]), body)


def _native_stream(reply: Reply) -> Said:
    pieces_are_whole(reply, b"\n\n")
    # Where a call stands is told as far as it takes its time.
    found = [each for each in events(reply) if each[0] not in {"queued", "seated", "rescued"}]
    assert found[0][0] == "meta"
    assert found[-1][0] == "done"
    assert {name for name, _ in found[1:-1]} <= {"delta", "reasoning"}
    said = Said(
        text="".join(data["text"] for name, data in found if name == "delta"),
        reasoning="".join(data["text"] for name, data in found if name == "reasoning"),
        model=found[0][1]["model"],
    )
    return _native_end(said, found[-1][1])


def _native_complete(wish: Wish) -> Any:
    return {
        "prefix": wish.text,
        "suffix": wish.suffix,
        "language": "python",
        "path": "c.py",
        "model": wish.model,
        "max_tokens": wish.max_tokens,
        "stop": list(wish.stop),
        "stream": wish.stream,
    }


OPENAI_CHAT = Surface("openai chat", "/v1/chat/completions", "openai", _openai_chat, _openai_whole, _openai_stream)
RESPONSES = Surface("responses", "/v1/responses", "openai", _responses, _responses_whole, _responses_stream)
MESSAGES = Surface("messages", "/v1/messages", "anthropic", _messages, _messages_whole, _messages_stream)
OLLAMA_CHAT = Surface("ollama chat", "/api/chat", "ollama", _ollama_chat, _ollama_chat_whole, _ollama_chat_stream)
OLLAMA_GENERATE = Surface(
    "ollama generate", "/api/generate", "ollama", _ollama_generate, _ollama_generate_whole, _ollama_generate_stream
)
NATIVE_CHAT = Surface("native chat", "/api/v1/chat", "native", _native_chat, _native_whole, _native_stream)
COMPLETION = Surface(
    "completions", "/v1/completions", "openai", _completion, _completion_whole, _completion_stream, code=True
)
INFILL = Surface("infill", "/infill", "llamacpp", _infill, _infill_whole, _infill_stream, code=True)
TABBY = Surface("tabby", "/v1/completions", "tabby", _tabby, _tabby_whole, code=True)
MISTRAL = Surface("mistral", "/v1/fim/completions", "openai", _mistral, _openai_whole, _mistral_stream, code=True)
NATIVE_COMPLETE = Surface(
    "native complete", "/api/v1/code/complete", "native", _native_complete, _native_whole, _native_stream, code=True
)

CHATS = (OPENAI_CHAT, RESPONSES, MESSAGES, OLLAMA_CHAT, OLLAMA_GENERATE, NATIVE_CHAT)
CODES = (COMPLETION, INFILL, TABBY, MISTRAL, NATIVE_COMPLETE)
TEXTS = (*CHATS, *CODES)
TOOLED = (OPENAI_CHAT, RESPONSES, MESSAGES, OLLAMA_CHAT)


# --- Embeddings ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Embedder:
    name: str
    path: str
    family: str
    field: str
    vectors: Callable[[Any], list[list[float]]]
    several: bool = True

    def body(self, model: str, texts: list[str]) -> Any:
        return {"model": model, self.field: texts if self.several else texts[0]}


def _openai_vectors(body: Any) -> list[list[float]]:
    assert body["object"] == "list"
    assert [item["index"] for item in body["data"]] == list(range(len(body["data"])))
    assert body["usage"]["prompt_tokens"] == body["usage"]["total_tokens"] > 0
    return [item["embedding"] for item in body["data"]]


def _ollama_vectors(body: Any) -> list[list[float]]:
    assert body["prompt_eval_count"] > 0
    return list(body["embeddings"])


EMBEDDERS = (
    Embedder("openai embeddings", "/v1/embeddings", "openai", "input", _openai_vectors),
    Embedder("ollama embed", "/api/embed", "ollama", "input", _ollama_vectors),
    Embedder("ollama embeddings", "/api/embeddings", "ollama", "prompt", lambda body: [body["embedding"]], False),
)


def both_ways(*surfaces: Surface) -> pytest.MarkDecorator:
    """Parameters ``surface`` and ``stream``: each of them whole, and streamed where its dialect has streams."""
    cases = [
        pytest.param(surface, stream, id=f"{surface.name}-{'stream' if stream else 'whole'}")
        for surface in surfaces
        for stream in (False, True)
        if not stream or surface.streamed is not None
    ]
    return pytest.mark.parametrize(("surface", "stream"), cases)

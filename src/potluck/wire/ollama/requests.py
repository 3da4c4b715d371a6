"""Calls as requests to an Ollama engine (API-CONTRACTS.md 2 and 8)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import assert_never

import msgspec

from potluck.core.call import (
    AudioPart,
    Call,
    ChatCall,
    EmbedCall,
    EngineHints,
    FormatKind,
    ImagePart,
    InfillCall,
    LoadCall,
    Message,
    Part,
    Role,
    Sampling,
    TextCall,
    Thinking,
    ToolMode,
)
from potluck.core.errors import Unsupported
from potluck.core.forced_tools import ForcedToolEvents, force
from potluck.core.infill import InfillCleaner, instruct
from potluck.core.model import Capability, Json, JsonObject, Model
from potluck.wire.filtered import FilteredReader
from potluck.wire.ollama.options import UNCUT, surely_fits, write_options
from potluck.wire.ollama.readers import EmbedReader, LineReader, LoadReader
from potluck.wire.ollama.times import write_keep_alive
from potluck.wire.ollama.writers import arguments_object
from potluck.wire.port import EngineRequest

CHAT = "/api/chat"
GENERATE = "/api/generate"
EMBED = "/api/embed"
EMBEDDINGS = "/api/embeddings"

_UNCUT = msgspec.json.encode(UNCUT)[1:-1]

# OpenAI's words for effort, as Ollama's own OpenAI route translates them.
_EFFORTS: dict[str, bool | str] = {
    "none": False,
    "minimal": "low",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "max",
}


def engine_request(call: Call, model: Model, *, stream: bool) -> EngineRequest:
    """The request for ``call`` and the reader for its answer.

    A forced tool call is asked for by schema; a model that cannot insert is instructed in words. Raises `Unsupported`
    for what no translation can do, `BadRequest` for a forced tool that is not there. One choice of one prompt only:
    who wants more makes more calls.
    """
    match call:
        case ChatCall():
            return _chat_request(call, model, stream=stream)
        case TextCall():
            # An echo is left to the writer: Ollama cannot repeat the prompt.
            return EngineRequest(GENERATE, encode_generate(call, model, stream=stream), LineReader(), stream)
        case InfillCall() if Capability.INSERT in model.capabilities or call.strict:
            body = encode_infill(call, model, stream=stream)
            return EngineRequest(GENERATE, body, FilteredReader(LineReader(), InfillCleaner.raw()), stream)
        case InfillCall():
            request = _chat_request(instruct(call), model, stream=stream)
            cleaned = FilteredReader(request.reader, InfillCleaner.instructed(call))
            return EngineRequest(request.path, request.body, cleaned, stream)
        case EmbedCall():
            path = EMBED if call.normalised else EMBEDDINGS
            return EngineRequest(path, encode_embed(call, model), EmbedReader(), stream=False)
        case LoadCall():
            path = EMBED if _loads_by_embedding(call, model) else GENERATE
            return EngineRequest(path, encode_load(call, model), LoadReader(unload=call.unload), stream=False)
        case _:
            assert_never(call)


def _chat_request(call: ChatCall, model: Model, *, stream: bool) -> EngineRequest:
    reader = LineReader(turn=len(call.messages))
    if not call.tool_choice.forced:
        return EngineRequest(CHAT, encode_chat(call, model, stream=stream), reader, stream)
    forced = FilteredReader(reader, ForcedToolEvents.of(call))
    return EngineRequest(CHAT, encode_chat(force(call), model, stream=stream), forced, stream)


def encode_chat(call: ChatCall, model: Model, *, stream: bool) -> bytes:
    """``/api/chat``. Raises `Unsupported` for sound and for an image that was not fetched."""
    body: JsonObject = {
        "model": model.id,
        "messages": _messages(call.messages, model),
        "stream": stream,
        **_generation(call, model),
    }
    if call.tools and call.tool_choice.mode is not ToolMode.NONE:
        body["tools"] = [
            {
                "type": "function",
                "function": {"name": tool.name, "description": tool.description, "parameters": tool.parameters},
            }
            for tool in call.tools
        ]
    return _uncut(body, call.sampling, call.hints, model)


def encode_generate(call: TextCall, model: Model, *, stream: bool) -> bytes:
    """``/api/generate``, raw unless the call asks for the model's template. Raises `Unsupported` for token ids."""
    body: JsonObject = {
        "model": model.id,
        "prompt": _prompt(call),
        "stream": stream,
        **_generation(call, model),
    }
    if not call.templated:
        body["raw"] = True
    if call.system:
        body["system"] = call.system
    if call.template:
        body["template"] = call.template
    if images := _images(call.images, model):
        body["images"] = images
    return _uncut(body, call.sampling, call.hints, model)


def encode_infill(call: InfillCall, model: Model, *, stream: bool) -> bytes:
    """``/api/generate`` with a suffix. Snippets, language and path have no place in it.

    Raises `Unsupported` for a model that cannot insert: an old server would answer with a chat about the prefix.
    """
    if Capability.INSERT not in model.capabilities:
        raise Unsupported(call.model, "insert")
    body: JsonObject = {
        "model": model.id,
        "prompt": call.prefix + call.prompt,
        "suffix": call.suffix,
        "stream": stream,
        **_kept_alive(call.hints),
    }
    if options := _options(call.sampling, call.hints, model):
        body["options"] = options
    return _uncut(body, call.sampling, call.hints, model)


def encode_embed(call: EmbedCall, model: Model) -> bytes:
    """``/api/embed``, or for vectors as the model made them ``/api/embeddings``, which takes one text only.

    Raises `Unsupported` for token ids and for several texts that must not be normalised.
    """
    texts = [text for text in call.inputs if isinstance(text, str)]
    if len(texts) != len(call.inputs):
        raise Unsupported(call.model, "token ids as input", hint="Send text.")
    body: JsonObject = {"model": model.id, **_kept_alive(call.hints)}
    if call.normalised:
        body["input"] = list[Json](texts)
    elif len(texts) == 1:
        body["prompt"] = texts[0]
    else:
        raise Unsupported(call.model, "several inputs without normalisation")
    if call.dimensions is not None:
        body["dimensions"] = call.dimensions
    if call.hints.truncate is not None:
        body["truncate"] = call.hints.truncate
    elif not surely_fits(max((len(text.encode()) for text in texts), default=0), 0, model.loaded_context):
        body["truncate"] = False  # by default an engine cuts and says nothing
    if options := _options(Sampling(), call.hints, model):
        body["options"] = options
    return msgspec.json.encode(body)


def encode_load(call: LoadCall, model: Model) -> bytes:
    """A generation without a prompt; for loading a model that can only embed, an embedding without input."""
    body: JsonObject = {"model": model.id, **_kept_alive(call.hints), "stream": False}
    if call.unload:
        body["keep_alive"] = 0
    elif options := _options(Sampling(), call.hints, model):
        body["options"] = options
    if _loads_by_embedding(call, model):
        body["input"] = []
    return msgspec.json.encode(body)


def _loads_by_embedding(call: LoadCall, model: Model) -> bool:
    """Ollama refuses to generate with such a model, but unloads any by that route."""
    return Capability.COMPLETION not in model.capabilities and not call.unload


def _uncut(body: JsonObject, sampling: Sampling, hints: EngineHints, model: Model) -> bytes:
    """``body`` as JSON; a prompt that may be too long for the context is refused by the engine, not cut."""
    wire = msgspec.json.encode(body)
    if hints.truncate is not None or surely_fits(len(wire), sampling.max_tokens, model.loaded_context):
        return wire
    return b"%b,%b}" % (wire[:-1], _UNCUT)


def _options(sampling: Sampling, hints: EngineHints, model: Model) -> JsonObject:
    return write_options(sampling, hints, model.loaded_context)


def _generation(call: ChatCall | TextCall, model: Model) -> JsonObject:
    """What chats and generations have in common."""
    body = _kept_alive(call.hints)
    if call.hints.truncate is not None:
        body["truncate"] = call.hints.truncate
    match call.format.kind:
        case FormatKind.TEXT:
            pass
        case FormatKind.JSON:
            body["format"] = "json"
        case FormatKind.SCHEMA:
            body["format"] = call.format.schema
        case _:
            assert_never(call.format.kind)
    if (think := _think(call.thinking, model)) is not None:
        body["think"] = think
    if options := _options(call.sampling, call.hints, model):
        body["options"] = options
    if call.sampling.logprobs:
        body |= {"logprobs": True, "top_logprobs": call.sampling.top_logprobs}
    return body


def _think(thinking: Thinking, model: Model) -> bool | str | None:
    """An explicit wish is Ollama's to refuse; effort alone is a hint, which a model that cannot think does not get."""
    if thinking.enabled is False:
        return False
    if thinking.effort in _EFFORTS and (thinking.enabled or Capability.THINKING in model.capabilities):
        return _EFFORTS[thinking.effort]
    return thinking.enabled


def _kept_alive(hints: EngineHints) -> JsonObject:
    return {} if hints.keep_alive_s is None else {"keep_alive": write_keep_alive(hints.keep_alive_s)}


def _prompt(call: TextCall) -> str:
    prompt = call.prompts[0] if call.prompts else ""
    if not isinstance(prompt, str):
        raise Unsupported(call.model, "token ids as prompt", hint="Send text.")
    return prompt


def _messages(messages: Sequence[Message], model: Model) -> list[Json]:
    names = {call.id: call.name for message in messages for call in message.tool_calls}
    return [_message(message, names, model) for message in messages]


def _message(message: Message, names: Mapping[str, str], model: Model) -> JsonObject:
    wire: JsonObject = {"role": message.role.value, "content": message.text}
    if message.reasoning:
        wire["thinking"] = message.reasoning
    if images := _images(message.parts, model):
        wire["images"] = images
    if message.tool_calls:
        wire["tool_calls"] = [
            {"id": call.id, "function": {"name": call.name, "arguments": arguments_object(call.arguments)}}
            for call in message.tool_calls
        ]
    if message.role is Role.TOOL:
        wire["tool_name"] = message.name or names.get(message.tool_call_id, "")
        wire["tool_call_id"] = message.tool_call_id
    return wire


def _images(parts: Iterable[Part], model: Model) -> list[Json]:
    """Their base64; where they stood among the words is lost."""
    images: list[Json] = []
    for part in parts:
        match part:
            case ImagePart(data_b64=data) if data:
                images.append(data)
            case ImagePart():
                raise Unsupported(model.id, "images by URL")
            case AudioPart():
                raise Unsupported(model.id, "audio")
            case _:
                pass
    return images

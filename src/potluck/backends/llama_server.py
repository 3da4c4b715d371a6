"""llama.cpp's server as a dialect: what `llamacpp` and `local` have in common (API-CONTRACTS.md 5).

It is OpenAI's family with habits of its own: a wish for a tool call is not enforced, a JSON schema is; templated
prompts go by the chat route; ``/infill`` fills in code.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TypeVar, assert_never

import msgspec

from potluck.backends.port import EngineHttp, Ready
from potluck.backends.reading import decoded_body
from potluck.core.answer import Event, Finish, FinishReason
from potluck.core.call import Call, ChatCall, EmbedCall, InfillCall, LoadCall, TextCall, ToolMode
from potluck.core.errors import ContextOverflow, PotluckError, Unsupported
from potluck.core.forced_tools import ForcedToolEvents, force
from potluck.core.infill import InfillCleaner, instruct
from potluck.core.model import Capability, JsonObject, Model
from potluck.core.rescue import Way
from potluck.core.vectors import Shortened
from potluck.wire.code import infill_engine
from potluck.wire.filtered import FilteredReader
from potluck.wire.openai.encode import LLAMACPP, as_chat, encode_chat, encode_completion, encode_embedding
from potluck.wire.openai.errors import read_engine_error
from potluck.wire.openai.readers import ChatReader, CompletionReader, EmbeddingReader
from potluck.wire.port import AnswerReader, Ask, EngineRequest, Shape

_Generation = TypeVar("_Generation", ChatCall, TextCall, InfillCall)

SHAPES = frozenset({Shape.OPENAI_CHAT, Shape.OPENAI_COMPLETION, Shape.OPENAI_EMBEDDING, Shape.LLAMACPP_INFILL})

WAYS = frozenset({Way.REPLAY, Way.EXTEND, Way.PREFILL})
"""It takes a grammar; a last message of the assistant's is gone on with."""

CHAT = "/v1/chat/completions"
COMPLETION = "/v1/completions"
EMBEDDING = "/v1/embeddings"

_PATHS = {
    Shape.OPENAI_CHAT: CHAT,
    Shape.OPENAI_COMPLETION: COMPLETION,
    Shape.OPENAI_EMBEDDING: EMBEDDING,
    Shape.LLAMACPP_INFILL: infill_engine.PATH,
}

# Seen on a build of October 2026: a call whose answer is not streamed runs to its end though the client has left
# (llama.cpp issue 24496 has the like), and a streamed one to its first token. What is written fails, and that is heard:
# so every generation is streamed to us, with a line of progress for every batch of its prompt.
HEARS_ONLY_STREAMS = True
_PROGRESS: JsonObject = {"return_progress": True}
_PROGRESS_KEY = b'"return_progress"'
_GENERATES = (Shape.OPENAI_CHAT, Shape.OPENAI_COMPLETION)

# Said with a status of 500 for an input to embed that does not fit into one batch.
_TOO_LARGE = re.compile(rb"input \((\d+) tokens\) is too large to process.*\(current batch size: (\d+)\)")

# What the templates of models that reason have in them: Qwen and DeepSeek, gpt-oss, Mistral, Seed.
_THINKING_MARKS = ("enable_thinking", "<think>", "<|channel|>", "[THINK]", "<seed:think>")


def thinks(template: str) -> bool:
    """Whether a chat template is one of a model that thinks before it answers."""
    return any(mark in template for mark in _THINKING_MARKS)


def encode(call: Call, model: Model, *, stream: bool) -> EngineRequest | Ready:
    """The request for a call, by the name that the server knows the model by.

    Raises `Unsupported` for filling in that must not be paraphrased, `BadRequest` for a forced tool that is not there.
    """
    match call:
        case ChatCall():
            return _chat(call, model, stream=stream)
        case TextCall(templated=True):
            return _chat(as_chat(call), model, stream=stream)
        case TextCall():
            body = encode_completion(_telling(call), model.id, stream=True, habits=LLAMACPP)
            return EngineRequest(COMPLETION, body, _gathered(CompletionReader(), stream=stream), stream)
        case InfillCall():
            return _infill(call, model, stream=stream)
        case EmbedCall():
            return EngineRequest(EMBEDDING, _embedding(call, model), _vectors(call), stream=False)
        case LoadCall():
            return Ready((Finish(FinishReason.UNLOAD if call.unload else FinishReason.LOAD),))
        case _:
            assert_never(call)


def pass_through(ask: Ask, model: Model) -> tuple[str, bytes]:
    """Path and body for an ask of one of `SHAPES`. Raises `Unsupported` where the model cannot do it.

    Streams of generations are asked to tell progress, which the passage takes out again if the client did not ask.
    """
    if ask.shape is Shape.LLAMACPP_INFILL and Capability.INSERT not in model.capabilities:
        raise Unsupported(ask.model or model.id, Capability.INSERT.value)
    body = ask.passed(model.id)
    if ask.stream and ask.shape in _GENERATES and _PROGRESS_KEY not in body:
        # Spliced in behind the first brace: whatever else stands there is the client's. Its passage hides the lines.
        start = body.index(b"{") + 1
        body = body[:start] + _PROGRESS_KEY + b":true," + body[start:]
    return _PATHS[ask.shape], body


def error(status: int, body: bytes, model: str) -> PotluckError:
    """As the family reads it; and an input too long to embed, which llama.cpp takes for a fault of its own."""
    if too_large := _TOO_LARGE.search(body):
        return ContextOverflow(int(too_large[1]), int(too_large[2]), hint="Split the text into shorter pieces.")
    return read_engine_error(status, body, model)


def _chat(call: ChatCall, model: Model, *, stream: bool) -> EngineRequest:
    reader = _gathered(ChatReader(len(call.messages)), stream=stream)
    if call.tool_choice.forced:
        body = encode_chat(_telling(force(call)), model.id, stream=True, habits=LLAMACPP)
        return EngineRequest(CHAT, body, FilteredReader(reader, ForcedToolEvents.of(call)), stream)
    if call.tool_choice.mode is ToolMode.NONE:
        # Shown the tools, a model calls them whatever it was told; `none` is said by not showing them.
        call = replace(call, tools=())
    return EngineRequest(CHAT, encode_chat(_telling(call), model.id, stream=True, habits=LLAMACPP), reader, stream)


def _infill(call: InfillCall, model: Model, *, stream: bool) -> EngineRequest:
    if Capability.INSERT in model.capabilities:
        body = infill_engine.encode_infill(_telling(call), model.id, stream=True)
        reader = FilteredReader(_gathered(infill_engine.InfillReader(), stream=stream), InfillCleaner.raw())
        return EngineRequest(infill_engine.PATH, body, reader, stream)
    if call.strict:
        raise Unsupported(call.model, Capability.INSERT.value)
    request = _chat(instruct(call), model, stream=stream)
    return msgspec.structs.replace(request, reader=FilteredReader(request.reader, InfillCleaner.instructed(call)))


def _telling(call: _Generation) -> _Generation:
    """The same call, with progress told while its prompt is read."""
    return replace(call, hints=replace(call.hints, extra={**call.hints.extra, **_PROGRESS}))


def _gathered(reader: AnswerReader, *, stream: bool) -> AnswerReader:
    return reader if stream else _Gathered(reader)


class _Gathered:
    """Reads a stream that stands in for a whole answer, once all of it has come."""

    def __init__(self, reader: AnswerReader) -> None:
        self._reader = reader

    def feed(self, data: bytes) -> list[Event]:
        return self._reader.feed(data)

    def end(self) -> list[Event]:
        return self._reader.end()

    def whole(self, body: bytes) -> list[Event]:
        return self._reader.feed(body) + self._reader.end()


def _vectors(call: EmbedCall) -> AnswerReader:
    if call.dimensions is None:
        return EmbeddingReader()
    return FilteredReader(EmbeddingReader(), Shortened(call.dimensions, normalised=call.normalised))


def _embedding(call: EmbedCall, model: Model) -> bytes:
    if not call.normalised:
        extra = {**call.hints.extra, "embd_normalize": -1}  # as the model made them (llama.cpp, tools/server/README.md)
        call = replace(call, hints=replace(call.hints, extra=extra))
    return encode_embedding(call, model.id)


class Slot(msgspec.Struct):
    """One line of ``/slots``."""

    is_processing: bool = False
    n_ctx: int = 0


# --- Counting ---


class _Counted(msgspec.Struct):
    input_tokens: int


class _Templated(msgspec.Struct):
    prompt: str


class _Tokens(msgspec.Struct):
    tokens: list[int]


async def count_tokens(call: Call, model: Model, http: EngineHttp) -> int | None:
    """By the server's own tokenizer; None for calls without a prompt. Raises `NodeError`, or what the server says."""
    match call:
        case ChatCall():
            return await _count_chat(call, model, http)
        case TextCall(templated=True):
            return await _count_chat(as_chat(call), model, http)
        case TextCall():
            return sum([await _count(prompt, model, http) for prompt in call.prompts])
        case EmbedCall():
            return sum([await _count(text, model, http) for text in call.inputs])
        case InfillCall():
            snippets = sum([await _count(snippet.text, model, http) for snippet in call.snippets])
            return (
                snippets + await _count(call.prefix + call.prompt, model, http) + await _count(call.suffix, model, http)
            )
        case LoadCall():
            return None
        case _:
            assert_never(call)


async def _count_chat(call: ChatCall, model: Model, http: EngineHttp) -> int:
    body = encode_chat(force(call), model.id, stream=False, habits=LLAMACPP)
    reply = await http.request("POST", f"{CHAT}/input_tokens", body)
    if reply.status == 404:  # a server of before 2026
        templated = await _asked(http, "/apply-template", body, model)
        return await _count(decoded_body(templated, _Templated).prompt, model, http)
    if reply.status >= 400:
        raise error(reply.status, reply.body, model.id)
    return decoded_body(reply.body, _Counted).input_tokens


async def _count(text: str | tuple[int, ...], model: Model, http: EngineHttp) -> int:
    if not isinstance(text, str):
        return len(text)
    body = msgspec.json.encode({"model": model.id, "content": text, "add_special": True, "parse_special": True})
    return len(decoded_body(await _asked(http, "/tokenize", body, model), _Tokens).tokens)


async def _asked(http: EngineHttp, path: str, body: bytes, model: Model) -> bytes:
    reply = await http.request("POST", path, body)
    if reply.status >= 400:
        raise error(reply.status, reply.body, model.id)
    return reply.body

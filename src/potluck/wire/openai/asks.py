"""Requests of OpenAI's clients: read and checked at the door, and either passed on as they are or made a `Call`."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from potluck.core.call import ChatCall, EmbedCall, InfillCall, TextCall, ToolMode
from potluck.core.model import Capability, Json
from potluck.core.openings import NO_OPENING, Opening, opening_of_text, opening_of_turns
from potluck.core.scheduling.classes import Kind as CallKind
from potluck.wire.body import decode_body
from potluck.wire.errands import is_errand
from potluck.wire.openai.chat_request import ChatRequest, chat_call, check
from potluck.wire.openai.fields import Request, changed_body, read_choices, read_kind, read_model
from potluck.wire.openai.passage import AnswerPassage, Kind, WholePassage
from potluck.wire.openai.text_request import (
    CompletionRequest,
    EmbeddingRequest,
    check_completion,
    check_embedding,
    completion_call,
    embedding_call,
    limited,
    read_texts,
)
from potluck.wire.openai.writers import ChatWriter, CompletionWriter, EmbeddingWriter
from potluck.wire.port import NO_OPTIONS, AnswerMeta, Shape

# A client's own wish to see llama.cpp read its prompt; wherever else it stands, it costs a translation.
_PROGRESS = b'"return_progress"'


# Looked up once: up to Python 3.11 a member costs as much as a call.
_AUTO, _HIDDEN = ToolMode.AUTO, ToolMode.NONE
_CHAT = Kind.CHAT
# What a chat needs of its model, by whether it offers tools and holds images.
_NEEDS = {
    (False, False): frozenset({Capability.COMPLETION}),
    (True, False): frozenset({Capability.COMPLETION, Capability.TOOLS}),
    (False, True): frozenset({Capability.COMPLETION, Capability.VISION}),
    (True, True): frozenset({Capability.COMPLETION, Capability.TOOLS, Capability.VISION}),
}


def read_chat(body: bytes) -> ChatAsk:
    """``POST /v1/chat/completions``. Raises `BadRequest`."""
    request = decode_body(body, ChatRequest)
    found = check(request)
    tools, mode = bool(request.tools), found.choice.mode
    free = mode is _AUTO
    return ChatAsk(
        body,
        request,
        found.model,
        bool(request.stream),
        found.choices,
        read_kind(request) or _errand(request),
        request.answer_tokens,
        request.options or NO_OPTIONS,
        # A forced call is got out of any model that writes, by a schema.
        _NEEDS[tools and free, found.images],
        # Shown the tools, a model calls them whatever it was told: with `none` they must not be shown.
        found.plain and not found.remote and (free or (mode is _HIDDEN and not tools)),
    )


def read_completion(body: bytes) -> CompletionAsk:
    """``POST /v1/completions``. Raises `BadRequest`."""
    request = decode_body(body, CompletionRequest)
    check_completion(request)
    return CompletionAsk(body, request)


def read_embedding(body: bytes) -> EmbeddingAsk:
    """``POST /v1/embeddings``. Raises `BadRequest`."""
    request = decode_body(body, EmbeddingRequest)
    check_embedding(request)
    return EmbeddingAsk(body, request)


class ChatAsk(msgspec.Struct, frozen=True):
    """A chat that has been checked. ``untouchable`` is also false for what is only understood here: roles and forms
    that engines stumble over, Ollama's fields."""

    body: bytes
    request: ChatRequest
    model: str
    stream: bool
    generations: int
    kind: CallKind | None
    answer_tokens: int | None
    options: Mapping[str, Json]
    needs: frozenset[Capability]
    untouchable: bool
    shape: Shape = Shape.OPENAI_CHAT
    may_cut: bool = False

    @property
    def opening(self) -> Opening:
        return opening_of_turns((each.role, each.text) for each in self.request.messages)

    def call(self) -> ChatCall:
        return chat_call(self.request, self.body)

    def writer(self, meta: AnswerMeta) -> ChatWriter:
        return ChatWriter(meta, include_usage=self.request.include_usage)

    def passed(self, model: str) -> bytes:
        return _passed(self.body, self.request, model)

    def passage(self, meta: AnswerMeta) -> WholePassage:
        if not self.stream:
            return WholePassage(meta, _CHAT)
        return AnswerPassage(meta, Kind.CHAT, include_usage=self.request.include_usage, progress=_PROGRESS in self.body)


class CompletionAsk(msgspec.Struct, frozen=True):
    body: bytes
    request: CompletionRequest
    shape: Shape = Shape.OPENAI_COMPLETION
    needs: frozenset[Capability] = frozenset({Capability.COMPLETION})
    may_cut: bool = False

    @property
    def model(self) -> str:
        return read_model(self.request.model)

    @property
    def stream(self) -> bool:
        return bool(self.request.stream)

    @property
    def opening(self) -> Opening:
        prompt = self.request.prompt
        return opening_of_text(prompt) if isinstance(prompt, str) else NO_OPENING

    @property
    def answer_tokens(self) -> int | None:
        return self.request.answer_tokens

    @property
    def options(self) -> Mapping[str, Json]:
        return self.request.options or NO_OPTIONS

    @property
    def generations(self) -> int:
        return len(read_texts(self.request.prompt, "prompt")) * read_choices(self.request.n)

    @property
    def kind(self) -> CallKind | None:
        return read_kind(self.request)

    @property
    def untouchable(self) -> bool:
        """False with a suffix, which llama.cpp overlooks, an echo, which it refuses, Ollama's ``options``, and without
        a limit, for which engines have defaults of their own."""
        return limited(self.request) and not (self.request.suffix or self.request.echo or self.request.options)

    def call(self) -> TextCall | InfillCall:
        return completion_call(self.request, self.body)

    def writer(self, meta: AnswerMeta) -> CompletionWriter:
        prompts = read_texts(self.request.prompt, "prompt") if self.request.echo else ()
        return CompletionWriter(
            meta,
            include_usage=self.request.include_usage,
            prompts=[prompt for prompt in prompts if isinstance(prompt, str)],
            choices=read_choices(self.request.n),
        )

    def passed(self, model: str) -> bytes:
        return _passed(self.body, self.request, model)

    def passage(self, meta: AnswerMeta) -> WholePassage:
        if not self.stream:
            return WholePassage(meta, Kind.COMPLETION)
        return AnswerPassage(
            meta, Kind.COMPLETION, include_usage=self.request.include_usage, progress=_PROGRESS in self.body
        )


class EmbeddingAsk(msgspec.Struct, frozen=True):
    body: bytes
    request: EmbeddingRequest
    shape: Shape = Shape.OPENAI_EMBEDDING
    stream: bool = False
    needs: frozenset[Capability] = frozenset({Capability.EMBEDDING})
    generations: int = 1
    kind: CallKind | None = None
    answer_tokens: int | None = 0
    may_cut: bool = False
    opening: Opening = NO_OPENING

    @property
    def options(self) -> Mapping[str, Json]:
        return NO_OPTIONS

    @property
    def untouchable(self) -> bool:
        """False with ``dimensions``, which llama.cpp overlooks."""
        return self.request.dimensions is None

    @property
    def model(self) -> str:
        return read_model(self.request.model)

    def call(self) -> EmbedCall:
        return embedding_call(self.request, self.body)

    def writer(self, meta: AnswerMeta) -> EmbeddingWriter:
        return EmbeddingWriter(meta, base64=self.request.encoding_format == "base64")

    def passed(self, model: str) -> bytes:
        return changed_body(self.body, model=None if model == self.model else model, ask_usage=False)

    def passage(self, meta: AnswerMeta) -> WholePassage:
        return WholePassage(meta, Kind.EMBEDDING)


def _errand(request: ChatRequest) -> CallKind | None:
    """A chat that shows to be a program's own."""
    text = request.messages[0].content if len(request.messages) == 1 else ""
    return CallKind.BACKGROUND if isinstance(text, str) and is_errand(text) else None


def _passed(body: bytes, request: Request, model: str) -> bytes:
    other = None if model == request.model else model
    return changed_body(body, model=other, ask_usage=bool(request.stream) and not request.include_usage)

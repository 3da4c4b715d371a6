"""Requests of Ollama's clients: chat, generate, embed and the old embeddings (API-CONTRACTS.md 2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any, TypeVar

import msgspec

from potluck.core.call import Call
from potluck.core.context import normalise
from potluck.core.errors import BadRequest
from potluck.core.model import Capability, Model
from potluck.core.names import same_model
from potluck.core.openings import NO_OPENING, Opening, opening_of_text, opening_of_turns
from potluck.core.scheduling.classes import Kind
from potluck.wire.body import decode_body
from potluck.wire.errands import is_errand
from potluck.wire.ollama.calls import chat_call, embed_call, embed_inputs, generate_call, load_call
from potluck.wire.ollama.options import UNCUT, surely_fits
from potluck.wire.ollama.passage import EmbedPassage, LinePassage
from potluck.wire.ollama.structs import ChatRequest, EmbedRequest, GenerateRequest
from potluck.wire.ollama.writers import ChatWriter, EmbeddingsWriter, EmbedWriter, GenerateWriter
from potluck.wire.port import NO_OPTIONS, AnswerMeta, AnswerWriter, Passage, Shape

_NULL = msgspec.Raw(b"null")
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
# What engines know of a request's fields beyond those that are read here.
_MORE = ("shift",)

_Request = TypeVar("_Request", ChatRequest, GenerateRequest, EmbedRequest)


class OllamaAsk(msgspec.Struct, frozen=True):
    """A request in Ollama's words, of any of its four shapes (`wire.port.Ask`).

    Its bytes always suit an Ollama engine: images travel inside, and the dialect cannot force a tool call.
    """

    shape: Shape
    model: str
    stream: bool
    body: bytes
    needs: frozenset[Capability]
    build: Callable[[], Call]
    write: Callable[[AnswerMeta], AnswerWriter]
    watch: Callable[[AnswerMeta], Passage]
    options: Mapping[str, Any] = msgspec.field(default_factory=lambda: NO_OPTIONS)
    generations: int = 1
    untouchable: bool = True
    kind: Kind | None = None
    truncate: bool | None = None
    opening: Opening = NO_OPENING

    @property
    def answer_tokens(self) -> int | None:
        if Capability.COMPLETION not in self.needs and Capability.INSERT not in self.needs:
            return 0
        limit = self.options.get("num_predict")
        return int(min(limit, 1 << 30)) if isinstance(limit, int | float) and limit > 0 else None

    @property
    def may_cut(self) -> bool:
        """Texts to embed are cut by the dialect's own rule; a conversation only if the client says so."""
        return self.truncate is True or (self.truncate is None and Capability.EMBEDDING in self.needs)

    def call(self) -> Call:
        return self.build()

    def writer(self, meta: AnswerMeta) -> AnswerWriter:
        return self.write(meta)

    def passage(self, meta: AnswerMeta) -> Passage:
        return self.watch(meta)

    def passed(self, model: str) -> bytes:
        """The body for an Ollama engine of which nothing more is known."""
        return self._rewritten(model, None)

    def passed_to(self, model: Model) -> bytes:
        """The body for an engine that has, or is to have, ``model`` with its ``loaded_context``: with options that do
        not reload it.

        A prompt that may be too long for that is refused by the engine, not cut, unless the client wants it cut.
        """
        return self._rewritten(model.id, model.loaded_context)

    def _rewritten(self, model: str, num_ctx: int | None) -> bytes:
        # An engine answers with the name it was asked by, so a name it knows is better left as the client wrote it.
        same_name = same_model(self.model, model)
        options = normalise(self.options, num_ctx)
        said: dict[str, Any] = {} if self._sure(num_ctx) else dict(UNCUT)
        if options != self.options:
            said["options"] = options
        if same_name and not said:
            return self.body
        if same_name and not self.options and not any(b'"%b"' % name.encode() in self.body for name in said):
            # Nearly every client: what is said for it goes before what it says, and nothing has to be read anew.
            behind = self.body.index(b"{") + 1
            return b"%b%b,%b" % (self.body[:behind], msgspec.json.encode(said)[1:-1], self.body[behind:])
        fields: dict[str, Any] = msgspec.json.decode(self.body, type=dict[str, msgspec.Raw])
        if not same_name:
            fields["model"] = model
        for name, value in said.items():
            if name == "options" or bytes(fields.get(name, _NULL)) == b"null":
                fields[name] = value
        return msgspec.json.encode(fields)

    def _sure(self, num_ctx: int | None) -> bool:
        """Whether nothing can be cut, or the client has said what is to be done then."""
        if self.truncate is not None or Capability.EMBEDDING in self.needs or not self.needs:
            return True
        return surely_fits(len(self.body), self.answer_tokens, num_ctx)


def read_chat(body: bytes) -> OllamaAsk:
    """POST /api/chat. No messages mean: load the model, or unload it. Raises `BadRequest`."""
    body, request = _decode(body, ChatRequest)
    messages = request.messages or []
    needs = {Capability.COMPLETION}
    if request.tools:
        needs.add(Capability.TOOLS)
    if any(message.images for message in messages):
        needs.add(Capability.VISION)
    if request.think:  # not a hint as in other dialects: Ollama refuses it for a model that cannot
        needs.add(Capability.THINKING)
    return OllamaAsk(
        shape=Shape.OLLAMA_CHAT,
        model=request.model or "",
        stream=bool(messages) and request.stream is not False,
        body=body,
        needs=frozenset(needs) if messages else frozenset(),
        build=partial(chat_call, request, body) if messages else partial(load_call, request),
        write=ChatWriter,
        watch=LinePassage,
        options=request.options or NO_OPTIONS,
        truncate=request.truncate,
        opening=opening_of_turns((each.role, each.content or "") for each in messages),
        kind=Kind.BACKGROUND if len(messages) == 1 and is_errand(messages[0].content or "") else None,
    )


def read_generate(body: bytes) -> OllamaAsk:
    """POST /api/generate. An empty prompt means: load the model, or unload it. Raises `BadRequest`."""
    body, request = _decode(body, GenerateRequest)
    raw = bool(request.raw)
    if raw and (request.template or request.system or request.context):
        raise BadRequest("raw mode does not support template, system, or context", param="raw")
    needs = {Capability.INSERT if request.suffix and not raw else Capability.COMPLETION}
    if request.images and not request.suffix:
        needs.add(Capability.VISION)
    if request.think:
        needs.add(Capability.THINKING)
    return OllamaAsk(
        shape=Shape.OLLAMA_GENERATE,
        model=request.model or "",
        stream=bool(request.prompt) and request.stream is not False,
        body=body,
        needs=frozenset(needs) if request.prompt else frozenset(),
        build=partial(generate_call, request, body) if request.prompt else partial(load_call, request),
        write=partial(GenerateWriter, raw=raw),
        watch=LinePassage,
        options=request.options or NO_OPTIONS,
        truncate=request.truncate,
        opening=opening_of_text((request.system or "") + (request.prompt or "")),
    )


def read_embed(body: bytes) -> OllamaAsk:
    """POST /api/embed. No input means: load the model. Raises `BadRequest`."""
    body, request = _decode(body, EmbedRequest)
    return _embed_ask(Shape.OLLAMA_EMBED, body, request, embed_inputs(request.input), EmbedWriter)


def read_embeddings(body: bytes) -> OllamaAsk:
    """POST /api/embeddings, the old route: one prompt, its vector as the model gave it. Raises `BadRequest`."""
    body, request = _decode(body, EmbedRequest)
    inputs = (request.prompt,) if request.prompt else ()
    return _embed_ask(Shape.OLLAMA_EMBEDDINGS, body, request, inputs, EmbeddingsWriter)


def _embed_ask(
    shape: Shape,
    body: bytes,
    request: EmbedRequest,
    inputs: tuple[str, ...],
    writer: Callable[[AnswerMeta], AnswerWriter],
) -> OllamaAsk:
    normalised = shape is Shape.OLLAMA_EMBED
    return OllamaAsk(
        shape=shape,
        model=request.model or "",
        stream=False,
        body=body,
        needs=frozenset({Capability.EMBEDDING}) if inputs else frozenset(),
        build=partial(embed_call, request, body, inputs, normalised=normalised)
        if inputs
        else partial(load_call, request),
        write=writer,
        watch=EmbedPassage,
        options=request.options or NO_OPTIONS,
        truncate=request.truncate,
    )


def _decode(body: bytes, kind: type[_Request]) -> tuple[bytes, _Request]:
    """With the body as it is to be passed on. Raises `BadRequest` in Ollama's own words, as clients may look for them.

    Go reads ``Options`` as ``options``, so an engine would see what is not seen here: such names are written small.
    """
    if not body.strip():
        raise BadRequest("missing request body")
    request = decode_body(body, kind)
    known = _known(kind)
    fields = _FIELDS.decode(body)
    if any(_small(name) in known for name in fields.keys() - known):
        spelled = {_small(name) if _small(name) in known else name: value for name, value in fields.items()}
        body = msgspec.json.encode(spelled)
        request = decode_body(body, kind)
    if not request.model:
        raise BadRequest("model is required", param="model")
    return body, request


@cache
def _known(kind: type[msgspec.Struct]) -> frozenset[str]:
    return frozenset((*kind.__struct_fields__, *_MORE))


def _small(name: str) -> str:
    """As Go compares names: also the long s and the sign for kelvin are letters."""
    return name.casefold()

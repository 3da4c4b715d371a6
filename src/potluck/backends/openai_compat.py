"""Any server that speaks OpenAI's API: vLLM, SGLang, LM Studio, TGI, a cloud. Only ``/v1/models`` is sure of them.

llama.cpp's server is one of them too, and says so in its list: then its habits are heeded (`llama_server`).
"""

from __future__ import annotations

import re
from typing import assert_never

import msgspec
from msgspec.structs import replace

from potluck.backends import llama_server
from potluck.backends.engine_settings import EngineSettings, Remote
from potluck.backends.port import EngineHttp, HttpReply, Ready, Report
from potluck.backends.reading import decoded, refused
from potluck.core.answer import Finish, FinishReason
from potluck.core.call import Call, ChatCall, EmbedCall, InfillCall, LoadCall, TextCall
from potluck.core.errors import NodeFailed, PotluckError, Unsupported
from potluck.core.infill import InfillCleaner, instruct
from potluck.core.model import Capability, EngineKind, Model, ModelId
from potluck.core.rescue import Way
from potluck.wire.filtered import FilteredReader
from potluck.wire.openai.encode import as_chat, encode_chat, encode_completion, encode_embedding
from potluck.wire.openai.readers import ChatReader, CompletionReader, EmbeddingReader
from potluck.wire.port import Ask, EngineRequest, Shape

_PATHS = {
    Shape.OPENAI_CHAT: "/v1/chat/completions",
    Shape.OPENAI_COMPLETION: "/v1/completions",
    Shape.OPENAI_EMBEDDING: "/v1/embeddings",
}

# These servers do not say what a model can do. An embedding model is told by its name, or by its task where the
# server has a word for it; every other gets the benefit of the doubt, and the server may refuse.
_EMBEDDERS = re.compile(r"embed|(?:^|[/_-])(?:bge|e5|gte|minilm|nomic|mxbai|colbert)(?:$|[._-])", re.IGNORECASE)
_WRITES = frozenset({Capability.COMPLETION, Capability.TOOLS, Capability.VISION, Capability.THINKING})
_EMBEDS = frozenset({Capability.EMBEDDING})


_WAYS = frozenset({Way.EXTEND, Way.FINAL})

# How llama.cpp's server signs its list.
_LLAMACPP = "llamacpp"
# The one model of stable-diffusion.cpp's server, which listens where LM Studio does.
_SDCPP = "sd-cpp-local"


class _Meta(msgspec.Struct):
    n_ctx: int | None = None


class _Listed(msgspec.Struct):
    """One model. ``max_model_len`` is vLLM's and SGLang's, ``max_context_length`` and ``type`` LM Studio's, ``meta``
    is llama.cpp's."""

    id: str
    owned_by: str | None = None
    meta: _Meta | None = None
    max_model_len: int | None = None
    max_context_length: int | None = None
    context_length: int | None = None
    type: str | None = None
    task: str | None = None


class _Listing(msgspec.Struct):
    data: list[_Listed] | None = None


class OpenAiCompat(Remote):
    """`Backend` for a generic server. What it enforces is its affair: forced tools are passed on as they are.

    Not so for llama.cpp's, which is known not to; nor does it count the tokens of several answers, nor hear that a
    client has left while it writes a whole one.
    """

    kind = EngineKind.OPENAI
    shapes = frozenset(_PATHS)
    ways = _WAYS
    many = True

    def __init__(self, settings: EngineSettings) -> None:
        super().__init__(settings)
        self._llamacpp = False

    def encode(self, call: Call, model: Model, *, stream: bool) -> EngineRequest | Ready:
        """Raises `Unsupported` for filling in that must not be paraphrased."""
        if self._llamacpp:
            return llama_server.encode(call, model, stream=stream)
        match call:
            case ChatCall():
                return _chat(call, model, stream=stream)
            case TextCall(templated=True):
                return _chat(as_chat(call), model, stream=stream)
            case TextCall():
                body = encode_completion(call, model.id, stream=stream)
                return EngineRequest(_PATHS[Shape.OPENAI_COMPLETION], body, CompletionReader(), stream)
            case InfillCall(strict=True):
                raise Unsupported(call.model, Capability.INSERT.value)
            case InfillCall():
                request = _chat(instruct(call), model, stream=stream)
                return replace(request, reader=FilteredReader(request.reader, InfillCleaner.instructed(call)))
            case EmbedCall():
                body = encode_embedding(call, model.id)
                return EngineRequest(_PATHS[Shape.OPENAI_EMBEDDING], body, EmbeddingReader(), stream=False)
            case LoadCall():
                return Ready((Finish(FinishReason.UNLOAD if call.unload else FinishReason.LOAD),))
            case _:
                assert_never(call)

    def pass_through(self, ask: Ask, model: Model) -> tuple[str, bytes]:
        return llama_server.pass_through(ask, model) if self._llamacpp else (_PATHS[ask.shape], ask.passed(model.id))

    def error(self, status: int, body: bytes, model: str) -> PotluckError:
        return llama_server.error(status, body, model)

    async def count_tokens(self, call: Call, model: Model, http: EngineHttp) -> int | None:
        """None where there is no route for it that is sure."""
        return await llama_server.count_tokens(call, model, http) if self._llamacpp else None

    async def probe(self, http: EngineHttp) -> Report:
        """The listed models, or the configured ones where the server lists none or not to us."""
        reply = await http.request("GET", "/v1/models")
        if configured := self._settings.models:
            if reply.status >= 500:
                raise refused(reply)
            listed = {each.id: each for each in self._known(_listed(reply))}
            return Report(models=tuple(self._model(listed.get(name) or _Listed(name)) for name in configured))
        if reply.status == 404:
            raise NodeFailed("The engine lists no models: name them under 'models' in the config.", status=404)
        return Report(models=tuple(self._model(each) for each in self._known(decoded(reply, _Listing).data or [])))

    def _known(self, listed: list[_Listed]) -> list[_Listed]:
        """``listed``, after a look at who wrote it. Raises `NodeFailed` for one who writes no text."""
        if [each.id for each in listed] == [_SDCPP]:
            hint = "Configure it as kind a1111."
            raise NodeFailed("This is stable-diffusion.cpp's server, which only draws.", hint=hint)
        self._llamacpp = any(each.owned_by == _LLAMACPP for each in listed)
        self.many, self.hears_only_streams = not self._llamacpp, self._llamacpp
        self.ways = llama_server.WAYS if self._llamacpp else _WAYS
        return listed

    def _model(self, listed: _Listed) -> Model:
        kind = listed.type or listed.task or ""
        embeds = "embed" in kind or (not kind and _EMBEDDERS.search(listed.id) is not None)
        context = listed.max_model_len or listed.max_context_length or listed.context_length
        if context is None and listed.meta is not None:
            context = listed.meta.n_ctx
        return Model(
            id=ModelId(listed.id),
            capabilities=_EMBEDS if embeds else _WRITES,
            context=self._settings.context or context,
            resident=True,
        )


def _chat(call: ChatCall, model: Model, *, stream: bool) -> EngineRequest:
    body = encode_chat(call, model.id, stream=stream)
    return EngineRequest(_PATHS[Shape.OPENAI_CHAT], body, ChatReader(len(call.messages)), stream)


def _listed(reply: HttpReply) -> list[_Listed]:
    """What the list says of the configured models, if there is one."""
    try:
        return decoded(reply, _Listing).data or []
    except PotluckError:
        return []

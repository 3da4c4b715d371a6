"""Ollama: keeps its models itself, loads what it is asked for, tells what it holds (API-CONTRACTS.md 2 and 5)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace

import msgspec

from potluck.backends.engine_settings import EngineSettings, Remote
from potluck.backends.port import EngineHttp, HttpReply, Ready, Report
from potluck.backends.reading import refused
from potluck.core.call import Call
from potluck.core.errors import MalformedAnswer, PotluckError
from potluck.core.model import EngineKind, Model
from potluck.core.rescue import Way
from potluck.wire.ollama.asks import OllamaAsk
from potluck.wire.ollama.catalogue import read_ps, read_show, read_tags, read_version, with_loaded
from potluck.wire.ollama.errors import read_engine_error
from potluck.wire.ollama.requests import CHAT, EMBED, EMBEDDINGS, GENERATE, engine_request
from potluck.wire.port import Ask, EngineRequest, Shape

_PATHS = {
    Shape.OLLAMA_CHAT: CHAT,
    Shape.OLLAMA_GENERATE: GENERATE,
    Shape.OLLAMA_EMBED: EMBED,
    Shape.OLLAMA_EMBEDDINGS: EMBEDDINGS,
}

# Ollama reads a model's whole head to show it; some dozens at once would make it late for everybody else.
_SHOWN_AT_ONCE = 4


class Ollama(Remote):
    """`Backend` for an Ollama server. Remembers what each digest can do: weights do not change under a digest."""

    kind = EngineKind.OLLAMA
    shapes = frozenset(_PATHS)
    ways = frozenset({Way.EXTEND, Way.PREFILL})
    many = False
    context_by_call = True

    def __init__(self, settings: EngineSettings) -> None:
        super().__init__(settings)
        self._shown: dict[str, Model] = {}

    def encode(self, call: Call, model: Model, *, stream: bool) -> EngineRequest | Ready:
        """Forced tools go by schema, filling in without the ability by words; options that reload are normalised."""
        return engine_request(call, model, stream=stream)

    def pass_through(self, ask: Ask, model: Model) -> tuple[str, bytes]:
        """Untouched but for the model's name and for options that would make the engine load the model anew."""
        body = ask.passed_to(model) if isinstance(ask, OllamaAsk) else ask.passed(model.id)
        return _PATHS[ask.shape], body

    def error(self, status: int, body: bytes, model: str) -> PotluckError:
        return read_engine_error(status, body, model)

    async def count_tokens(self, call: Call, model: Model, http: EngineHttp) -> int | None:
        """None: Ollama has no tokenizer for others."""
        return None

    async def probe(self, http: EngineHttp) -> Report:
        """Version, models, what is in memory; and of models not seen before, what they can do."""
        version = read_version(_well(await http.request("GET", "/api/version")))
        tags = read_tags(_well(await http.request("GET", "/api/tags")))
        loaded = read_ps(_well(await http.request("GET", "/api/ps")))
        await self._show([model for model in tags if _key(model) not in self._shown], http)
        self._shown = {key: shown for key, shown in self._shown.items() if key in {_key(model) for model in tags}}
        models = with_loaded((self._known(model) for model in tags), loaded)
        return Report(models=models, version=version)

    async def _show(self, models: Iterable[Model], http: EngineHttp) -> None:
        turns = asyncio.Semaphore(_SHOWN_AT_ONCE)

        async def show(model: Model) -> None:
            async with turns:
                reply = await http.request("POST", "/api/show", msgspec.json.encode({"model": model.id}))
            # One that was deleted meanwhile, or that this server cannot show, is served by what the list says of it.
            if reply.status < 400:
                try:
                    self._shown[_key(model)] = read_show(reply.body, model)
                except MalformedAnswer:
                    return

        await asyncio.gather(*(show(model) for model in models))

    def _known(self, model: Model) -> Model:
        shown = self._shown.get(_key(model))
        if shown is not None:
            # Two names may share one digest; what differs between them is in the list.
            model = replace(shown, id=model.id, modified_at=model.modified_at, digest=model.digest)
        return replace(model, context=self._settings.context) if self._settings.context else model


def _key(model: Model) -> str:
    return model.digest or f"{model.id} {model.modified_at}"


def _well(reply: HttpReply) -> bytes:
    if reply.status >= 400:
        raise refused(reply)
    return reply.body

"""llama.cpp's ``llama-server``, in its two modes: one model for each server, or a router over several."""

from __future__ import annotations

import msgspec

from potluck.backends import llama_server
from potluck.backends.engine_settings import EngineSettings, Remote
from potluck.backends.llama_server import Slot
from potluck.backends.port import EngineHttp, Ready, Report
from potluck.backends.reading import decoded, refused
from potluck.core.call import Call
from potluck.core.errors import MalformedAnswer, NodeBusy, PotluckError
from potluck.core.model import Capability, EngineKind, Model, ModelId
from potluck.wire.port import Ask, EngineRequest

# Statuses that tell nothing of what a model can do: it is asked again. All others of 400 or more mean that it cannot.
_LATER = frozenset({401, 403, 407, 408, 429, 503})
_GENERATING = frozenset({Capability.COMPLETION})


class _Modalities(msgspec.Struct):
    vision: bool = False


class _Settings(msgspec.Struct):
    n_ctx: int | None = None


class _Caps(msgspec.Struct):
    supports_tools: bool | None = None


class _Props(msgspec.Struct):
    """``/props``. ``chat_template_caps`` came in 2025; before, the template's words must do."""

    total_slots: int | None = None
    default_generation_settings: _Settings | None = None
    chat_template: str = ""
    chat_template_caps: _Caps | None = None
    modalities: _Modalities | None = None
    build_info: str = ""
    role: str = ""


class _Meta(msgspec.Struct):
    n_ctx_train: int | None = None
    n_params: int | None = None
    size: int | None = None
    ftype: str | None = None


class _Status(msgspec.Struct):
    value: str = ""


class _Listed(msgspec.Struct):
    id: str
    aliases: list[str] | None = None
    meta: _Meta | None = None
    status: _Status | None = None


class _Listing(msgspec.Struct):
    data: list[_Listed]


class _Abilities(msgspec.Struct, frozen=True):
    """What a server's model can do, found once by asking for it; llama.cpp does not list it."""

    inserts: bool
    embeds: bool
    generates: bool


class LlamaCpp(Remote):
    """`Backend` for ``llama-server``. What it remembers between probes is kept for as long as the model is the same."""

    kind = EngineKind.LLAMACPP
    shapes = llama_server.SHAPES
    ways = llama_server.WAYS
    many = False
    hears_only_streams = llama_server.HEARS_ONLY_STREAMS

    def __init__(self, settings: EngineSettings) -> None:
        super().__init__(settings)
        self._abilities: dict[str, _Abilities] = {}

    def encode(self, call: Call, model: Model, *, stream: bool) -> EngineRequest | Ready:
        return llama_server.encode(call, model, stream=stream)

    def pass_through(self, ask: Ask, model: Model) -> tuple[str, bytes]:
        return llama_server.pass_through(ask, model)

    def error(self, status: int, body: bytes, model: str) -> PotluckError:
        return llama_server.error(status, body, model)

    async def count_tokens(self, call: Call, model: Model, http: EngineHttp) -> int | None:
        return await llama_server.count_tokens(call, model, http)

    async def probe(self, http: EngineHttp) -> Report:
        """1. Health: 503 while it loads. 2. What it serves, and how. 3. What its model can do, asked once.

        A router has no properties of its own before it has loaded a model: it gets its list, and the benefit of doubt.
        """
        health = await http.request("GET", "/health")
        if health.status == 503:
            raise NodeBusy("The engine is still loading its model.", loading=True)
        if health.status >= 400:
            raise refused(health)
        listed = decoded(await http.request("GET", "/v1/models"), _Listing).data
        props = decoded(await http.request("GET", "/props"), _Props)
        if props.role == "router" or any(each.status is not None for each in listed):
            return Report(models=tuple(self._routed(each) for each in listed), version=props.build_info)
        if not listed:
            raise MalformedAnswer("The engine lists no model.")
        abilities = await self._able(listed[0].id, http)
        return Report(
            models=self._models(listed[0], props, abilities),
            slots=props.total_slots,
            busy=await _busy(http),
            version=props.build_info,
        )

    async def _able(self, model: str, http: EngineHttp) -> _Abilities:
        known = self._abilities.get(model)
        if known is None:
            embeds = await _can(http, "/v1/embeddings", b'{"input":"a"}')
            known = _Abilities(
                inserts=await _can(http, "/infill", b'{"input_prefix":"a","input_suffix":"b","n_predict":0}'),
                embeds=embeds,
                # A server that embeds was started for it; some builds then refuse to write.
                generates=not embeds or await _can(http, "/v1/completions", b'{"prompt":"a","max_tokens":1}'),
            )
            # Another model under the same address makes what was known of the last one worthless.
            self._abilities = {model: known}
        return known

    def _models(self, listed: _Listed, props: _Props, abilities: _Abilities) -> tuple[Model, ...]:
        meta = listed.meta or _Meta()
        settings = props.default_generation_settings or _Settings()
        context = self._settings.context or settings.n_ctx
        names = self._settings.models or (ModelId(_name(listed)),)
        return tuple(
            Model(
                id=name,
                capabilities=_capabilities(props, abilities),
                context=context,
                loaded_context=context,
                resident=True,
                size_bytes=meta.size,
                parameter_size=_millions(meta.n_params),
                quantization=meta.ftype,
                template=props.chat_template or None,
            )
            for name in names
        )

    def _routed(self, listed: _Listed) -> Model:
        meta = listed.meta or _Meta()
        return Model(
            id=ModelId(listed.id),
            capabilities=_GENERATING | {Capability.TOOLS},
            context=self._settings.context or meta.n_ctx_train,
            resident=listed.status is not None and listed.status.value in ("loaded", "sleeping"),
            size_bytes=meta.size,
        )


async def _can(http: EngineHttp, path: str, body: bytes) -> bool:
    """Whether a route works for the server's model. Raises `NodeError` if it does not say."""
    reply = await http.request("POST", path, body, timeout_s=30.0)
    if reply.status in _LATER:
        raise refused(reply)
    return reply.status < 400


async def _busy(http: EngineHttp) -> int | None:
    """Slots at work; None where ``--no-slots`` hides them."""
    reply = await http.request("GET", "/slots")
    if reply.status >= 400:
        return None
    return sum(slot.is_processing for slot in decoded(reply, list[Slot]))


def _name(listed: _Listed) -> str:
    """An alias, if one was given; else the file's name without its folders, which are nobody's business."""
    name = listed.id.replace("\\", "/").rpartition("/")[2] if listed.id.endswith(".gguf") else listed.id
    return name.removesuffix(".gguf")


def _capabilities(props: _Props, abilities: _Abilities) -> frozenset[Capability]:
    found = set(_GENERATING if abilities.generates else ())
    template = props.chat_template
    caps = props.chat_template_caps or _Caps()
    shows_tools = caps.supports_tools if caps.supports_tools is not None else "tools" in template
    if abilities.generates and shows_tools:
        found.add(Capability.TOOLS)
    if llama_server.thinks(template):
        found.add(Capability.THINKING)
    if abilities.inserts:
        found.add(Capability.INSERT)
    if abilities.embeds:
        found.add(Capability.EMBEDDING)
    if props.modalities is not None and props.modalities.vision:
        found.add(Capability.VISION)
    return frozenset(found)


def _millions(parameters: int | None) -> str | None:
    """As people say it: ``135M``, ``7.2B``."""
    if parameters is None:
        return None
    millions = parameters / 1e6
    return f"{millions:.0f}M" if millions < 1000 else f"{millions / 1000:.1f}B"

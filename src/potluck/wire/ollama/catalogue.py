"""Lists of models in Ollama's words, both ways: ``/api/tags``, ``ps``, ``show``, ``version`` (API-CONTRACTS.md 2)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from potluck.core.errors import BadRequest, MalformedAnswer
from potluck.core.model import Capability, JsonObject, Model, ModelId
from potluck.core.names import canonical, same_model, tagged
from potluck.wire.body import decode_body

# Clients parse the times they are given. Where an engine tells none, these say "never" in both directions.
_LONG_AGO = "1970-01-01T00:00:00Z"
_NEVER_EXPIRES = "2318-01-01T00:00:00Z"

# Old servers do not list capabilities, but only these families embed.
_EMBEDDING_FAMILIES = frozenset({"bert", "nomic-bert", "nomic-bert-moe"})

# What a template shows that has a place for code behind the cursor: Continue looks for it, and so do we.
_SUFFIX = ".Suffix"
_INSERT_TEMPLATE = "{{- if .Suffix }}{{ .Prompt }}{{ .Suffix }}{{- else }}{{ .Prompt }}{{- end }}"

T = TypeVar("T", bound=Struct)


# --- For clients ------------------------------------------------------------------------------------------------------


def tags_body(models: Iterable[Model]) -> bytes:
    """``GET /api/tags``: every model once, by name with tag."""
    return msgspec.json.encode({"models": [_listed(model) for model in models]})


def ps_body(models: Iterable[Model]) -> bytes:
    """``GET /api/ps``: the resident ones; one whose end is not known stays for centuries.

    Where nobody tells in which memory a model lies, all of it is shown as the accelerator's, as for one that fits.
    """
    listed: list[JsonObject] = []
    for model in models:
        if not model.resident:
            continue
        size = model.memory_bytes or model.size_bytes or 0
        item = _listed(model) | {
            "size": size,
            "expires_at": model.expires_at or _NEVER_EXPIRES,
            "size_vram": size if model.vram_bytes is None else model.vram_bytes,
            "context_length": model.loaded_context or model.context or 0,
        }
        del item["modified_at"]
        listed.append(item)
    return msgspec.json.encode({"models": listed})


def show_fields(model: Model) -> JsonObject:
    """``POST /api/show`` for a model whose engine has no such route.

    Its template gets a place for a suffix if the model can insert, because clients judge by that.
    """
    template = model.template or "{{ .Prompt }}"
    if Capability.INSERT in model.capabilities and _SUFFIX not in template:
        template = _INSERT_TEMPLATE
    family = model.family or "unknown"
    info: JsonObject = {"general.architecture": family, "general.basename": tagged(model.id).partition(":")[0]}
    if model.context is not None:
        info[f"{family}.context_length"] = model.context
    return {
        "license": "",
        "modelfile": f"FROM {tagged(model.id)}\nTEMPLATE {msgspec.json.encode(template).decode()}\n",
        "parameters": "",
        "template": template,
        "details": _details(model),
        "model_info": info,
        "capabilities": [*_capabilities(model)],
        "modified_at": model.modified_at or _LONG_AGO,
    }


def version_body(version: str) -> bytes:
    """``GET /api/version``. Clients compare it with Ollama's versions, so it should be one."""
    return msgspec.json.encode({"version": version})


def _listed(model: Model) -> JsonObject:
    name = tagged(model.id)
    return {
        "name": name,
        "model": name,
        "modified_at": model.modified_at or _LONG_AGO,
        "size": model.size_bytes or 0,
        # Ollama's CLI cuts twelve digits out of it, so there must be some; without a real one the name's stands in.
        "digest": model.digest or hashlib.sha256(canonical(model.id).encode()).hexdigest(),
        "details": _details(model),
        "capabilities": [*_capabilities(model)],
    }


def _details(model: Model) -> JsonObject:
    details: JsonObject = {
        "parent_model": "",
        "format": "gguf",
        "family": model.family or "",
        "families": [model.family] if model.family else None,
        "parameter_size": model.parameter_size or "",
        "quantization_level": model.quantization or "",
    }
    return details if model.context is None else details | {"context_length": model.context}


def _capabilities(model: Model) -> list[str]:
    """In the order in which Ollama's sources list them."""
    return [capability.value for capability in Capability if capability in model.capabilities]


# --- From engines -----------------------------------------------------------------------------------------------------


class _Details(Struct):
    family: str | None = None
    families: list[str] | None = None
    parameter_size: str | None = None
    quantization_level: str | None = None
    context_length: int | None = None


class _Tag(Struct):
    name: str = ""
    model: str | None = None
    modified_at: str | None = None
    size: int | None = None
    digest: str | None = None
    details: _Details | None = None
    capabilities: list[str] | None = None
    expires_at: str | None = None
    size_vram: int | None = None
    context_length: int | None = None


class _Tags(Struct):
    models: list[_Tag] | None = None


class _Show(Struct):
    template: str | None = None
    details: _Details | None = None
    model_info: dict[str, Any] | None = None
    capabilities: list[str] | None = None
    modified_at: str | None = None


class _Version(Struct):
    version: str = ""


class Loaded(msgspec.Struct, frozen=True):
    """A model in an engine's memory. ``context`` is what it is loaded with, in tokens, if the engine says so."""

    name: str
    context: int | None = None
    size_bytes: int = 0
    vram_bytes: int = 0
    expires_at: str = ""


def read_tags(body: bytes) -> tuple[Model, ...]:
    """The engine's models, none of them known to be resident. Raises `MalformedAnswer`."""
    return tuple(_model(tag) for tag in _decode(body, _Tags).models or () if tag.name or tag.model)


def read_ps(body: bytes) -> tuple[Loaded, ...]:
    """What is in memory now, or being loaded. Raises `MalformedAnswer`."""
    return tuple(
        Loaded(
            name=tag.name or tag.model or "",
            context=tag.context_length or None,
            size_bytes=tag.size or 0,
            vram_bytes=tag.size_vram or 0,
            expires_at=tag.expires_at or "",
        )
        for tag in _decode(body, _Tags).models or ()
    )


def with_loaded(models: Iterable[Model], loaded: Iterable[Loaded]) -> tuple[Model, ...]:
    """``models`` with what is in memory marked."""
    there = tuple(loaded)
    return tuple(_marked(model, there) for model in models)


def read_show(body: bytes, model: Model) -> Model:
    """``model`` with what ``/api/show`` tells beyond ``/api/tags``. Raises `MalformedAnswer`."""
    shown = _decode(body, _Show)
    info = shown.model_info or {}
    architecture = info.get("general.architecture")
    context = info.get(f"{architecture}.context_length")
    details = shown.details or _Details()
    family = details.family or (architecture if isinstance(architecture, str) else None) or model.family
    template = shown.template or model.template
    return replace(
        model,
        capabilities=_known(shown.capabilities, family, template),
        context=context if isinstance(context, int) else model.context,
        family=family,
        parameter_size=details.parameter_size or model.parameter_size,
        quantization=details.quantization_level or model.quantization,
        modified_at=shown.modified_at or model.modified_at,
        template=template,
    )


def read_version(body: bytes) -> str:
    """Raises `MalformedAnswer` for what is not Ollama's."""
    return _decode(body, _Version).version


def read_name(body: bytes) -> str:
    """The model that a ``show``, ``delete`` or ``pull`` is about: ``model``, or ``name`` in older clients.

    Raises `BadRequest` if it is missing.
    """
    if not body.strip():
        raise BadRequest("missing request body")
    named = decode_body(body, _Named)
    if not (name := named.model or named.name):
        raise BadRequest("model is required", param="model")
    return name


class _Named(Struct):
    model: str | None = None
    name: str | None = None


def _model(tag: _Tag) -> Model:
    details = tag.details or _Details()
    return Model(
        id=ModelId(tag.name or tag.model or ""),
        capabilities=_known(tag.capabilities, details.family, None),
        context=details.context_length or None,
        size_bytes=tag.size,
        digest=(tag.digest or "").removeprefix("sha256:") or None,
        family=details.family or None,
        parameter_size=details.parameter_size or None,
        quantization=details.quantization_level or None,
        modified_at=tag.modified_at,
    )


def _marked(model: Model, loaded: tuple[Loaded, ...]) -> Model:
    for one in loaded:
        if same_model(one.name, model.id):
            return replace(
                model,
                resident=True,
                loaded_context=one.context,
                memory_bytes=one.size_bytes or None,
                vram_bytes=one.vram_bytes,
                expires_at=one.expires_at or None,
            )
    return replace(model, resident=False, loaded_context=None, memory_bytes=None, vram_bytes=None, expires_at=None)


def _known(listed: list[str] | None, family: str | None, template: str | None) -> frozenset[Capability]:
    """What the engine lists, in words known here; for old servers, what family and template give away."""
    if listed:
        return frozenset(Capability(name) for name in listed if name in set(Capability))
    if family in _EMBEDDING_FAMILIES:
        return frozenset({Capability.EMBEDDING})
    if template is None:
        return frozenset({Capability.COMPLETION})
    found = {Capability.COMPLETION}
    if _SUFFIX in template:
        found.add(Capability.INSERT)
    if ".Tools" in template:
        found.add(Capability.TOOLS)
    return frozenset(found)


def _decode(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise MalformedAnswer("The engine's list of models cannot be read.") from exc

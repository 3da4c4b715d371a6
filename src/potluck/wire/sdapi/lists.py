"""What there is to choose from, as A1111's clients list it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from potluck.core.model import Json, JsonObject
from potluck.core.pictures.catalogue import Checkpoint, Memory
from potluck.core.pictures.offer import Offer, Offered
from potluck.core.pictures.samplers import SAMPLERS, SCHEDULERS
from potluck.wire.prompts.styles import Style

LATENT_UPSCALERS: Final = (
    "Latent",
    "Latent (antialiased)",
    "Latent (bicubic)",
    "Latent (bicubic antialiased)",
    "Latent (nearest)",
    "Latent (nearest-exact)",
)
"""All of them mean latent space."""

AUTOMATIC: Final = "Automatic"
_TYPICAL_SCALE: Final = 4.0


def title_of(model: Checkpoint) -> str:
    """What ``options`` is told to choose a model.

    >>> title_of(Checkpoint("v1-5", "old/v1-5.safetensors", hash="6ce0161689"))
    'v1-5.safetensors [6ce0161689]'
    """
    bare = _file(model)
    return f"{bare} [{model.hash}]" if model.hash else bare


def checkpoints(models: Iterable[Checkpoint]) -> list[Json]:
    return [
        {
            "title": title_of(each),
            "model_name": each.name,
            "hash": each.hash or None,
            "sha256": each.sha256 or None,
            "filename": _file(each),
            "config": None,
        }
        for each in models
    ]


def _file(model: Checkpoint) -> str:
    """Without folders, which differ from node to node, and without the hash, which A1111 has in its titles."""
    return model.file.partition(" [")[0].replace("\\", "/").rpartition("/")[2]


def samplers(offer: Offer) -> list[Json]:
    known = {each.name: each for each in SAMPLERS}
    return [
        {
            "name": each.label or each.name,
            "aliases": [each.name, *(known[each.name].aliases if each.name in known else ())],
            "options": {},
        }
        for each in offer.samplers
    ]


def schedulers(offer: Offer) -> list[Json]:
    """The automatic one stands first, as there."""
    known = {each.name: each for each in SCHEDULERS}
    automatic: list[Json] = [_scheduler("automatic", AUTOMATIC, ())]
    return automatic + [
        _scheduler(each.name, each.label or each.name, known[each.name].aliases if each.name in known else ())
        for each in offer.schedulers
        if each.name.lower() != "automatic"
    ]


def _scheduler(name: str, label: str, aliases: Sequence[str]) -> Json:
    return {"name": name, "label": label, "aliases": list(aliases), "default_rho": -1.0, "need_inner_model": False}


def upscalers(offer: Offer) -> list[Json]:
    """Those of latent space have a list of their own."""
    none: list[Json] = [_upscaler("None", _TYPICAL_SCALE)]
    found = (each for each in offer.upscalers if not each.name.startswith("Latent"))
    return none + [_upscaler(each.name, _TYPICAL_SCALE if each.scale is None else each.scale) for each in found]


def _upscaler(name: str, scale: float) -> Json:
    return {"name": name, "model_name": None, "model_path": None, "model_url": None, "scale": scale}


def loras(offer: Offer) -> list[Json]:
    return [{"name": each.name, "alias": each.name, "path": each.name, "metadata": {}} for each in offer.loras]


def vaes(offer: Offer) -> list[Json]:
    return [{"model_name": each.name, "filename": each.name} for each in offer.vaes]


def embeddings(offer: Offer) -> JsonObject:
    told: JsonObject = {"step": None, "sd_checkpoint": None, "sd_checkpoint_name": None, "shape": 0, "vectors": 0}
    return {"loaded": {each.name: told for each in offer.embeddings}, "skipped": {}}


def styles(known: Mapping[str, Style]) -> list[Json]:
    return [{"name": name, "prompt": each.prompt, "negative_prompt": each.negative} for name, each in known.items()]


def scripts(offer: Offer) -> JsonObject:
    """ControlNet, where some engine has it."""
    there: list[Json] = ["controlnet"] if offer.controls else []
    return {"txt2img": there, "img2img": there}


def controls(known: Sequence[Offered]) -> JsonObject:
    return {"model_list": [each.name for each in known]}


def memory(engines: Iterable[Memory]) -> JsonObject:
    """Of all accelerators together, in bytes. The gateway's own memory draws nothing."""
    known = list(engines)
    total, free = sum(each.total for each in known), sum(each.free for each in known)
    ram: JsonObject = {"free": 0, "used": 0, "total": 0}
    if not known:
        return {"ram": ram, "cuda": {"error": "No engine tells of its memory."}}
    held = sum(each.held for each in known)
    part: JsonObject = {"current": held, "peak": held}
    cuda: JsonObject = {
        "system": {"free": free, "used": total - free, "total": total},
        "active": part,
        "allocated": part,
        "reserved": part,
        "inactive": {"current": 0, "peak": 0},
        "events": {"retries": 0, "oom": 0},
    }
    return {"ram": ram, "cuda": cuda}

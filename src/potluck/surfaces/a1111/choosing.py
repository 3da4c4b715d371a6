"""Lists of what there is, and ``options``: which model the caller draws with until it says another."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from potluck.core.errors import NotFound
from potluck.core.pictures.catalogue import Catalogue, Checkpoint, plain_name
from potluck.core.pictures.offer import Offer, offer
from potluck.surfaces import picture_orders as orders
from potluck.surfaces.a1111.desk import Choice, desk_of
from potluck.surfaces.body import body_of
from potluck.surfaces.state import caller_of, services_of
from potluck.wire.sdapi import lists
from potluck.wire.sdapi.asks import read_settings
from potluck.wire.sdapi.fields import read_object

_SHOWN = 8


def catalogues(request: Request) -> list[Catalogue]:
    """Of all image engines, as they were when they were looked at last."""
    return [each.has for each in services_of(request).painters() if each.has is not None]


def model_of(request: Request, asked: str) -> str:
    """Our name for a model by its title, name, hash or alias; empty for none. Raises `NotFound`."""
    meant = orders.meant(services_of(request), asked)
    known = catalogues(request)
    if not meant:
        return ""
    found = next((model for has in known if (model := has.checkpoint(meant)) is not None), None)
    if found is not None:
        return found.name
    if not known:  # nobody has been looked at yet, and so nobody knows
        return plain_name(meant)
    names = ", ".join(each.name for each in _models(request)[:_SHOWN])
    raise NotFound(f"Model not found: {asked[:80]}", hint=f"There are {names}." if names else "There are none.")


def _models(request: Request) -> list[Checkpoint]:
    """Each name that the caller may ask for once, with its hash if some engine tells it."""
    found: dict[str, Checkpoint] = {}
    for has in catalogues(request):
        for each in has.checkpoints:
            key = each.name.lower()
            if key not in found or (each.hash and not found[key].hash):
                found[key] = each
    sees = caller_of(request).sees
    return [each for each in found.values() if sees(each.name)]


def _offer(request: Request) -> Offer:
    painters = services_of(request).painters()
    return offer([(each.node, each.has) for each in painters if each.has is not None])


def _json(answer: object) -> Response:
    return Response(msgspec.json.encode(answer), media_type="application/json")


# --- options ---


async def options(request: Request) -> Response:
    choice, known = await desk_of(request).choice(caller_of(request)), _models(request)
    usual = next((each for each in known if each.loaded), next(iter(known), None))
    model = next((each for each in known if choice.model and each.name.lower() == choice.model.lower()), usual)
    return _json(
        {
            "sd_model_checkpoint": lists.title_of(model) if model else "",
            "sd_checkpoint_hash": model.sha256 if model else "",
            "sd_vae": choice.vae or lists.AUTOMATIC,
            "CLIP_stop_at_last_layers": max(1, choice.clip_skip),
            "samples_save": True,
            "samples_format": "png",
            "enable_pnginfo": True,
            "live_previews_enable": True,
            "randn_source": "CPU",
        }
    )


async def set_options(request: Request) -> Response:
    """Those that mean something here; clients send back all that they were told."""
    sent = read_object(await body_of(request))
    settings = read_settings(sent)
    desk, caller = desk_of(request), caller_of(request)
    before = await desk.choice(caller)
    choice = Choice(
        model_of(request, settings.sd_model_checkpoint) if "sd_model_checkpoint" in sent else before.model,
        settings.sd_vae if "sd_vae" in sent else before.vae,
        settings.CLIP_stop_at_last_layers if "CLIP_stop_at_last_layers" in sent else before.clip_skip,
    )
    if choice.model and not caller.sees(choice.model):
        raise caller.model_refusal(choice.model)
    await desk.choose(caller, choice)
    return _json(None)


async def flags(request: Request) -> Response:
    return _json({"api": True, "listen": True})


# --- lists ---


async def models(request: Request) -> Response:
    return _json(lists.checkpoints(_models(request)))


async def samplers(request: Request) -> Response:
    return _json(lists.samplers(_offer(request)))


async def schedulers(request: Request) -> Response:
    return _json(lists.schedulers(_offer(request)))


async def upscalers(request: Request) -> Response:
    return _json(lists.upscalers(_offer(request)))


async def latent_upscalers(request: Request) -> Response:
    return _json([{"name": name} for name in lists.LATENT_UPSCALERS])


async def loras(request: Request) -> Response:
    return _json(lists.loras(_offer(request)))


async def vaes(request: Request) -> Response:
    return _json(lists.vaes(_offer(request)))


async def embeddings(request: Request) -> Response:
    return _json(lists.embeddings(_offer(request)))


async def styles(request: Request) -> Response:
    return _json(lists.styles(services_of(request).styles))


async def scripts(request: Request) -> Response:
    return _json(lists.scripts(_offer(request)))


async def nothing(request: Request) -> Response:
    return _json([])


async def memory(request: Request) -> Response:
    return _json(lists.memory([has.memory for has in catalogues(request) if has.memory is not None]))


async def refresh(request: Request) -> Response:
    """Engines are looked at all the time."""
    return _json(None)


async def controls(request: Request) -> Response:
    return _json(lists.controls(_offer(request).controls))


async def control_modules(request: Request) -> Response:
    kinds = dict.fromkeys(str(kind) for has in catalogues(request) for kind in has.preprocessors)
    return _json({"module_list": ["none", *(_MODULES.get(kind, kind) for kind in kinds)], "module_detail": {}})


_MODULES = {"pose": "openpose"}
"""As its clients call them."""

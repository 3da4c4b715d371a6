"""What there is: node classes, models and machines, of all ComfyUIs as if they were one."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from potluck.core.errors import NotFound
from potluck.core.model import Json, JsonObject
from potluck.surfaces.comfyui.asking import infos, json, nothing, runners
from potluck.surfaces.comfyui.uploads import uploads
from potluck.surfaces.state import caller_of, services_of
from potluck.wire.comfyui.frames import FEATURES
from potluck.wire.comfyui.object_info import choices_of, joined

# Which node's list shows what lies in a folder.
_FOLDERS: Final = {
    "checkpoints": ("CheckpointLoaderSimple", "ckpt_name"),
    "loras": ("LoraLoader", "lora_name"),
    "vae": ("VAELoader", "vae_name"),
    "text_encoders": ("CLIPLoader", "clip_name"),
    "diffusion_models": ("UNETLoader", "unet_name"),
    "clip_vision": ("CLIPVisionLoader", "clip_name"),
    "style_models": ("StyleModelLoader", "style_model_name"),
    "controlnet": ("ControlNetLoader", "control_net_name"),
    "upscale_models": ("UpscaleModelLoader", "model_name"),
    "hypernetworks": ("HypernetworkLoader", "hypernetwork_name"),
    "gligen": ("GLIGENLoader", "gligen_name"),
    "embeddings": ("", ""),
}
# Older names of folders, which clients still ask for.
_OLDER: Final = {"clip": "text_encoders", "unet": "diffusion_models"}


async def welcome(request: Request) -> Response:
    """Whoever looks by hand."""
    return PlainTextResponse("ComfyUI's API by Potluck. Its page is served by the engines themselves.\n")


async def object_info(request: Request) -> Response:
    services, user = services_of(request), caller_of(request).user
    known, own = await infos(runners(services)), await uploads(services, user)
    # Megabytes of other programs' JSON, which others need not wait for.
    return await asyncio.to_thread(lambda: json(joined(known, own)))


async def one_class(request: Request) -> Response:
    services, user, name = services_of(request), caller_of(request).user, request.path_params["name"]
    known, own = await infos(runners(services)), await uploads(services, user)
    return json(joined(known, own, [name]))


async def folders(request: Request) -> Response:
    return json(list(_FOLDERS))


async def models(request: Request) -> Response:
    asked = str(request.path_params["folder"])
    where = _FOLDERS.get(_OLDER.get(asked) or asked)
    if where is None:
        raise NotFound("There is no such folder of models.", hint=f"There are {', '.join(_FOLDERS)}.")
    if where == ("", ""):
        return await embeddings(request)
    return json(choices_of(await infos(runners(services_of(request))), *where))


async def embeddings(request: Request) -> Response:
    found = runners(services_of(request))
    return json(list(dict.fromkeys(each.name for place in found for each in place.has.embeddings)))


async def features(request: Request) -> Response:
    return json(FEATURES)


async def extensions(request: Request) -> Response:
    return json([])


async def free(request: Request) -> Response:
    """Memory is the house's to share, so nothing is put out for one client."""
    return nothing()


async def system_stats(request: Request) -> Response:
    """A device for each ComfyUI, by its node's name."""
    found = runners(services_of(request))
    devices: list[Json] = []
    for index, place in enumerate(found):
        memory = place.has.memory
        total, free_, held = (memory.total, memory.free, memory.held) if memory is not None else (0, 0, 0)
        devices.append(
            {
                "name": place.node,
                "type": "cuda" if memory is not None else "cpu",
                "index": index,
                "vram_total": total,
                "vram_free": free_,
                "torch_vram_total": held,
                "torch_vram_free": 0,
            }
        )
    system: JsonObject = {
        "os": "posix",
        "ram_total": 0,
        "ram_free": 0,
        "comfyui_version": next((place.has.version for place in found if place.has.version), ""),
        "required_frontend_version": "",
        "python_version": "",
        "pytorch_version": "",
        "embedded_python": False,
        "argv": [],
    }
    return json({"system": system, "devices": devices})

"""A1111's ``/sdapi/v1``: pictures for the clients of AUTOMATIC1111's web UI. All of its routes in one list."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from potluck.core.people import Right
from potluck.surfaces.a1111 import choosing, drawing, enlarging, watching
from potluck.surfaces.a1111.desk import Desk
from potluck.surfaces.guarded import Guarded

__all__ = ["ROUTES", "Desk"]


def _route(method: str, path: str, serve: Callable[[Request], Awaitable[Response]]) -> Guarded:
    return Guarded(path, serve, right=Right.MAKE_PICTURES, methods=[method])


ROUTES = (
    _route("POST", "/sdapi/v1/txt2img", drawing.txt2img),
    _route("POST", "/sdapi/v1/img2img", drawing.img2img),
    _route("POST", "/sdapi/v1/extra-single-image", enlarging.single),
    _route("POST", "/sdapi/v1/extra-batch-images", enlarging.batch),
    _route("POST", "/sdapi/v1/png-info", enlarging.png_info),
    _route("GET", "/sdapi/v1/progress", watching.progress),
    _route("POST", "/sdapi/v1/interrupt", watching.interrupt),
    _route("POST", "/sdapi/v1/skip", watching.skip),
    _route("GET", "/sdapi/v1/options", choosing.options),
    _route("POST", "/sdapi/v1/options", choosing.set_options),
    _route("GET", "/sdapi/v1/cmd-flags", choosing.flags),
    _route("GET", "/sdapi/v1/sd-models", choosing.models),
    _route("GET", "/sdapi/v1/samplers", choosing.samplers),
    _route("GET", "/sdapi/v1/schedulers", choosing.schedulers),
    _route("GET", "/sdapi/v1/upscalers", choosing.upscalers),
    _route("GET", "/sdapi/v1/latent-upscale-modes", choosing.latent_upscalers),
    _route("GET", "/sdapi/v1/loras", choosing.loras),
    _route("GET", "/sdapi/v1/sd-vae", choosing.vaes),
    _route("GET", "/sdapi/v1/embeddings", choosing.embeddings),
    _route("GET", "/sdapi/v1/prompt-styles", choosing.styles),
    _route("GET", "/sdapi/v1/hypernetworks", choosing.nothing),
    _route("GET", "/sdapi/v1/face-restorers", choosing.nothing),
    _route("GET", "/sdapi/v1/realesrgan-models", choosing.nothing),
    _route("GET", "/sdapi/v1/scripts", choosing.scripts),
    _route("GET", "/sdapi/v1/script-info", choosing.nothing),
    _route("GET", "/sdapi/v1/memory", choosing.memory),
    _route("POST", "/sdapi/v1/refresh-checkpoints", choosing.refresh),
    _route("GET", "/controlnet/model_list", choosing.controls),
    _route("GET", "/controlnet/module_list", choosing.control_modules),
)

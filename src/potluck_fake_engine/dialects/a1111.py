"""AUTOMATIC1111's API as 1.10 serves it; with the quirk ``sdcpp`` as stable-diffusion.cpp's server does."""

from __future__ import annotations

import base64
import binascii
import itertools
from collections.abc import Callable
from typing import Any

import msgspec
from PIL import Image

from potluck_fake_engine import art
from potluck_fake_engine.dialects import a1111_lists as lists
from potluck_fake_engine.dialects import a1111_sdcpp as sdcpp
from potluck_fake_engine.dialects.a1111_desk import Asked, Broken, OutOfMemory, Result, WebUi, unpacked
from potluck_fake_engine.dialects.base import Dialect, Refusal, Route
from potluck_fake_engine.engine import Engine
from potluck_fake_engine.http import JSON, Abandoned, Reply, Request

SDCPP = "sdcpp"
QUIRKS = frozenset({SDCPP})
_TASKS = itertools.count(1)


async def _say(reply: Reply, answer: object, status: int = 200) -> None:
    await reply.respond(status, msgspec.json.encode(answer), JSON)


def _read(request: Request) -> Asked:
    try:
        return msgspec.json.decode(request.body or b"{}", type=Asked, strict=False)
    except msgspec.ValidationError as exc:
        raise Refusal(422, str(exc)) from exc
    except msgspec.DecodeError as exc:
        raise Refusal(422, "There was an error parsing the body") from exc


def _object(request: Request) -> dict[str, Any]:
    try:
        return msgspec.json.decode(request.body or b"{}", type=dict[str, Any])
    except msgspec.DecodeError as exc:
        raise Refusal(422, "There was an error parsing the body") from exc


async def txt2img(engine: Engine, request: Request, reply: Reply) -> None:
    if _small(engine):
        await sdcpp.generate(engine, request, reply, from_image=False)
        return
    asked = _read(request)
    asked.init_images = None
    await _generate(engine, asked, request, reply)


async def img2img(engine: Engine, request: Request, reply: Reply) -> None:
    if _small(engine):
        await sdcpp.generate(engine, request, reply, from_image=True)
        return
    asked = _read(request)
    if not asked.init_images:
        raise Refusal(404, "Init image not found")
    for each in (*asked.init_images, *([asked.mask] if asked.mask else [])):
        _image(each)
    await _generate(engine, asked, request, reply)


def _image(text: str) -> Image.Image:
    try:
        return art.opened(unpacked(text))
    except (OSError, ValueError, binascii.Error) as exc:
        raise Refusal(500, "Invalid encoded image") from exc


async def _generate(engine: Engine, asked: Asked, request: Request, reply: Reply) -> None:
    if asked.sampler_index and not asked.sampler_name:
        asked.sampler_name = asked.sampler_index
    if asked.sampler_name and lists.find_sampler(asked.sampler_name) is None:
        raise Refusal(404, "Sampler not found")
    if asked.script_name:
        raise Refusal(422, f"Script '{asked.script_name}' not found")
    if not (asked.steps >= 1 and 8 <= asked.width <= 16384 and 8 <= asked.height <= 16384):
        raise Refusal(422, "steps, width or height")
    task = asked.force_task_id or f"task({next(_TASKS)})"
    try:
        result = await engine.desk(WebUi).run(asked, task)
    except OutOfMemory as exc:
        raise Refusal(500, "", "OutOfMemoryError", extra={"errors": str(exc)}) from exc
    except LookupError as exc:
        raise Refusal(500, "", "RuntimeError", extra={"errors": f"Unknown checkpoint: {exc}"}) from exc
    except Broken as exc:
        raise Abandoned from exc
    await _say(reply, _answer(asked, result, request))


def _answer(asked: Asked, result: Result, request: Request) -> dict[str, Any]:
    shown = msgspec.json.decode(request.body or b"{}")
    for field in ("init_images", "mask"):
        if not asked.include_init_images and field in shown:
            shown[field] = None
    images = [base64.b64encode(image).decode() for image in result.images] if asked.send_images else []
    return {"images": images, "parameters": shown, "info": msgspec.json.encode(result.info).decode()}


async def progress(engine: Engine, request: Request, reply: Reply) -> None:
    _full(engine)
    image = request.argument("skip_current_image").lower() not in ("true", "1")
    await _say(reply, engine.desk(WebUi).progress(image=image))


async def task_progress(engine: Engine, request: Request, reply: Reply) -> None:
    _full(engine)
    await _say(reply, engine.desk(WebUi).task_progress(str(_object(request).get("id_task") or "")))


async def interrupt(engine: Engine, request: Request, reply: Reply) -> None:
    _full(engine)
    engine.desk(WebUi).interrupt()
    await _say(reply, {})


async def skip(engine: Engine, request: Request, reply: Reply) -> None:
    _full(engine)
    engine.desk(WebUi).state.skipped = True
    await _say(reply, None)


async def options(engine: Engine, request: Request, reply: Reply) -> None:
    await _say(reply, sdcpp.options(engine) if _small(engine) else engine.desk(WebUi).options)


async def set_options(engine: Engine, request: Request, reply: Reply) -> None:
    _full(engine)
    desk, wanted = engine.desk(WebUi), _object(request)
    checkpoint = wanted.pop("sd_model_checkpoint", None)
    if checkpoint is not None:
        try:
            await desk.switch(str(checkpoint))
        except LookupError as exc:
            raise Refusal(500, "", "RuntimeError", extra={"errors": f"model {checkpoint!r} not found"}) from exc
        except OutOfMemory as exc:
            raise Refusal(500, "", "OutOfMemoryError", extra={"errors": str(exc)}) from exc
    desk.options.update(wanted)
    await _say(reply, None)


async def unload(engine: Engine, request: Request, reply: Reply) -> None:
    _full(engine)
    engine.unload(engine.desk(WebUi).model())
    await _say(reply, {})


async def reload(engine: Engine, request: Request, reply: Reply) -> None:
    _full(engine)
    desk = engine.desk(WebUi)
    await desk.loaded(desk.model())
    await _say(reply, {})


async def memory(engine: Engine, request: Request, reply: Reply) -> None:
    _full(engine)
    await _say(reply, engine.desk(WebUi).memory())


async def extra_single(engine: Engine, request: Request, reply: Reply) -> None:
    _full(engine)
    asked = _object(request)
    image = await _enlarged(engine, asked, str(asked.get("image") or ""))
    await _say(reply, {"image": image, "html_info": "<p>done</p>"})


async def extra_batch(engine: Engine, request: Request, reply: Reply) -> None:
    _full(engine)
    asked = _object(request)
    images = [await _enlarged(engine, asked, str(each.get("data") or "")) for each in asked.get("imageList") or ()]
    await _say(reply, {"images": images, "html_info": "<p>done</p>"})


async def _enlarged(engine: Engine, asked: dict[str, Any], data: str) -> str:
    names = {each["name"] for each in lists.upscalers(engine)}
    if asked.get("upscaler_1", "None") not in names:
        raise Refusal(404, "Upscaler not found")
    image = _image(data).convert("RGB")
    async with engine.desk(WebUi).lock:
        if asked.get("resize_mode"):
            size = (int(asked.get("upscaling_resize_w") or 512), int(asked.get("upscaling_resize_h") or 512))
        else:
            scale = float(asked.get("upscaling_resize") or 2)
            size = (round(image.width * scale), round(image.height * scale))
        fault = engine.faults.at_work("")
        if fault is not None:
            raise Refusal(500, "", "OutOfMemoryError", extra={"errors": "CUDA out of memory."})
        return base64.b64encode(art.png(image.resize(size))).decode()


async def png_info(engine: Engine, request: Request, reply: Reply) -> None:
    _full(engine)
    info = _image(str(_object(request).get("image") or "")).info
    await _say(reply, {"info": info.get("parameters", ""), "items": {}, "parameters": {}})


async def interrogate(engine: Engine, request: Request, reply: Reply) -> None:
    _full(engine)
    _image(str(_object(request).get("image") or ""))
    await _say(reply, {"caption": "a picture of coloured fields"})


async def controlnet_modules(engine: Engine, request: Request, reply: Reply) -> None:
    _full(engine)
    await _say(reply, {"module_list": list(lists.MODULES), "module_detail": {}})


def _small(engine: Engine) -> bool:
    return SDCPP in engine.settings.quirks


def _full(engine: Engine) -> None:
    """stable-diffusion.cpp's server has none of this."""
    if _small(engine):
        raise Refusal(404, "Not Found")


def _lists(name: str, *, full: bool = False) -> Route:
    async def handle(engine: Engine, request: Request, reply: Reply) -> None:
        if full:
            _full(engine)
        said = _SMALL_LISTS.get(name, _LISTS[name]) if _small(engine) else _LISTS[name]
        await _say(reply, said(engine))

    return Route("GET", name, handle)


_LISTS: dict[str, Callable[[Engine], object]] = {
    "/sdapi/v1/sd-models": lists.checkpoints,
    "/sdapi/v1/samplers": lambda engine: lists.samplers(),
    "/sdapi/v1/schedulers": lambda engine: lists.schedulers(),
    "/sdapi/v1/upscalers": lists.upscalers,
    "/sdapi/v1/latent-upscale-modes": lambda engine: [{"name": name} for name in lists.LATENT_UPSCALERS],
    "/sdapi/v1/sd-vae": lists.vaes,
    "/sdapi/v1/loras": lists.loras,
    "/sdapi/v1/embeddings": lists.embeddings,
    "/sdapi/v1/prompt-styles": lambda engine: [],
    "/sdapi/v1/face-restorers": lambda engine: [{"name": "CodeFormer", "cmd_dir": None}],
    "/sdapi/v1/cmd-flags": lambda engine: {"api": True, "listen": True, "no_half": False},
    "/sdapi/v1/scripts": lambda engine: {"txt2img": ["controlnet"], "img2img": ["controlnet"]},
    "/sdapi/v1/script-info": lambda engine: [],
    "/controlnet/model_list": lambda engine: {"model_list": lists.controlnets(engine)},
}
_SMALL_LISTS: dict[str, Callable[[Engine], object]] = {
    "/sdapi/v1/sd-models": sdcpp.checkpoints,
    "/sdapi/v1/samplers": sdcpp.samplers,
    "/sdapi/v1/schedulers": sdcpp.schedulers,
    "/sdapi/v1/loras": sdcpp.loras,
}
_FULL = frozenset(
    {
        *("/sdapi/v1/prompt-styles", "/sdapi/v1/face-restorers", "/sdapi/v1/cmd-flags", "/sdapi/v1/scripts"),
        *("/sdapi/v1/script-info", "/controlnet/model_list", "/sdapi/v1/embeddings", "/sdapi/v1/sd-vae"),
    }
)


def error(refusal: Refusal) -> tuple[str, bytes]:
    if isinstance(refusal, sdcpp.Refused):
        return JSON, sdcpp.error(refusal)
    if refusal.status == 500 and refusal.extra:
        told: dict[str, Any] = {"error": refusal.kind, "detail": "", "body": "", **refusal.extra}
        return JSON, msgspec.json.encode(told)
    return JSON, msgspec.json.encode({"detail": refusal.message})


DIALECT = Dialect(
    name="a1111",
    routes=(
        Route("POST", "/sdapi/v1/txt2img", txt2img, inference=True),
        Route("POST", "/sdapi/v1/img2img", img2img, inference=True),
        Route("POST", "/sdapi/v1/extra-single-image", extra_single, inference=True),
        Route("POST", "/sdapi/v1/extra-batch-images", extra_batch, inference=True),
        Route("GET", "/sdapi/v1/progress", progress),
        Route("POST", "/internal/progress", task_progress),
        Route("POST", "/sdapi/v1/interrupt", interrupt),
        Route("POST", "/sdapi/v1/skip", skip),
        Route("GET", "/sdapi/v1/options", options),
        Route("POST", "/sdapi/v1/options", set_options),
        Route("POST", "/sdapi/v1/unload-checkpoint", unload),
        Route("POST", "/sdapi/v1/reload-checkpoint", reload),
        Route("POST", "/sdapi/v1/refresh-checkpoints", lambda engine, request, reply: _say(reply, None)),
        Route("GET", "/sdapi/v1/memory", memory),
        Route("POST", "/sdapi/v1/png-info", png_info),
        Route("POST", "/sdapi/v1/interrogate", interrogate),
        Route("GET", "/controlnet/module_list", controlnet_modules),
        *(_lists(name, full=name in _FULL) for name in _LISTS),
    ),
    error=error,
    in_band=lambda content_type, message: msgspec.json.encode({"detail": message}),
    unauthorized=lambda: Refusal(401, "Incorrect username or password"),
    unknown=lambda request, known: Refusal(405 if known else 404, "Method Not Allowed" if known else "Not Found"),
)

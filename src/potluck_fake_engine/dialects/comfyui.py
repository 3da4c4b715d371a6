"""ComfyUI: a server of graphs, pictures and sockets. Every path is also there under ``/api``."""

from __future__ import annotations

import re
import uuid
from typing import Any

import msgspec

from potluck_fake_engine import art, multipart
from potluck_fake_engine.dialects import comfyui_nodes as nodes
from potluck_fake_engine.dialects.base import Dialect, Handler, Refusal, Route
from potluck_fake_engine.dialects.comfyui_desk import Comfy, Listener, Prompt
from potluck_fake_engine.engine import Engine
from potluck_fake_engine.http import JSON, Reply, Request
from potluck_fake_engine.websocket import accept, wants_upgrade

VERSION = "0.3.75"
_FEATURES = {"supports_preview_metadata": True, "max_upload_size": 104857600}
_LOOPBACK = re.compile(r"^(127\.|localhost|\[?::1)")


async def _say(reply: Reply, answer: object, status: int = 200) -> None:
    await reply.respond(status, msgspec.json.encode(answer), JSON)


def _body(request: Request) -> dict[str, Any]:
    try:
        body = msgspec.json.decode(request.body or b"{}")
    except msgspec.DecodeError:
        body = None
    return body if isinstance(body, dict) else {}  # pyright: ignore[reportUnknownVariableType] - JSON


def _ids(body: dict[str, Any]) -> list[str]:
    wanted: list[Any] = body.get("delete") or []
    return [str(each) for each in wanted]


async def prompt(engine: Engine, request: Request, reply: Reply) -> None:
    desk, body = engine.desk(Comfy), _body(request)
    graph = body.get("prompt")
    if not isinstance(graph, dict):
        error: dict[str, Any] = {
            "type": "no_prompt",
            "message": "No prompt provided",
            "details": "No prompt provided",
            "extra_info": {},
        }
        await _say(reply, {"error": error, "node_errors": {}}, 400)
        return
    try:
        outputs = nodes.validate(graph, desk.table(), desk.exists)  # pyright: ignore[reportUnknownArgumentType] - JSON
    except nodes.Invalid as invalid:
        await _say(reply, invalid.body, 400)
        return
    number: float = desk.counter
    if "number" in body:
        number = float(body["number"])
    elif body.get("front"):
        number = -number
    desk.counter += 1
    extra: dict[str, Any] = dict(body.get("extra_data") or {})
    if body.get("client_id"):
        extra["client_id"] = body["client_id"]
    id_ = str(body.get("prompt_id") or uuid.uuid4())
    desk.put(Prompt(number, id_, graph, extra, outputs))  # pyright: ignore[reportUnknownArgumentType] - JSON
    await _say(reply, {"prompt_id": id_, "number": number, "node_errors": {}})


async def exec_info(engine: Engine, request: Request, reply: Reply) -> None:
    await _say(reply, {"exec_info": {"queue_remaining": engine.desk(Comfy).remaining()}})


async def queue(engine: Engine, request: Request, reply: Reply) -> None:
    desk = engine.desk(Comfy)
    running = [desk.running.listed()] if desk.running else []
    await _say(reply, {"queue_running": running, "queue_pending": [each.listed() for each in desk.waiting]})


async def change_queue(engine: Engine, request: Request, reply: Reply) -> None:
    desk, body = engine.desk(Comfy), _body(request)
    gone: set[str] = set(_ids(body))
    desk.waiting = [each for each in desk.waiting if not body.get("clear") and each.id not in gone]
    desk.tell_status()
    await reply.respond(200, b"", "")


async def interrupt(engine: Engine, request: Request, reply: Reply) -> None:
    engine.desk(Comfy).interrupt(str(_body(request).get("prompt_id") or ""))
    await reply.respond(200, b"", "")


async def free(engine: Engine, request: Request, reply: Reply) -> None:
    body = _body(request)
    engine.desk(Comfy).free(models=bool(body.get("unload_models")), cache=bool(body.get("free_memory")))
    await reply.respond(200, b"", "")


async def history(engine: Engine, request: Request, reply: Reply) -> None:
    known = engine.desk(Comfy).history
    most, offset = request.argument("max_items"), request.argument("offset")
    start = int(offset) if offset.isdigit() else max(0, len(known) - int(most)) if most.isdigit() else 0
    ids = list(known)[start : start + int(most) if most.isdigit() else None]
    await _say(reply, {id_: known[id_] for id_ in ids})


async def one_history(engine: Engine, request: Request, reply: Reply) -> None:
    id_ = request.path.rpartition("/")[2]
    known = engine.desk(Comfy).history
    await _say(reply, {id_: known[id_]} if id_ in known else {})


async def change_history(engine: Engine, request: Request, reply: Reply) -> None:
    desk, body = engine.desk(Comfy), _body(request)
    if body.get("clear"):
        desk.history.clear()
    for id_ in _ids(body):
        desk.history.pop(id_, None)
    await reply.respond(200, b"", "")


async def view(engine: Engine, request: Request, reply: Reply) -> None:
    name, folder = request.argument("filename"), request.argument("subfolder")
    if not name or ".." in name or name.startswith("/"):
        raise Refusal(400, "")
    if ".." in folder or folder.startswith("/"):
        raise Refusal(403, "")
    data = engine.desk(Comfy).files.get((request.argument("type") or "output", folder, name))
    if data is None:
        raise Refusal(404, "")
    form, _, quality = request.argument("preview").partition(";")
    if form in ("webp", "jpeg"):
        data = art.encoded(art.opened(data), form, int(quality or 90))
        await reply.respond(200, data, f"image/{form}", (("Content-Disposition", f'filename="{name}"'),))
        return
    await reply.respond(200, data, "image/png", (("Content-Disposition", f'filename="{name}"'),))


async def upload(engine: Engine, request: Request, reply: Reply) -> None:
    form = multipart.fields(request.header("content-type"), request.body)
    image = form.get("image")
    if image is None or not image.filename:
        raise Refusal(400, "")
    texts = {name: field.data.decode("utf-8", "replace") for name, field in form.items() if not field.filename}
    kind, folder = texts.get("type") or "input", texts.get("subfolder", "")
    if ".." in folder or folder.startswith("/"):
        raise Refusal(400, "")
    desk, name = engine.desk(Comfy), image.filename
    bare, _, ending = name.rpartition(".")
    at = 1
    while texts.get("overwrite") not in ("true", "1") and (kind, folder, name) in desk.files:
        if desk.files[kind, folder, name] == image.data:
            break
        name = f"{bare} ({at}).{ending}"
        at += 1
    desk.files[kind, folder, name] = image.data
    await _say(reply, {"name": name, "subfolder": folder, "type": kind})


async def system_stats(engine: Engine, request: Request, reply: Reply) -> None:
    total, free_, torch_total, torch_free = engine.desk(Comfy).memory()
    system = {
        "os": "posix",
        "ram_total": 64 * 2**30,
        "ram_free": 48 * 2**30,
        "comfyui_version": VERSION,
        "required_frontend_version": "1.32.9",
        "python_version": "3.12.3 (main, Nov  6 2025, 13:44:16) [GCC 13.3.0]",
        "pytorch_version": "2.9.1+cu128",
        "embedded_python": False,
        "argv": ["main.py", "--listen"],
    }
    device = {
        "name": "cuda:0 NVIDIA GeForce RTX 4090 : cudaMallocAsync",
        "type": "cuda",
        "index": 0,
        "vram_total": total,
        "vram_free": free_,
        "torch_vram_total": torch_total,
        "torch_vram_free": torch_free,
    }
    await _say(reply, {"system": system, "devices": [device]})


async def object_info(engine: Engine, request: Request, reply: Reply) -> None:
    await _say(reply, nodes.named(engine.desk(Comfy).table()))


async def one_class(engine: Engine, request: Request, reply: Reply) -> None:
    name = request.path.rpartition("/")[2]
    known = nodes.named(engine.desk(Comfy).table())
    await _say(reply, {name: known[name]} if name in known else {})


async def models(engine: Engine, request: Request, reply: Reply) -> None:
    await _say(reply, list(nodes.folders(engine)))


async def folder(engine: Engine, request: Request, reply: Reply) -> None:
    found = nodes.folders(engine).get(request.path.rpartition("/")[2])
    if found is None:
        raise Refusal(404, "")
    await _say(reply, found)


async def embeddings(engine: Engine, request: Request, reply: Reply) -> None:
    await _say(reply, [name.rpartition(".")[0] for name in nodes.folders(engine)["embeddings"]])


async def features(engine: Engine, request: Request, reply: Reply) -> None:
    await _say(reply, _FEATURES)


async def extensions(engine: Engine, request: Request, reply: Reply) -> None:
    await _say(reply, [])


async def socket(engine: Engine, request: Request, reply: Reply) -> None:
    """Whoever comes with a known client's id takes its socket over."""
    if not wants_upgrade(request):
        raise Refusal(400, 'No WebSocket UPGRADE hdr: None\n Can "Upgrade" only to "WebSocket".')
    desk = engine.desk(Comfy)
    sid = request.argument("clientId") or uuid.uuid4().hex
    listener = desk.listeners[sid] = Listener(accept(request, reply))
    desk.tell_status(listener, sid)
    if desk.running is not None and desk.running.client == sid and desk.last_node:
        desk.send("executing", {"node": desk.last_node}, sid)
    try:
        first = True
        while (heard := await listener.socket.receive()) is not None:
            if first and isinstance(heard, str):
                _features_of(listener, heard)
            first = False
    finally:
        if desk.listeners.get(sid) is listener:
            del desk.listeners[sid]


class _Flags(msgspec.Struct):
    type: str = ""
    data: dict[str, Any] = {}


def _features_of(listener: Listener, heard: str) -> None:
    try:
        message = msgspec.json.decode(heard, type=_Flags)
    except msgspec.DecodeError:
        return
    if message.type == "feature_flags":
        listener.metadata = message.data.get("supports_preview_metadata") is True
        answer = {"type": "feature_flags", "data": _FEATURES}
        listener.socket.send_text(msgspec.json.encode(answer).decode())


def error(refusal: Refusal) -> tuple[str, bytes]:
    return "text/plain; charset=utf-8", (refusal.message or f"{refusal.status}").encode()


def _guard(request: Request) -> None:
    """On loopback, a page of another origin is kept out."""
    origin, host = request.header("origin"), request.header("host")
    if origin and _LOOPBACK.match(host) and origin.partition("://")[2] != host:
        raise Refusal(403, "")


_TABLE: tuple[tuple[str, str, Handler, bool], ...] = (
    ("POST", "/prompt", prompt, True),
    ("GET", "/prompt", exec_info, False),
    ("GET", "/queue", queue, False),
    ("POST", "/queue", change_queue, False),
    ("POST", "/interrupt", interrupt, False),
    ("POST", "/free", free, False),
    ("GET", "/history", history, False),
    ("GET", "/history/*", one_history, False),
    ("POST", "/history", change_history, False),
    ("GET", "/view", view, False),
    ("POST", "/upload/image", upload, False),
    ("POST", "/upload/mask", upload, False),
    ("GET", "/system_stats", system_stats, False),
    ("GET", "/object_info", object_info, False),
    ("GET", "/object_info/*", one_class, False),
    ("GET", "/models", models, False),
    ("GET", "/models/*", folder, False),
    ("GET", "/embeddings", embeddings, False),
    ("GET", "/features", features, False),
    ("GET", "/extensions", extensions, False),
    ("GET", "/ws", socket, False),
)

DIALECT = Dialect(
    name="comfyui",
    routes=tuple(
        Route(method, prefix + path, handler, inference)
        for prefix in ("", "/api")
        for method, path, handler, inference in _TABLE
    ),
    error=error,
    in_band=lambda content_type, message: message.encode(),
    unauthorized=lambda: Refusal(401, "401: Unauthorized"),
    unknown=lambda request, known: Refusal(405 if known else 404, "404: Not Found"),
    guard=_guard,
)

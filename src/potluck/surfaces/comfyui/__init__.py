"""ComfyUI's own API, for its clients as they are: on a port of its own, for some of them drop a URL's path.

All of its routes in one list; each is also there below ``/api``, as ComfyUI has it for its page.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import WebSocketRoute

from potluck.core.people import Right
from potluck.surfaces.comfyui import files, history, lists, prompting, queue
from potluck.surfaces.comfyui.desk import Desk
from potluck.surfaces.comfyui.sockets import socket
from potluck.surfaces.guarded import PUBLIC, Guarded

__all__ = ["ROUTES", "SOCKETS", "Desk"]

_TABLE: tuple[tuple[str, str, Callable[[Request], Awaitable[Response]]], ...] = (
    ("POST", "/prompt", prompting.queue_prompt),
    ("GET", "/prompt", queue.exec_info),
    ("GET", "/queue", queue.listed),
    ("POST", "/queue", queue.change),
    ("POST", "/interrupt", queue.interrupt),
    ("POST", "/free", lists.free),
    ("GET", "/history", history.listed),
    ("GET", "/history/{prompt}", history.one),
    ("POST", "/history", history.change),
    ("GET", "/view", files.view),
    ("POST", "/upload/image", files.upload_image),
    ("POST", "/upload/mask", files.upload_mask),
    ("GET", "/system_stats", lists.system_stats),
    ("GET", "/object_info", lists.object_info),
    ("GET", "/object_info/{name}", lists.one_class),
    ("GET", "/models", lists.folders),
    ("GET", "/models/{folder}", lists.models),
    ("GET", "/embeddings", lists.embeddings),
    ("GET", "/features", lists.features),
    ("GET", "/extensions", lists.extensions),
)

ROUTES = (
    Guarded("/", lists.welcome, right=PUBLIC, methods=["GET"]),
    *(
        Guarded(prefix + path, serve, right=Right.MAKE_PICTURES, methods=[method])
        for prefix in ("", "/api")
        for method, path, serve in _TABLE
    ),
)

SOCKETS = tuple(WebSocketRoute(path, socket) for path in ("/ws", "/api/ws"))

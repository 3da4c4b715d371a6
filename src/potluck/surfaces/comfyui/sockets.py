"""``/ws``: what happens to a client's prompts, as it happens."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from potluck.gateway.port import Caller
from potluck.gateway.prompt_feed import Listener, News
from potluck.surfaces.comfyui.desk import Desk
from potluck.surfaces.picture_orders import beside
from potluck.surfaces.services import Services
from potluck.wire.comfyui.frames import FEATURES, Shown, wants_metadata, write_shown, write_text

_GOING_AWAY, _POLICY = 1001, 1008
_LONGEST_ID = 200


async def socket(socket: WebSocket) -> None:
    services: Services = socket.app.state.services
    desk: Desk = socket.app.state.comfyui
    caller: Caller = socket.scope["state"]["caller"]
    client = socket.query_params.get("clientId", "")[:_LONGEST_ID] or services.new_id()
    await socket.accept()
    with services.feed.listening(caller.user, client) as listener:
        async with beside(_read(socket, listener)):
            code = await _write(socket, services, caller, listener, await desk.greeting(caller, client))
    if code and socket.client_state is WebSocketState.CONNECTED:
        await socket.close(code)


async def _read(socket: WebSocket, listener: Listener) -> None:
    """Clients say what they understand, and nothing else."""
    try:
        while True:
            message = await socket.receive()
            if message["type"] == "websocket.disconnect":
                break
            wants = wants_metadata(message.get("text") or "")
            if wants is not None:
                listener.metadata = wants
                listener.put(write_text("feature_flags", FEATURES))
    except (WebSocketDisconnect, RuntimeError):
        pass
    listener.close()


async def _write(
    socket: WebSocket, services: Services, caller: Caller, listener: Listener, first: Sequence[str]
) -> int:
    """The code to close with; 0 where the client has."""
    for text in first:
        if not await _sent(socket, text, listener):
            return 0
    while not listener.closed:
        try:
            async with asyncio.timeout(services.ping_s):
                news = await listener.next()
        except TimeoutError:
            if not services.welcome(caller):
                return _POLICY
            if services.stopping():
                return _GOING_AWAY
            continue
        if news is not None and not await _sent(socket, news, listener):
            return 0
    return _GOING_AWAY


async def _sent(socket: WebSocket, news: News, listener: Listener) -> bool:
    try:
        match news:
            case str():
                await socket.send_text(news)
            case Shown():
                await socket.send_bytes(write_shown(news, metadata=listener.metadata))
            case _:
                await socket.send_bytes(news)
    except (WebSocketDisconnect, RuntimeError):
        return False
    return True

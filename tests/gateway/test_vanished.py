"""Peers that vanish are asked for by the kernel."""

from __future__ import annotations

import asyncio
import socket

import pytest

from potluck.gateway.relay import vanished


@pytest.mark.skipif(not hasattr(socket, "TCP_KEEPIDLE"), reason="this system names it otherwise")
async def test_connections_inherit_it_from_who_listens() -> None:
    asked: asyncio.Future[tuple[int, int]] = asyncio.get_running_loop().create_future()

    class Accepted(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            own = transport.get_extra_info("socket")
            asked.set_result(
                (
                    own.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE),
                    own.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE),
                )
            )
            transport.close()

    server = await asyncio.get_running_loop().create_server(Accepted, "127.0.0.1", 0)
    vanished.notice(server.sockets)
    async with server:
        _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        assert await asked == (1, 30)
        writer.close()
        await writer.wait_closed()

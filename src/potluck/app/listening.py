"""Ports that are listened at, and in words why one cannot be."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Callable

from potluck.core.errors import OperatorError
from potluck.gateway.relay import vanished


async def listen(connection: Callable[[], asyncio.Protocol], host: str, port: int) -> asyncio.Server:
    """Raises `OperatorError`."""
    loop = asyncio.get_running_loop()
    try:
        server = await loop.create_server(connection, host, port, backlog=1024)
    except OSError as error:
        raise _cannot_listen(host, port, error) from error
    vanished.notice(server.sockets)
    return server


def _cannot_listen(host: str, port: int, error: OSError) -> OperatorError:
    """What stands in the way. asyncio's own words repeat the address as Python writes it."""
    if isinstance(error, socket.gaierror):
        what, hint = f"'{host}' is no address of this machine", "Choose another with --host."
    elif error.errno == errno.EADDRINUSE:
        what, hint = "the port is taken", "Stop the program that has it, or choose another port with --port."
    elif error.errno == errno.EADDRNOTAVAIL:
        what, hint = "this machine has no such address", "Choose another with --host."
    elif error.errno == errno.EACCES:
        what, hint = "this user may not use that port", "Choose one from 1024 on with --port."
    else:
        what, hint = os.strerror(error.errno) if error.errno else str(error), "Choose others with --host and --port."
    return OperatorError(f"Cannot listen on {host} port {port}: {what}.", hint=hint)

"""The outside world, as far as these tests let clients see it: a proxy that refuses everything and takes names.

Clients are told to use it by the usual variables (`HTTPS_PROXY`…), with loopback excepted, so a client that phones
home is refused at once instead of hanging, and the test knows.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

_REFUSED = b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


@dataclass(slots=True)
class Outside:
    """``wanted`` are the hosts that somebody asked for, in order."""

    url: str
    wanted: list[str] = field(default_factory=list[str])


@contextmanager
def refusing() -> Iterator[Outside]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        outside = Outside(f"http://127.0.0.1:{listener.getsockname()[1]}")
        thread = threading.Thread(target=_serve, args=(listener, outside), name="outside", daemon=True)
        thread.start()
        yield outside
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def _serve(listener: socket.socket, outside: Outside) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:  # shut down
            return
        with connection:
            connection.settimeout(5)
            try:
                line = connection.recv(4096).split(b"\r\n", 1)[0].decode("latin-1")
                outside.wanted.append(line.split(" ")[1] if " " in line else line)
                connection.sendall(_REFUSED)
            except OSError:
                continue

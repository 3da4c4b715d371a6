"""A line between a browser and the service that can be cut: a browser's own "offline" leaves streams as they are."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_CHUNK = 65_536


class Line:
    """From ``url`` to a port of this machine. What runs over it when it is cut is broken off, and nothing gets through
    until it is mended."""

    def __init__(self, to_port: int) -> None:
        self._to = ("127.0.0.1", to_port)
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._at: tuple[str, int] = self._listener.getsockname()
        self.url = f"http://127.0.0.1:{self._at[1]}"
        self._whole = True
        self._serve()

    def cut(self) -> None:
        with self._lock:
            self._whole = False
            for each in (self._listener, *self._open):
                _close(each)

    def mend(self) -> None:
        with self._lock:
            self._whole = True
            self._listener = socket.create_server(self._at)
        self._serve()

    def _serve(self) -> None:
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
                far = socket.create_connection(self._to)
            except OSError:  # it was cut, or the service has ended
                return
            with self._lock:
                self._open |= {near, far}
                if not self._whole:
                    _close(near)
                    _close(far)
            threading.Thread(target=self._carry, args=(near, far), daemon=True).start()

    def _carry(self, near: socket.socket, far: socket.socket) -> None:
        other = {near: far, far: near}
        with selectors.DefaultSelector() as ready, contextlib.suppress(OSError, ValueError):
            for each in other:
                ready.register(each, selectors.EVENT_READ)
            while all(self._passed(key.fileobj, other) for key, _ in ready.select()):
                pass
        with self._lock:
            self._open -= {near, far}
        for each in other:
            _close(each)

    def _passed(self, from_: object, other: dict[socket.socket, socket.socket]) -> bool:
        """Whether there may be more."""
        assert isinstance(from_, socket.socket)
        content = from_.recv(_CHUNK)
        other[from_].sendall(content)
        return content != b""


def _close(each: socket.socket) -> None:
    # Whoever waits for it is woken by the first of these alone.
    with contextlib.suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    each.close()


@contextmanager
def line_to(url: str) -> Iterator[Line]:
    line = Line(int(url.rpartition(":")[2]))
    try:
        yield line
    finally:
        line.cut()

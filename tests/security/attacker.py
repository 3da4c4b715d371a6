"""A client that says exactly what it is told to, byte by byte."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

_PATIENCE_S = 20.0


@dataclass(frozen=True, slots=True)
class Answer:
    """``headers`` as they came, names in lower case, doubles too."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str:
        """The one value of a header, empty if it is not there."""
        values = [value for known, value in self.headers if known == name]
        assert len(values) <= 1, f"{name} came {len(values)} times"
        return values[0] if values else ""

    def json(self) -> Any:
        return json.loads(self.body)


def ask(
    url: str,
    method: str,
    path: str,
    *,
    key: str = "",
    body: bytes | None = None,
    headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
) -> Answer:
    """One request on a connection of its own; ``path`` goes as it is, encoded by nobody."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_PATIENCE_S)
    try:
        connection.putrequest(method, path, skip_accept_encoding=True)
        if key:
            connection.putheader("authorization", f"Bearer {key}")
        for name, value in dict(headers).items():
            connection.putheader(name, value)
        if body is not None:
            connection.putheader("content-length", str(len(body)))
        connection.endheaders(body)
        response = connection.getresponse()
        found = tuple((name.lower(), value) for name, value in response.getheaders())
        return Answer(response.status, found, response.read())
    finally:
        connection.close()


def say(url: str, data: bytes) -> bytes:
    """Send bytes, and read until the service hangs up or says no more."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=_PATIENCE_S) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        pieces: list[bytes] = []
        while piece := connection.recv(65536):
            pieces.append(piece)
    return b"".join(pieces)

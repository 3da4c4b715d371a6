"""A service that speaks what a test tells it to, and remembers what it was asked."""

from __future__ import annotations

import json
import select
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

# Generous: a test that waits this long has failed.
DEADLINE_S = 20.0


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    method: str
    path: str
    query: Mapping[str, str]
    key: str
    body: Any


@dataclass(frozen=True)
class Whole:
    """A whole answer."""

    body: Any
    status: int = 200


@dataclass(frozen=True)
class Stream:
    """Pieces sent one by one. `HOLD` among them waits until the client has left."""

    pieces: tuple[bytes, ...]
    content_type: str = "text/event-stream"
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


HOLD = b"\0hold"

Answer = Whole | Stream | Callable[[Asked], "Whole | Stream"]


def event(name: str, data: object) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()


def refusal(message: str, hint: str = "", status: int = 400) -> Whole:
    """An error as the native API writes it."""
    return Whole({"error": {"type": "bad_request", "message": message, "hint": hint, "request_id": "r"}}, status)


@dataclass
class FakeService:
    url: str
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    left: threading.Event = field(default_factory=threading.Event)

    def on(self, route: str, answer: Answer) -> None:
        """``route`` is ``METHOD /path``."""
        self.answers[route] = answer

    def bodies(self, route: str) -> list[Any]:
        """What was sent to a route."""
        return [asked.body for asked in self.asked if f"{asked.method} {asked.path}" == route]

    def answer(self, asked: Asked) -> Whole | Stream:
        self.asked.append(asked)
        found = self.answers.get(f"{asked.method} {asked.path}")
        if found is None:
            return refusal("There is no such path.", status=404)
        return found(asked) if callable(found) else found


@contextmanager
def running() -> Iterator[FakeService]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("content-length", 0))
            raw = self.rfile.read(length)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            key = self.headers.get("authorization", "").removeprefix("Bearer ")
            answer = service.answer(Asked(self.command, parts.path, query, key, json.loads(raw) if raw else None))
            if isinstance(answer, Whole):
                self.whole(answer)
            else:
                self.stream(answer)

        do_POST = do_PATCH = do_DELETE = do_GET  # noqa: N815 - the names that http.server calls

        def whole(self, answer: Whole) -> None:
            body = b"" if answer.body is None else json.dumps(answer.body).encode()
            self.send_response(answer.status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def stream(self, answer: Stream) -> None:
            self.send_response(200)
            self.send_header("content-type", answer.content_type)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            for piece in answer.pieces:
                if piece == HOLD:
                    self.wait_for_the_end()
                    return
                self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
                self.wfile.flush()
            self.wfile.write(b"0\r\n\r\n")

        def wait_for_the_end(self) -> None:
            readable, _, _ = select.select([self.connection], [], [], DEADLINE_S)
            if readable and not self.connection.recv(1):
                service.left.set()
            self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: pytest shows what matters."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """A client that leaves is what some tests are about; anything else shows as a missing answer."""

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    service = FakeService(f"http://127.0.0.1:{server.server_port}")
    service.on("GET /healthz", Whole({"status": "ok"}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

"""No URL that a client gives reaches the inside of the network, however it is spelt, resolved or redirected."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from potluck.backends.outward import Ask, Outward
from potluck.core.errors import BadRequest
from tests.e2e.processes import OLLAMA_MODEL, Fronted
from tests.security.attacker import ask

# One address, 127.0.0.1, in every dress that some program takes for it, and metadata services of clouds beside it.
SPELLINGS = (
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "017700000001",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "[0:0:0:0:0:ffff:7f00:0001]",
    "localhost",
    "LOCALHOST.",
    "127。0。0。1",
    "①②⑦.0.0.1",
    "user@127.0.0.1",
    "8.8.8.8@127.0.0.1",
    "127.0.0.1%2f@127.0.0.1",
    "0",
    "0.0.0.0",
    "169.254.169.254",
    "[fd00:ec2::254]",
    "[fe80::1%25lo]",
)


@contextmanager
def listening() -> Iterator[tuple[int, list[bytes]]]:
    """A server inside the network, on every address of this machine, that notes who comes."""
    came: list[bytes] = []
    with socket.create_server(("", 0), family=socket.AF_INET6, dualstack_ipv6=True) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    came.append(connection.recv(4096))
                    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\nconnection: close\r\n\r\nGIF89a")

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1], came
        server.shutdown(socket.SHUT_RDWR)


def openai(url: str) -> tuple[str, Any]:
    part = {"type": "image_url", "image_url": {"url": url}}
    return "/v1/chat/completions", {"model": OLLAMA_MODEL, "messages": [{"role": "user", "content": [part]}]}


def responses(url: str) -> tuple[str, Any]:
    part = {"type": "input_image", "image_url": url}
    return "/v1/responses", {"model": OLLAMA_MODEL, "input": [{"role": "user", "content": [part]}]}


def anthropic(url: str) -> tuple[str, Any]:
    part = {"type": "image", "source": {"type": "url", "url": url}}
    return "/v1/messages", {"model": OLLAMA_MODEL, "max_tokens": 9, "messages": [{"role": "user", "content": [part]}]}


@pytest.mark.parametrize("dialect", [openai, responses, anthropic], ids=lambda dialect: str(dialect.__name__))
def test_no_image_is_fetched_from_inside(fronted: Fronted, dialect: Any) -> None:
    with listening() as (port, came):
        for host in SPELLINGS:
            path, body = dialect(f"http://{host}:{port}/secret")
            answer = ask(fronted.service.url, "POST", path, key=fronted.service.key, body=json.dumps(body).encode())
            assert 400 <= answer.status < 500, (host, answer.body)
            assert came == [], host


def test_the_list_of_spellings_means_what_it_says() -> None:
    """That server would be reached: else nothing above was tried."""
    with listening() as (port, came):
        for host in ("127.0.0.1", "::1"):
            with socket.create_connection((host, port), timeout=5) as connection:
                connection.sendall(b"x")
                connection.recv(1)
        assert came == [b"x", b"x"]


class Rebinding:
    """A name server that says something else each time it is asked: the owner of a name may."""

    def __init__(self, answers: Sequence[str]) -> None:
        self.answers = list(answers)

    async def __call__(self, host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
        address = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        where = (address, port or 0, 0, 0) if family == socket.AF_INET6 else (address, port or 0)
        return [(family, socket.SOCK_STREAM, 6, "", where)]


@pytest.mark.parametrize("inside", ["127.0.0.1", "::ffff:127.0.0.1", "169.254.169.254", "10.0.0.1", "::1", "fe80::1"])
async def test_a_name_that_changes_its_mind_gains_nothing(monkeypatch: pytest.MonkeyPatch, inside: str) -> None:
    """Neither for a client nor for the owner, who may name what is inside: a name that was outside leads nowhere else
    in the moment it is gone to."""
    with listening() as (port, came):
        for owner, answers in ((False, [inside]), (True, ["93.184.216.34", inside])):
            monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", Rebinding(answers))
            async with Outward() as outward:
                with pytest.raises(BadRequest, match="not public"):
                    async with outward.get(Ask(f"http://evil.example:{port}/x", inside=owner)):
                        pass
        assert came == []

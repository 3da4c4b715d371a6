"""The agent's few words of HTTP/1.1, pure: a request's head in, a whole answer out."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Final

from potluck.agent.exposition import CONTENT_TYPE, exposition
from potluck.core import proving
from potluck.core.reading import Reading

JSON: Final = "application/json"


@dataclass(frozen=True, slots=True)
class Request:
    """``key`` is what stands behind ``Bearer``, ``proof`` behind ``Proof``; empty if nothing does."""

    method: str
    path: str
    key: str
    proof: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """What is at a path, and what it is for."""

    content_type: str
    text: str
    body: Callable[[Reading], str]
    open: bool = False
    """Whether it is shown to who has no key."""


IDENTITY: Final = "/identity"

PAGES: Final[Mapping[str, Page]] = {
    "/reading": Page(JSON, "The reading as JSON.", lambda reading: json.dumps(asdict(reading))),
    IDENTITY: Page(
        JSON,
        "Who the machine is. A gateway that looks for machines may prove here that it has the key instead of sending "
        "it, and is given a proof back.",
        lambda reading: _identity(reading, "", ""),
    ),
    "/metrics": Page(CONTENT_TYPE, "The reading in Prometheus' text format.", exposition),
    "/healthz": Page(JSON, "That the agent answers; needs no key.", lambda reading: '{"status": "ok"}', open=True),
}


def read_head(head: bytes) -> Request | None:
    """The head of a request, up to its empty line; None for what is none."""
    first, *rest = head.decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        return None
    shown: dict[str, str] = {}
    for line in rest:
        name, _, value = line.partition(":")
        if name.lower() == "authorization":
            scheme, _, credentials = value.strip().partition(" ")
            shown = {scheme.lower(): credentials.strip()}
    return Request(words[0], words[1].partition("?")[0], shown.get("bearer", ""), shown.get(proving.SCHEME, ""))


def answer(request: Request | None, key: str, latest: Callable[[], Reading]) -> bytes:
    """The whole answer. Without a ``key`` of ours everybody may read; `main` sees to it that nobody is far away."""
    if request is None:
        return _refusal(400, "Bad Request", "This is not a request of HTTP/1.1.")
    page = PAGES.get(request.path)
    nonce = proving.asked(key, request.proof) if key and request.path == IDENTITY else ""
    if not (page and page.open) and not nonce and not _fits(request.key, key):
        return _refusal(401, "Unauthorized", "The agent's key is needed.", ("www-authenticate", "Bearer"))
    if page is None:
        return _refusal(404, "Not Found", f"There are {', '.join(PAGES)}.")
    if request.method not in ("GET", "HEAD"):
        return _refusal(405, "Method Not Allowed", "Use GET.", ("allow", "GET, HEAD"))
    text = _identity(latest(), key, nonce) if nonce else page.body(latest())
    return _response(200, "OK", page.content_type, text, whole=request.method == "GET")


def _identity(reading: Reading, key: str, nonce: str) -> str:
    """Who the machine is; with a ``nonce`` also the proof that it has the ``key``."""
    machine = reading.identity.machine
    proof = proving.answering(key, nonce, machine) if nonce else ""
    return json.dumps({"machine": machine, "host": reading.identity.host, "proof": proof})


def _fits(given: str, key: str) -> bool:
    return not key or hmac.compare_digest(given.encode("latin-1"), key.encode())


def _refusal(status: int, reason: str, why: str, *headers: tuple[str, str]) -> bytes:
    return _response(status, reason, JSON, json.dumps({"error": why}), *headers)


def _response(
    status: int, reason: str, content_type: str, text: str, *headers: tuple[str, str], whole: bool = True
) -> bytes:
    body = text.encode()
    fields = [
        ("content-type", content_type),
        ("content-length", str(len(body))),
        ("cache-control", "no-store"),
        ("connection", "close"),
        *headers,
    ]
    head = "".join(f"{name}: {value}\r\n" for name, value in fields)
    return f"HTTP/1.1 {status} {reason}\r\n{head}\r\n".encode("latin-1") + (body if whole else b"")

"""What a dialect is to the server: a list of routes, and the shape of its errors."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from potluck_fake_engine.engine import Engine
from potluck_fake_engine.http import Headers, Reply, Request

Handler = Callable[[Engine, Request, Reply], Awaitable[None]]

T = TypeVar("T")


class Refusal(Exception):
    """An error answer. A dialect leaves out what it does not show. ``extra`` are further fields of the error object."""

    def __init__(
        self,
        status: int,
        message: str,
        kind: str = "invalid_request_error",
        *,
        code: str | None = None,
        param: str | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.kind = kind
        self.code = code
        self.param = param
        self.extra = extra or {}


@dataclass(frozen=True, slots=True)
class Route:
    """``path`` may end with ``/*``: anything below. ``inference`` marks what faults hit unless they say otherwise."""

    method: str
    path: str
    handle: Handler
    inference: bool = False


@dataclass(frozen=True, slots=True)
class Dialect:
    """``error`` gives content type and body; ``in_band`` a chunk of a stream of the given content type.

    ``public`` paths need no key. ``unknown`` is the answer to a path that it does not have (True: it has, but not by
    this method).
    """

    name: str
    routes: tuple[Route, ...]
    error: Callable[[Refusal], tuple[str, bytes]]
    in_band: Callable[[str, str], bytes]
    unauthorized: Callable[[], Refusal]
    unknown: Callable[[Request, bool], Refusal]
    public: frozenset[str] = frozenset()
    headers: Headers = ()
    keep_alive: str = ""
    """The header of that name, where the connection is kept."""
    error_closes: bool = False
    guard: Callable[[Request], None] = lambda request: None
    """Raises a `Refusal` for requests that the server does not even route."""
    also: tuple[Dialect, ...] = ()
    """Further routes of the same server, with other errors."""


def decode(kind: type[T], body: bytes) -> T:
    """A request's body.

    Raises:
        msgspec.DecodeError: no JSON, or of wrong types (then a `msgspec.ValidationError`).
    """
    return msgspec.json.decode(body, type=kind)

"""One small HTTP client for all commands: synchronous, standard library, one connection per request."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Final, TypeVar
from urllib.parse import urlencode, urlsplit

import msgspec

from potluck import __version__
from potluck.cli.failure import ServiceError, Unreachable
from potluck.cli.service import Service
from potluck.wire.sse import ServerEvent, SseReader

T = TypeVar("T")

# A service on the same network answers a connection within milliseconds; ten seconds is a machine that swaps.
CONNECT_S: Final = 10.0
# Listings are answered from memory, but a full disk or a backup may hold the database.
LISTING_S: Final = 60.0


class _ErrorBody(msgspec.Struct):
    message: str = ""
    hint: str = ""


class _Envelope(msgspec.Struct):
    error: _ErrorBody | str = ""


@dataclass(frozen=True, slots=True)
class Client:
    """Talks to one service; ``listing_s`` is how long an answer may take that needs no model.

    Every method raises `ServiceError` with words for the user.
    """

    service: Service
    listing_s: float = LISTING_S

    def get(self, path: str, answer: type[T], query: Mapping[str, str] | None = None) -> T:
        """The decoded answer of a GET."""
        return self.call("GET", path, answer, query=query)

    def call(
        self,
        method: str,
        path: str,
        answer: type[T],
        *,
        body: object = None,
        query: Mapping[str, str] | None = None,
        patient: bool = False,
    ) -> T:
        """Send ``body`` as JSON and decode the whole answer; ``patient`` as in `raw`."""
        return decoded(self.raw(method, path, body=body, query=query, patient=patient), answer)

    def raw(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        query: Mapping[str, str] | None = None,
        patient: bool = False,
    ) -> bytes:
        """The answer's bytes. ``patient`` waits without limit: a model may take minutes to load and to answer."""
        with closing(self._connect()) as connection, self._plain_words():
            return self._answer(connection, method, path, body, query, None if patient else self.listing_s).read()

    @contextmanager
    def lines(
        self, method: str, path: str, *, body: object = None, head: Callable[[Message], None] | None = None
    ) -> Generator[Iterator[bytes]]:
        """The lines of an answer as they arrive. Leaving the block closes the connection, which ends the work there.
        ``head`` is told the answer's headers.

        A connection that is cut looks like the end: the caller knows its stream's last event and must check for it.
        """
        with closing(self._connect()) as connection:
            with self._plain_words():
                response = self._answer(connection, method, path, body, None, None)
            if head is not None:
                head(response.headers)
            yield self._read_lines(response)

    @contextmanager
    def events(
        self, method: str, path: str, *, body: object = None, head: Callable[[Message], None] | None = None
    ) -> Generator[Iterator[ServerEvent]]:
        """The server-sent events of an answer, else as `lines`. A last event that is cut off is left out."""
        with self.lines(method, path, body=body, head=head) as lines:
            reader = SseReader()
            yield (event for line in lines for event in reader.feed(line))

    def _read_lines(self, response: HTTPResponse) -> Iterator[bytes]:
        # Only the reading is in the block: a full disk while the caller writes is not the service's fault.
        while True:
            with self._plain_words():
                line = response.readline()
            if not line:
                return
            yield line

    def _answer(
        self,
        connection: HTTPConnection,
        method: str,
        path: str,
        body: object,
        query: Mapping[str, str] | None,
        wait_s: float | None,
    ) -> HTTPResponse:
        connection.sock.settimeout(wait_s)
        connection.request(
            method,
            urlsplit(self.service.url).path + path + (f"?{urlencode(query)}" if query else ""),
            body=None if body is None else msgspec.json.encode(body),
            headers=self._headers(),
        )
        response = connection.getresponse()
        if response.status >= 400:
            raise refusal(response.status, response.read(), self.service)
        return response

    @contextmanager
    def _plain_words(self) -> Generator[None]:
        try:
            yield
        except TimeoutError as exc:
            raise ServiceError(f"{self.service.url} did not answer in time.", hint="Try 'potluck status'.") from exc
        except (OSError, HTTPException) as exc:
            raise ServiceError(
                f"The connection to {self.service.url} broke off.", hint="Look at the log of 'potluck up'."
            ) from exc

    def _connect(self) -> HTTPConnection:
        parts = urlsplit(self.service.url)
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=CONNECT_S)
        try:
            connection.connect()
        except OSError as exc:
            connection.close()
            url = self.service.url
            raise Unreachable(f"No Potluck answers at {url}; start it with 'potluck up'.") from exc
        return connection

    def _headers(self) -> dict[str, str]:
        headers = {
            "Connection": "close",
            "Content-Type": "application/json",
            "User-Agent": f"potluck-cli/{__version__}",
        }
        if self.service.key:
            headers["Authorization"] = f"Bearer {self.service.key}"
        return headers


def decoded(raw: bytes, answer: type[T]) -> T:
    """JSON of the service as a record. Raises `ServiceError` if it is something else."""
    try:
        return msgspec.json.decode(raw, type=answer)
    except msgspec.MsgspecError as exc:
        raise ServiceError(
            f"The answer is not what this version of potluck expects ({exc}).",
            hint="Is the service a Potluck, and of the same version?",
        ) from exc


def refusal(status: int, body: bytes, service: Service) -> ServiceError:
    """What an error response means to the user."""
    message, hint = error_words(body)
    if status == 401:
        given = "is not valid" if service.key else "is needed"
        return ServiceError(
            f"A key {given} at {service.url}.",
            hint="Give one with --key or POTLUCK_KEY; 'potluck keys create NAME' makes one.",
            status=status,
        )
    return ServiceError(message or f"The service answered {status}.", hint=hint, status=status)


def error_words(body: bytes) -> tuple[str, str]:
    """Message and hint of an error body, native or Ollama's; empty if it is neither."""
    try:
        error = msgspec.json.decode(body, type=_Envelope).error
    except msgspec.MsgspecError:
        return "", ""
    return (error, "") if isinstance(error, str) else (error.message, error.hint)

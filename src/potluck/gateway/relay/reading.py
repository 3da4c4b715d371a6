"""A client's bytes as requests: parsed by llhttp, and held to limits and to one reading.

llhttp refuses most of what servers could read in two ways (RFC 9112 11.2): both lengths at once, spaces before a
colon, folded lines, bare CR or LF. What it lets pass and we do not is in `on_header`, `on_headers_complete` and
`_check_old`.
"""

from __future__ import annotations

from typing import Protocol

import httptools

from potluck.gateway.relay.request import DECIDING, Request

# 2^64 has 20 digits. llhttp takes any number of zeros before them, Python's int() does not.
_LENGTH_DIGITS = 20


class Unreadable(Exception):
    """The bytes are not a request that is read here; ``status`` and ``reason`` tell the client."""

    def __init__(self, status: int, reason: bytes) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class ReadingLimits(Protocol):
    """See `relay.Limits`."""

    @property
    def max_head(self) -> int: ...

    @property
    def max_headers(self) -> int: ...


class Receiver(Protocol):
    """Who gets the requests: for each one ``request_head``, ``request_body``…, ``request_end``."""

    def request_begins(self) -> None: ...

    def request_head(self, request: Request) -> None: ...

    def request_body(self, request: Request, piece: bytes) -> None: ...

    def request_end(self, request: Request) -> None: ...


class RequestReader:
    """The requests of one connection. ``incoming`` is the one being read; after ``stop`` nothing more is."""

    __slots__ = ("_fields", "_limits", "_parser", "_receiver", "_stopped", "_unread", "_upgrading", "incoming")

    def __init__(self, receiver: Receiver, limits: ReadingLimits) -> None:
        self._receiver = receiver
        self._limits = limits
        self._parser = httptools.HttpRequestParser(self)
        self._fields: list[tuple[bytes, bytes]] | None = None  # of the head that is being read
        self._unread = 0  # bytes that came since something was last read of them: a head, a piece of a body, an end
        self._upgrading = False
        self._stopped = False
        self.incoming: Request | None = None

    def feed(self, data: bytes | memoryview) -> None:
        """Read on; the receiver hears of it before this returns. Raises `Unreadable`, after which nothing is read."""
        if self._stopped:
            return
        self._unread += len(data)
        asks_at = self._parse(data)
        while asks_at >= 0:
            # Nothing here upgrades. A server may ignore the wish (RFC 9110 7.8): the head is read again without it.
            data = memoryview(data)[asks_at:]
            self._parser = httptools.HttpRequestParser(self)
            self._parse(self._head_without_upgrade())
            asks_at = self._parse(data)
        # A line that never ends reaches no callback: neither in a head, nor in a chunk's extension, nor in a trailer.
        if self._unread > self._limits.max_head:
            self._stopped = True
            raise Unreadable(431, b"The request's head is too large.")

    def stop(self) -> None:
        """Read no further request, not even from the bytes at hand."""
        self._stopped = True

    def _parse(self, data: bytes | memoryview) -> int:
        """The place in ``data`` where the parser stopped since the request asks for an upgrade, or -1."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            place: int = upgrade.args[0]
            return place
        except httptools.HttpParserError as error:
            self._broke_off(error)
        return -1

    def _broke_off(self, error: httptools.HttpParserError) -> None:
        """The parser stopped. That is as it should be if we were told to; else raise why."""
        if self._stopped:
            return
        self._stopped = True
        if isinstance(error.__context__, Unreadable):
            raise error.__context__ from None
        if isinstance(error, httptools.HttpParserCallbackError):
            raise error
        raise Unreadable(400, b"The request is not valid HTTP/1.1.") from error

    def _head_without_upgrade(self) -> bytes:
        request = self.incoming
        assert request is not None
        fields: list[tuple[bytes, bytes]] = []
        for name, value in request.headers:
            if name == b"connection":
                options = [each for each in value.split(b",") if each.strip().lower() != b"upgrade"]
                fields.append((name, b",".join(options)))
            elif name != b"upgrade":
                fields.append((name, value))
        lines = b"".join(b"%b: %b\r\n" % field for field in fields)
        return b"%b %b HTTP/%b\r\n%b\r\n" % (request.method, request.target, request.version.encode(), lines)

    # --- httptools callbacks ---

    def on_message_begin(self) -> None:
        if self._stopped:
            raise Unreadable(400, b"Nothing more is read here.")
        self._fields = []
        self.incoming = Request(self._fields)
        self._upgrading = False
        self._receiver.request_begins()

    def on_url(self, url: bytes) -> None:
        assert self.incoming is not None
        self.incoming.target += url
        if len(self.incoming.target) > self._limits.max_head:
            raise Unreadable(414, b"The request's target is too long.")

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._fields is not None:  # else it is a trailer: nothing here reads any
            self._fields.append((name.lower(), value.rstrip()))  # llhttp leaves the space behind a value to it

    def on_headers_complete(self) -> None:
        request = self.incoming
        assert request is not None
        parser = self._parser
        self._fields = None
        self._weigh(request)
        request.method = parser.get_method()
        request.version = parser.get_http_version()
        self._unread = 0
        if request.method == b"CONNECT":
            raise Unreadable(501, b"This is no tunnel.")
        if parser.should_upgrade():
            self._upgrading = True
            return
        request.keep_alive = parser.should_keep_alive()
        if request.version != "1.1":
            _check_old(request)
        elif request.hosts != 1:
            raise Unreadable(400, b"A request has one Host header.")  # RFC 9112 3.2
        self._receiver.request_head(request)

    def _weigh(self, request: Request) -> None:
        """Hold a whole head to the limits, and note what decides about framing."""
        size = 0
        for name, value in request.headers:
            size += len(name) + len(value)
            if name in DECIDING:
                if name == b"transfer-encoding" and value.lower() != b"chunked":
                    # llhttp notices only after this; by then the request would be on its way.
                    raise Unreadable(400, b"The only transfer coding read here is chunked.")
                if name == b"content-length" and len(value) > _LENGTH_DIGITS:
                    raise Unreadable(400, b"The Content-Length is not a length.")
                request.note(name, value)
        if len(request.headers) > self._limits.max_headers or size > self._limits.max_head:
            raise Unreadable(431, b"The request's head is too large.")
        request.head_size = size

    def on_body(self, body: bytes) -> None:
        request = self.incoming
        assert request is not None
        self._unread = 0
        request.size += len(body)
        self._receiver.request_body(request, body)

    def on_message_complete(self) -> None:
        request = self.incoming
        self._unread = 0
        if request is None or self._upgrading:
            return
        request.complete = True
        self.incoming = None
        if not request.keep_alive:
            self._stopped = True  # RFC 9112 9.6: what follows the last request is not one
        self._receiver.request_end(request)


def _check_old(request: Request) -> None:
    """What another version than 1.1 may say: 1.0 without chunks, and without keeping the connection.

    A kept 1.0 connection is an agreement that proxies between us may not know of (RFC 9112 C.2.2).
    """
    if request.version != "1.0":
        raise Unreadable(505, b"HTTP/1.1 is spoken here.")
    if request.chunked or request.hosts > 1:
        raise Unreadable(400, b"The request is not valid HTTP/1.0.")
    request.keep_alive = False
    if request.expects_continue:  # to be ignored: such a client waits for no 100 (RFC 9110 10.1.1)
        request.expects_continue = False
        request.headers = [field for field in request.headers if field[0] != b"expect"]

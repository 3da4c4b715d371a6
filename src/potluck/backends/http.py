"""`EngineHttp` over aiohttp: ordinary requests to an engine, for looking and for keeping models, not for calls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from yarl import URL

from potluck.backends.port import Address, HttpReply, HttpStream
from potluck.backends.unreachable import why_unreachable
from potluck.core.errors import MalformedAnswer, NodeFailed, NodeTimeout, NodeUnreachable

# llama.cpp's server closes a connection that was idle for 5 seconds.
_IDLE_S = 4.0
# A machine on the same network answers a knock within milliseconds; one that is off never does.
_CONNECT_S = 5.0
# An engine's list of models runs to some hundred kilobytes; more than this is not an answer to us.
_LONGEST_REPLY_BYTES = 64 * 1024 * 1024
# A preview is some ten kilobytes; a picture sent so may be whole.
_LARGEST_MESSAGE_BYTES = 64 * 1024 * 1024
# An engine's machine that went away without a word is noticed after one and a half of these.
_HEARTBEAT_S = 20.0


@asynccontextmanager
async def open_engine_session() -> AsyncGenerator[aiohttp.ClientSession]:
    """The pooled connections of all engines; closed with the block.

    No cookies and no proxy from the environment: an engine is where it is said to be.
    """
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_S)
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=_IDLE_S)
    async with aiohttp.ClientSession(
        connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=True
    ) as session:
        yield session


class AiohttpEngine:
    """One engine behind its `Address`. ``node`` is the owner's name for the machine and ``who`` what listens there,
    for errors.
    """

    def __init__(
        self, session: aiohttp.ClientSession, address: Address, *, node: str = "", who: str = "The engine"
    ) -> None:
        self._session = session
        self._node = node
        self._who = who
        self._address = address
        self._headers = dict(address.headers)

    async def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        timeout_s: float = 10.0,
        content_type: str = "application/json",
    ) -> HttpReply:
        """One exchange, whole. Raises `NodeUnreachable`, `NodeTimeout`, or `NodeFailed` for a reply beyond reason."""
        try:
            async with (
                asyncio.timeout(timeout_s),
                self._session.request(
                    method, self._url(path), data=body, headers=self._sent(body, content_type), allow_redirects=False
                ) as reply,
            ):
                return HttpReply(reply.status, await self._whole(reply))
        except aiohttp.ConnectionTimeoutError as error:
            raise self._unreachable(error) from error
        except TimeoutError as error:
            raise NodeTimeout(
                f"{self._who} did not answer within {timeout_s:g} seconds.", node=self._node, detail=path
            ) from error
        except (aiohttp.ClientError, OSError) as error:
            raise self._unreachable(error) from error

    @asynccontextmanager
    async def stream(
        self, method: str, path: str, body: bytes | AsyncIterator[bytes] | None = None
    ) -> AsyncGenerator[HttpStream]:
        """An answer read as it comes. Connecting has a limit, the answer has none."""
        try:
            reply = await self._session.request(
                method, self._url(path), data=body, headers=self._sent(body), allow_redirects=False
            )
        except (aiohttp.ClientError, OSError) as error:
            raise self._unreachable(error) from error
        try:
            yield _Stream(reply)
        finally:
            reply.close()

    def _url(self, path: str) -> URL:
        address = self._address
        host = f"[{address.host}]" if ":" in address.host else address.host
        scheme = "https" if address.tls else "http"
        # Encoded already: a digest's colon must arrive as it is.
        return URL(f"{scheme}://{host}:{address.port}{address.base_path}{path}", encoded=True)

    @asynccontextmanager
    async def socket(self, path: str) -> AsyncGenerator[_Socket]:
        """A WebSocket. Raises `NodeUnreachable`, also where the engine has none there."""
        try:
            socket = await self._session.ws_connect(
                self._url(path), headers=self._headers, heartbeat=_HEARTBEAT_S, max_msg_size=_LARGEST_MESSAGE_BYTES
            )
        except (aiohttp.ClientError, OSError) as error:
            raise self._unreachable(error) from error
        async with socket:
            yield _Socket(socket)

    def _sent(
        self, body: bytes | AsyncIterator[bytes] | None, content_type: str = "application/json"
    ) -> dict[str, str]:
        kind = content_type if isinstance(body, bytes) else "application/octet-stream"
        return self._headers if body is None else {"content-type": kind, **self._headers}

    async def _whole(self, reply: aiohttp.ClientResponse) -> bytes:
        pieces: list[bytes] = []
        size = 0
        async for piece in reply.content.iter_any():
            size += len(piece)
            if size > _LONGEST_REPLY_BYTES:
                raise NodeFailed(f"{self._who}'s answer has no end.", node=self._node, status=reply.status)
            pieces.append(piece)
        return b"".join(pieces)

    def _unreachable(self, error: aiohttp.ClientError | OSError) -> NodeUnreachable:
        return NodeUnreachable(_why(error, self._who), node=self._node, detail=str(error))


class _Stream:
    """`HttpStream`: what goes wrong while reading is the engine's dying, not an end."""

    def __init__(self, reply: aiohttp.ClientResponse) -> None:
        self.status = reply.status
        self._reply = reply

    async def pieces(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._reply.content.iter_any():
                yield piece
        except (aiohttp.ClientError, OSError) as error:
            raise MalformedAnswer("The engine's answer broke off.", detail=str(error)) from error


class _Socket:
    """`backends.images.port.Socket`."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def messages(self) -> AsyncIterator[str | bytes]:
        async for message in self._socket:
            if message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                yield message.data

    async def send(self, text: str) -> None:
        try:
            await self._socket.send_str(text)
        except (aiohttp.ClientError, OSError) as error:
            raise NodeUnreachable("The engine closed the connection.", detail=str(error)) from error


def _why(error: aiohttp.ClientError | OSError, who: str) -> str:
    """In words for the owner, without the address, which clients may not see."""
    match error:
        case aiohttp.ClientConnectorDNSError():
            return f"{who}'s host name is not known."
        case aiohttp.ClientSSLError():
            return f"{who}'s TLS certificate or handshake is not accepted."
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientPayloadError():
            return f"{who} closed the connection."
        case aiohttp.InvalidURL():
            return f"{who}'s address is not a valid one."
        case aiohttp.ConnectionTimeoutError():
            return f"{who}'s machine does not answer."
        case OSError():
            return why_unreachable(error, who)
        case _:
            return f"{who} cannot be reached."

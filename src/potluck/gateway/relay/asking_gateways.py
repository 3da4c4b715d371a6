"""One short question to another gateway, of which only the status is of interest."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from potluck.gateway.relay.hops import HOP, PROMISE, Hops
from potluck.gateway.relay.upstream import connect


class _Asked:
    """Hears a status. Implements `upstream.UpstreamUser`."""

    def __init__(self) -> None:
        self.status: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def _tell(self, status: int) -> None:
        if not self.status.done():
            self.status.set_result(status)

    def upstream_head(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        self._tell(status)

    def upstream_body(self, data: bytes) -> None: ...

    def upstream_end(self) -> None: ...

    def upstream_lost(self) -> None:
        self._tell(0)

    def upstream_full(self, *, full: bool) -> None: ...


async def status_of(
    url: str, method: bytes, path: bytes, fields: Iterable[tuple[bytes, bytes]], *, within_s: float
) -> int:
    """The status of an answer; 0 where the connection broke. Raises `OSError`, also where it takes too long."""
    asked = _Asked()
    try:
        async with asyncio.timeout(within_s):
            upstream = await connect(url, asked)
            try:
                lines = b"".join(b"%b: %b\r\n" % field for field in fields)
                upstream.transport.write(
                    b"%b %b HTTP/1.1\r\nhost: potluck\r\nconnection: close\r\ncontent-length: 0\r\n%b\r\n"
                    % (method, path, lines)
                )
                return await asked.status
            finally:
                upstream.abort()
    except TimeoutError as error:
        raise OSError("it does not answer in time") from error


async def ask_promise(url: str, hops: Hops, *, within_s: float) -> bool:
    """Whether the gateway at ``url`` will not take over for now; true also where none runs any more."""
    try:
        signed = ((HOP, hops.sign(b"POST", PROMISE, "")),)
        return await status_of(url, b"POST", PROMISE, signed, within_s=within_s) == 200
    except ConnectionRefusedError:  # its machine says that nobody listens: nobody can take over there
        return True
    except OSError:
        return False

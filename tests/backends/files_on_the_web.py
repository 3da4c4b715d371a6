"""A web server with files that can be asked for in part, and with every bad habit a download must live with."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Asked:
    path: str
    headers: Mapping[str, str]


@dataclass
class File:
    """``cuts``: after so many bytes of the body the connection ends, one number for each request, until none is left.
    ``hold``: nothing comes after those bytes until it is set.
    """

    data: bytes
    etag: str = ""
    cuts: list[int] = field(default_factory=list)
    ranges: bool = True
    lengthless: bool = False
    lies_about_range: bool = False
    ignores_if_range: bool = False
    extra: dict[str, str] = field(default_factory=dict)
    hold: asyncio.Event | None = None
    hold_after: int = 0


@dataclass
class WebServer:
    url: str = ""
    files: dict[str, File] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)
    redirect_headers: dict[str, str] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    hang_ups: int = 0
    """So many requests get no answer at all."""

    def put(self, path: str, data: bytes, **how: Any) -> File:
        file = self.files[path] = File(data, **{"etag": f'"{hashlib.md5(data).hexdigest()}"', **how})
        return file

    def repository(self, repo: str, files: Mapping[str, bytes], *, licence: str = "apache-2.0") -> None:
        """A hub's repository, its files behind a redirect that tells their checksums, as the real one does."""
        siblings = [
            {"rfilename": name, "size": len(data), "lfs": {"sha256": sha256(data), "size": len(data)}}
            for name, data in files.items()
        ]
        card = {"id": repo, "siblings": siblings, "cardData": {"license": licence}}
        self.put(f"/api/models/{repo}", json.dumps(card).encode())
        for name, data in files.items():
            self.redirects[f"/{repo}/resolve/main/{name}"] = f"/cdn/{sha256(data)}"
            self.put(f"/cdn/{sha256(data)}", data)

    def ranges(self, path: str) -> list[str]:
        """The ranges that were asked of a file, empty for the whole."""
        return [asked.headers.get("range", "") for asked in self.asked if asked.path == path]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            path = lines[0].split()[1].partition("?")[0]
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:] if line)}
            self.asked.append(Asked(path, headers))
            if self.hang_ups:
                self.hang_ups -= 1
            else:
                await self._answer(path, headers, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _answer(self, path: str, headers: Mapping[str, str], writer: asyncio.StreamWriter) -> None:
        if path in self.statuses:
            _head(writer, self.statuses[path], {"content-length": "0"})
        elif path in self.redirects:
            _head(writer, 302, {"location": self.redirects[path], "content-length": "0", **self.redirect_headers})
        elif path in self.files:
            await self._file(self.files[path], headers, writer)
        else:
            _head(writer, 404, {"content-length": "0"})

    async def _file(self, file: File, headers: Mapping[str, str], writer: asyncio.StreamWriter) -> None:
        named = {"etag": file.etag} if file.etag else {}
        if file.etag and headers.get("if-none-match") == file.etag:
            return _head(writer, 304, named)
        start = _start(file, headers)
        if start is not None and start >= len(file.data):
            return _head(writer, 416, {"content-range": f"bytes */{len(file.data)}", "content-length": "0"})
        body = file.data[start or 0 :]
        if start is not None:
            named["content-range"] = f"bytes {start + file.lies_about_range}-{len(file.data) - 1}/{len(file.data)}"
        if not file.lengthless:
            named["content-length"] = str(len(body))
        _head(writer, 200 if start is None else 206, {**named, **file.extra})
        if file.hold is not None:
            writer.write(body[: file.hold_after])
            await writer.drain()
            await file.hold.wait()
            body = body[file.hold_after :]
        writer.write(body[: file.cuts.pop(0)] if file.cuts else body)
        await writer.drain()
        return None


def _head(writer: asyncio.StreamWriter, status: int, headers: Mapping[str, str]) -> None:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    writer.write(f"HTTP/1.1 {status} X\r\n{lines}connection: close\r\n\r\n".encode())


def _start(file: File, headers: Mapping[str, str]) -> int | None:
    """Where a partial answer begins; None for the whole file."""
    found = re.fullmatch(r"bytes=(\d+)-", headers.get("range", ""))
    if found is None or not file.ranges:
        return None
    wanted = headers.get("if-range")
    if wanted is not None and wanted != file.etag and not file.ignores_if_range:
        return None
    return int(found[1])


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@asynccontextmanager
async def web_server() -> AsyncGenerator[WebServer]:
    made = WebServer()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield made
    finally:
        server.close()

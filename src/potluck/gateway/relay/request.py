"""One request as it comes off a client's connection."""

from __future__ import annotations

import asyncio
import zlib
from typing import cast

import msgspec
import zstandard

from potluck.core.errors import BadRequest, PayloadTooLarge, UnsupportedEncoding
from potluck.wire.terms import TERMS

# A body in chunks of two bytes would take thirty times its size if each stayed an object of its own.
_SMALL = 1024
_BLOCK = 64 * 1024
# The headers that `Request.note` wants to hear of.
DECIDING = TERMS | {b"content-length", b"transfer-encoding", b"content-encoding", b"expect", b"host", b"origin"}

# An ordinary body comes in few pieces: joining them once at the end is cheapest.
_FEW = 16

# Tools that compress side by side write a member for each 64 KB or more. Someone who writes an empty one every twenty
# bytes would keep us at it for a minute.
_MOST_MEMBERS = 4096


class Request(msgspec.Struct, eq=False):
    """``headers`` are (lower-case name, value) in order. ``body`` grows until ``complete``. ``client`` is the
    connection that it came on, ``forwarded_for`` whom another gateway of ours forwards it for.
    ``begun`` is the content type of its answer, where the head of that is out and nothing of its body.

    ``size`` counts the body's bytes as they come, kept or not; of a ``too_large`` body nothing is kept.
    """

    # A struct, since one is made for each request, and most keep most of these.
    headers: list[tuple[bytes, bytes]] = []
    body: list[bytes | bytearray] = []
    method: bytes = b""
    target: bytes = b""
    version: str = "1.1"
    keep_alive: bool = True
    expects_continue: bool = False
    content_length: int | None = None
    chunked: bool = False
    encoding: bytes = b""
    size: int = 0
    head_size: int = 0
    complete: bool = False
    hosts: int = 0
    too_large: bool = False
    origin: bytes = b""
    terms: tuple[tuple[bytes, bytes], ...] = ()
    client: asyncio.BaseTransport | None = None
    forwarded_for: str = ""
    begun: str = ""

    @property
    def peer(self) -> str:
        """The address at the connection's other end, or of the client of the gateway that is there; empty for one that
        has none."""
        if self.forwarded_for:
            return self.forwarded_for
        # A pair for IPv4 and four values for IPv6; of a Unix socket text or bytes.
        name: object = self.client.get_extra_info("peername") if self.client is not None else None
        return str(cast("tuple[object, ...]", name)[0]) if isinstance(name, tuple) else ""

    @property
    def path(self) -> bytes:
        """The target without its query; absolute-form targets (RFC 9112 3.2.2) are reduced to their path."""
        if b"?" not in self.target and self.target.startswith(b"/"):
            return self.target
        path = self.target.partition(b"?")[0]
        if not path.startswith(b"/") and b"://" in path:
            _, slash, rest = path.partition(b"://")[2].partition(b"/")
            return slash + rest or b"/"
        return path

    @property
    def query(self) -> bytes:
        return self.target.partition(b"?")[2]

    @property
    def has_body(self) -> bool:
        return self.chunked or bool(self.content_length)

    def header(self, name: bytes) -> bytes:
        """The first value of a header, or nothing."""
        return next((value for key, value in self.headers if key == name), b"")

    def note(self, name: bytes, value: bytes) -> None:
        """Remember a header that decides about framing, who may read the answer, or how the call is to be treated; its
        name is one of `DECIDING`."""
        if name == b"content-length":
            self.content_length = int(value)
        elif name == b"transfer-encoding":
            self.chunked = True
        elif name == b"content-encoding":
            self.encoding = value.strip().lower()
        elif name == b"expect":
            self.expects_continue = value.strip().lower() == b"100-continue"
        elif name == b"origin":
            self.origin = value
        elif name == b"host":
            self.hosts += 1
        else:
            self.terms = (*self.terms, (name, value))

    def keep(self, piece: bytes) -> None:
        """Take in a piece of the body. Small pieces become one: each alone would cost some 40 bytes more."""
        body = self.body
        if len(piece) < _SMALL and body and isinstance(last := body[-1], bytearray) and len(last) < _BLOCK:
            last += piece
        else:
            body.append(piece if len(piece) >= _SMALL or len(body) < _FEW else bytearray(piece))

    def payload(self, max_bytes: int) -> bytes:
        """The whole body, decompressed. Raises `UnsupportedEncoding`, `PayloadTooLarge`, `BadRequest`."""
        body = bytes(self.body[0]) if len(self.body) == 1 else b"".join(self.body)
        return body if self.encoding in (b"", b"identity") else decompressed(body, self.encoding, max_bytes)


def decompressed(body: bytes, encoding: bytes, max_bytes: int) -> bytes:
    """A body without its content coding; stops at ``max_bytes``, so that a small bomb stays small."""
    try:
        match encoding:
            case b"gzip" | b"x-gzip":
                return _gunzipped(body, max_bytes)
            case b"deflate":
                return _undeflated(body, max_bytes)
            case b"zstd":
                packed = zstandard.ZstdDecompressor(max_window_size=2**27)
                with packed.stream_reader(
                    body, read_across_frames=True
                ) as reader:  # RFC 8878 3: one may follow another
                    text: bytes = reader.read(max_bytes + 1)
            case _:
                raise UnsupportedEncoding(
                    f"Content-Encoding '{encoding.decode('latin-1')}' is not read here.",
                    hint="Use gzip, deflate, zstd, or none.",
                )
    except (zlib.error, zstandard.ZstdError) as error:
        raise BadRequest(f"The body is not valid {encoding.decode('latin-1')}.", detail=str(error)) from error
    if len(text) > max_bytes:
        raise PayloadTooLarge(max_bytes)
    return text


def _gunzipped(body: bytes, max_bytes: int) -> bytes:
    """All members of a gzip file (RFC 1952 2.2), which are ``max_bytes`` together at most."""
    texts: list[bytes] = []
    end = size = 0
    while not texts or end < len(body):
        if len(texts) == _MOST_MEMBERS:
            raise BadRequest("The compressed body has too many members.", hint="Compress it as a whole.")
        text, end = _inflated(body, end, 16 + zlib.MAX_WBITS, max_bytes, size)
        texts.append(text)
        size += len(text)
    return b"".join(texts)


def _undeflated(body: bytes, max_bytes: int) -> bytes:
    """What HTTP calls deflate is in a zlib envelope (RFC 9110 8.4.1.2), but many send it bare (RFC 1951)."""
    # The envelope's check, of which a bare stream written by any known compressor fails the first half.
    enveloped = len(body) >= 2 and body[0] & 0x0F == zlib.DEFLATED and int.from_bytes(body[:2]) % 31 == 0
    text, end = _inflated(body, 0, zlib.MAX_WBITS if enveloped else -zlib.MAX_WBITS, max_bytes)
    if end < len(body):
        raise BadRequest("Something follows the compressed body.")
    return text


def _inflated(body: bytes, start: int, window_bits: int, max_bytes: int, before: int = 0) -> tuple[bytes, int]:
    """One compressed stream, and where it ends. ``before`` bytes count towards ``max_bytes`` already."""
    stream = zlib.decompressobj(window_bits)
    view = memoryview(body)
    texts: list[bytes] = []
    # In blocks, because zlib copies what follows the stream's end: all the rest, for each of many members.
    while not stream.eof:
        block = view[start : start + _BLOCK]
        if not block:
            raise BadRequest("The compressed body is cut off.")
        text = stream.decompress(block, max_bytes - before + 1)
        before += len(text)
        if before > max_bytes:
            raise PayloadTooLarge(max_bytes)
        texts.append(text)
        start += len(block) - len(stream.unused_data)
    return b"".join(texts), start

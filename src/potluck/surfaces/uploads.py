"""A file on its way in: as the body of a request, or in a form; never more of it in memory than a piece."""

from __future__ import annotations

import base64
import binascii
from collections.abc import AsyncGenerator, Mapping

from starlette.requests import ClientDisconnect
from starlette.types import Receive

from potluck.core.errors import BadRequest, PayloadTooLarge, UnsupportedEncoding
from potluck.wire.multipart import MultipartReader, PartBegun, PartData, PartEnded, PartEvent, boundary_of, parameters

# Of all fields beside the file.
_FIELDS_BYTES = 64 * 1024
# What a form has around its file, at most.
_AROUND_BYTES = 1024 * 1024


class Upload:
    """`chunks` may be read once; what the client said beside the file is known after it.

    ``fields`` are those of a form. ``name`` and ``media_type`` are as they were told, and may be anything.
    """

    def __init__(self, receive: Receive, headers: Mapping[bytes, bytes]) -> None:
        """``headers`` by their names in small letters. Raises `UnsupportedEncoding`, and `BadRequest` for a form
        without a boundary."""
        self._receive = receive
        self._length = headers.get(b"content-length", b"").decode("latin-1")
        content_type = headers.get(b"content-type", b"").decode("latin-1")
        if (coding := headers.get(b"content-encoding", b"identity").strip().lower()) != b"identity":
            raise UnsupportedEncoding(
                f"A file is not decompressed ('{coding.decode('latin-1')[:40]}').", hint="Send its bytes as they are."
            )
        is_form = content_type.partition(";")[0].strip().lower() == "multipart/form-data"
        self._form = MultipartReader(boundary_of(content_type)) if is_form else None
        self.fields: dict[str, str] = {}
        self.name = _named(headers.get(b"content-disposition", b""))
        self.media_type = "" if is_form else content_type
        self.digest = _digest(headers)

    @property
    def size_bytes(self) -> int | None:
        """The file's, if it was announced; of a form nearly so, and never too much."""
        if not self._length.isdecimal() or len(self._length) > 18:
            return None
        return max(0, int(self._length) - (_AROUND_BYTES if self._form is not None else 0))

    async def chunks(self, most_bytes: int) -> AsyncGenerator[bytes, None]:
        """The file's bytes. Raises `ClientDisconnect` for who leaves in the middle, `BadRequest` for a form that is
        cut off or holds no file, or two; `PayloadTooLarge` for a body that is longer than one with such a file."""
        if self._form is None:
            async for piece in self._pieces(most_bytes):
                yield piece
            return
        form = _Form(self)
        async for piece in self._pieces(most_bytes + _AROUND_BYTES):
            for event in self._form.feed(piece):
                if data := form.take(event):
                    yield data
        self._form.end()
        if not form.files:
            raise BadRequest("The form holds no file.", param="file", hint="Send one as the field 'file'.")

    async def _pieces(self, most_bytes: int) -> AsyncGenerator[bytes, None]:
        size = 0
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            piece: bytes = message.get("body", b"")
            size += len(piece)
            if size > most_bytes:
                raise PayloadTooLarge(most_bytes)
            if piece:
                yield piece
            if not message.get("more_body", False):
                return


class _Form:
    """Sorts the parts of a form: its file from its fields."""

    def __init__(self, upload: Upload) -> None:
        self._upload = upload
        self.files = 0
        self._in_file = False
        self._field = ""
        self._content = bytearray()
        self._kept_bytes = 0

    def take(self, event: PartEvent) -> bytes:
        """The file's bytes in this event, if it has any."""
        match event:
            case PartBegun():
                self._begin(event)
            case PartData():
                if self._in_file:
                    return event.data
                self._keep(event.data)
            case PartEnded():
                if not self._in_file:
                    self._upload.fields[self._field] = self._content.decode("utf-8", "replace")
                self._content.clear()
        return b""

    def _begin(self, part: PartBegun) -> None:
        self._field, self._in_file = part.name, part.filename is not None or part.name == "file"
        if self._in_file:
            self.files += 1
            if self.files > 1:
                raise BadRequest("The form holds several files.", param="file", hint="Send one at a time.")
            self._upload.name, self._upload.media_type = part.filename or "", part.media_type

    def _keep(self, data: bytes) -> None:
        self._kept_bytes += len(data)
        if self._kept_bytes > _FIELDS_BYTES:
            raise BadRequest("The fields of the form are too long.", param=self._field[:80])
        self._content += data


def _named(disposition: bytes) -> str:
    return parameters(disposition.decode("utf-8", "replace")).get("filename", "")


def _digest(headers: Mapping[bytes, bytes]) -> str:
    """The SHA-256 that a client tells beforehand (RFC 9530), as hexadecimal digits; empty without one.

    Raises `BadRequest` for one that is none.
    """
    for name in (b"repr-digest", b"content-digest"):
        for each in headers.get(name, b"").split(b","):
            algorithm, _, value = each.strip().partition(b"=")
            if algorithm.lower() == b"sha-256":
                try:
                    digest = base64.b64decode(value.strip(b": "), validate=True)
                except binascii.Error:
                    digest = b""
                if len(digest) != 32:
                    raise BadRequest("The digest that was told is no SHA-256.", param=name.decode())
                return digest.hex()
    return ""

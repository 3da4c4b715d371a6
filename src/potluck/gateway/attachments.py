"""Files beside messages of the native chat: read from the store each time that a model is shown them."""

from __future__ import annotations

import asyncio
import base64
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from potluck.core.attachments import MOST_BYTES, Use, missing, read_text, shown, use_of
from potluck.core.call import ImagePart, Part, TextPart
from potluck.core.errors import BadRequest, NotFound, PayloadTooLarge
from potluck.core.model import UserId
from potluck.gateway.files import Files
from potluck.pixels.process import Child
from potluck.storage.conversation_records import Attachment
from potluck.storage.records import FileRecord

# A book of a thousand pages takes a small board some ten seconds; what takes longer is made to.
_PDF_S: Final = 60.0
_PDF_MEMORY_BYTES: Final = 1_000_000_000
# One at a time: each may take all the memory above.
_PDFS_AT_ONCE: Final = 1
# Texts of files that conversations are about just now, so that each turn need not read a PDF anew.
_REMEMBERED_CHARS: Final = 4_000_000

_HINT: Final = "Images (PNG, JPEG, WebP, GIF), texts and PDFs can be sent with a message."


class Attachments:
    """Which files may stand beside a message, and what a model is shown of them."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._texts: OrderedDict[str, str] = OrderedDict()
        self._chars = 0
        self._pdfs = asyncio.Semaphore(_PDFS_AT_ONCE)

    async def checked(self, user: UserId, files: Sequence[str]) -> tuple[Attachment, ...]:
        """The user's files as they are kept beside a message. Raises `NotFound`, `PayloadTooLarge`, and `BadRequest`
        for one that no model is shown."""
        found: list[Attachment] = []
        for file in dict.fromkeys(files):
            record = await self._files.get(file, user)
            await self._part(record)
            found.append(Attachment(record.id, record.name, record.media_type, record.size_bytes))
        return tuple(found)

    async def parts(self, user: UserId, attached: Sequence[Attachment]) -> tuple[Part, ...]:
        """What a model is shown, in their order. What was deleted meanwhile is told to be so."""
        found: list[Part] = []
        for each in attached:
            try:
                found.append(await self._part(await self._files.get(each.file, user)))
            except NotFound:
                found.append(TextPart(missing(each.name)))
        return tuple(found)

    async def _part(self, record: FileRecord) -> Part:
        use = use_of(record.media_type)
        if use is None:
            raise BadRequest(
                f"The file '{record.name}' is {record.media_type}, which no model is shown.",
                param="attachments",
                hint=_HINT,
            )
        if record.size_bytes > MOST_BYTES[use]:
            raise PayloadTooLarge(MOST_BYTES[use])
        if use is Use.IMAGE:
            return ImagePart(base64.b64encode(await self._content(record)).decode(), record.media_type)
        text = self._texts.get(record.digest)
        if text is None:
            content = await self._content(record)
            text = await self._pdf_text(record, content) if use is Use.PDF else read_text(content)
            if text is None:
                raise BadRequest(
                    f"The file '{record.name}' holds no text that can be read.", param="attachments", hint=_HINT
                )
            self._remember(record.digest, text)
        return TextPart(shown(record.name, text))

    async def _content(self, record: FileRecord) -> bytes:
        return b"".join([chunk async for chunk in await self._files.read(record, 0, record.size_bytes)])

    async def _pdf_text(self, record: FileRecord, content: bytes) -> str | None:
        """By a child under limits: a PDF is a program that a stranger wrote."""
        async with self._pdfs:
            child = await Child.spawn("potluck.pixels.pdf_text", [str(_PDF_MEMORY_BYTES)])
            try:
                async with asyncio.timeout(_PDF_S):
                    await child.send(content)
                    said = await child.receive()
            except TimeoutError:
                said = None
            finally:
                why = await child.end()
        if said is None:
            raise BadRequest(
                f"The PDF '{record.name}' cannot be read: it is damaged, encrypted, or too large.",
                param="attachments",
                hint="Save it anew, or send its text.",
                detail=why,
            )
        text = said.decode()
        if not text.strip():
            raise BadRequest(
                f"The PDF '{record.name}' holds no text: it may be a scan.",
                param="attachments",
                hint="Send its pages as images to a model that sees.",
            )
        return text

    def _remember(self, digest: str, text: str) -> None:
        self._texts[digest] = text
        self._chars += len(text)
        while self._chars > _REMEMBERED_CHARS:
            self._chars -= len(self._texts.popitem(last=False)[1])

"""``multipart/form-data`` (RFC 7578) read piece by piece: nothing of a part's content is kept here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias
from urllib.parse import unquote

from potluck.core.errors import BadRequest

_LONGEST_HEADERS = 8 * 1024
_LONGEST_BOUNDARY = 70  # RFC 2046 5.1.1
_MOST_PARTS = 64
_PARAM = re.compile(r';\s*([\w!#$&+.^`|~*-]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;"\s]*)')
# What browsers write in place of what would end the text (HTML 4.10.21.8).
_WRITTEN = {"%22": '"', "%0D": "\r", "%0A": "\n"}


@dataclass(frozen=True, slots=True)
class PartBegun:
    """A part's head. ``filename`` is None for an ordinary field; ``media_type`` is as it was told, or empty."""

    name: str
    filename: str | None
    media_type: str


@dataclass(frozen=True, slots=True)
class PartData:
    """More of the part's content."""

    data: bytes


@dataclass(frozen=True, slots=True)
class PartEnded:
    """The part is whole."""


PartEvent: TypeAlias = PartBegun | PartData | PartEnded


class _State(Enum):
    PREAMBLE = "before the first part"
    DELIMITER = "behind a delimiter"
    HEADERS = "in a part's head"
    CONTENT = "in a part's content"
    END = "behind the last part"


def boundary_of(content_type: str) -> bytes:
    """The boundary that a ``Content-Type`` names. Raises `BadRequest`."""
    boundary = parameters(content_type).get("boundary", "")
    if not 1 <= len(boundary) <= _LONGEST_BOUNDARY or not boundary.isascii() or not boundary.isprintable():
        raise BadRequest("The form has no boundary.", hint="Content-Type: multipart/form-data; boundary=…")
    return boundary.encode()


class MultipartReader:
    """Fed with pieces of a body of any size, tells what is in it. Raises `BadRequest` for what is no form."""

    def __init__(self, boundary: bytes) -> None:
        self._delimiter = b"\r\n--" + boundary
        # The first delimiter may stand at the very beginning.
        self._rest = bytearray(b"\r\n")
        self._state = _State.PREAMBLE
        self._parts = 0
        # Whether the line end before a part's content is still in `_rest`.
        self._fresh = False

    def feed(self, data: bytes) -> list[PartEvent]:
        """What ``data`` adds."""
        self._rest += data
        events: list[PartEvent] = []
        while self._step(events):
            pass
        return events

    def end(self) -> None:
        """The body is over. Raises `BadRequest` if the form is not."""
        if self._state is not _State.END:
            raise BadRequest("The form is cut off.", hint="Send it to its last boundary.")

    def _step(self, events: list[PartEvent]) -> bool:
        """Go on as far as what is here allows; whether there may be more to do."""
        match self._state:
            case _State.PREAMBLE:
                return self._skip()
            case _State.DELIMITER:
                return self._behind_delimiter()
            case _State.HEADERS:
                return self._head(events)
            case _State.CONTENT:
                return self._content(events)
            case _:  # END: an epilogue means nothing
                self._rest.clear()
                return False

    def _skip(self) -> bool:
        at = self._rest.find(self._delimiter)
        if at < 0:
            del self._rest[: max(0, len(self._rest) - len(self._delimiter) + 1)]
            return False
        self._pass(at)
        return True

    def _pass(self, at: int) -> None:
        del self._rest[: at + len(self._delimiter)]
        self._state = _State.DELIMITER

    def _behind_delimiter(self) -> bool:
        if self._rest.startswith(b"--"):
            self._state = _State.END
            return True
        line, end, _ = self._rest.partition(b"\r\n")
        # White space may follow (RFC 2046 5.1.1); what is not whole yet may become a line's end, or two dashes.
        if bytes(line.strip(b" \t")) not in ((b"",) if end else (b"", b"\r", b"-")) or len(line) > _LONGEST_HEADERS:
            raise BadRequest("The form's boundary is followed by something else.")
        if not end:
            return False
        self._parts += 1
        if self._parts > _MOST_PARTS:
            raise BadRequest("The form has too many parts.", hint=f"At most {_MOST_PARTS} are read.")
        # The line's end stays: so the end of a head without any header is found like others'.
        del self._rest[: len(line)]
        self._state = _State.HEADERS
        return True

    def _head(self, events: list[PartEvent]) -> bool:
        at = self._rest.find(b"\r\n\r\n")
        if max(at, len(self._rest) if at < 0 else 0) > _LONGEST_HEADERS:
            raise BadRequest("A part of the form has too long a head.")
        if at < 0:
            return False
        events.append(_part(bytes(self._rest[:at])))
        # As at the beginning: an empty content is followed by the delimiter at once.
        del self._rest[: at + 2]
        self._state = _State.CONTENT
        self._fresh = True
        return True

    def _content(self, events: list[PartEvent]) -> bool:
        at = self._rest.find(self._delimiter)
        skip = 2 if self._fresh else 0
        upto = at if at >= 0 else len(self._rest) - len(self._delimiter) + 1
        if upto > skip:
            events.append(PartData(bytes(self._rest[skip:upto])))
        if at >= 0:
            events.append(PartEnded())
            self._pass(at)
            return True
        if upto > skip:
            del self._rest[:upto]
            self._fresh = False
        return False


def _part(head: bytes) -> PartBegun:
    headers: dict[str, str] = {}
    for line in head.decode("utf-8", "replace").split("\r\n"):
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    told = headers.get("content-disposition", "")
    if told.partition(";")[0].strip().lower() != "form-data":
        raise BadRequest("A part of the form is no field.", hint="Content-Disposition: form-data; name=…")
    if headers.get("content-transfer-encoding", "binary").lower() not in ("binary", "8bit", "7bit"):
        raise BadRequest("A part of the form is encoded.", hint="Send its bytes as they are (RFC 7578 4.7).")
    params = parameters(told)
    filename = params.get("filename")
    charset, _, extended = params.get("filename*", "").partition("'")
    if charset.lower() == "utf-8" and (encoded := extended.partition("'")[2]):
        filename = unquote(encoded, errors="replace")
    elif filename is not None:
        filename = re.sub("%22|%0D|%0A", lambda found: _WRITTEN[found[0].upper()], filename, flags=re.IGNORECASE)
    return PartBegun(params.get("name", ""), filename, headers.get("content-type", ""))


def parameters(value: str) -> dict[str, str]:
    """The parameters of a header's value, by name.

    >>> parameters('form-data; name="a"; filename="b\\\\"c.txt"')
    {'name': 'a', 'filename': 'b"c.txt'}
    """
    found: dict[str, str] = {}
    for name, text in _PARAM.findall(value):
        # Of backslashes only those before a quote are an escape: others are of paths of Windows.
        plain = text[1:-1].replace('\\"', '"') if text.startswith('"') else text
        found.setdefault(name.lower(), plain)
    return found

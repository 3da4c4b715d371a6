"""Images in messages: data URIs (RFC 2397), what kind of image some base64 is, and links to fetch."""

from __future__ import annotations

import binascii
from typing import NoReturn

from potluck.core.call import ImagePart
from potluck.core.errors import BadRequest

# First bytes of a file -> media type. WebP, AVIF and HEIC hide theirs behind a length: see `sniff`.
_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"BM", "image/bmp"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
)
_BRANDS = {b"avif": "image/avif", b"avis": "image/avif", b"heic": "image/heic", b"heix": "image/heic"}

# What an engine is told if neither client nor bytes say: every engine that decodes images looks at the bytes anyway.
_UNKNOWN = "image/png"

_URL_SAFE = str.maketrans("-_", "+/")


def sniff(data_b64: str) -> str:
    """The media type that an image's first bytes show, or empty. ``data_b64`` is standard base64."""
    try:
        head = binascii.a2b_base64(data_b64[:16])
    except (binascii.Error, ValueError):
        return ""
    for magic, media_type in _MAGIC:
        if head.startswith(magic):
            return media_type
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], "")
    return ""


def data_uri(image: ImagePart) -> str:
    """The image as ``data:image/png;base64,…``. Only for an image whose bytes are here."""
    media_type = image.media_type or sniff(image.data_b64) or _UNKNOWN
    return f"data:{media_type};base64,{image.data_b64}"


def is_remote(url: str) -> bool:
    """Whether a link must be fetched: http or https."""
    return url[:8].lower().startswith(("http://", "https://"))


def check_link(url: str, param: str) -> None:
    """Raise `BadRequest` for a link that is neither data nor http(s): ``file:`` must not reach any engine."""
    if not is_remote(url) and not url[:5].lower() == "data:":
        raise BadRequest(
            "The image's URL is of a kind that is not read here.",
            param=param,
            hint="Send a data: URI with base64, or an http(s) link.",
        )


def read_link(url: str, param: str) -> ImagePart:
    """An image from its URL: a data URI's bytes, or an http(s) link still to be fetched.

    Raises `BadRequest` with ``param`` for other schemes and for broken base64.
    """
    check_link(url, param)
    if is_remote(url):
        return ImagePart(url=url)
    head, comma, data = url[5:].partition(",")
    media_type, *parameters = head.split(";")
    if not comma or "base64" not in (parameter.strip().lower() for parameter in parameters):
        raise BadRequest("The image's data URI is not base64.", param=param, hint="Write data:image/png;base64,…")
    data_b64 = read_base64(data, param)
    # "image/jpg" is what many clients write; the registered name is jpeg.
    media_type = media_type.strip().lower().replace("image/jpg", "image/jpeg")
    return ImagePart(data_b64=data_b64, media_type=media_type or sniff(data_b64))


def read_base64(data: str, param: str) -> str:
    """``data`` as standard base64 with its padding: spaces and line ends go, the URL-safe letters are replaced.

    Raises `BadRequest` with ``param`` for anything else and for nothing at all.
    """
    clean = "".join(data.split()).translate(_URL_SAFE).rstrip("=")
    clean += "=" * (-len(clean) % 4)
    try:
        if not binascii.a2b_base64(clean, strict_mode=True):
            _refuse_base64(param)
    except (binascii.Error, ValueError) as exc:
        _refuse_base64(param, exc)
    return clean


def _refuse_base64(param: str, cause: ValueError | None = None) -> NoReturn:
    raise BadRequest("The image is not valid base64.", param=param, hint="Encode the file's bytes.") from cause

"""Images come as data URIs or links; nothing else gets in."""

from __future__ import annotations

import base64

import pytest

from potluck.core.call import ImagePart
from potluck.core.errors import BadRequest
from potluck.wire.images import data_uri, is_remote, read_base64, read_link, sniff


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


PNG = b64(b"\x89PNG\r\n\x1a\n" + bytes(range(20)))
WEBP = b64(b"RIFF\x10\x00\x00\x00WEBPVP8 ")


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (PNG, "image/png"),
        (WEBP, "image/webp"),
        (b64(b"\xff\xd8\xff\xe0abcdefgh"), "image/jpeg"),
        (b64(b"GIF89a123456"), "image/gif"),
        (b64(b"BM1234567890"), "image/bmp"),
        (b64(b"II*\x00abcdefgh"), "image/tiff"),
        (b64(b"MM\x00*abcdefgh"), "image/tiff"),
        (b64(b"\x00\x00\x00 ftypavif\x00\x00"), "image/avif"),
        (b64(b"\x00\x00\x00 ftypisom\x00\x00"), ""),
        (b64(b"hello, world"), ""),
        ("", ""),
        ("x", ""),
        ("é", ""),
    ],
)
def test_the_first_bytes_show_what_an_image_is(data: str, media_type: str) -> None:
    assert sniff(data) == media_type


@pytest.mark.parametrize(
    ("url", "media_type", "data"),
    [
        (f"data:image/webp;base64,{PNG}", "image/webp", PNG),
        (f"data:;base64,{PNG}", "image/png", PNG),
        (f"DATA:image/JPG;BASE64,{PNG}", "image/jpeg", PNG),
        (f"data:image/png;name=a.png;base64,{PNG}", "image/png", PNG),
        ("data:;base64,_-8", "", "/+8="),
        ("data:image/png;base64,QU\n JD", "image/png", "QUJD"),
    ],
)
def test_a_data_uri_gives_type_and_bytes(url: str, media_type: str, data: str) -> None:
    assert read_link(url, "p") == ImagePart(data_b64=data, media_type=media_type)


@pytest.mark.parametrize("url", ["http://h/a.png", "HTTPS://h/a.png"])
def test_a_link_is_kept_to_be_fetched(url: str) -> None:
    assert is_remote(url)
    assert read_link(url, "p") == ImagePart(url=url)


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://h/x",
        "",
        "AAAA",
        "data:image/png,raw",
        "data:image/png;base64",
        "data:;base64,",
        "data:;base64,!!!!",
        "data:;base64,é",
        "data:;base64,A",
    ],
)
def test_anything_else_is_refused_by_name(url: str) -> None:
    with pytest.raises(BadRequest) as caught:
        read_link(url, "messages[0].content[1].image_url.url")
    assert caught.value.param == "messages[0].content[1].image_url.url"
    assert caught.value.hint


@pytest.mark.parametrize("size", range(1, 9))
def test_base64_without_padding_gets_it(size: int) -> None:
    whole = b64(b"a" * size)
    assert read_base64(whole.rstrip("="), "p") == whole


def test_an_image_is_written_with_the_best_known_type() -> None:
    assert data_uri(ImagePart(data_b64=PNG, media_type="image/x")) == f"data:image/x;base64,{PNG}"
    assert data_uri(ImagePart(data_b64=WEBP)) == f"data:image/webp;base64,{WEBP}"
    assert data_uri(ImagePart(data_b64="QUJD")) == "data:image/png;base64,QUJD"

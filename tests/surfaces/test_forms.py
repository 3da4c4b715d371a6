"""Whole forms with their files."""

from __future__ import annotations

import httpx
import pytest

from potluck.core.errors import BadRequest
from potluck.surfaces.forms import FormFile, is_form, read_form


def test_fields_and_files_are_told_apart() -> None:
    sent = httpx.Request(
        "POST",
        "http://x",
        data={"prompt": ["old", "Größe"], "n": "2"},
        files=[("image[]", ("a.png", b"\x89PNG\r\n--", "image/png")), ("image[]", ("b.png", b"", "image/png"))],
    )
    form = read_form(sent.read(), sent.headers["content-type"])
    assert form.fields == {"prompt": "Größe", "n": "2"}
    assert form.named("image", "image[]") == [
        FormFile("image[]", "a.png", b"\x89PNG\r\n--"),
        FormFile("image[]", "b.png", b""),
    ]
    assert form.named("mask") == []


def test_an_image_that_is_not_said_to_be_a_file_is_one() -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="image"\r\n\r\n\x89PNG\r\n--x--\r\n'
    form = read_form(body, "multipart/form-data; boundary=x")
    assert (form.fields, form.files) == ({}, [FormFile("image", "", b"\x89PNG")])


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"{}", "application/json"),
        (b"{}", ""),
        (b"", "multipart/form-data"),
        (b"--x\r\n", "multipart/form-data; boundary=x"),
        (b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\nhalf", "multipart/form-data; boundary=x"),
    ],
)
def test_what_is_no_whole_form_is_refused(body: bytes, content_type: str) -> None:
    with pytest.raises(BadRequest):
        read_form(body, content_type)


def test_a_form_is_known_by_its_type() -> None:
    assert is_form("Multipart/Form-Data; boundary=x")
    assert not is_form("application/json")

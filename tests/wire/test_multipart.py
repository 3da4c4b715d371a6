from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core.errors import BadRequest
from potluck.wire.multipart import MultipartReader, PartBegun, PartData, PartEnded, boundary_of, parameters

BOUNDARY = b"xyz"
Part = tuple[str, str | None, str, bytes]


def read(body: bytes, boundary: bytes = BOUNDARY, size: int = 1 << 20) -> list[Part]:
    reader, parts, data, begun, longest = MultipartReader(boundary), list[Part](), b"", PartBegun("", None, ""), 0
    for at in range(0, len(body), size):
        for event in reader.feed(body[at : at + size]):
            match event:
                case PartBegun():
                    begun, data = event, b""
                case PartData():
                    data += event.data
                    longest = max(longest, len(event.data))
                case PartEnded():
                    parts.append((begun.name, begun.filename, begun.media_type, data))
    reader.end()
    assert longest <= size + len(boundary) + 6, "nothing is heaped up"
    return parts


def form(*parts: bytes, boundary: bytes = BOUNDARY) -> bytes:
    return b"".join(b"--" + boundary + b"\r\n" + part + b"\r\n" for part in parts) + b"--" + boundary + b"--\r\n"


def field(name: str, content: bytes, rest: str = "") -> bytes:
    return f'Content-Disposition: form-data; name="{name}"{rest}'.encode() + b"\r\n\r\n" + content


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_parts_come_whole_however_the_body_is_cut(size: int) -> None:
    content = b"\r\n--xy\r\n\r\n--" + b"x" * 50
    body = b"preamble\r\n" + form(
        field("purpose", b"batch"),
        field("empty", b""),
        field("file", content, '; filename="a \\"b\\".txt"\r\nContent-Type: text/plain'),
    )
    assert read(body + b"epilogue", size=size) == [
        ("purpose", None, "", b"batch"),
        ("empty", None, "", b""),
        ("file", 'a "b".txt', "text/plain", content),
    ]


@given(st.lists(st.binary(max_size=200), max_size=4), st.integers(1, 300))
def test_any_content_comes_back(contents: list[bytes], size: int) -> None:
    boundary = b"a boundary that is in none of them"
    body = form(*(field(str(number), each) for number, each in enumerate(contents)), boundary=boundary)
    assert [part[3] for part in read(body, boundary, size)] == contents


def test_what_a_real_client_writes_is_read() -> None:
    request = httpx.Request(
        "POST", "http://x", data={"purpose": "batch"}, files={"file": ('Grö"ße\n.txt', b"\0\r\n", "text/x")}
    )
    parts = read(request.read(), boundary_of(request.headers["content-type"]))
    assert parts == [("purpose", None, "", b"batch"), ("file", 'Grö"ße\n.txt', "text/x", b"\0\r\n")]


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ("; filename=\"x\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe", "Größe"),
        ("; filename=\"x\"; filename*=latin1''a", "x"),
        ("; filename=plain.txt", "plain.txt"),
        ('; filename="C:\\dir\\a.txt"', "C:\\dir\\a.txt"),
        ('; filename=""', ""),
    ],
)
def test_a_filename_is_read_in_all_its_forms(told: str, name: str) -> None:
    assert read(form(field("file", b"", told)))[0][1] == name


def test_a_head_may_be_without_a_type_and_its_names_in_any_case() -> None:
    assert read(form(b"CONTENT-disposition: FORM-DATA; NAME=a\r\nX\r\n\r\nb"))[0] == ("a", None, "", b"b")


def test_white_space_may_follow_a_boundary() -> None:
    assert read(b'--xyz \t\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--xyz--')[0][3] == b"b"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "cut off"),
        (b"nothing of the kind" * 10, "cut off"),
        (form(field("a", b"b"))[:-5], "cut off"),
        (b"--xyz\r\n", "cut off"),
        (b"--xyzz\r\n", "something else"),
        (b"--xyz-\r\n", "something else"),
        (form(b"\r\nno head"), "no field"),
        (form(b"Content-Disposition: attachment\r\n\r\nx"), "no field"),
        (form(field("a", b"", "\r\nContent-Transfer-Encoding: base64")), "encoded"),
        (form(field("a" * 9000, b"")), "too long"),
        (b"--xyz\r\n" + b"a" * 9000, "too long"),
        (form(*[field("a", b"")] * 65), "too many"),
    ],
)
def test_what_is_no_form_is_refused(body: bytes, why: str) -> None:
    with pytest.raises(BadRequest, match=why):
        read(body)


def test_a_form_has_a_boundary() -> None:
    assert boundary_of('multipart/form-data; boundary="a b"') == b"a b"
    for told in ("multipart/form-data", "multipart/form-data; boundary=" + "x" * 71, "x; boundary=ä"):
        with pytest.raises(BadRequest, match="boundary"):
            boundary_of(told)


def test_the_first_of_two_parameters_counts() -> None:
    assert parameters('form-data; name="a"; name="b"; x') == {"name": "a"}

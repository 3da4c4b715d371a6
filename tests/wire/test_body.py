"""Bodies become records, or errors that name the field."""

from __future__ import annotations

import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core.errors import BadRequest
from potluck.wire.body import decode_body


class Link(msgspec.Struct):
    url: str


class Turn(msgspec.Struct):
    content: str | list[Link] | None = None
    links: dict[str, Link] = {}


class Request(msgspec.Struct):
    model: str
    messages: list[Turn] = []
    top_p: float | None = None
    limit: int = msgspec.field(name="max_tokens", default=16)


def refused(body: bytes) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        decode_body(body, Request)
    return caught.value


def test_a_good_body_becomes_the_record_and_unknown_fields_do_not_matter() -> None:
    body = b'{"model":"m","nobody_knows":[1,{"x":null}],"messages":[{"content":[{"url":"u"}]}],"top_p":1}'
    assert decode_body(body, Request) == Request(model="m", messages=[Turn(content=[Link("u")])], top_p=1.0)


@pytest.mark.parametrize(
    ("body", "param", "message"),
    [
        (b'{"model":1}', "model", "Invalid type for 'model': expected string, got integer."),
        (
            b'{"model":"m","messages":[{},{"content":1}]}',
            "messages[1].content",
            "Invalid type for 'messages[1].content': expected string or array or null, got integer.",
        ),
        (
            b'{"model":"m","messages":[{"content":[{"url":true}]}]}',
            "messages[0].content[0].url",
            "Invalid type for 'messages[0].content[0].url': expected string, got boolean.",
        ),
        (b"{}", "model", "missing required field `model`"),
        (
            b'{"model":"m","messages":[{"content":[{}]}]}',
            "messages[0].content[0].url",
            "missing required field `url` in 'messages[0].content[0]'",
        ),
        (
            b'{"model":"m","max_tokens":1.5}',
            "max_tokens",
            "Invalid type for 'max_tokens': expected integer, got number.",
        ),
        (b'{"model":"m","top_p":1e999}', "top_p", "Invalid value for 'top_p': Number out of range."),
        (b'{"model":"m","messages":[{"links":{"a":{"url":1}}}]}', "messages[0].links[...].url", "Invalid type"),
    ],
)
def test_a_body_that_does_not_fit_names_the_field(body: bytes, param: str, message: str) -> None:
    error = refused(body)
    assert error.param == param
    assert error.message.startswith(message)


@pytest.mark.parametrize("body", [b"", b" \n"])
def test_no_body_says_so(body: bytes) -> None:
    assert refused(body).message == "missing request body"


@pytest.mark.parametrize(("body", "kind"), [(b"[]", "array"), (b"null", "null"), (b'"x"', "string"), (b"1", "integer")])
def test_json_that_is_no_object_says_what_it_is(body: bytes, kind: str) -> None:
    error = refused(body)
    assert error.param == ""
    assert error.message == f"The request body is not what it must be: expected object, got {kind}."
    assert error.hint == "Send a JSON object."


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"model":"m"', "The request body is not valid JSON: input data was truncated."),
        (b'{"model":"m",}', "The request body is not valid JSON: trailing comma in object (byte 13)."),
        (b'{"model":"m"} {}', "The request body is not valid JSON: trailing characters (byte 15)."),
        (b'{"model":"\xff"}', "The request body is not valid UTF-8."),
        (b'{"model":"m","x":' + b"[" * 200_000, "The request body is nested too deeply."),
    ],
)
def test_what_is_no_json_says_where(body: bytes, message: str) -> None:
    error = refused(body)
    assert error.message == message
    assert error.hint


@given(st.binary(max_size=60))
def test_any_bytes_give_a_record_or_a_bad_request(body: bytes) -> None:
    with contextlib.suppress(BadRequest):
        assert decode_body(body, Request).model is not None


def test_a_constraint_at_the_top_is_told_too() -> None:
    with pytest.raises(BadRequest) as caught:
        decode_body(b"5", type=Small)
    assert caught.value.param == ""


class Small(msgspec.Struct, array_like=True):
    a: int

"""A request's body as a typed record, or a `BadRequest` that names the field and says what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Hashable
from functools import cache
from typing import Any, NoReturn, TypeVar

import msgspec

from potluck.core.errors import BadRequest

T = TypeVar("T")

# msgspec says `Expected `str`, got `int` - at `$.messages[0].content``; the path is left out at the top.
_AT = re.compile(r"^(?P<what>.*?)(?: - at `\$\.?(?P<path>.*)`)?$", re.DOTALL)
_MISSING = re.compile(r"^Object missing required field `(?P<field>[^`]*)`$")
_TYPES = re.compile(r"^Expected `(?P<wanted>[^`]*)`, got `(?P<got>[^`]*)`$")

# JSON's own words for what msgspec names as Python does.
_WORDS = {"str": "string", "int": "integer", "float": "number", "bool": "boolean"}


def decode_body(body: bytes, type: type[T]) -> T:
    """Decode a JSON request into ``type``, a `msgspec.Struct`; fields it does not have are ignored.

    Raises `BadRequest` for bytes that are not JSON, and for JSON that does not fit, with ``param`` set to the field's
    place as clients write it: ``messages[0].content``.
    """
    if not body or body.isspace():
        raise BadRequest("missing request body", hint="Send a JSON object.")
    try:
        decoded: T = _decoder(type).decode(body)  # type: ignore[arg-type]  # mypy knows no class to be hashable
    except msgspec.ValidationError as exc:
        _refuse(str(exc), exc)
    except msgspec.DecodeError as exc:
        raise BadRequest(_malformed(str(exc)), hint="Check quotes, commas and brackets.") from exc
    except UnicodeDecodeError as exc:
        raise BadRequest("The request body is not valid UTF-8.", hint="Encode the JSON as UTF-8.") from exc
    except RecursionError as exc:
        raise BadRequest("The request body is nested too deeply.", hint="Send flatter JSON.") from exc
    return decoded


@cache
def _decoder(type: Hashable) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(type)


def _refuse(text: str, cause: msgspec.ValidationError) -> NoReturn:
    parts = _AT.match(text)
    assert parts is not None  # the pattern takes any text
    what, path = parts["what"], parts["path"] or ""
    if missing := _MISSING.match(what):
        field = missing["field"]
        where = f" in '{path}'" if path else ""
        raise BadRequest(f"missing required field `{field}`{where}", param=f"{path}.{field}".lstrip(".")) from cause
    if types := _TYPES.match(what):
        what = f"expected {_in_json(types['wanted'])}, got {_in_json(types['got'])}"
        if not path:
            raise BadRequest(f"The request body is not what it must be: {what}.", hint="Send a JSON object.") from cause
        raise BadRequest(f"Invalid type for '{path}': {what}.", param=path) from cause
    raise BadRequest(f"Invalid value for '{path or 'the request body'}': {what}.", param=path) from cause


def _in_json(types: str) -> str:
    return " or ".join(_WORDS.get(word, word) for word in types.split(" | "))


def _malformed(text: str) -> str:
    reason = text.removeprefix("JSON is malformed: ")
    return f"The request body is not valid JSON: {reason[:1].lower()}{reason[1:]}."

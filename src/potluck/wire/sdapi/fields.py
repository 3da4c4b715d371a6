"""A body as pydantic reads it at A1111's: ``null`` is left out, a number may be a text, unknown fields mean nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, TypeVar, cast

import msgspec

from potluck.core.errors import BadRequest
from potluck.core.model import JsonObject
from potluck.wire.body import decode_body

T = TypeVar("T")


def read_object(body: bytes) -> JsonObject:
    """Raises `BadRequest` for what is no JSON object."""
    return cast("JsonObject", decode_body(body, dict))


def converted(sent: JsonObject, shape: type[T], where: str = "") -> T:
    """An object as the record that it stands for. Raises `BadRequest` that names the field, below ``where``."""
    try:
        return msgspec.convert({name: value for name, value in sent.items() if value is not None}, shape, strict=False)
    except msgspec.ValidationError as exc:
        what, _, path = str(exc).partition(" - at `$.")
        missing = re.search("missing required field `(.*)`", what)
        param = f"{where}{missing[1] if missing else path.rstrip('`')}"
        raise BadRequest(f"{param}: {what}.", param=param) from exc


def as_object(value: object) -> JsonObject:
    """Empty for what is none."""
    return cast("JsonObject", value) if isinstance(value, dict) else {}


def as_list(value: object) -> list[Any]:
    """Empty for what is none."""
    return list(cast("Iterable[Any]", value)) if isinstance(value, list) else []

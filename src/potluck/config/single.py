"""One setting checked by itself, as it would be in the file."""

from __future__ import annotations

from pydantic import BaseModel, ValidationError

from potluck.config.schema import FileSection
from potluck.config.shape import shape_finding
from potluck.core.errors import BadRequest
from potluck.core.model import Json


def single(key: str, raw: Json) -> object:
    """The value of ``section.key`` as the program has it. Raises `BadRequest`."""
    section, _, name = key.partition(".")
    shape = FileSection.model_fields[section].annotation
    assert isinstance(shape, type)
    assert issubclass(shape, BaseModel)
    try:
        return getattr(shape.model_validate({name: raw}), name)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        first["loc"] = (section, *first["loc"])
        finding = shape_finding(first, ())
        raise BadRequest(finding.message, param=key, hint=finding.hint) from error

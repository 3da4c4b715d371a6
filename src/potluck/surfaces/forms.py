"""A whole form with its files, for what fits into memory (`uploads` is for what may not)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from potluck.core.errors import BadRequest
from potluck.wire.multipart import MultipartReader, PartBegun, PartData, PartEnded, boundary_of

# Names under which clients send images, now and then without saying that they are files.
_IMAGES = frozenset({"image", "image[]", "mask"})


class FormFile(NamedTuple):
    """``name`` is the field's, ``filename`` as it was told."""

    name: str
    filename: str
    content: bytes


@dataclass(slots=True)
class Form:
    """Of fields that come twice the last one counts."""

    fields: dict[str, str] = field(default_factory=dict[str, str])
    files: list[FormFile] = field(default_factory=list[FormFile])

    def named(self, *names: str) -> list[FormFile]:
        """The files of these fields."""
        return [each for each in self.files if each.name in names]


def is_form(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() == "multipart/form-data"


def read_form(body: bytes, content_type: str) -> Form:
    """Raises `BadRequest` for what is no form, or is cut off."""
    if not is_form(content_type):
        raise BadRequest(
            "The body must be a form.", hint="Send multipart/form-data, with the image as a file in the field 'image'."
        )
    reader, form = MultipartReader(boundary_of(content_type)), Form()
    part, content = PartBegun("", None, ""), bytearray()
    for event in reader.feed(body):
        match event:
            case PartBegun():
                part, content = event, bytearray()
            case PartData():
                content += event.data
            case PartEnded() if part.filename is not None or part.name in _IMAGES:
                form.files.append(FormFile(part.name, part.filename or "", bytes(content)))
            case PartEnded():
                form.fields[part.name] = content.decode("utf-8", "replace")
    reader.end()
    return form

"""ControlNet's units among ``alwayson_scripts`` (sd-webui-controlnet's and Forge's ``external_code``)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import msgspec

from potluck.core.errors import BadRequest
from potluck.core.pictures.ask import Control, ControlKind, ImageId
from potluck.core.pictures.catalogue import control_model, plain_name
from potluck.wire.sdapi.fields import as_list, as_object, converted

_NONE: Final = ("", "none")
# What draws the outlines of things by any method is a scribble's preprocessor if it has that name, and no other's.
_MODULES: Final = (
    (ControlKind.CANNY, ("canny",)),
    (ControlKind.DEPTH, ("depth",)),
    (ControlKind.POSE, ("pose",)),
    (ControlKind.SCRIBBLE, ("scribble",)),
)


class Unit(NamedTuple):
    """``image`` is base64, empty for the image that is drawn over."""

    control: Control
    image: str


class _Unit(msgspec.Struct):
    enabled: bool = True
    module: str = "none"
    model: str = ""
    weight: float = 1.0
    image: str | dict[str, Any] = ""
    input_image: str = ""
    guidance_start: float = 0.0
    guidance_end: float = 1.0


def read_units(script: object, later: ImageId) -> Iterator[Unit]:
    """The units that are switched on, of a script's ``{"args": […]}``. Raises `BadRequest`."""
    for at, sent in enumerate(as_list(as_object(script).get("args"))):
        where = f"alwayson_scripts.controlnet.args[{at}]."
        fields = as_object(sent)
        unit = converted(fields, _Unit, where)
        if fields and unit.enabled:
            yield _read(unit, later, where)


def _read(unit: _Unit, later: ImageId, where: str) -> Unit:
    module, model = unit.module.strip().lower(), unit.model.strip()
    model = "" if model.lower() in _NONE else plain_name(model)
    by_model = sorted(control_model(model).kinds) if model else []
    by_module = [kind for kind, words in _MODULES if any(word in module for word in words)]
    found = by_module or by_model
    if not found:
        raise BadRequest(
            "It is not clear what the ControlNet's image shows.",
            param=f"{where}module",
            hint="canny, depth, openpose and scribble are known, in the module's name or the model's.",
        )
    image = unit.image if isinstance(unit.image, str) else str(unit.image.get("image") or "")
    control = Control(
        found[0],
        later,
        model,
        unit.weight,
        unit.guidance_start,
        unit.guidance_end,
        preprocess=module not in _NONE,
    )
    return Unit(control, image or unit.input_image)

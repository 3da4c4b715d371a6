"""Control maps that take no model: edges (Canny 1986) and scribbles (difference of Gaussians), white on black."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from potluck.core.errors import BadRequest
from potluck.core.pictures.ask import ControlKind
from potluck.pixels.writing import on_white

_Floats: TypeAlias = npt.NDArray[np.floating[Any]]
_Bools: TypeAlias = npt.NDArray[np.bool_]

# As the ControlNets' own annotators were: a fine and a coarse look, and how much they must differ, of 255.
_FINE: Final = 0.5
_COARSE: Final = 5.0
_SCRIBBLE_THRESHOLD: Final = 16.0
_TAN_22_5: Final = 0.41421356
_TAN_67_5: Final = 2.41421356


def control_map(image: Image.Image, kind: ControlKind, low: int, high: int) -> Image.Image:
    """Raises `BadRequest` for a kind that takes a model."""
    match kind:
        case ControlKind.CANNY:
            return _as_image(_canny(on_white(image).convert("L"), min(low, high), max(low, high)))
        case ControlKind.SCRIBBLE:
            return _as_image(_scribble(on_white(image)))
        case _:
            raise BadRequest(
                f"A map of kind {kind} takes a model, which only an image engine has.",
                hint="Send the map itself, or use canny or scribble.",
            )


def _as_image(marked: _Bools) -> Image.Image:
    return Image.fromarray((marked * np.uint8(255)).astype(np.uint8)).convert("RGB")


def _scribble(image: Image.Image) -> _Bools:
    """Where a picture is darker than around it, in all colours."""
    fine = np.asarray(image.filter(ImageFilter.GaussianBlur(_FINE)), np.float32)
    coarse = np.asarray(image.filter(ImageFilter.GaussianBlur(_COARSE)), np.float32)
    darker: _Bools = (coarse - fine).min(axis=2) > _SCRIBBLE_THRESHOLD
    return darker


def _canny(image: Image.Image, low: int, high: int) -> _Bools:
    """1. gradients, 2. only their ridges, 3. the strong ones, and the weak ones that touch them."""
    across, down = _sobel(np.asarray(image, np.float32))
    strength = np.abs(across) + np.abs(down)
    ridge = _ridges(strength, across, down)
    return _connected(ridge & (strength > high), ridge & (strength > low))


def _sobel(grey: _Floats) -> tuple[_Floats, _Floats]:
    around = np.pad(grey, 1, mode="edge")
    rows = around[:-2] + 2 * around[1:-1] + around[2:]
    columns = around[:, :-2] + 2 * around[:, 1:-1] + around[:, 2:]
    return rows[:, 2:] - rows[:, :-2], columns[2:] - columns[:-2]


def _ridges(strength: _Floats, across: _Floats, down: _Floats) -> _Bools:
    """Where no neighbour in the gradient's direction, of four, is stronger."""
    around = np.pad(strength, 1)
    height, width = strength.shape

    def at(dy: int, dx: int) -> _Floats:
        return around[1 + dy : 1 + dy + height, 1 + dx : 1 + dx + width]

    def over(dy: int, dx: int) -> _Bools:
        # Of two that are alike one stays.
        return (strength > at(-dy, -dx)) & (strength >= at(dy, dx))

    steep = np.abs(down)
    flat = np.abs(across)
    level = steep <= flat * _TAN_22_5
    upright = steep >= flat * _TAN_67_5
    falling = across * down > 0
    diagonal = np.where(falling, over(1, 1), over(1, -1))
    ridge: _Bools = np.where(level, over(0, 1), np.where(upright, over(1, 0), diagonal))
    return ridge & (strength > 0)


def _connected(strong: _Bools, weak: _Bools) -> _Bools:
    """All of ``weak`` that can be reached from ``strong``: the front goes on as long as it finds something new."""
    height, width = weak.shape
    left = np.zeros((height + 2, width + 2), np.bool_)
    left[1:-1, 1:-1] = weak
    found = np.zeros_like(left)
    found[1:-1, 1:-1] = strong
    row = width + 2
    beside = np.array([-row - 1, -row, -row + 1, -1, 1, row - 1, row, row + 1])
    flat_left, flat_found = left.ravel(), found.ravel()
    flat_left[flat_found] = False
    front = np.flatnonzero(flat_found)
    while front.size:
        near = (front[:, None] + beside).ravel()
        front = np.unique(near[flat_left[near]])
        flat_left[front] = False
        flat_found[front] = True
    return found[1:-1, 1:-1]

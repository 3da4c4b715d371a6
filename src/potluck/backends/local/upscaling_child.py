"""The child that enlarges one image: ``python -m potluck.backends.local.upscaling_child PARENT``.

A `Task` on stdin; `Step` after each tile and `Enlarged` or `Failed` at the end on stdout, all MessagePack behind a
length. One image, then it ends: what ncnn may do to its memory ends with it.

Real-ESRGAN paints what a large picture might look like, which need not be what the small one shows. So each tile is
corrected: made small again it has to be the tile that came in, and what is missing is added, enlarged (iterative
back-projection, Irani and Peleg 1991). It keeps the sharp edges, and brings colours and details back.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, BinaryIO, Final, TypeAlias

import msgspec

from potluck.core.errors import BadRequest
from potluck.core.pictures.tiles import Box, tiles
from potluck.pixels.leash import bounded, die_with, read_frame, write_frame

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from PIL import Image

    _Floats: TypeAlias = npt.NDArray[np.float32]
    _Bytes: TypeAlias = npt.NDArray[np.uint8]

# A network of a few layers looks no farther; the large ones look farther, but weakly.
_MARGIN: Final = 10
_MEMORY_BYTES: Final = 6 * 1024**3
_NICE: Final = 10


class Task(msgspec.Struct, frozen=True):
    """``image`` is a file; the result has ``width`` by ``height`` pixels. ``side`` is a tile's, of the small image."""

    image: bytes
    param: str
    bin: str
    scale: int
    width: int
    height: int
    side: int = 160
    threads: int = 1


class Step(msgspec.Struct, frozen=True, tag="step"):
    done: int
    of: int


class Enlarged(msgspec.Struct, frozen=True, tag="enlarged"):
    """A PNG."""

    image: bytes


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """``client``: the image is at fault, else the model or the machine."""

    message: str
    hint: str = ""
    client: bool = False


def main(parent: int) -> None:
    die_with(parent)
    bounded(_MEMORY_BYTES)
    os.nice(_NICE)  # a person's chat goes before
    # Threads that wait for each other by turning round take the processor from the one they wait for.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    stdout = sys.stdout.buffer
    frame = read_frame(sys.stdin.buffer)
    if frame is not None:
        write_frame(stdout, msgspec.msgpack.encode(_ended(msgspec.msgpack.decode(frame, type=Task), stdout)))


def _ended(task: Task, stdout: BinaryIO) -> Enlarged | Failed:
    def told(done: int, of: int) -> None:
        write_frame(stdout, msgspec.msgpack.encode(Step(done, of)))

    try:
        return Enlarged(enlarge(task, told))
    except BadRequest as refused:
        return Failed(refused.message, refused.hint, client=True)
    except MemoryError:
        return Failed("The machine has too little memory to enlarge this image.", "Use a smaller scale, or image.")
    except ImportError as error:
        sys.stderr.write(f"{error}\n")
        return Failed("The upscaler cannot be loaded.", "ncnn and NumPy have to be installed.")
    except RuntimeError as error:
        return Failed(str(error))


def enlarge(task: Task, told: Callable[[int, int], None]) -> bytes:
    """The image, enlarged; ``told`` hears of each tile. What can be looked through is enlarged on its own.

    Raises `BadRequest` for what is no image, and `RuntimeError` if the model cannot be loaded.
    """
    from PIL import Image  # noqa: PLC0415 - only under the limits that `main` takes upon itself

    from potluck.pixels.opening import opened  # noqa: PLC0415
    from potluck.pixels.work import Limits  # noqa: PLC0415
    from potluck.pixels.writing import as_png  # noqa: PLC0415

    source = opened(task.image, Limits()).image
    network = _Network(task)
    parts = [source.convert("RGB")]
    if source.mode == "RGBA":
        parts.append(source.getchannel("A").convert("RGB"))
    count = len(tiles(*source.size, task.side, _MARGIN)) * len(parts)
    done = 0

    def tile_done() -> None:
        nonlocal done
        done += 1
        told(done, count)

    size = (task.width, task.height)
    large = [_sized(network.enlarged(part, tile_done), size) for part in parts]
    if len(large) > 1:
        large[0].putalpha(large[1].convert("L"))
    assert isinstance(large[0], Image.Image)
    return as_png(large[0], effort=3)


def _sized(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    from PIL import Image  # noqa: PLC0415

    return image if image.size == size else image.resize(size, Image.Resampling.LANCZOS)


class _Network:
    """A model, loaded."""

    def __init__(self, task: Task) -> None:
        # A heavy library without types, which this process alone needs.
        self._ncnn: Any = importlib.import_module("ncnn")
        self._net: Any = self._ncnn.Net()
        self._net.opt.use_vulkan_compute = False
        self._net.opt.num_threads = task.threads
        self._net.opt.lightmode = True
        if self._net.load_param(task.param) or self._net.load_model(task.bin):
            raise RuntimeError("The upscaler's model cannot be loaded.")
        self._input, self._output = self._net.input_names()[0], self._net.output_names()[0]
        self._scale = task.scale
        self._side = task.side

    def enlarged(self, image: Image.Image, done: Callable[[], None]) -> Image.Image:
        """By the model's own scale, tile by tile."""
        import numpy as np  # noqa: PLC0415
        from PIL import Image  # noqa: PLC0415

        pixels = np.asarray(image)
        scale = self._scale
        large = np.empty((image.height * scale, image.width * scale, 3), np.uint8)
        for seen, kept in tiles(*image.size, self._side, _MARGIN):
            tile = self._tile(_seen(pixels, seen))
            inner = tile[
                (kept.top - seen.top) * scale : (kept.bottom - seen.top) * scale,
                (kept.left - seen.left) * scale : (kept.right - seen.left) * scale,
            ]
            large[kept.top * scale : kept.bottom * scale, kept.left * scale : kept.right * scale] = inner
            done()
        return Image.fromarray(large)

    def _tile(self, small: _Floats) -> _Bytes:
        import numpy as np  # noqa: PLC0415

        # ncnn looks at the array's memory for as long as the extractor lives.
        planes = np.ascontiguousarray(small.transpose(2, 0, 1) / np.float32(255))
        extractor = self._net.create_extractor()
        extractor.input(self._input, self._ncnn.Mat(planes).clone())
        failed, out = extractor.extract(self._output)
        large = np.array(out, np.float32)
        if failed or large.shape != (3, small.shape[0] * self._scale, small.shape[1] * self._scale):
            raise RuntimeError("The upscaler's model does not enlarge as its name says.")
        if not np.isfinite(large).all():
            raise RuntimeError("The upscaler's model makes no picture of this image.")
        painted = np.clip(large.transpose(1, 2, 0), 0, 1) * np.float32(255)
        corrected: _Floats = painted + _resized(small - _resized(painted, small.shape), painted.shape)
        tile: _Bytes = np.clip(corrected + np.float32(0.5), 0, 255).astype(np.uint8)
        return tile


def _seen(pixels: _Bytes, box: Box) -> _Floats:
    """A part of the image; past its edges they are repeated."""
    import numpy as np  # noqa: PLC0415

    rows = np.clip(np.arange(box.top, box.bottom), 0, pixels.shape[0] - 1)
    columns = np.clip(np.arange(box.left, box.right), 0, pixels.shape[1] - 1)
    seen: _Bytes = pixels[rows[:, None], columns]
    return seen.astype(np.float32)


def _resized(picture: _Floats, shape: tuple[int, ...]) -> _Floats:
    """Bicubic, in floats: a correction may be less than nothing."""
    import numpy as np  # noqa: PLC0415
    from PIL import Image  # noqa: PLC0415

    size = (shape[1], shape[0])
    planes = [
        np.asarray(Image.fromarray(np.ascontiguousarray(picture[:, :, at])).resize(size, Image.Resampling.BICUBIC))
        for at in range(3)
    ]
    return np.stack(planes, axis=-1)


if __name__ == "__main__":
    main(int(sys.argv[1]))

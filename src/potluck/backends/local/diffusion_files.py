"""Diffusion weights on this machine: what lies where, and which files together can draw.

The owner's folder is laid out as ComfyUI's ``models``: ``checkpoints``, ``diffusion_models``, ``text_encoders``,
``vae``, ``vae_approx`` and ``loras``; files that lie in no folder of it are checkpoints. GGUF files that were pulled
and hold a diffusion model count, too. Of each file only the head is read, once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import msgspec
import structlog

from potluck.backends.local.gguf import NotGguf, tensor_names
from potluck.core.pictures.catalogue import Family, family_of
from potluck.core.pictures.tensors import Holds, holds

log = structlog.get_logger(__name__)

_ENDINGS: Final = (".safetensors", ".gguf", ".ckpt")
# Of the largest models a megabyte.
_LONGEST_HEAD: Final = 64 * 1024 * 1024
# What of a VAE's name says that it is for a family: the file that Black Forest Labs call ``ae``, Stability AI's
# ``sdxl_vae`` and ``vae-ft-mse-840000``. For a family that is not known any does.
_VAES: Final = {
    Family.FLUX: re.compile(r"^ae$|flux", re.IGNORECASE),
    Family.SD3: re.compile(r"sd_?3", re.IGNORECASE),
    Family.SDXL: re.compile(r"xl", re.IGNORECASE),
    Family.SD2: re.compile(r"ft-|mse|ema|sd_?2", re.IGNORECASE),
    Family.SD15: re.compile(r"ft-|mse|ema|sd_?1", re.IGNORECASE),
}
_APPROXIMATE: Final = {
    Family.FLUX: "taef1",
    Family.SD3: "taesd3",
    Family.SDXL: "taesdxl",
    Family.SD2: "taesd",
    Family.SD15: "taesd",
}
# What encodes a prompt for a diffusion model that lies alone; stable-diffusion.cpp does without T5 for SD 3.
_ENCODERS: Final = {
    Family.FLUX: ("clip_l", "t5"),
    Family.SD3: ("clip_l", "clip_g"),
    Family.SDXL: ("clip_l", "clip_g"),
    Family.SD2: ("clip",),
    Family.SD15: ("clip",),
}


class Weights(msgspec.Struct, frozen=True):
    """One model that draws. ``file`` is its place in the owner's folder."""

    name: str
    file: str
    path: str
    holds: Holds
    family: Family
    size_bytes: int


class Part(msgspec.Struct, frozen=True):
    """A file that draws nothing by itself."""

    name: str
    file: str
    path: str
    size_bytes: int


class Shelf(msgspec.Struct, frozen=True):
    """All that lies there at one moment."""

    models: tuple[Weights, ...] = ()
    vaes: tuple[Part, ...] = ()
    approximate: tuple[Part, ...] = ()
    encoders: tuple[Part, ...] = ()
    loras: tuple[Part, ...] = ()


class Files(msgspec.Struct, frozen=True):
    """What is loaded together, as paths; empty: none. ``missing`` says in words what is not there."""

    model: str = ""
    diffusion: str = ""
    vae: str = ""
    tae: str = ""
    clip_l: str = ""
    clip_g: str = ""
    t5: str = ""
    size_bytes: int = 0
    missing: str = ""


class Shelves:
    """Looks at the folders again and again, and into each file once. ``pulled`` is the models' folder."""

    def __init__(self, own: Path, pulled: Path | None = None) -> None:
        self._own = own
        self._pulled = pulled
        self._known: dict[tuple[str, int, int], Holds] = {}

    def scan(self) -> Shelf:
        """Blocks: some milliseconds for each new file."""
        before, self._known = self._known, {}
        models = [
            *self._models(self._own, ("", "checkpoints"), before),
            *self._models(self._own, ("diffusion_models", "unet"), before),
            *self._pulled_models(before),
        ]
        return Shelf(
            tuple({each.name.lower(): each for each in reversed(models)}.values())[::-1],
            vaes=tuple(self._parts("vae")),
            approximate=tuple(self._parts("vae_approx")),
            encoders=(*self._parts("text_encoders"), *self._parts("clip")),
            loras=tuple(self._parts("loras")),
        )

    def _models(
        self, root: Path, folders: Iterable[str], before: dict[tuple[str, int, int], Holds]
    ) -> Iterator[Weights]:
        for folder in folders:
            for path in _files(root / folder, deep=folder != ""):
                if (found := self._weights(path, path.stem, str(path.relative_to(root)), before)) is not None:
                    yield found

    def _pulled_models(self, before: dict[tuple[str, int, int], Holds]) -> Iterator[Weights]:
        """A pulled file is called by its quantization, and its folder by the model's name."""
        if self._pulled is None:
            return
        for path in _files(self._pulled, deep=True):
            place = path.relative_to(self._pulled)
            if place.parts[0] == "blobs" or path.suffix.lower() != ".gguf":
                continue
            name = "-".join((*place.parts[-2:-1], path.stem))
            if (found := self._weights(path, name, str(place), before)) is not None:
                yield found

    def _weights(self, path: Path, name: str, file: str, before: dict[tuple[str, int, int], Holds]) -> Weights | None:
        try:
            status = path.stat()
            stamp = (str(path), status.st_size, status.st_mtime_ns)
            held = before.get(stamp)
            if held is None:
                held = _holds(path, status.st_size)
        except OSError as error:
            log.warning("a diffusion model's file cannot be read", file=path.name, why=error.strerror)
            return None
        self._known[stamp] = held
        if not held.draws:
            return None
        family = held.family if held.family is not Family.UNKNOWN else family_of(name)
        return Weights(name, file, str(path), held, family, status.st_size)

    def _parts(self, folder: str) -> Iterator[Part]:
        for path in _files(self._own / folder, deep=True):
            try:
                yield Part(path.stem, str(path.relative_to(self._own / folder)), str(path), path.stat().st_size)
            except OSError:
                continue


def files_for(model: Weights, shelf: Shelf, vae: Part | None = None) -> Files:
    """Which files draw with a model; ``vae`` is the one that was asked for."""
    path, sizes = model.path, [model.size_bytes]
    encoders: dict[str, Part] = {}
    if not model.holds.encoders:
        for word in _ENCODERS.get(model.family, ("clip",)):
            part = next((each for each in shelf.encoders if word in each.name.lower()), None)
            if part is None:
                return Files(missing=f"needs the text encoder {word} in text_encoders beside {model.name}")
            encoders[word] = part
        if model.family is Family.SD3 and (t5 := next((e for e in shelf.encoders if "t5" in e.name.lower()), None)):
            encoders["t5"] = t5
    vae = vae or (None if model.holds.vae else _vae(model.family, shelf.vaes))
    tae = None
    if vae is None and not model.holds.vae:
        wanted = _APPROXIMATE.get(model.family, "")
        tae = next((each for each in shelf.approximate if each.name.lower() == wanted), None)
        if tae is None:
            return Files(missing=f"needs a VAE in vae beside {model.name}")
    sizes += [each.size_bytes for each in (*encoders.values(), vae, tae) if each is not None]
    first = encoders.get("clip_l") or encoders.get("clip")
    return Files(
        model="" if model.holds.alone else path,
        diffusion=path if model.holds.alone else "",
        vae=vae.path if vae is not None else "",
        tae=tae.path if tae is not None else "",
        clip_l=first.path if first is not None else "",
        clip_g=encoders["clip_g"].path if "clip_g" in encoders else "",
        t5=encoders["t5"].path if "t5" in encoders else "",
        size_bytes=sum(sizes),
    )


def _vae(family: Family, vaes: Iterable[Part]) -> Part | None:
    telling = _VAES.get(family)
    return next((each for each in vaes if telling is None or telling.search(each.name)), None)


def _files(folder: Path, *, deep: bool) -> list[Path]:
    found = folder.rglob("*") if deep else folder.glob("*")
    return sorted(path for path in found if path.suffix.lower() in _ENDINGS and path.is_file())


def _holds(path: Path, size: int) -> Holds:
    """Raises `OSError`. Of Python's pickles nothing is read here: they are taken for whole checkpoints."""
    if path.suffix.lower() == ".ckpt":
        return Holds(draws=True, vae=True, encoders=True)
    try:
        names = tensor_names(path) if path.suffix.lower() == ".gguf" else _safetensors(path, size)
    except (NotGguf, ValueError, msgspec.MsgspecError) as error:
        log.warning("no file of weights", file=path.name, why=str(error))
        return Holds()
    return holds(names)


def _safetensors(path: Path, size: int) -> list[str]:
    """The tensors' names. The format: eight bytes of length, then a JSON object with an entry for each of them."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 2 <= length <= min(size - 8, _LONGEST_HEAD):
            raise ValueError("Its head is longer than the file.")
        return list(msgspec.json.decode(file.read(length), type=dict[str, msgspec.Raw]))

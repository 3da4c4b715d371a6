"""What one image engine has and can do, at one moment: what decisions and surfaces read instead of asking it.

``file`` is always the engine's own word for a thing, and ``name`` ours: the file's name without folders and ending,
under which a client finds it on every engine.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, TypeVar

from potluck.core.model import EngineKind
from potluck.core.pictures.ask import ControlKind


class Family(StrEnum):
    """The architecture of a diffusion model: what graph draws with it, and at what size it is at home."""

    SD15 = "sd15"
    SD2 = "sd2"
    SDXL = "sdxl"
    SD3 = "sd3"
    FLUX = "flux"
    UNKNOWN = "unknown"


class Loader(StrEnum):
    """Whether a file holds a whole checkpoint, or the diffusion model alone (ComfyUI's ``diffusion_models``), which
    takes text encoders and a VAE beside it."""

    CHECKPOINT = "checkpoint"
    DIFFUSION = "diffusion"


class Feature(StrEnum):
    """What an engine may lack altogether. ``PREVIEWS``: it shows steps and pictures on the way. ``CANCEL``: it can be
    told to stop one picture, and no other."""

    CONTROLNET = "controlnet"
    TILING = "tiling"
    RESTORE_FACES = "restore_faces"
    HIRES = "hires"
    PREVIEWS = "previews"
    CANCEL = "cancel"
    WORKFLOWS = "workflows"
    VAE = "vae"
    CLIP_SKIP = "clip_skip"
    OUTPAINT = "outpaint"
    UPSCALE = "upscale"


@dataclass(frozen=True, slots=True)
class Defaults:
    """How a family is drawn with where the ask says nothing. ``pixels`` is the length of a square's side."""

    pixels: int
    steps: int
    cfg: float
    sampler: str
    scheduler: str


DEFAULTS: Final[Mapping[Family, Defaults]] = {
    Family.SD15: Defaults(512, 25, 7.0, "dpmpp_2m", "karras"),
    Family.SD2: Defaults(768, 25, 7.0, "dpmpp_2m", "karras"),
    Family.SDXL: Defaults(1024, 25, 6.0, "dpmpp_2m", "karras"),
    Family.SD3: Defaults(1024, 28, 4.5, "dpmpp_2m", "sgm_uniform"),
    Family.FLUX: Defaults(1024, 20, 1.0, "euler", "simple"),
    Family.UNKNOWN: Defaults(512, 25, 7.0, "dpmpp_2m", "karras"),
}

# Words of a file's name that give its family away, the first that is found; whoever knows better says it in the config.
_TELLING: Final = (
    (Family.FLUX, re.compile(r"flux|chroma", re.IGNORECASE)),
    (Family.SD3, re.compile(r"sd_?-?3(?![0-9])|stable-?_?diffusion-?_?3", re.IGNORECASE)),
    (Family.SDXL, re.compile(r"xl|pony|illustrious|noob", re.IGNORECASE)),
    (Family.SD2, re.compile(r"(?:sd|v)_?-?2[-_.]?[01](?![0-9])|768-v-ema", re.IGNORECASE)),
    (Family.SD15, re.compile(r"1[-_.]?[45](?![0-9])|sd15", re.IGNORECASE)),
)
_ENDINGS: Final = (".safetensors", ".ckpt", ".pt", ".pth", ".bin", ".gguf", ".sft")
_HASH: Final = re.compile(r" \[([0-9a-f]{6,64})\]$")


def plain_name(file: str) -> str:
    """Our name for an engine's file.

    >>> plain_name("xl/sd_xl_base_1.0.safetensors [31e35c80fc]")
    'sd_xl_base_1.0'
    """
    bare = _HASH.sub("", file).replace("\\", "/").rpartition("/")[2]
    ending = next((known for known in _ENDINGS if bare.lower().endswith(known)), "")
    return bare[: len(bare) - len(ending)]


def family_of(name: str) -> Family:
    """What a checkpoint's name gives away."""
    return next((family for family, words in _TELLING if words.search(name)), Family.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A model that draws. ``hash`` is the first ten hex digits of ``sha256`` as A1111 shows them; each empty where the
    engine does not tell. ``size_bytes`` is on disk."""

    name: str
    file: str
    family: Family = Family.UNKNOWN
    loader: Loader = Loader.CHECKPOINT
    hash: str = ""
    sha256: str = ""
    size_bytes: int | None = None
    loaded: bool = False


@dataclass(frozen=True, slots=True)
class Extra:
    """A LoRA, VAE, embedding or text encoder."""

    name: str
    file: str


@dataclass(frozen=True, slots=True)
class Upscaler:
    """``scale`` is what its model was made for, None where the engine does not tell."""

    name: str
    file: str
    scale: float | None = None


@dataclass(frozen=True, slots=True)
class ControlModel:
    """A ControlNet; ``kinds`` is what its name says it is for, all of them for a union model."""

    name: str
    file: str
    kinds: frozenset[ControlKind] = frozenset()
    family: Family = Family.UNKNOWN


@dataclass(frozen=True, slots=True)
class Memory:
    """An engine's accelerator in bytes. ``free`` counts what the engine holds and could reuse as taken: it is what
    somebody else could have now; ``held`` is what would be free after `ImageBackend.free`, where it tells."""

    total: int
    free: int
    held: int = 0


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All of one engine. ``samplers`` and ``schedulers`` are the engine's own names; `samplers.spoken_sampler` finds
    the one that is meant. ``preprocessors`` says which word makes a kind of control map here. ``nodes`` are ComfyUI's
    node classes, empty elsewhere. ``most_pixels`` is the largest picture it draws, by its owner's word or ours."""

    kind: EngineKind
    version: str = ""
    checkpoints: tuple[Checkpoint, ...] = ()
    loras: tuple[Extra, ...] = ()
    vaes: tuple[Extra, ...] = ()
    embeddings: tuple[Extra, ...] = ()
    encoders: tuple[Extra, ...] = ()
    upscalers: tuple[Upscaler, ...] = ()
    controls: tuple[ControlModel, ...] = ()
    preprocessors: Mapping[ControlKind, str] = field(default_factory=dict[ControlKind, str])
    samplers: tuple[str, ...] = ()
    schedulers: tuple[str, ...] = ()
    features: frozenset[Feature] = frozenset()
    nodes: frozenset[str] = frozenset()
    workflows: frozenset[str] = frozenset()
    most_pixels: int = 4096 * 4096
    memory: Memory | None = None

    def checkpoint(self, asked: str) -> Checkpoint | None:
        """The one that a name means: ours, the engine's file or title, or a hash. Empty: what is loaded, else the
        first."""
        if not asked:
            return next((each for each in self.checkpoints if each.loaded), next(iter(self.checkpoints), None))
        return _meant(asked, self.checkpoints) or next(
            (each for each in self.checkpoints if each.hash and asked.lower() in (each.hash, each.sha256)), None
        )

    def lora(self, asked: str) -> Extra | None:
        return _meant(asked, self.loras)

    def vae(self, asked: str) -> Extra | None:
        return _meant(asked, self.vaes)

    def upscaler(self, asked: str) -> Upscaler | None:
        """Empty: the one with the largest scale, by name where none tells."""
        if not asked:
            return max(self.upscalers, key=lambda each: (each.scale or 0, each.name), default=None)
        return _meant(asked, self.upscalers)

    def control(self, kind: ControlKind, asked: str, family: Family) -> ControlModel | None:
        """The model asked for; empty: one for this kind, of the checkpoint's family or of none that is known."""
        if asked:
            return _meant(asked, self.controls)
        able = [each for each in self.controls if kind in each.kinds]
        same = (each for each in able if each.family is family)
        open_ = (each for each in able if Family.UNKNOWN in (each.family, family))
        return next(same, None) or next(open_, None)


_Named = TypeVar("_Named", Checkpoint, Extra, Upscaler, ControlModel)


def _meant(asked: str, offered: Iterable[_Named]) -> _Named | None:
    """The engine's own word goes before ours, and that before the same in other letters."""
    offered = list(offered)
    wanted = plain_name(asked)
    exact = (each for each in offered if each.file == asked)
    same = (each for each in offered if each.name == wanted)
    alike = (each for each in offered if each.name.lower() == wanted.lower())
    return next(exact, None) or next(same, None) or next(alike, None)


_KINDS: Final = (
    (ControlKind.CANNY, re.compile("canny", re.IGNORECASE)),
    (ControlKind.DEPTH, re.compile("depth", re.IGNORECASE)),
    (ControlKind.POSE, re.compile("pose", re.IGNORECASE)),
    (ControlKind.SCRIBBLE, re.compile("scribble|sketch", re.IGNORECASE)),
)
_UNION: Final = re.compile("union|promax", re.IGNORECASE)


def control_model(file: str) -> ControlModel:
    """What a ControlNet's file name gives away.

    >>> control_model("control_v11p_sd15_openpose.pth").kinds
    frozenset({<ControlKind.POSE: 'pose'>})
    """
    name = plain_name(file)
    kinds = frozenset(kind for kind, word in _KINDS if _UNION.search(name) or word.search(name))
    return ControlModel(name, file, kinds, family_of(name))

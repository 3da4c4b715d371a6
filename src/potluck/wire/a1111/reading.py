"""A1111's lists, progress and errors. Everything may be missing: Forge, SD.Next and sd.cpp serve parts."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from potluck.core.model import EngineKind
from potluck.core.pictures.ask import ControlKind
from potluck.core.pictures.catalogue import (
    Catalogue,
    Checkpoint,
    Extra,
    Feature,
    Memory,
    Upscaler,
    control_model,
    family_of,
    plain_name,
)
from potluck.wire.a1111 import sdcpp

# Which of the ControlNet extension's modules make a map, the best first.
_MAKERS: Final = {
    ControlKind.CANNY: ("canny",),
    ControlKind.DEPTH: ("depth_anything_v2", "depth_anything", "depth_midas", "depth"),
    ControlKind.POSE: ("dw_openpose_full", "openpose_full", "openpose"),
    ControlKind.SCRIBBLE: ("scribble_pidinet", "scribble_hed", "scribble_xdog"),
}


class _Model(msgspec.Struct):
    title: str = ""
    model_name: str = ""
    hash: str | None = None
    sha256: str | None = None


class _Named(msgspec.Struct):
    """An entry of any other list: each kind has its own word for the name. ``path`` is sd.cpp's word for a LoRA."""

    name: str = ""
    path: str | None = None
    model_name: str | None = None
    label: str = ""
    alias: str = ""
    scale: float | None = None


class _Controls(msgspec.Struct):
    model_list: list[str] = []


class _Modules(msgspec.Struct):
    module_list: list[str] = []


class _Options(msgspec.Struct):
    sd_model_checkpoint: str | None = None


class _Embeddings(msgspec.Struct):
    """By name; what is ``skipped`` does not fit the model that is loaded, and may fit the next one."""

    loaded: dict[str, Any] = {}
    skipped: dict[str, Any] = {}


class Lists(msgspec.Struct):
    """What an engine answered to looks, each as it came; empty where it has no such list."""

    models: list[_Model] = []
    samplers: list[_Named] = []
    schedulers: list[_Named] = []
    upscalers: list[_Named] = []
    loras: list[_Named] = []
    vaes: list[_Named] = []
    embeddings: _Embeddings = msgspec.field(default_factory=_Embeddings)
    controls: _Controls = msgspec.field(default_factory=_Controls)
    modules: _Modules = msgspec.field(default_factory=_Modules)
    options: _Options = msgspec.field(default_factory=_Options)
    progress: bool = False
    """Whether it tells how far it is, and so can be told to stop."""


PATHS: Final[dict[str, str]] = {
    "models": "/sdapi/v1/sd-models",
    "samplers": "/sdapi/v1/samplers",
    "schedulers": "/sdapi/v1/schedulers",
    "upscalers": "/sdapi/v1/upscalers",
    "loras": "/sdapi/v1/loras",
    "vaes": "/sdapi/v1/sd-vae",
    "embeddings": "/sdapi/v1/embeddings",
    "controls": "/controlnet/model_list",
    "modules": "/controlnet/module_list",
    "options": "/sdapi/v1/options",
}
"""Where each of them is asked for. Only the first must be there."""

_TYPES: Final[dict[str, Any]] = {field.name: field.type for field in msgspec.structs.fields(Lists)}


def read_list(name: str, body: bytes) -> Any:
    """One of `PATHS`'s answers. Raises `msgspec.MsgspecError`."""
    return msgspec.json.decode(body, type=_TYPES[name], strict=False)


def read_catalogue(lists: Lists) -> Catalogue:
    if lists.models and all(each.hash == sdcpp.PLACEHOLDER for each in lists.models):
        return _small(lists)
    loaded = lists.options.sd_model_checkpoint or ""
    features = {Feature.HIRES, Feature.TILING, Feature.CLIP_SKIP, Feature.OUTPAINT}
    features |= {Feature.PREVIEWS, Feature.CANCEL, Feature.RESTORE_FACES} if lists.progress else set()
    features |= {Feature.VAE} if lists.vaes else set()
    features |= {Feature.CONTROLNET} if lists.controls.model_list else set()
    # The extras routes have no other use for it.
    upscalers = tuple(Upscaler(each.name, each.name, each.scale) for each in lists.upscalers if each.name != "None")
    features |= {Feature.UPSCALE} if upscalers else set()
    return Catalogue(
        EngineKind.A1111,
        checkpoints=tuple(_checkpoint(each, loaded) for each in lists.models if each.title or each.model_name),
        loras=tuple(Extra(plain_name(each.name), each.name) for each in lists.loras),
        vaes=tuple(Extra(plain_name(file), file) for each in lists.vaes if (file := each.model_name or each.name)),
        embeddings=tuple(Extra(name, name) for name in (*lists.embeddings.loaded, *lists.embeddings.skipped)),
        upscalers=(Upscaler("Latent", "Latent", 0.0), *map(_plain_last, upscalers)),
        controls=tuple(control_model(each) for each in lists.controls.model_list if each != "None"),
        preprocessors=_makers(frozenset(lists.modules.module_list)),
        samplers=tuple(each.name for each in lists.samplers if each.name),
        schedulers=tuple(name for each in lists.schedulers if (name := each.name or each.label)),
        features=frozenset(features),
    )


def _small(lists: Lists) -> Catalogue:
    """Of stable-diffusion.cpp's server, which has its one model in memory. Its upscalers are hires fix's alone, which
    came with their list."""
    upscalers = tuple(Upscaler(each.name, each.name, each.scale) for each in lists.upscalers if each.name != "None")
    features = {Feature.CLIP_SKIP, Feature.OUTPAINT}
    features |= {Feature.HIRES} if upscalers else set()
    return Catalogue(
        EngineKind.A1111,
        version=sdcpp.NAME,
        checkpoints=tuple(
            Checkpoint(plain_name(file), file, family_of(file), loaded=True)
            for each in lists.models
            if (file := each.title or each.model_name)
        ),
        loras=tuple(Extra(plain_name(each.name), each.path or each.name) for each in lists.loras),
        upscalers=(Upscaler("Latent", "Latent", 0.0), *map(_plain_last, upscalers)),
        samplers=tuple(each.name for each in lists.samplers if each.name not in ("", sdcpp.ANY)),
        schedulers=tuple(each.name for each in lists.schedulers if each.name not in ("", sdcpp.ANY)),
        features=frozenset(features),
    )


def _plain_last(upscaler: Upscaler) -> Upscaler:
    """What only resamples says four times, as the others do: it is not the best there is."""
    plain = upscaler.name.lower() in ("lanczos", "nearest")
    return Upscaler(upscaler.name, upscaler.file, 1.0) if plain else upscaler


def _checkpoint(told: _Model, loaded: str) -> Checkpoint:
    file = told.title or told.model_name
    name = plain_name(told.model_name or file)
    here = loaded != "" and (loaded == file or plain_name(loaded) == name)
    short = told.hash or (told.sha256 or "")[:10]
    return Checkpoint(name, file, family_of(file), hash=short, sha256=told.sha256 or "", loaded=here)


def _makers(modules: frozenset[str]) -> dict[ControlKind, str]:
    found = {kind: next((each for each in names if each in modules), "") for kind, names in _MAKERS.items()}
    return {kind: name for kind, name in found.items() if name}


# --- memory -----------------------------------------------------------------------------------------------------------


class _System(msgspec.Struct):
    free: int = 0
    total: int = 0


class _Reserved(msgspec.Struct):
    current: int = 0


class _Cuda(msgspec.Struct):
    system: _System | None = None
    reserved: _Reserved | None = None


class MemoryAnswer(msgspec.Struct):
    """``/sdapi/v1/memory``; without CUDA it holds an error's text there."""

    cuda: _Cuda | None = None


def read_memory(answer: MemoryAnswer) -> Memory | None:
    cuda = answer.cuda
    if cuda is None or cuda.system is None or cuda.system.total <= 0:
        return None
    return Memory(cuda.system.total, cuda.system.free, cuda.reserved.current if cuda.reserved else 0)


# --- progress ---------------------------------------------------------------------------------------------------------


class _State(msgspec.Struct):
    job: str = ""
    job_count: int = 0
    job_no: int = 0
    job_timestamp: str = ""
    sampling_step: int = 0
    sampling_steps: int = 0


class ProgressAnswer(msgspec.Struct):
    """``/sdapi/v1/progress``. ``current_task`` came with 1.7: empty where nobody says whose job it is."""

    progress: float = 0.0
    eta_relative: float | None = 0.0
    state: _State = msgspec.field(default_factory=_State)
    current_image: str | None = None
    current_task: str | None = msgspec.field(default="")

    @property
    def idle(self) -> bool:
        return self.state.job_count == 0 and self.progress == 0


class TaskAnswer(msgspec.Struct):
    """``/internal/progress``, for one task."""

    active: bool = False
    queued: bool = False


# --- answers and errors -----------------------------------------------------------------------------------------------


class Answer(msgspec.Struct):
    """Of txt2img and img2img; of extra-single-image ``image``."""

    images: list[str] = []
    image: str = ""

    @property
    def picture(self) -> str:
        """The first: one was asked for."""
        return self.image or next(iter(self.images), "")


class Failure(msgspec.Struct):
    """``detail`` of a 422 is a list; ``message`` is sd.cpp's."""

    error: str = ""
    errors: str = ""
    detail: Any = ""
    message: str = ""

    def told(self) -> str:
        return " ".join(str(each) for each in (self.error, self.errors, self.detail, self.message) if each)[:300]

"""ComfyUI's ``/object_info`` and ``/system_stats`` as what is known of an engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from potluck.core.model import EngineKind
from potluck.core.pictures.ask import ControlKind
from potluck.core.pictures.catalogue import (
    Catalogue,
    Checkpoint,
    Extra,
    Feature,
    Loader,
    Memory,
    Upscaler,
    control_model,
    family_of,
    plain_name,
)
from potluck.wire.comfyui.plans import LATENT, RESAMPLING

# Which nodes make a control map, the best first: ComfyUI's own, and those of comfyui_controlnet_aux.
_MAKERS: Final[Mapping[ControlKind, tuple[str, ...]]] = {
    ControlKind.CANNY: ("Canny", "CannyEdgePreprocessor"),
    ControlKind.DEPTH: ("DepthAnythingV2Preprocessor", "DepthAnythingPreprocessor", "MiDaS-DepthMapPreprocessor"),
    ControlKind.POSE: ("DWPreprocessor", "OpenposePreprocessor"),
    ControlKind.SCRIBBLE: ("ScribblePreprocessor", "Scribble_XDoG_Preprocessor", "HEDPreprocessor"),
}
_FEATURES: Final[tuple[tuple[Feature, frozenset[str]], ...]] = (
    (Feature.CONTROLNET, frozenset({"ControlNetLoader", "ControlNetApplyAdvanced"})),
    (Feature.HIRES, frozenset({"LatentUpscale"})),
    (Feature.VAE, frozenset({"VAELoader"})),
    (Feature.CLIP_SKIP, frozenset({"CLIPSetLastLayer"})),
    (Feature.OUTPAINT, frozenset({"SetLatentNoiseMask", "ImageCompositeMasked"})),
    (Feature.UPSCALE, frozenset({"ImageScale"})),
)
_PLAIN: Final = tuple(Upscaler(name.title(), name, 1.0) for name in sorted(RESAMPLING))
_SCALES: Final = tuple((word, float(digit)) for digit in "8432" for word in (f"x{digit}", f"{digit}x"))


class _Class(msgspec.Struct):
    input: dict[str, dict[str, Any]] = {}


class _Device(msgspec.Struct):
    type: str = ""
    vram_total: int = 0
    vram_free: int = 0
    torch_vram_total: int = 0
    torch_vram_free: int = 0


class _System(msgspec.Struct):
    comfyui_version: str = ""


class Stats(msgspec.Struct):
    """``/system_stats``."""

    system: _System = msgspec.field(default_factory=_System)
    devices: list[_Device] = []


Classes = dict[str, _Class]
"""``/object_info``."""


def read_memory(stats: Stats) -> Memory | None:
    """The first accelerator's. ``vram_free`` counts what torch holds and could use again: nobody else has that."""
    device = next((each for each in stats.devices if each.type != "cpu" and each.vram_total > 0), None)
    if device is None:
        return None
    free = min(device.vram_total, max(0, device.vram_free - device.torch_vram_free))
    return Memory(device.vram_total, free, max(0, device.torch_vram_total))


def read_catalogue(
    classes: Classes, stats: Stats, workflows: frozenset[str] = frozenset(), embeddings: Sequence[str] = ()
) -> Catalogue:
    """All of an engine. ``workflows`` are the owner's, ``embeddings`` what ``/embeddings`` lists."""
    nodes = frozenset(classes)
    whole = [_checkpoint(file, Loader.CHECKPOINT) for file in _choices(classes, "CheckpointLoaderSimple", "ckpt_name")]
    parts = [_checkpoint(file, Loader.DIFFUSION) for file in _choices(classes, "UNETLoader", "unet_name")]
    models = _choices(classes, "UpscaleModelLoader", "model_name") if "ImageUpscaleWithModel" in nodes else ()
    encoders = dict.fromkeys(
        file
        for kind in ("DualCLIPLoader", "CLIPLoader", "TripleCLIPLoader")
        for name in ("clip_name1", "clip_name")
        for file in _choices(classes, kind, name)
    )
    return Catalogue(
        EngineKind.COMFYUI,
        version=stats.system.comfyui_version,
        checkpoints=(*whole, *parts),
        loras=_extras(_choices(classes, "LoraLoader", "lora_name")),
        vaes=_extras(_choices(classes, "VAELoader", "vae_name")),
        encoders=_extras(encoders),
        embeddings=tuple(Extra(plain_name(name), name) for name in embeddings),
        upscalers=(Upscaler("Latent", LATENT, 0.0), *_PLAIN, *(_upscaler(file) for file in models)),
        controls=tuple(map(control_model, _choices(classes, "ControlNetLoader", "control_net_name"))),
        preprocessors={kind: found for kind, names in _MAKERS.items() if (found := _first(names, nodes))},
        samplers=_choices(classes, "KSampler", "sampler_name"),
        schedulers=_choices(classes, "KSampler", "scheduler"),
        features=frozenset(
            {Feature.PREVIEWS, Feature.CANCEL, Feature.WORKFLOWS}
            | {feature for feature, needed in _FEATURES if needed <= nodes}
        ),
        nodes=nodes,
        workflows=workflows,
        memory=read_memory(stats),
    )


def _choices(classes: Classes, kind: str, name: str) -> tuple[str, ...]:
    """What a node's input may be; newer builds say COMBO and give the list beside."""
    found = classes.get(kind)
    told = found.input.get("required", {}).get(name) if found is not None else None
    match told:
        case [[*names], *_]:
            return tuple(each for each in names if isinstance(each, str))
        case ["COMBO", {"options": [*names]}]:
            return tuple(each for each in names if isinstance(each, str))
        case _:
            return ()


def _checkpoint(file: str, loader: Loader) -> Checkpoint:
    return Checkpoint(plain_name(file), file, family_of(file), loader)


def _extras(files: Mapping[str, object] | tuple[str, ...]) -> tuple[Extra, ...]:
    return tuple(Extra(plain_name(file), file) for file in files)


def _upscaler(file: str) -> Upscaler:
    """Its scale stands in its name: ``RealESRGAN_x4plus``, ``4x-UltraSharp``."""
    name = plain_name(file)
    return Upscaler(name, file, next((scale for word, scale in _SCALES if word in name.lower()), None))


def _first(names: tuple[str, ...], nodes: frozenset[str]) -> str:
    return next((name for name in names if name in nodes), "")


# --- history and queue ------------------------------------------------------------------------------------------------


class Output(msgspec.Struct, frozen=True):
    """Where a picture lies, as ``/view`` wants it."""

    filename: str
    subfolder: str = ""
    type: str = "output"


class _Outputs(msgspec.Struct):
    images: list[Output] = []


class _Status(msgspec.Struct):
    status_str: str = ""
    completed: bool = False
    messages: list[tuple[str, dict[str, Any]]] = []


class _Entry(msgspec.Struct):
    outputs: dict[str, _Outputs] = {}
    status: _Status | None = None


History = dict[str, _Entry]
"""``/history/{id}``: empty while the prompt is not finished."""


class Ended(msgspec.Struct, frozen=True):
    """How a prompt ended. Without ``pictures`` and ``failure`` it drew none."""

    pictures: tuple[Output, ...] = ()
    failed: bool = False
    stopped: bool = False
    kind: str = ""
    text: str = ""


def read_history(history: History, prompt: str) -> Ended | None:
    """None while it is not there. Pictures that were kept come before those that were only shown."""
    entry = history.get(prompt)
    if entry is None:
        return None
    shown = [image for outputs in entry.outputs.values() for image in outputs.images]
    pictures = tuple(sorted(shown, key=lambda image: image.type != "output"))
    status = entry.status
    if status is None or status.status_str != "error":
        return Ended(pictures)
    for name, data in reversed(status.messages):
        if name == "execution_error":
            kind, text = str(data.get("exception_type", "")), str(data.get("exception_message", ""))
            return Ended(failed=True, kind=kind, text=text)
        if name == "execution_interrupted":
            return Ended(failed=True, stopped=True)
    return Ended(failed=True)


class Queue(msgspec.Struct):
    """``/queue``: each row begins with its number and its prompt's id."""

    queue_running: list[list[Any]] = []
    queue_pending: list[list[Any]] = []

    @property
    def running(self) -> tuple[str, ...]:
        return _ids(self.queue_running)

    @property
    def pending(self) -> tuple[str, ...]:
        """In the order in which they come."""
        return _ids(sorted(self.queue_pending, key=_number))


def _ids(rows: list[list[Any]]) -> tuple[str, ...]:
    return tuple(str(row[1]) for row in rows if len(row) > 1)


def _number(row: list[Any]) -> float:
    return row[0] if row and isinstance(row[0], (int, float)) else 0.0


# --- refusals ---------------------------------------------------------------------------------------------------------


class _NodeError(msgspec.Struct):
    class_type: str = ""
    errors: list[dict[str, Any]] = []


class _Error(msgspec.Struct):
    type: str = ""
    message: str = ""
    details: str = ""


class Refused(msgspec.Struct):
    """The 400 of ``POST /prompt``."""

    error: _Error | str = ""
    node_errors: dict[str, _NodeError] | list[Any] = {}

    def told(self) -> str:
        """In words, the first of them: "Value not in list (ckpt_name: …)"."""
        if isinstance(self.node_errors, dict):
            for node in self.node_errors.values():
                for each in node.errors:
                    return f"{node.class_type}: {each.get('message', '')} ({str(each.get('details', ''))[:200]})"
        if isinstance(self.error, str):
            return self.error
        return f"{self.error.message} {self.error.details}".strip()[:300]


_OUT_OF_MEMORY: Final = ("outofmemory", "out of memory", "allocation on device", "not enough memory")


def is_out_of_memory(kind: str, text: str) -> bool:
    """Whether an exception says that memory did not do; CUDA, ROCm, MPS and the CPU each say it in other words."""
    words = f"{kind} {text}".lower()
    return any(each in words for each in _OUT_OF_MEMORY)

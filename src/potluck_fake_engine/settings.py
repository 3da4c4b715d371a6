"""What a fake engine is told at its start: models, memory, slots, speed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

CAPABILITIES = ("completion", "tools", "vision", "insert", "embedding", "thinking")

# What an ordinary models folder holds beside checkpoints.
USUAL_FILES = (
    "loras/pixel-art.safetensors",
    "loras/styles/ink.safetensors",
    "vae/vae-ft-mse-840000-ema-pruned.safetensors",
    "embeddings/easynegative.safetensors",
    "upscale_models/RealESRGAN_x4plus.pth",
    "controlnet/control_v11p_sd15_canny.pth",
    "controlnet/control_v11f1p_sd15_depth.pth",
    "controlnet/control_v11p_sd15_openpose.pth",
    "controlnet/control_v11p_sd15_scribble.pth",
    "controlnet/controlnet-union-sdxl-promax.safetensors",
    "text_encoders/clip_l.safetensors",
    "text_encoders/clip_g.safetensors",
    "text_encoders/t5xxl_fp8_e4m3fn.safetensors",
)

_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}


class BadSetting(ValueError):
    """A setting that cannot be read; the text says which and why."""


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """One model and how it behaves.

    ``prefill`` and ``decode`` are tokens per second (0 = at once), ``load_s`` is in seconds. ``size`` is that of the
    weights, ``memory`` what it takes when loaded, both in bytes; None = as much.
    ``resident`` None = as the real engine does (llama.cpp's and OpenAI's servers load at start, Ollama on demand).
    ``slots`` None = the engine's own number.
    """

    name: str
    context: int = 8192
    capabilities: frozenset[str] = frozenset({"completion", "tools"})
    size: int = 2 * 10**9
    memory: int | None = None
    load_s: float = 0.0
    prefill: float = 0.0
    decode: float = 0.0
    batching: float = 0.0
    """By how much each neighbour slows a call, where the processor is shared: .2 is a fifth."""
    dims: int = 384
    family: str = "llama"
    parameter_size: str = "3B"
    quantization: str = "Q4_K_M"
    resident: bool | None = None
    slots: int | None = None
    step_s: float = 0.0
    """How long one step of a picture of a megapixel takes, where it draws."""

    @property
    def loaded_bytes(self) -> int:
        return self.size if self.memory is None else self.memory

    def can(self, capability: str) -> bool:
        return capability in self.capabilities


@dataclass(frozen=True, slots=True)
class Settings:
    """The engine as a whole. ``memory`` is in bytes, None = no limit. ``speed`` divides every simulated duration."""

    dialects: tuple[str, ...]
    models: tuple[ModelSpec, ...]
    memory: int | None = None
    max_loaded: int | None = None
    slots: int = 4
    max_queue: int = 512
    speed: float = 1.0
    shared: bool = False
    """Whether calls slow each other down."""
    api_key: str | None = None
    num_ctx: int = 4096
    keep_alive_s: float = 300.0
    quirks: frozenset[str] = frozenset()
    remote: tuple[str, ...] = field(default=("remote-model",))
    """Names that `/api/pull` finds in the registry which this engine imagines."""
    pull_s: float = 0.0
    """How long a whole pull takes."""
    idle_s: float | None = None
    """Connections idle for so long are closed (llama.cpp and uvicorn: 5 s). None = never."""
    keep_requests: int = 1000
    files: tuple[str, ...] = USUAL_FILES
    """What lies beside checkpoints in the models folder of an engine that draws: ``loras/pixel.safetensors``."""
    without: frozenset[str] = frozenset()
    """ComfyUI's node classes that are not installed."""


def parse_size(text: str) -> int:
    """``8GB``, ``512MiB`` or a plain number of bytes."""
    number = text.rstrip("BbGgMmKkIi ")
    unit = text[len(number) :].strip().upper()
    if unit not in _UNITS:
        raise BadSetting(f"{text!r} has no unit that is known here: try 8GB or 512MiB")
    try:
        return round(float(number) * _UNITS[unit])
    except ValueError as exc:
        raise BadSetting(f"{text!r} is not a size: try 8GB or 512MiB") from exc


def parse_model(text: str) -> ModelSpec:
    """``NAME,context=8192,capabilities=completion+tools,size=2GB,load_s=3,decode=40,resident``."""
    name, *pairs = text.split(",")
    if not name:
        raise BadSetting("a model needs a name")
    changes: dict[str, str] = {}
    for pair in pairs:
        key, _, value = pair.partition("=")
        changes[key.strip()] = value.strip()
    return change_model(ModelSpec(name), changes)


def change_model(spec: ModelSpec, changes: dict[str, str]) -> ModelSpec:
    """`spec` with the values that `changes` gives as text.

    Raises:
        BadSetting: an unknown key, or a value that cannot be read.
    """
    for key, value in changes.items():
        try:
            spec = _change(spec, key, value)
        except ValueError as exc:
            raise BadSetting(f"model {spec.name}: {key}={value!r}: {exc}") from exc
    return spec


def _change(spec: ModelSpec, key: str, value: str) -> ModelSpec:
    reader = _READERS.get(key)
    if reader is None:
        raise BadSetting(f"no such key; there are {', '.join(_READERS)}")
    changed: dict[str, Any] = {key: reader(value)}
    return replace(spec, **changed)


def _rate(text: str) -> float:
    return float(text.removesuffix("tok/s").strip())


def _switch(text: str) -> bool:
    return text.lower() not in ("false", "no", "0")


def _capabilities(text: str) -> frozenset[str]:
    wanted = frozenset(text.split("+"))
    if unknown := wanted - set(CAPABILITIES):
        raise BadSetting(f"no such capability: {', '.join(sorted(unknown))}")
    return wanted


_READERS: Mapping[str, Callable[[str], object]] = {
    "context": int,
    "capabilities": _capabilities,
    "size": parse_size,
    "memory": parse_size,
    "load_s": float,
    "prefill": _rate,
    "decode": _rate,
    "batching": float,
    "dims": int,
    "family": str,
    "parameter_size": str,
    "quantization": str,
    "resident": _switch,
    "slots": int,
    "step_s": float,
}

"""Graphics processors as the kernel and NVIDIA's library tell them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from potluck.agent import parse
from potluck.agent.files import Files
from potluck.core.reading import Gpu

# Where drivers of integrated GPUs put their load, by age of the kernel. All of them may lead to one device.
_LOADS: Final = (
    "sys/devices/gpu.0/load",
    "sys/devices/*.gpu/load",
    "sys/devices/platform/gpu.0/load",
    "sys/devices/platform/*.gpu/load",
    "sys/devices/platform/*/*.gpu/load",
    "sys/class/devfreq/*.gpu/device/load",
    "sys/class/devfreq/*.g[abpv]*b/device/load",
)
# What users of an integrated GPU have mapped; only root may read it.
_MAPPED: Final = "sys/kernel/debug/nvmap/iovmm/clients"
_CARDS: Final = "sys/class/drm/card[0-9]*/device/gpu_busy_percent"


def gpus(files: Files, from_library: Sequence[Gpu]) -> tuple[Gpu, ...]:
    """Every GPU once: one that shares the machine's memory is told of by the kernel and the library alike."""
    integrated = tuple(_integrated(files))
    rest = [gpu for gpu in from_library if not (integrated and gpu.unified)]
    return (*integrated, *rest, *_cards(files))


def _integrated(files: Files) -> Iterator[Gpu]:
    seen: set[str] = set()
    for path in (path for pattern in _LOADS for path in files.glob(pattern)):
        device = files.same(path.parent)
        load = parse.permille(files.text(path))
        if device in seen or load is None:
            continue
        seen.add(device)
        used = parse.mapped_bytes(files.text(_MAPPED))
        yield Gpu(name=Path(device).name, unified=True, load=load, memory_used_bytes=used)


def _cards(files: Files) -> Iterator[Gpu]:
    """Cards whose driver counts in /sys, as ``amdgpu`` does."""
    for path in files.glob(_CARDS):
        device = path.parent
        total = parse.whole(files.text(device / "mem_info_vram_total"))
        used = parse.whole(files.text(device / "mem_info_vram_used"))
        if total is None or used is None or not 0 <= used <= total:
            total = used = None
        yield Gpu(
            name=parse.word(files.text(device / "product_name")) or device.parent.name,
            load=parse.percent(files.text(path)),
            memory_total_bytes=total,
            memory_free_bytes=None if total is None or used is None else total - used,
            memory_used_bytes=used,
        )

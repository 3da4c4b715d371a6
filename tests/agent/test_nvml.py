"""NVIDIA's library, with its functions as the C header declares them: arguments by reference, a status back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from potluck.agent.nvml import Nvml
from potluck.core.reading import Gpu

OK, NOT_SUPPORTED, GPU_IS_LOST = 0, 3, 15


@dataclass
class FakeNvml:
    """Two cards. ``refusals`` gives a function another status than success; ``missing`` takes it away."""

    refusals: dict[str, int] = field(default_factory=dict)
    missing: frozenset[str] = frozenset()
    init: int = OK

    def __getattr__(self, name: str) -> Callable[..., int]:
        if not name.startswith("nvml") or name in self.missing:
            raise AttributeError(name)
        if name in self.refusals:
            return lambda *arguments: self.refusals[name]
        return getattr(self, f"_{name}")

    def _nvmlInit_v2(self) -> int:
        return self.init

    def _nvmlDeviceGetCount_v2(self, count: Any) -> int:
        count._obj.value = 2
        return OK

    def _nvmlDeviceGetHandleByIndex_v2(self, index: Any, handle: Any) -> int:
        handle._obj.value = 0x1000 + index.value
        return OK

    def _nvmlDeviceGetName(self, handle: Any, name: Any, length: Any) -> int:
        name.value = f"NVIDIA card {handle.value - 0x1000}".encode()[: length.value - 1]
        return OK

    def _nvmlDeviceGetMemoryInfo(self, handle: Any, memory: Any) -> int:
        memory._obj.total, memory._obj.free, memory._obj.used = 24 << 30, 20 << 30, 4 << 30
        return OK

    def _nvmlDeviceGetUtilizationRates(self, handle: Any, rates: Any) -> int:
        rates._obj.gpu, rates._obj.memory = 63, 20
        return OK

    def _nvmlDeviceGetTemperature(self, handle: Any, sensor: Any, celsius: Any) -> int:
        assert sensor.value == 0
        celsius._obj.value = 58
        return OK

    def _nvmlDeviceGetPowerUsage(self, handle: Any, milliwatts: Any) -> int:
        milliwatts._obj.value = 215_300
        return OK


def opened(library: FakeNvml) -> Nvml:
    found = Nvml.open(lambda name: library)
    assert found is not None
    return found


def test_every_card_tells_everything() -> None:
    first, second = opened(FakeNvml()).gpus()
    assert first == Gpu("NVIDIA card 0", False, 0.63, 24 << 30, 20 << 30, 4 << 30, 58.0, 215.3)
    assert second.name == "NVIDIA card 1"


def test_a_gpu_that_has_no_memory_to_tell_of_shares_the_machines() -> None:
    library = FakeNvml({"nvmlDeviceGetMemoryInfo": NOT_SUPPORTED, "nvmlDeviceGetPowerUsage": NOT_SUPPORTED})
    assert opened(library).gpus()[0] == Gpu("NVIDIA card 0", unified=True, load=0.63, celsius=58.0)


def test_one_that_fails_to_tell_its_memory_does_not_share_the_machines() -> None:
    first = opened(FakeNvml({"nvmlDeviceGetMemoryInfo": GPU_IS_LOST})).gpus()[0]
    assert (first.unified, first.memory_total_bytes) == (False, None)


@pytest.mark.parametrize("function", ["nvmlDeviceGetCount_v2", "nvmlDeviceGetHandleByIndex_v2"])
def test_a_lost_gpu_is_not_told_of(function: str) -> None:
    assert opened(FakeNvml({function: GPU_IS_LOST})).gpus() == ()


def test_a_library_older_than_a_function_does_without() -> None:
    library = FakeNvml(missing=frozenset({"nvmlDeviceGetPowerUsage"}))
    assert opened(library).gpus()[0].watts is None


def test_without_a_library_a_driver_or_its_first_function_there_is_none() -> None:
    def no_library(name: str) -> Any:
        raise OSError(f"{name}: cannot open shared object file")

    assert Nvml.open(no_library) is None
    assert Nvml.open(lambda name: FakeNvml(init=9)) is None
    assert Nvml.open(lambda name: FakeNvml(missing=frozenset({"nvmlInit_v2"}))) is None

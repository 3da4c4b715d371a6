"""NVIDIA's management library, called as it stands on the machine; where there is none, no GPU is told of.

Only the functions that it has had for a decade. Whatever one of them refuses is left out: drivers of integrated GPUs
refuse most.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any, Final

from potluck.core.reading import Gpu

_LIBRARY: Final = "libnvidia-ml.so.1"
_OK: Final = 0
_NOT_SUPPORTED: Final = 3
_NAME_BYTES: Final = 96
_CORE_SENSOR: Final = 0


class _Memory(ctypes.Structure):
    """``nvmlMemory_t``."""

    _fields_ = (("total", ctypes.c_ulonglong), ("free", ctypes.c_ulonglong), ("used", ctypes.c_ulonglong))


class _Utilization(ctypes.Structure):
    """``nvmlUtilization_t``, in percent."""

    _fields_ = (("gpu", ctypes.c_uint), ("memory", ctypes.c_uint))


class Nvml:
    """An opened library. ``library`` is what `ctypes.CDLL` gives."""

    def __init__(self, library: Any) -> None:
        self._library = library

    @classmethod
    def open(cls, load: Callable[[str], Any] = ctypes.CDLL) -> Nvml | None:
        """None where there is no library, or no driver under it."""
        try:
            library = load(_LIBRARY)
            return cls(library) if library.nvmlInit_v2() == _OK else None
        except (OSError, AttributeError):
            return None

    def gpus(self) -> tuple[Gpu, ...]:
        """All of them, in the driver's order."""
        count = ctypes.c_uint()
        if not self._done("nvmlDeviceGetCount_v2", ctypes.byref(count)):
            return ()
        handles = [ctypes.c_void_p() for _ in range(count.value)]
        return tuple(
            self._gpu(handle)
            for index, handle in enumerate(handles)
            if self._done("nvmlDeviceGetHandleByIndex_v2", ctypes.c_uint(index), ctypes.byref(handle))
        )

    def _gpu(self, handle: ctypes.c_void_p) -> Gpu:
        name = ctypes.create_string_buffer(_NAME_BYTES)
        named = self._done("nvmlDeviceGetName", handle, name, ctypes.c_uint(_NAME_BYTES))
        memory, load = _Memory(), _Utilization()
        memory_status = self._call("nvmlDeviceGetMemoryInfo", handle, ctypes.byref(memory))
        has_memory = memory_status == _OK
        has_load = self._done("nvmlDeviceGetUtilizationRates", handle, ctypes.byref(load))
        celsius = self._number("nvmlDeviceGetTemperature", handle, ctypes.c_int(_CORE_SENSOR))
        milliwatts = self._number("nvmlDeviceGetPowerUsage", handle)
        return Gpu(
            name=name.value.decode("utf-8", "replace") if named else "",
            # One that shares the machine's memory has none of its own to tell of; one that is lost says something else.
            unified=memory_status == _NOT_SUPPORTED,
            load=min(1.0, load.gpu / 100) if has_load else None,
            memory_total_bytes=memory.total if has_memory else None,
            memory_free_bytes=min(memory.free, memory.total) if has_memory else None,
            memory_used_bytes=memory.used if has_memory else None,
            celsius=None if celsius is None else float(celsius),
            watts=None if milliwatts is None else milliwatts / 1000,
        )

    def _number(self, function: str, *arguments: object) -> int | None:
        number = ctypes.c_uint()
        return number.value if self._done(function, *arguments, ctypes.byref(number)) else None

    def _done(self, function: str, *arguments: object) -> bool:
        return self._call(function, *arguments) == _OK

    def _call(self, function: str, *arguments: object) -> int | None:
        """The function's status; None in a library older than it."""
        try:
            return int(getattr(self._library, function)(*arguments))
        except AttributeError:
            return None

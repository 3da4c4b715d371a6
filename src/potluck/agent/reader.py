"""One reading of this machine, from everything that it tells."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from potluck.agent import gpus, parse, sensors
from potluck.agent.files import Files
from potluck.core.reading import Disk, Gpu, Identity, Network, Reading

_MACHINE_IDS: Final = ("etc/machine-id", "var/lib/dbus/machine-id")
# A driver that is loaded, a network that is plugged in: a minute later, at the usual interval, it is seen.
LOOK_AGAIN: Final = 12
# Where engines keep their models if nobody says otherwise.
_MODEL_FOLDERS: Final = (
    "/usr/share/ollama/.ollama/models",
    "/var/lib/ollama/models",
    "~/.ollama/models",
    "~/.local/share/potluck/models",
)


class Reader:
    """Reads the tree under ``files`` and the file systems of ``disks``; remembers the processors' last count."""

    def __init__(
        self,
        files: Files,
        disks: Sequence[Path] = (),
        library: Callable[[], Sequence[Gpu]] = tuple,
    ) -> None:
        self._files = files
        self._disks = disks
        self._library = library
        self._before: parse.CpuTimes | None = None
        self._readings = 0

    def read(self) -> Reading:
        """Never raises for what a machine does not have, or does not let us see."""
        files = self._files
        if self._readings % LOOK_AGAIN == 0:
            files.forget()
        self._readings += 1
        times = parse.cpu_times(files.text("proc/stat"))
        before, self._before = self._before, times
        return Reading(
            uptime_s=parse.uptime_s(files.text("proc/uptime")),
            identity=self._identity(),
            memory=parse.memory(files.text("proc/meminfo")),
            cpu=parse.cpu(before, times),
            gpus=gpus.gpus(files, self._library()),
            temperatures=sensors.temperatures(files),
            power=sensors.power(files),
            disks=tuple(disk for path in self._disks if (disk := _disk(path)) is not None),
            networks=self._networks(),
        )

    def _identity(self) -> Identity:
        ids = (self._files.text(path) for path in _MACHINE_IDS)
        return Identity(
            machine=parse.hashed_id(next((text for text in ids if text.strip()), "")),
            host=parse.word(self._files.text("proc/sys/kernel/hostname")),
            boot=parse.word(self._files.text("proc/sys/kernel/random/boot_id")),
        )

    def _networks(self) -> tuple[Network, ...]:
        """The interfaces with hardware under them; where none has, as in a container, all but the machine's own."""
        found = [each for each in parse.networks(self._files.text("proc/net/dev")) if each.interface != "lo"]
        real = {path.parent.name for path in self._files.glob("sys/class/net/*/device")}
        return tuple(each for each in found if each.interface in real) or tuple(found)


def model_folders(environment: Mapping[str, str]) -> tuple[Path, ...]:
    """Where models live on this machine, one folder for each file system; the root where there are none yet."""
    named = [environment["OLLAMA_MODELS"]] if environment.get("OLLAMA_MODELS") else []
    found: dict[int, Path] = {}
    for path in (Path(os.path.expanduser(folder)) for folder in (*named, *_MODEL_FOLDERS)):
        try:
            found.setdefault(path.stat().st_dev, path)
        except OSError:
            continue
    return tuple(found.values()) or (Path("/"),)


def _disk(path: Path) -> Disk | None:
    try:
        told = os.statvfs(path)
    except OSError:
        return None
    total = told.f_blocks * told.f_frsize
    return Disk(str(path), total, min(total, told.f_bavail * told.f_frsize))

"""Temperatures and power from the kernel's sensors: thermal zones, and chips under hwmon."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from potluck.agent import parse
from potluck.agent.files import Files
from potluck.core.reading import Power, Temperature

_ZONES: Final = ("sys/class/thermal", "sys/devices/virtual/thermal")
_CHIPS: Final = "sys/class/hwmon/hwmon*"
# The power monitor's driver before Linux 5: industrial I/O, with names of its own.
_OLD_MONITORS: Final = "sys/bus/i2c/drivers/ina3221x/*/iio:device*"


def temperatures(files: Files) -> tuple[Temperature, ...]:
    """Every sensor once: a chip that only repeats a thermal zone has its name."""
    zones = list(_zones(files))
    known = {_plain(name) for name, _ in zones}
    found = zones + [
        (f"{chip} {label}".strip(), celsius)
        for chip, label, celsius in _chip_temperatures(files)
        if _plain(chip) not in known
    ]
    names = distinct(name for name, _ in found)
    return tuple(Temperature(name, celsius) for name, (_, celsius) in zip(names, found, strict=True))


def power(files: Files) -> tuple[Power, ...]:
    """Every supply that some chip measures."""
    found = [each for chip in files.glob(_CHIPS) for each in _rails(files, chip)]
    found += [each for monitor in files.glob(_OLD_MONITORS) for each in _old_rails(files, monitor)]
    names = distinct(name for name, _ in found)
    return tuple(Power(name, watts) for name, (_, watts) in zip(names, found, strict=True))


def distinct(names: Iterator[str]) -> list[str]:
    """Names with a number behind those that came before.

    >>> distinct(iter(["nvme", "cpu", "nvme"]))
    ['nvme', 'cpu', 'nvme 2']
    """
    seen: dict[str, int] = {}
    given: list[str] = []
    for name in names:
        seen[name] = count = seen.get(name, 0) + 1
        shown = name if count == 1 else f"{name} {count}"
        while shown in given:
            seen[name] = count = count + 1
            shown = f"{name} {count}"
        given.append(shown)
    return given


def _zones(files: Files) -> Iterator[tuple[str, float]]:
    folder = next((folder for folder in _ZONES if files.glob(f"{folder}/thermal_zone*")), _ZONES[0])
    for zone in files.glob(f"{folder}/thermal_zone*"):
        celsius = parse.celsius(files.text(zone / "temp"))
        if celsius is not None:
            yield parse.word(files.text(zone / "type")) or zone.name, celsius


def _chip_temperatures(files: Files) -> Iterator[tuple[str, str, float]]:
    for chip in files.glob(_CHIPS):
        name = parse.word(files.text(chip / "name")) or chip.name
        for sensor in _numbered(files, chip, "temp*_input"):
            celsius = parse.celsius(files.text(chip / f"{sensor}_input"))
            if celsius is not None:
                yield name, parse.word(files.text(chip / f"{sensor}_label")), celsius


def _rails(files: Files, chip: Path) -> Iterator[tuple[str, float]]:
    """1. Power as measured. 2. Else volts times amperes, of channels with a name: the others are the chip's sums."""
    name = parse.word(files.text(chip / "name")) or chip.name
    measured = False
    for sensor in _numbered(files, chip, "power*_input", "power*_average"):
        watts = parse.watts(files.text(chip / f"{sensor}_input") or files.text(chip / f"{sensor}_average"))
        if watts is not None:
            measured = True
            yield parse.word(files.text(chip / f"{sensor}_label")) or name, watts
    if measured:
        return
    for current in _numbered(files, chip, "curr*_input"):
        number = current.removeprefix("curr")
        label = parse.word(files.text(chip / f"in{number}_label"))
        watts = parse.watts_of(files.text(chip / f"in{number}_input"), files.text(chip / f"{current}_input"))
        if label and watts is not None:
            yield label, watts


def _old_rails(files: Files, monitor: Path) -> Iterator[tuple[str, float]]:
    for rail in files.glob(f"{monitor.relative_to(files.root)}/rail_name_*"):
        number = rail.name.removeprefix("rail_name_")
        label = parse.word(files.text(rail))
        watts = parse.watts_of_rail(files.text(monitor / f"in_power{number}_input"))
        if label and watts is not None:
            yield label, watts


def _numbered(files: Files, chip: Path, *patterns: str) -> list[str]:
    """``temp1``, ``temp2`` …, of the files that fit."""
    folder = chip.relative_to(files.root)
    return list(
        dict.fromkeys(path.name.partition("_")[0] for each in patterns for path in files.glob(f"{folder}/{each}"))
    )


def _plain(name: str) -> str:
    return name.lower().replace("-", "_")

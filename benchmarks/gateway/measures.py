"""What is measured of one subject, once. Every figure is of one window; medians over rounds are made in `report`."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from native import BenchError, Load, Seen, Upstream, free_ports, run_load
from processes import Running, running
from subjects import MODEL, OLLAMA_MODEL, Start, Subject
from traffic import anthropic, chat, plan

# A measure that failed says why, in words, under NAME.failed.
Figures = dict[str, float | str]

# A typical answer. Streams that end begin anew, so that what a call costs at its ends is part of its chunks' cost.
CHUNKS = 250
INTERVAL_MS = 20
# Long enough that the chunks, not the calls, fill the window.
SATURATED_CHUNKS = 1000
IDLE_S = 1.0


@dataclass(frozen=True, slots=True)
class Windows:
    """Lengths in milliseconds."""

    requests: int
    latency: int
    saturated: int
    streams: int


QUICK = Windows(requests=2000, latency=1000, saturated=2000, streams=3000)
FULL = Windows(requests=4000, latency=2000, saturated=4000, streams=5000)


def measure(subject: Subject, up: Upstream, windows: Windows) -> Figures:
    """All figures of one subject. Raises `BenchError` if it does not start."""
    if subject.start is None:
        return _Measuring(None, Start([], up.first), {}, windows).all(translates=False)
    with tempfile.TemporaryDirectory(prefix="potluck-bench-") as name:
        folder = Path(name)
        start = subject.start(up, free_ports(1)[0], folder)
        with running(start, folder, subject.patience_s) as process:
            time.sleep(IDLE_S)
            idle, idle_pss = process.memory_mib()
            figures = _Measuring(process, start, process.headers, windows).all(translates=subject.translates)
            return {"start_s": process.start_s, "idle_mib": idle, "idle_pss_mib": idle_pss, **figures}


class _Measuring:
    """One subject while it runs. ``running`` is None for the engine itself, of which no CPU is told."""

    def __init__(self, process: Running | None, start: Start, headers: Mapping[str, str], windows: Windows) -> None:
        self._process = process
        self._start = start
        self._headers = headers
        self._windows = windows
        self._cpu_s: list[float] = []
        self._memory: tuple[float, float] = (0.0, 0.0)

    def all(self, *, translates: bool) -> Figures:
        """Every measure; one that fails does not cost the others."""
        measures: dict[str, Callable[[], Figures]] = {
            "requests": self._requests,
            "latency": self._latency,
            "saturated": self._saturated,
            "streams_1000": lambda: self._streams("streams_1000", 1000),
            "streams_100": lambda: self._streams("streams_100", 100),
        }
        if translates:
            measures["translations"] = self._translated
        figures: Figures = {}
        for name, run in measures.items():
            try:
                figures |= run()
            except BenchError as error:
                figures[f"{name}.failed"] = str(error)
        return figures

    # --- one measure each ---

    def _requests(self) -> Figures:
        seen, cpu_s = self._run(self._chat(), Load(64, self._windows.requests))
        return _figures(
            "requests",
            seen,
            per_s=seen.answers / seen.seconds,
            cpu_us=_each(cpu_s, seen.answers),
            busy=cpu_s / seen.seconds,
            p99_us=seen.p99_us,
        )

    def _latency(self) -> Figures:
        seen, _ = self._run(self._chat(), Load(1, self._windows.latency, warmup_ms=200))
        return _figures("latency", seen, p50_us=seen.p50_us, p99_us=seen.p99_us)

    def _saturated(self) -> Figures:
        load = Load(64, self._windows.saturated, chunks=SATURATED_CHUNKS)
        seen, cpu_s = self._run(self._chat(plan(SATURATED_CHUNKS, 0)), load)
        return _figures(
            "saturated",
            seen,
            chunks_per_s=seen.chunks / seen.seconds,
            cpu_us=_each(cpu_s, seen.chunks),
            busy=cpu_s / seen.seconds,
        )

    def _streams(self, name: str, connections: int, request: bytes = b"") -> Figures:
        load = Load(connections, self._windows.streams, ramp_ms=max(connections, 300), warmup_ms=1000, chunks=CHUNKS)
        seen, cpu_s = self._run(request or self._chat(plan(CHUNKS, INTERVAL_MS)), load)
        rss, pss = self._memory
        return _figures(
            name,
            seen,
            cpu_us=_each(cpu_s, seen.chunks),
            busy=cpu_s / seen.seconds,
            # Of the chunks that the engine would have written for readers without delay.
            pace=seen.chunks / (connections * seen.seconds * 1000 / INTERVAL_MS),
            lag_p50_ms=seen.p50_us / 1000,
            lag_p99_ms=seen.p99_us / 1000,
            rss_mib=rss,
            pss_mib=pss,
        )

    def _translated(self) -> Figures:
        """Streams that pass through against streams that are translated, as many of each."""
        prompt = plan(CHUNKS, INTERVAL_MS)
        openai_on_ollama = chat(OLLAMA_MODEL, self._headers, prompt=prompt)
        return {
            **self._streams("passed_200", 200),
            **self._streams("openai_on_ollama_200", 200, openai_on_ollama),
            **self._streams("anthropic_on_openai_200", 200, anthropic(MODEL, self._headers, prompt)),
        }

    # --- the window ---

    def _chat(self, prompt: str = "") -> bytes:
        return chat(self._start.model, self._headers, prompt=prompt, path=self._start.path)

    def _run(self, request: bytes, load: Load) -> tuple[Seen, float]:
        """What the clients saw, and the seconds of CPU that the subject took meanwhile."""
        self._cpu_s = []
        seen = run_load(self._start.port, request, load, self._at_edge)
        if seen.seconds == 0 or not (seen.answers or seen.chunks):
            first = f"; the first: {seen.complaint}" if seen.errors else ""
            raise BenchError(f"nothing came, {seen.errors} errors{first}")
        return seen, self._cpu_s[-1] - self._cpu_s[0]

    def _at_edge(self) -> None:
        if self._process is None:
            self._cpu_s.append(0.0)
            return
        self._cpu_s.append(self._process.cpu_s())
        if len(self._cpu_s) > 1:  # the end: every stream is still open
            self._memory = self._process.memory_mib()


def _each(cpu_s: float, count: int) -> float:
    return cpu_s * 1e6 / count if count else 0.0


def _figures(name: str, seen: Seen, **figures: float) -> Figures:
    made: Figures = {f"{name}.{key}": value for key, value in figures.items()}
    # Answers that were broken, short, or no 200. Zero is the rule.
    return {**made, f"{name}.errors": float(seen.errors)} if seen.errors else made

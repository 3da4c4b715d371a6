"""What a newcomer waits for and pays: seconds to ready, memory, and tokens/s through Potluck against the engine direct.

``python benchmarks/first_run.py [--rounds N]``. Direct and through Potluck alternate within each round, on the same
child process and the same prompt, so that the ratio does not depend on what else the machine does.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

MODEL = "smollm2:135m"
TOKENS = 200


@contextmanager
def potluck(data: Path, *arguments: str) -> Iterator[tuple[str, float, psutil.Process]]:
    """A service, its address, and the seconds it took to say ready."""
    started = time.perf_counter()
    command = [sys.executable, "-m", "potluck.cli", "up", "--data", str(data), "--port", "0", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("ready "), "the service did not start"
        yield line.split()[1], time.perf_counter() - started, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(20)


def rss_mib(process: psutil.Process) -> float:
    return process.memory_info().rss / 2**20


def tokens_per_second(url: str, key: str) -> float:
    """One streamed answer of `TOKENS` tokens, from the first token to the last."""
    body = {
        "model": MODEL,
        "stream": True,
        "max_tokens": TOKENS,
        "temperature": 0,
        "ignore_eos": True,
        "cache_prompt": False,
        "messages": [{"role": "user", "content": "Tell me about the sea."}],
    }
    request = urllib.request.Request(
        f"{url}/v1/chat/completions",
        json.dumps(body).encode(),
        {"authorization": f"Bearer {key}", "content-type": "application/json"},
    )
    first = last = 0.0
    count = 0
    with urllib.request.urlopen(request) as reply:
        for line in reply:
            if b'"content":' in line:
                last = time.perf_counter()
                first = first or last
                count += 1
    return (count - 1) / (last - first)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False).stdout
    print(f"{platform.machine()} {os.cpu_count()} cores, Python {platform.python_version()}, commit {commit.strip()}")
    with tempfile.TemporaryDirectory() as folder:
        with potluck(Path(folder) / "alone", "--no-local") as (_, ready_s, process):
            time.sleep(2)
            print(f"control plane alone: ready {ready_s:.2f} s, idle {rss_mib(process):.0f} MiB")
        data = Path(folder) / "local"
        with potluck(data) as (url, ready_s, process):
            key = (data / "owner.key").read_text().strip()
            direct = DirectEngine(Path(folder))
            try:
                tokens_per_second(url, key)
                tokens_per_second(direct.url, direct.key)
                through: list[float] = []
                straight: list[float] = []
                for _ in range(rounds):
                    straight.append(tokens_per_second(direct.url, direct.key))
                    through.append(tokens_per_second(url, key))
            finally:
                direct.close()
            children = sum(rss_mib(child) for child in process.children(recursive=True))
            print(
                f"with the embedded model: ready {ready_s:.2f} s, {rss_mib(process):.0f} MiB + {children:.0f} MiB model"
            )
            ratios = sorted(a / b for a, b in zip(through, straight, strict=True))
            medians = f"direct {statistics.median(straight):.1f}, through Potluck {statistics.median(through):.1f}"
            spread = f"{ratios[0]:.3f}..{ratios[-1]:.3f}, {rounds} rounds"
            print(f"tokens/s: {medians}, ratio {statistics.median(ratios):.3f} ({spread})")


class DirectEngine:
    """The embedded engine's own child process, started by the same code, spoken to without Potluck."""

    def __init__(self, folder: Path) -> None:
        script = Path(__file__).with_name("direct_engine.py")
        self._process = subprocess.Popen(
            [sys.executable, str(script), str(folder / "models")],
            stdout=subprocess.PIPE,
            stdin=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.url, self.key = self._process.stdout.readline().split()

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(20)


if __name__ == "__main__":
    main()

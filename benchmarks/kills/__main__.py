"""Real engines, killed at a random token: is the text the one that would have been written, and whole at the seam?

``python -m benchmarks.kills [--times 200] [--ways replay,prefill] [--tokens 64] [--seed 1] [--threads 1] [--json]
[--keep]``. Exit code 1: an answer was lost, a seam was broken, or a replay was not exact.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from benchmarks.circumstances import circumstances
from benchmarks.kills.engines import engines, service
from benchmarks.kills.play import Found, play
from benchmarks.kills.questions import WAYS

_ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--times", type=int, default=200, help="kills of each way")
    parser.add_argument("--ways", default=",".join(WAYS), help="of replay and prefill, with commas between")
    # Two seconds on one core, and enough places to be cut at.
    parser.add_argument("--tokens", type=int, default=64, help="of each answer, at most")
    parser.add_argument("--seed", type=int, default=1, help="decides at which token each engine is killed")
    parser.add_argument("--threads", type=int, default=1, help="of each engine")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--keep", action="store_true", help="keep the result in benchmarks/results/kills")
    options = parser.parse_args()
    began = time.monotonic()
    found: list[Found] = []
    with tempfile.TemporaryDirectory() as home, engines(options.threads) as made, service(Path(home), made) as running:
        for way in options.ways.split(","):
            chance = random.Random(f"{options.seed} {way}")
            found.append(asyncio.run(play(running, made, way, options.times, options.tokens, chance, _say)))
    result = _result(options, found, time.monotonic() - began)
    print(json.dumps(result, indent=2, ensure_ascii=False) if options.json else _table(found, result))
    if options.keep:
        folder = _ROOT / "benchmarks" / "results" / "kills"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{result['date']}.json").write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    return 0 if all(each.kept for each in found) else 1


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _result(options: argparse.Namespace, found: Sequence[Found], took_s: float) -> dict[str, Any]:
    return {
        **circumstances(),
        "seed": options.seed,
        "threads": options.threads,
        "took_s": round(took_s, 1),
        "ways": [
            {
                "way": each.way,
                "kills": each.kills,
                "went_on_by": dict(each.ways),
                "identical": dict(each.identical),
                "lost": each.lost,
                "broken_seams": each.broken,
                "repeats": each.repeats,
                "repeats_identical": each.repeats_identical,
                "recovered_s": _spread(each.recovered_s),
                "questions": dict(each.kinds),
                "bad": each.bad,
            }
            for each in found
        ],
    }


def _spread(times_s: Sequence[float]) -> dict[str, float]:
    """From the kill to the next piece of text."""
    if len(times_s) < 2:
        return {}
    return {
        "median": round(median(times_s), 2),
        "p95": round(quantiles(times_s, n=20)[-1], 2),
        "max": round(max(times_s), 2),
    }


def _table(found: Sequence[Found], result: dict[str, Any]) -> str:
    head = (
        f"three llama.cpp servers of {result['threads']} threads, SmolLM2-135M, temperature 0; {result['machine']},"
        f" Python {result['python']}, commit {result['commit']}, load average {result['load_average']},"
        f" seed {result['seed']}, {result['took_s']:.0f} s"
    )
    lines = [head, ""]
    for each, told in zip(found, result["ways"], strict=True):
        lines.append(f"{each.way}: {each.kills} kills, {each.lost} lost, {each.broken} broken seams")
        lines += [f"  {way:12} {each.identical[way]} of {number} identical" for way, number in each.ways.most_common()]
        lines.append(f"  {'no fault':12} {each.repeats_identical} of {each.repeats} identical when asked again")
        spread = ", ".join(f"{name} {seconds}" for name, seconds in told["recovered_s"].items())
        lines.append(f"  seconds from the kill to the next text: {spread}")
        for bad in each.bad:
            lines.append(f"  ! {bad['question']}, {bad['way']}: {bad['wrong']}, seam at {bad['seam']}")
            lines += [f"    {bad['text']!r}", f"    {bad['right']!r}"]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())

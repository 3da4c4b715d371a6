"""Real engines, killed at a random token: is the text the one that would have been written, and whole at the seam?

``python -m benchmarks.kills [--times 200] [--ways replay,prefill] [--tokens 64] [--seed 1] [--threads 1]
[--parallel 1] [--merge FILE …] [--json] [--keep]``. Exit code 1: an answer was lost, a seam was broken, or a replay
was not exact.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.circumstances import circumstances
from benchmarks.kills.engines import engines, service
from benchmarks.kills.play import Found, play
from benchmarks.kills.questions import WAYS, some
from benchmarks.kills.results import Result, kept, merged, result, table

_ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--times", type=int, default=200, help="kills of each way")
    parser.add_argument("--ways", default=",".join(WAYS), help="of replay and prefill, with commas between")
    # Two seconds on one core, and enough places to be cut at.
    parser.add_argument("--tokens", type=int, default=64, help="of each answer, at most")
    parser.add_argument("--seed", type=int, default=1, help="decides at which token each engine is killed")
    parser.add_argument("--threads", type=int, default=1, help="of each engine")
    parser.add_argument("--parallel", type=int, default=1, help="gateways with three engines each that share the kills")
    parser.add_argument("--merge", nargs="+", type=Path, metavar="FILE", help="kill nothing: put kept results together")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--keep", action="store_true", help="keep the result in benchmarks/results/kills")
    options = parser.parse_args()
    if options.merge:
        found = merged([json.loads(path.read_text()) for path in options.merge], together=False)
    else:
        found = _at_once(options) if options.parallel > 1 else _one(options)
    print(json.dumps(found, indent=2, ensure_ascii=False) if options.json else table(found))
    if options.keep:
        folder = _ROOT / "benchmarks" / "results" / "kills"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{found['date']}.json").write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
    return 0 if kept(found) else 1


def _one(options: argparse.Namespace) -> Result:
    """One gateway with three engines."""
    around = circumstances()
    began = time.monotonic()
    found: list[Found] = []
    with tempfile.TemporaryDirectory() as home, engines(options.threads) as made, service(Path(home), made) as running:
        for way in options.ways.split(","):
            chance = random.Random(f"{options.seed} {way}")
            names = some(options.times, options.seed)
            found.append(asyncio.run(play(running, made, way, names, options.times, options.tokens, chance, _say)))
    return result(around, options.seed, options.threads, found, time.monotonic() - began)


def _at_once(options: argparse.Namespace) -> Result:
    """Several of them, each in a process of its own and with a seed of its own."""
    times, more = divmod(options.times, options.parallel)
    shared = ["--json", "--ways", options.ways, "--tokens", str(options.tokens), "--threads", str(options.threads)]
    commands: list[list[str]] = []
    for number in range(min(options.parallel, options.times)):
        # Seeds far apart, so that runs of neighbouring seeds share no kill.
        own = ["--times", str(times + (number < more)), "--seed", str(options.seed * 1000 + number)]
        commands.append([sys.executable, "-m", "benchmarks.kills", *shared, *own])
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, cwd=_ROOT) for command in commands]
    said = [process.communicate()[0] for process in running]
    if failed := said.count(b""):
        sys.exit(f"{failed} of {len(said)} ended without a result")
    return {**merged([json.loads(one) for one in said], together=True), "seed": options.seed}


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())

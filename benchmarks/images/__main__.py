"""Every part is killed while pictures are drawn: an image node, the gateway, Redis, a client's connection. Is each
picture there, and once?

``python -m benchmarks.images [--jobs 100] [--seed 1] [--without-redis] [--json] [--keep]``. Exit code 1: a picture was
lost, doubled, or another than was asked for.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.circumstances import circumstances
from benchmarks.images.house import house
from benchmarks.images.play import play

_RESULTS = Path(__file__).resolve().parents[1] / "results" / "images"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0] if __doc__ else "")
    parser.add_argument("--jobs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1, help="of what is asked, and of when a part is killed")
    parser.add_argument("--without-redis", action="store_true", help="jobs are spread in the gateway's own memory")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--keep", action="store_true", help="keep the result in benchmarks/results/images")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home, house(Path(home), with_redis=not options.without_redis) as made:
        outcome = asyncio.run(play(made, options.jobs, random.Random(options.seed)))
    result: dict[str, Any] = {**circumstances(), "seed": options.seed, **asdict(outcome)}
    killed = ", ".join(f"{name} {times} times" for name, times in outcome.kills.items())
    print(
        f"{outcome.jobs} jobs of {outcome.pictures} pictures in {outcome.seconds:.0f} s; killed: {killed};"
        f" {len(outcome.wrong)} lost, doubled or wrong",
        file=sys.stderr,
    )
    for wrong in outcome.wrong[:10]:
        print(f"  {wrong}", file=sys.stderr)
    if options.json:
        print(json.dumps(result, indent=2, ensure_ascii=False))
    if options.keep:
        _RESULTS.mkdir(parents=True, exist_ok=True)
        (_RESULTS / f"{result['date']}.json").write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    return 1 if outcome.wrong else 0


if __name__ == "__main__":
    sys.exit(main())

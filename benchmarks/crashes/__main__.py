"""``kill -9`` at random moments under load, with every mix of stores: is all there that was acknowledged, and once?

``python -m benchmarks.crashes [--kills 104] [--seed 1] [--mix N …] [--json] [--keep]``. The kills are shared among the
mixes of {SQLite, PostgreSQL} x {memory, Redis} x {disk, S3}, all real servers. Exit code 1: something was lost
or doubled.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.circumstances import circumstances
from benchmarks.crashes.house import MIXES, house
from benchmarks.crashes.play import play

_RESULTS = Path(__file__).resolve().parents[1] / "results" / "crashes"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--kills", type=int, default=104, help="in all")
    parser.add_argument("--seed", type=int, default=1, help="of when, and of what is asked")
    parser.add_argument("--mix", type=int, nargs="*", choices=range(len(MIXES)), help="only these of the mixes")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--keep", action="store_true", help="keep the result in benchmarks/results/crashes")
    options = parser.parse_args()
    mixes = [MIXES[each] for each in options.mix] if options.mix else MIXES
    result: dict[str, Any] = {**circumstances(), "seed": options.seed, "mixes": {}}
    for number, mix in enumerate(mixes):
        kills = options.kills // len(mixes) + (number < options.kills % len(mixes))
        with tempfile.TemporaryDirectory() as home, house(Path(home), mix) as config:
            outcome = play(Path(home), config, kills, random.Random(f"{options.seed} {mix}"))
        result["mixes"][str(mix)] = asdict(outcome)
        kept = ", ".join(f"{count} {name}s" for name, count in outcome.kept.items())
        print(f"{mix}: {kills} kills; kept {kept}; {len(outcome.wrong)} lost or doubled", file=sys.stderr, flush=True)
        for wrong in outcome.wrong[:5]:
            print(f"  {wrong}", file=sys.stderr, flush=True)
    if options.json:
        print(json.dumps(result, indent=2, ensure_ascii=False))
    if options.keep:
        _RESULTS.mkdir(parents=True, exist_ok=True)
        (_RESULTS / f"{result['date']}.json").write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    return 1 if any(each["wrong"] for each in result["mixes"].values()) else 0


if __name__ == "__main__":
    sys.exit(main())

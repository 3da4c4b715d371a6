"""Does the simulator tell the truth? The same fleet and the same calls in virtual time, and by real processes.

``python benchmarks/fleet [--minutes 30] [--speed 10] [--load 0.1] [--seeds 1,2] [--calls FILE] [--json] [--keep]``.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(_ROOT), str(_ROOT / "benchmarks")]

from circumstances import circumstances  # noqa: E402 - found by the path above
from fleet.compared import Figure, figures, write_calls  # noqa: E402 - the simulator is among the tests
from fleet.real import play  # noqa: E402
from fleet.scenario import LATE_PART, Played, calls, pairs  # noqa: E402
from fleet.simulated import simulate  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--minutes", type=float, default=30.0, help="of the scenario, for each seed")
    parser.add_argument("--speed", type=float, default=10.0, help="how many times as fast it is played")
    parser.add_argument("--load", type=float, default=0.1, help="part of the reference load")
    parser.add_argument("--seeds", default="2001", help="with commas between")
    parser.add_argument("--calls", type=Path, metavar="FILE", help="write every call of both sides there, as CSV")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--keep", action="store_true", help="keep the result in benchmarks/results/fleet")
    options = parser.parse_args()
    played: list[Played] = []
    loads = [0, 0]
    ways_s: list[float] = []
    for seed in (int(each) for each in options.seeds.split(",")):
        demanded = calls(seed, options.load, options.minutes)
        simulated, loaded = simulate(demanded, options.speed)
        loads[0] += loaded
        with tempfile.TemporaryDirectory() as home:
            real, loaded, way_s = play(Path(home), demanded, options.speed)
        loads[1] += loaded
        ways_s.append(way_s)
        played += pairs(seed, demanded, simulated, real)
    punctual = [each for each in played if not each.real.late]
    found = [*figures(punctual), Figure("models loaded", *loads)]
    if options.calls:
        with options.calls.open("w", newline="") as file:
            write_calls(file, played)
    result = _result(options, found, (len(played), len(punctual)), max(ways_s))
    print(json.dumps(result, indent=2) if options.json else _table(found, result))
    if options.keep:
        folder = _ROOT / "benchmarks" / "results" / "fleet"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{result['date']}.json").write_text(json.dumps(result, indent=2) + "\n")


def _result(
    options: argparse.Namespace, figures: Sequence[Figure], calls: tuple[int, int], way_s: float
) -> dict[str, Any]:
    return {
        **circumstances(),
        "minutes": options.minutes,
        "speed": options.speed,
        "load": options.load,
        "seeds": options.seeds,
        "calls": calls[0],
        "late": calls[0] - calls[1],
        "way_ms": round(way_s * 1000, 2),
        "figures": [
            {"name": each.name, "simulated": each.simulated, "real": each.real, "off": each.off} for each in figures
        ],
    }


def _table(figures: Sequence[Figure], result: dict[str, Any]) -> str:
    head = (
        f"{result['calls']} calls, {result['minutes']:g} minutes of {result['load']:g} of the reference load at"
        f" {result['speed']:g} times the speed, seeds {result['seeds']}; {result['machine']}, Python"
        f" {result['python']}, commit {result['commit']}, load average {result['load_average']};"
        f" {result['way_ms']} ms to the engine and back are taken off; {result['late']} calls are left out, which this"
        f" machine delayed by more than {LATE_PART:.0%} of the time to their first token"
    )
    rows = [f"{each.name:34} {each.simulated:10.3f} {each.real:10.3f} {each.off:+8.1%}" for each in figures]
    return "\n".join([head, "", f"{'':34} {'simulator':>10} {'real':>10} {'off':>8}", *rows])


if __name__ == "__main__":
    main()

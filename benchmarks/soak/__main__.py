"""Mixed traffic, and a random fault every two seconds: is an answer lost, does memory grow, does anything leak?

``python -m benchmarks.soak [--minutes 30] [--callers 8] [--seed 1] [--network] [--json] [--keep]``.
Exit code 1: a promise was not kept. With ``--network`` engines stand on machines of their own with bad cables (root).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import urllib.error
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.circumstances import circumstances
from benchmarks.soak.house import engines, service
from benchmarks.soak.soak import Outcome, Soak
from benchmarks.soak.watching import slope_mib_per_minute
from tests.e2e import processes
from tests.e2e.lan import NoNamespaces, walled_with_cables

_ROOT = Path(__file__).resolve().parents[2]
_SHOWN = 10


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--callers", type=int, default=8, help="at the same time")
    parser.add_argument("--seed", type=int, default=1, help="of what is asked, and of what breaks")
    parser.add_argument("--network", action="store_true", help="engines on machines of their own, with bad cables")
    parser.add_argument("--behind-walls", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--keep", action="store_true", help="keep the result in benchmarks/results/soak")
    options = parser.parse_args()
    if options.network and not options.behind_walls:
        return _behind_walls()
    with (
        tempfile.TemporaryDirectory() as home,
        engines(Path(home), network=options.network, seed=options.seed) as made,
        service(Path(home), made) as running,
    ):
        soak = Soak(running, made, options.seed, options.callers, network=options.network, say=_say)
        outcome = asyncio.run(soak.run(options.minutes))
        result = _result(options, outcome, outcome.broken(len(made)), running)
    print(json.dumps(result, indent=2, ensure_ascii=False) if options.json else _table(result))
    if options.keep:
        folder = _ROOT / "benchmarks" / "results" / "soak"
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{result['date']}{'-network' if options.network else ''}.json"
        (folder / name).write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    return 1 if result["broken"] else 0


def _behind_walls() -> int:
    """The same command as the first process of namespaces of its own, which end with it."""
    try:
        walls = walled_with_cables()
    except NoNamespaces as error:
        _say(f"there can be no bad cables here: {error}")
        return 2
    again = [sys.executable, "-m", "benchmarks.soak", *sys.argv[1:], "--behind-walls"]
    return subprocess.run([*walls, *again], check=False, cwd=_ROOT).returncode


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _result(
    options: argparse.Namespace, outcome: Outcome, broken: list[str], running: processes.Service
) -> dict[str, Any]:
    seen, first, last = outcome.seen, outcome.rests[0], outcome.rests[-1]
    return {
        **circumstances(),
        "minutes": options.minutes,
        "callers": options.callers,
        "seed": options.seed,
        "network": options.network,
        "broken": broken,
        "whole": seen.whole.total(),
        "whole_by_surface": dict(sorted(seen.whole.items())),
        "left": seen.left,
        "lost_or_wrong": len(seen.wrong),
        "slowest_s": round(seen.slowest_s, 1),
        "faults": dict(Counter(outcome.faults).most_common()),
        "rescues": outcome.rescues,
        "memory_mib": {
            "warm": round(first.rss_mib, 1),
            "end": round(last.rss_mib, 1),
            "slope_per_minute": round(slope_mib_per_minute(outcome.warm), 3),
            "growth_by_slope": round(outcome.growth_mib, 2),
        },
        "at_rest": [{"files": each.files, "sockets": each.sockets, "threads": each.threads} for each in (first, last)],
        "wrong": [
            {
                "surface": each.surface,
                "stream": each.stream,
                "node": each.node,
                "why": each.why,
                "story": _story(running, each.request),
            }
            for each in seen.wrong[:_SHOWN]
        ],
    }


def _story(running: processes.Service, request: str) -> Any:
    """What the service itself says of a call."""
    try:
        return running.get(f"/api/v1/requests/{request}") if request else None
    except urllib.error.HTTPError as error:
        return error.code


def _table(result: dict[str, Any]) -> str:
    memory, (first, last) = result["memory_mib"], result["at_rest"]
    lines = [
        f"{result['minutes']:g} minutes, {result['callers']} callers, seed {result['seed']}"
        f"{', bad cables' if result['network'] else ''}; {result['machine']}, Python {result['python']}, commit"
        f" {result['commit']}, load average {result['load_average']}",
        "",
        f"answers    {result['whole']} whole, {result['lost_or_wrong']} lost or wrong, {result['left']} left by their"
        f" clients; the slowest took {result['slowest_s']} s",
        f"faults     {sum(result['faults'].values())}: {', '.join(f'{n} {k}' for k, n in result['faults'].items())}",
        f"rescues    {', '.join(f'{n} {k}' for k, n in result['rescues'].items())}",
        f"memory     {memory['warm']} MiB warm, {memory['end']} at the end; slope {memory['slope_per_minute']} MiB a"
        " minute",
        f"at rest    {first} behind the warm-up, {last} at the end",
    ]
    for each in result["wrong"]:
        lines += [f"! {each['surface']}, stream {each['stream']}, {each['node']}: {each['why']}", f"  {each['story']}"]
    return "\n".join([*lines, "", *(result["broken"] or ["every promise was kept"])])


if __name__ == "__main__":
    sys.exit(main())

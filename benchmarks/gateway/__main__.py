"""Potluck's relay against its peers: ``python benchmarks/gateway [--peers] [--rounds N] [--full] [--docs]``.

In each round every subject is started, measured once and ended, in random order, alone on one core; ratios are made
within rounds. What is measured and how stands in docs/reference/benchmarks.md.
"""

from __future__ import annotations

import argparse
import datetime
import os
import random
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from measures import FULL, QUICK, Windows, measure
from native import BenchError, Upstream, compiled, upstream
from peers import PEERS
from plot import plot
from report import Round, commit, machine, rounded, summary, table, write
from subjects import DIRECT, HAPROXY, NGINX, OWN, POTLUCK, Subject

_ROOT = Path(__file__).parents[2]
_RESULTS = _ROOT / "benchmarks" / "results" / "gateway"
_PAGE = _ROOT / "docs" / "reference" / "benchmarks.md"
_PLOT = _ROOT / "docs" / "images" / "gateway-benchmark.svg"
_PICTURE = "![Requests, CPU and memory of each subject](../images/gateway-benchmark.svg)"
_TABLE = re.compile(r"(<!-- results -->\n).*?(<!-- end of results -->)", re.S)

# The load average, before anything of ours runs, of a machine that does nothing else.
CALM = 0.5
_QUICK = (DIRECT, NGINX, POTLUCK)


def main() -> int:
    options = _options()
    wanted = _wanted(options)
    try:
        for program in ("upstream", "load"):
            compiled(program)
        subjects = [each for each in wanted if _usable(each)]
        with upstream() as up:
            result = _run(subjects, up, FULL if options.full else QUICK, options.rounds)
    except BenchError as error:
        _say(str(error))
        return 1
    rounds: Sequence[Round] = result["rounds"]  # type: ignore[assignment]
    text = table(rounds)
    sys.stdout.write(f"\n{text}\n")
    path = write(_RESULTS, str(result["date"]), result, result["machine"])  # type: ignore[arg-type]
    _say(f"kept in {path.relative_to(_ROOT)}")
    if options.docs:
        _PLOT.write_text(plot(summary(rounds)), encoding="utf-8")
        page = _PAGE.read_text(encoding="utf-8")
        told = f"{_described(result)}\n\n{text}\n{_PICTURE}\n\n"
        _PAGE.write_text(_TABLE.sub(lambda found: f"{found[1]}{told}{found[2]}", page), encoding="utf-8")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", action="store_true", help="HAProxy and the other gateways too; installs them")
    parser.add_argument("--subjects", default="", help="only these, separated by commas")
    parser.add_argument("--full", action="store_true", help="longer windows: steadier figures, twice the time")
    parser.add_argument("--docs", action="store_true", help="put table and plot into docs/reference/benchmarks.md")
    return parser.parse_args()


def _wanted(options: argparse.Namespace) -> Sequence[Subject]:
    known = {each.name: each for each in (*OWN, *PEERS)}
    if not options.subjects:
        return (DIRECT, NGINX, HAPROXY, POTLUCK, *PEERS) if options.peers else _QUICK
    names = options.subjects.split(",")
    if unknown := [name for name in names if name not in known]:
        raise SystemExit(f"no such subject: {', '.join(unknown)}; there are {', '.join(known)}")
    return [known[name] for name in names]


def _usable(subject: Subject) -> bool:
    why_not = subject.ready()
    if why_not:
        _say(f"!!! {subject.name} IS LEFT OUT: {why_not}")
    return not why_not


def _run(subjects: Sequence[Subject], up: Upstream, windows: Windows, rounds: int) -> dict[str, object]:
    began, load = time.monotonic(), os.getloadavg()[0]
    if load > CALM:
        _say(f"!!! THE MACHINE IS BUSY (load average {load:.2f}): the figures will be worth little")
    done: list[Round] = []
    for number in range(rounds):
        figures: dict[str, dict[str, float | str]] = {}
        for subject in random.sample(list(subjects), len(subjects)):
            _say(f"round {number + 1} of {rounds}: {subject.name}")
            try:
                figures[subject.name] = dict(measure(subject, up, windows))
            except BenchError as error:
                _say(f"!!! {subject.name}: {error}")
                figures[subject.name] = {"failed": str(error)}
        done.append(rounded({each.name: figures[each.name] for each in subjects}))
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "commit": commit(),
        "machine": machine(),
        "load_average_before": round(load, 2),  # above `CALM` others had a part in the figures
        "seconds": round(time.monotonic() - began),
        "versions": {each.name: each.version() for each in subjects if each.start is not None},
        "does": {each.name: each.does for each in subjects},
        "rounds": done,
    }


def _described(result: dict[str, object]) -> str:
    about: dict[str, object] = result["machine"]  # type: ignore[assignment]
    versions: dict[str, str] = result["versions"]  # type: ignore[assignment]
    rounds: Sequence[Round] = result["rounds"]  # type: ignore[assignment]
    told = ", ".join(f"{name} {version}" for name, version in versions.items())
    return (
        f"{result['date']}, {about['cores']} cores of {about['cpu']}, Linux {about['kernel']}, CPython "
        f"{about['python']}, commit {result['commit']}, {len(rounds)} rounds, load average before "
        f"{result['load_average_before']}. {told}."
    )


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    raise SystemExit(main())

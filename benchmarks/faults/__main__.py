"""The fault matrix: ``python benchmarks/faults [--subjects A,B] [--only FAULT] [--quick] [--json] [--docs]``.

Nodes break in every way, under real client libraries, behind Potluck and its peers; answers that are lost, wrong, twice
or faked are counted, and the seconds until one goes on. Exits with 1 if Potluck lost or spoiled one. What is done and
how stands in docs/reference/faults.md.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime
import json
import os
import re
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

_ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(_ROOT / "benchmarks"), str(_ROOT / "benchmarks" / "gateway")]

from faults.clients import DIALECTS  # noqa: E402
from faults.rounds import Cell, Plan, cells_of, play  # noqa: E402
from faults.subjects import SUBJECTS, Subject  # noqa: E402
from faults.tables import plain, table, verdicts  # noqa: E402
from faults.troubles import TROUBLES  # noqa: E402
from native import BenchError  # noqa: E402 - the gateway's benchmark lies beside this one
from report import commit, machine, write  # noqa: E402

_RESULTS = _ROOT / "benchmarks" / "results" / "faults"
_PAGE = _ROOT / "docs" / "reference" / "faults.md"
_TABLE = re.compile(r"(<!-- results -->\n).*?(<!-- end of results -->)", re.S)
_QUICK = Plan(rounds=1, calls=4, load_s=6.0)
_OWN = "potluck"

T = TypeVar("T")


def main() -> int:
    options = _options()
    plan = _plan(options)
    troubles = _named(options.only, {each.name: each for each in TROUBLES})
    dialects = _named(options.dialects, DIALECTS)
    began, load = time.monotonic(), os.getloadavg()[0]
    played: dict[str, Sequence[Cell]] = {}
    left_out: dict[str, str] = {}
    for subject in _named(options.subjects, SUBJECTS):
        cells = cells_of(subject, troubles, dialects)
        why_not = subject.can() or _failure(subject, cells, plan)
        if why_not:
            _say(f"!!! {subject.name} IS LEFT OUT: {why_not}")
            left_out[subject.name] = why_not.splitlines()[0]
        else:
            played[subject.name] = cells
    result = {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "commit": commit(),
        "machine": machine(),
        "load_average_before": round(load, 2),
        "seconds": round(time.monotonic() - began),
        "rounds": plan.rounds,
        "calls": plan.calls,
        "load_s": plan.load_s,
        "versions": {name: SUBJECTS[name].version() for name in played},
        "left_out": left_out,
        "cells": {name: plain(cells) for name, cells in played.items()},
    }
    text = table(played)
    kept = verdicts(played[_OWN]) if _OWN in played else []
    sys.stdout.write(json.dumps(result, indent=1) + "\n" if options.json else f"\n{text}\n")
    for is_kept, promise in kept:
        _say(f"{'kept' if is_kept else 'BROKEN'}: {promise}")
    if options.keep or options.docs:
        path = write(_RESULTS, str(result["date"]), result, machine())
        _say(f"kept in {path.relative_to(_ROOT)}")
    if options.docs:
        told = f"{_described(result)}\n\n{text}\n"
        page = _PAGE.read_text(encoding="utf-8")
        _PAGE.write_text(_TABLE.sub(lambda found: f"{found[1]}{told}{found[2]}", page), encoding="utf-8")
    return 0 if all(is_kept for is_kept, _ in kept[:1]) and _OWN not in left_out else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subjects", default=_OWN, help=f"{', '.join(SUBJECTS)}, with commas between, or all")
    parser.add_argument("--only", default="all", metavar="FAULT", help="only these faults, with commas between")
    parser.add_argument("--dialects", default="all", help="only these, with commas between")
    parser.add_argument("--quick", action="store_true", help="one round instead of three, loads of 6 s")
    parser.add_argument("--load-s", type=float, help="how long a cold load takes, instead of 45 s")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--keep", action="store_true", help="keep the result in benchmarks/results/faults")
    parser.add_argument("--docs", action="store_true", help="and put the table into docs/reference/faults.md")
    return parser.parse_args()


def _plan(options: argparse.Namespace) -> Plan:
    plan = _QUICK if options.quick else Plan()
    return plan if options.load_s is None else Plan(plan.rounds, plan.calls, options.load_s)


def _named(names: str, known: Mapping[str, T]) -> list[T]:
    """Those that are named, in the order of the known ones. Raises `SystemExit` for names that there are not."""
    wanted = list(known) if names == "all" else names.split(",")
    if unknown := [name for name in wanted if name not in known]:
        raise SystemExit(f"no such thing: {', '.join(unknown)}; there are {', '.join(known)}")
    return [each for name, each in known.items() if name in wanted]


def _failure(subject: Subject, cells: Sequence[Cell], plan: Plan) -> str:
    """Play; why it could not be played, or nothing."""
    try:
        asyncio.run(play(subject, cells, plan, _say))
    except BenchError as error:
        return str(error)
    return ""


def _described(result: dict[str, object]) -> str:
    about: dict[str, object] = result["machine"]  # type: ignore[assignment]
    versions: dict[str, str] = result["versions"]  # type: ignore[assignment]
    told = ", ".join(f"{name} {version}" for name, version in versions.items())
    return (
        f"{result['date']}, {about['cores']} cores of {about['cpu']}, Linux {about['kernel']}, CPython "
        f"{about['python']}, commit {result['commit']}, {result['rounds']} rounds of {result['calls']} calls for each "
        f"cell, loads of {result['load_s']:g} s, load average before {result['load_average_before']}. {told}."
    )


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    raise SystemExit(main())

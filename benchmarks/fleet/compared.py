"""Both sides beside each other: the figures, and every call."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import inf
from statistics import mean
from typing import TextIO

from potluck.core.scheduling.classes import Kind

from .scenario import Lived, Played

# Fewer calls of a class than this say nothing of it.
_FEW = 8

_COLUMNS = ("placed", "wait_s", "load_s", "read", "first_s", "end_s", "good")


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the comparison. ``off`` is the real one's distance from the simulated one, as a part of that."""

    name: str
    simulated: float
    real: float

    @property
    def off(self) -> float:
        return self.real / self.simulated - 1 if self.simulated else 0.0


def figures(played: Sequence[Played]) -> list[Figure]:
    """Goodput over all, then by class with the time to the first token and to the end."""
    found = [_figure("goodput", played, _goodput)]
    for kind in Kind:
        of_kind = [each for each in played if each.call.kind is kind]
        if len(of_kind) >= _FEW:
            found += [
                _figure(f"{kind.value} ({len(of_kind)}): goodput", of_kind, _goodput),
                _figure(f"{kind.value}: mean s to the first token", of_kind, _mean_first_s),
                _figure(f"{kind.value}: p90 s to the first token", of_kind, _p90_first_s),
                _figure(f"{kind.value}: mean s to the end", of_kind, _mean_end_s),
            ]
    return found


def _figure(name: str, played: Sequence[Played], of: Callable[[Sequence[Lived]], float]) -> Figure:
    return Figure(name, of([each.simulated for each in played]), of([each.real for each in played]))


def _goodput(lived: Sequence[Lived]) -> float:
    return mean(each.good for each in lived) if lived else 0.0


def _mean_first_s(lived: Sequence[Lived]) -> float:
    return _mean(each.first_s for each in lived)


def _mean_end_s(lived: Sequence[Lived]) -> float:
    return _mean(each.end_s for each in lived)


def _mean(times: Iterable[float | None]) -> float:
    known = [each for each in times if each is not None]
    return mean(known) if known else 0.0


def _p90_first_s(lived: Sequence[Lived]) -> float:
    """What never came is last."""
    firsts = sorted(inf if each.first_s is None else each.first_s for each in lived)
    return firsts[int(0.9 * (len(firsts) - 1))]


def write_calls(file: TextIO, played: Iterable[Played]) -> None:
    """Every call as a line of CSV, with what became of it on either side; seconds are the scenario's."""
    written = csv.writer(file)
    what = ("seed", "call", "at_s", "user", "class", "model", "conversation", "prompt", "prefix", "answer")
    written.writerow(
        [*what, *(f"simulated_{name}" for name in _COLUMNS), *(f"real_{name}" for name in _COLUMNS), "late_s"]
    )
    for each in played:
        call = each.call
        told = (call.user, call.kind.value, call.model, call.conversation, call.prompt, call.prefix, call.answer)
        sides = (*_cells(each.simulated), *_cells(each.real), _cell(each.real.late_s))
        written.writerow([each.seed, each.number, _cell(call.at_s), *told, *sides])


def _cells(lived: Lived) -> list[str]:
    return [_cell(getattr(lived, name)) for name in _COLUMNS]


def _cell(value: object) -> str:
    return "" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)

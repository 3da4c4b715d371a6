"""From cells to figures: what of each fault was lost, wrong, twice or faked, and how long recovery took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from faults.judging import Verdict
from faults.rounds import Cell
from faults.troubles import TROUBLES, Sort, Trouble

_BAD = tuple(verdict for verdict in Verdict if verdict is not Verdict.WHOLE)


@dataclass(frozen=True, slots=True)
class Figure:
    """Of some cells together. The percentiles are of seconds until a call that met a broken node went on."""

    answers: int
    bad: Mapping[Verdict, int]
    leaked_slots: int
    p50_s: float | None
    p95_s: float | None

    @property
    def clean(self) -> bool:
        return not any(self.bad.values())


def figure(cells: Sequence[Cell]) -> Figure:
    times = sorted(second for cell in cells for second in cell.recovered_s)
    return Figure(
        sum(sum(cell.verdicts.values()) for cell in cells),
        {verdict: sum(cell.verdicts[verdict] for cell in cells) for verdict in _BAD},
        sum(cell.leaked_slots for cell in cells),
        _percentile(times, 0.5),
        _percentile(times, 0.95),
    )


def _percentile(ordered: Sequence[float], share: float) -> float | None:
    """The smallest value that this share of all does not exceed."""
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)] if ordered else None


def of_trouble(cells: Sequence[Cell], trouble: Trouble) -> list[Cell]:
    return [cell for cell in cells if cell.trouble is trouble]


def table(played: Mapping[str, Sequence[Cell]]) -> str:
    """Markdown: a row for each fault, a column for each subject."""
    names = list(played)
    lines = ["| fault | " + " | ".join(names) + " |", "| --- |" + " --- |" * len(names)]
    for trouble in TROUBLES:
        own = {name: of_trouble(cells, trouble) for name, cells in played.items()}
        if any(own.values()):
            lines.append(f"| {trouble.name} | " + " | ".join(_cell(own[name], trouble) for name in names) + " |")
    totals = " | ".join(_counts(figure(cells)) for cells in played.values())
    return "\n".join([*lines, f"| **all** | {totals} |"]) + "\n"


def _cell(cells: Sequence[Cell], trouble: Trouble) -> str:
    if not cells:
        return "-"
    found = figure(cells)
    if trouble.sort is Sort.NONE or found.p50_s is None or found.p95_s is None:
        return _counts(found)
    return f"{_counts(found)}; {found.p50_s:.1f}, {found.p95_s:.1f} s"


def _counts(found: Figure) -> str:
    bad = ", ".join(f"**{count} {verdict}**" for verdict, count in found.bad.items() if count)
    leaked = f", {found.leaked_slots} slots leaked" if found.leaked_slots else ""
    return f"{bad or '0'} of {found.answers}{leaked}"


def verdicts(cells: Sequence[Cell]) -> list[tuple[bool, str]]:
    """What Potluck promises, and whether it was kept: nothing lost or wrong, and soon there again."""
    total = figure(cells)
    bad = ", ".join(f"{count} {verdict}" for verdict, count in total.bad.items() if count)
    told = [(total.clean, f"0 lost, 0 wrong: {bad or 'kept'} of {total.answers} answers")]
    for bound_s in sorted({cell.bound_s for cell in cells if cell.bound_s is not None}):
        of = [cell for cell in cells if cell.bound_s == bound_s]
        p95_s = figure(of).p95_s
        if p95_s is not None:
            names = ", ".join(dict.fromkeys(cell.trouble.name for cell in of))
            told.append((p95_s < bound_s, f"recovery p95 {p95_s:.2f} s, bound {bound_s:.0f} s ({names})"))
    return told


def plain(cells: Sequence[Cell]) -> list[dict[str, object]]:
    """For the file: every cell by itself."""
    found: list[dict[str, object]] = []
    for cell in cells:
        figures = figure([cell])
        found.append(
            {
                "fault": cell.trouble.name,
                "dialect": cell.dialect.name,
                "stream": cell.stream,
                **{str(verdict): count for verdict, count in cell.verdicts.items()},
                "leaked_slots": cell.leaked_slots,
                "p50_s": _rounded(figures.p50_s),
                "p95_s": _rounded(figures.p95_s),
                "said": list(dict.fromkeys(cell.said))[:3],
            }
        )
    return found


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)

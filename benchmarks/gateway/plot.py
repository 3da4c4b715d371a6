"""A picture of a result, as SVG: bars per subject, one panel per measure, logarithmic where peers lie far apart."""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape

from report import MEASURES, Median

_PANELS = ("requests_per_s", "cpu_per_request_us", "cpu_per_chunk_us", "mib_1000")
_MORE_IS_BETTER = {"requests_per_s"}
_WIDTH, _ROW, _HEAD, _NAMES, _GAP = 400, 20, 30, 110, 20
_OURS, _OTHERS, _REFERENCE = "#c2410c", "#94a3b8", "#334155"


def plot(found: Mapping[str, Mapping[str, Median]]) -> str:
    """The whole picture. Subjects without a figure have an empty row."""
    names = [name for name in found if name != "direct"]
    height = _HEAD + _ROW * len(names) + _GAP
    panels = []
    for place, key in enumerate(_PANELS):
        x, y = (place % 2) * (_WIDTH + _GAP), (place // 2) * height
        panels.append(f'<g transform="translate({x + 10},{y + 10})">{_panel(key, names, found)}</g>')
    width, total = 2 * _WIDTH + _GAP + 20, 2 * height + 10
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {total}" font-family="sans-serif" '
        f'font-size="12"><rect width="{width}" height="{total}" fill="#fff"/>{"".join(panels)}</svg>\n'
    )


def _panel(key: str, names: list[str], found: Mapping[str, Mapping[str, Median]]) -> str:
    values = {name: found[name][key].value for name in names if key in found[name]}
    low, high = min(values.values(), default=1), max(values.values(), default=1)
    logarithmic = high > 20 * low
    better = "more is better" if key in _MORE_IS_BETTER else "less is better"
    scale = f"{better}, logarithmic" if logarithmic else better
    rows = [f'<text y="14"><tspan font-weight="bold">{escape(MEASURES[key].title)}</tspan> ({scale})</text>']
    for number, name in enumerate(names):
        y = _HEAD + number * _ROW
        rows.append(f'<text x="{_NAMES - 8}" y="{y + 12}" text-anchor="end">{escape(name)}</text>')
        if name not in values:
            continue
        value = values[name]
        share = math.log(value / low * 2) / math.log(high / low * 2) if logarithmic else value / high
        length = max(2.0, share * (_WIDTH - _NAMES - 60))
        colour = {"potluck": _OURS, "nginx": _REFERENCE}.get(name, _OTHERS)
        rows.append(f'<rect x="{_NAMES}" y="{y + 2}" width="{length:.0f}" height="{_ROW - 6}" fill="{colour}"/>')
        shown = f"{value:,.0f}" if value >= 100 else f"{value:.1f}"
        rows.append(f'<text x="{_NAMES + length + 5:.0f}" y="{y + 13}">{shown}</text>')
    return "".join(rows)

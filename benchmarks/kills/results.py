"""What was found, as JSON: of one run, of several put together, and as lines to read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from statistics import median, quantiles
from typing import Any

from benchmarks.kills.play import Found

Result = Mapping[str, Any]
"""What ``--json`` prints. ``stands``: how many gateways with three engines each it was. Of each way ``recovered_s`` has
the seconds from each kill to the next piece of text, and ``bad`` the answers that were lost or broken."""

_COUNTED = ("kills", "lost", "broken_seams", "repeats", "repeats_identical")
_BY_NAME = ("went_on_by", "identical", "questions")


def result(circumstances: Mapping[str, Any], seed: int, threads: int, found: Iterable[Found], took_s: float) -> Result:
    return {
        **circumstances,
        "seed": seed,
        "stands": 1,
        "threads": threads,
        "took_s": round(took_s, 1),
        "ways": [
            {
                "way": each.way,
                "kills": each.kills,
                "went_on_by": dict(each.ways),
                "identical": dict(each.identical),
                "lost": each.lost,
                "broken_seams": each.broken,
                "repeats": each.repeats,
                "repeats_identical": each.repeats_identical,
                "recovered_s": [round(seconds, 3) for seconds in each.recovered_s],
                "questions": dict(each.kinds),
                "bad": each.bad,
            }
            for each in found
        ],
    }


def merged(results: Sequence[Result], *, together: bool) -> Result:
    """Several runs as one. ``together``: at the same time on one machine. Where they differ (machine, commit, date) the
    first one's word stands, so put together only what belongs together."""
    stands = [one["stands"] for one in results]
    times_s = [one["took_s"] for one in results]
    ways = [way["way"] for one in results for way in one["ways"]]
    return {
        **results[0],
        "load_average": max(one["load_average"] for one in results),
        "stands": sum(stands) if together else max(stands),
        "took_s": max(times_s) if together else round(sum(times_s), 1),
        "ways": [
            _summed([way for one in results for way in one["ways"] if way["way"] == name])
            for name in dict.fromkeys(ways)
        ],
    }


def _summed(ways: Sequence[Result]) -> Result:
    return {
        "way": ways[0]["way"],
        **{name: sum(way[name] for way in ways) for name in _COUNTED},
        **{name: dict(sum((Counter(way[name]) for way in ways), Counter[str]())) for name in _BY_NAME},
        "recovered_s": [seconds for way in ways for seconds in way["recovered_s"]],
        "bad": [bad for way in ways for bad in way["bad"]],
    }


def kept(told: Result) -> bool:
    """Whether every promise was: nothing lost, no seam broken, and each replay the same text to the letter."""
    return all(
        not way["lost"]
        and not way["broken_seams"]
        and way["identical"].get("replay", 0) == way["went_on_by"].get("replay", 0)
        for way in told["ways"]
    )


def table(told: Result) -> str:
    stands = "" if told["stands"] == 1 else f"{told['stands']} times at once: "
    lines = [
        f"{stands}three llama.cpp servers of {told['threads']} threads, SmolLM2-135M, temperature 0; {told['machine']},"
        f" Python {told['python']}, commit {told['commit']}, load average {told['load_average']},"
        f" seed {told['seed']}, {told['took_s']:.0f} s",
        "",
    ]
    for way in told["ways"]:
        lines.append(f"{way['way']}: {way['kills']} kills, {way['lost']} lost, {way['broken_seams']} broken seams")
        went_on = Counter(way["went_on_by"]).most_common()
        lines += [f"  {name:12} {way['identical'].get(name, 0)} of {number} identical" for name, number in went_on]
        again = f"{way['repeats_identical']} of {way['repeats']} identical when asked again"
        lines += [
            f"  {'no fault':12} {again}",
            f"  seconds from the kill to the next text: {_spread(way['recovered_s'])}",
        ]
        for bad in way["bad"]:
            lines.append(f"  ! {bad['question']}, {bad['way']}: {bad['wrong']}, seam at {bad['seam']}")
            lines += [f"    {bad['text']!r}", f"    {bad['right']!r}"]
    return "\n".join(lines)


def _spread(times_s: Sequence[float]) -> str:
    if len(times_s) < 2:
        return "too few"
    return f"median {median(times_s):.2f}, p95 {quantiles(times_s, n=20)[-1]:.2f}, max {max(times_s):.2f}"

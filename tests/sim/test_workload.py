"""The generator against the traces it is fitted to. CI lays them beside the checkout; else this skips, aloud."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from pathlib import Path
from random import Random
from statistics import mean, pstdev, quantiles

import pytest

from potluck.core.scheduling.classes import Kind

from . import workload

TRACES = next((place for up in Path(__file__).resolve().parents if (place := up / "shared" / "traces").is_dir()), None)


def column(name: str, field: str) -> list[float]:
    if TRACES is None:
        pytest.skip("NO TRACES: shared/traces is not beside the checkout, so the generator is not held against them")
    with (TRACES / name).open() as file:
        return [float(row[field]) for row in csv.DictReader(file)]


@pytest.mark.parametrize(
    ("lengths", "name", "field"),
    [
        (workload.CONVERSATION_OUT, "azure2023_conv.csv", "output_tokens"),
        (workload.CODE_IN, "azure2023_code.csv", "input_tokens"),
        (workload.CODE_OUT, "azure2023_code.csv", "output_tokens"),
    ],
)
def test_lengths_have_the_traces_quantiles(lengths: workload.Lengths, name: str, field: str) -> None:
    deciles = quantiles(column(name, field), n=10)
    assert lengths.median == pytest.approx(deciles[4], rel=0.03)
    assert lengths.p90 == pytest.approx(deciles[8], rel=0.03)


def test_pauses_between_turns_have_the_traces_quantiles() -> None:
    pauses = sorted(_pauses())
    assert workload.TURN_PAUSE_S.median == pytest.approx(pauses[len(pauses) // 2], rel=0.1)
    assert workload.TURN_PAUSE_S.p90 == pytest.approx(pauses[int(len(pauses) * 0.9)], rel=0.1)


def _pauses() -> Iterator[float]:
    last: dict[float, float] = {}
    for at_s, session in zip(
        column("mooncake_conversation.csv", "offset_s"), column("mooncake_conversation.csv", "session"), strict=True
    ):
        if session in last:
            yield at_s - last[session]
        last[session] = at_s


@pytest.mark.parametrize(
    ("name", "spread"), [("azure2023_code.csv", workload.CODING_SPREAD), ("azure2023_conv.csv", workload.CHAT_SPREAD)]
)
def test_minutes_differ_as_they_do_in_the_traces(name: str, spread: float) -> None:
    offsets = column(name, "offset_s")
    minutes = [0] * int(offsets[-1] // 60)  # whole ones
    for at_s in offsets:
        if at_s < 60 * len(minutes):
            minutes[int(at_s // 60)] += 1
    assert pstdev(minutes) / mean(minutes) == pytest.approx(spread, rel=0.1)


def test_a_seed_gives_the_same_calls_again_and_another_gives_others() -> None:
    assert workload.demands(1, 0.1, 1.0) == workload.demands(1, 0.1, 1.0) != workload.demands(2, 0.1, 1.0)


def test_the_load_is_what_it_says() -> None:
    calls = workload.demands(3, 1.0, 4.0)
    coding = [call for call in calls if call.route == "coding"]
    images = [call for call in calls if call.kind is Kind.IMAGE]
    assert 15 <= len(coding) / 240 <= 22
    assert 30 <= sum(call.kind in (Kind.CHAT, Kind.BIG_CHAT) and call.route == "chat" for call in calls) / 240 <= 50
    assert 2 <= len(images) / 240 <= 4


def test_lengths_are_drawn_from_their_distribution() -> None:
    drawn = sorted(workload.CONVERSATION_OUT.draw(Random(seed), math.inf) for seed in range(2000))
    assert drawn[1000] == pytest.approx(129, rel=0.1)
    assert drawn[1800] == pytest.approx(424, rel=0.15)

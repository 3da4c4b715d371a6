"""What a reading may say, and what of it may be planned with."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from potluck.core.model import NodeId, NodeReading
from potluck.core.reading import (
    Cpu,
    Disk,
    Gpu,
    Memory,
    Network,
    Power,
    Reading,
    Temperature,
    as_known,
    busiest,
    hottest,
    impossible,
    room_for_models,
    watts,
)

NODE = NodeId("agx0")
UNIFIED = Reading(
    memory=Memory(64, 40, 8, 8),
    cpu=Cpu(12, 0.25),
    gpus=(Gpu("orin", True, 0.7, memory_used_bytes=9),),
    temperatures=(Temperature("cpu", 48.0), Temperature("gpu", 61.5)),
)
CARDS = Reading(
    memory=Memory(128, 100),
    gpus=(Gpu("a", False, 0.2, 24, 20, 4, 58.0, 200.0), Gpu("b", False, None, 12, 3), Gpu("c")),
    power=(Power("PPT", 38.0),),
    disks=(Disk("/", 100, 60),),
    networks=(Network("eth0", 5, 6),),
)


@pytest.mark.parametrize("reading", [Reading(), UNIFIED, CARDS])
def test_a_true_reading_is_possible(reading: Reading) -> None:
    assert impossible(reading) == ""


@pytest.mark.parametrize(
    ("lie", "what"),
    [
        (replace(CARDS, age_s=-1.0), "below nothing"),
        (replace(CARDS, uptime_s=math.inf), "beyond all measure"),
        (replace(CARDS, temperatures=(Temperature("x", math.nan),)), "beyond all measure"),
        (replace(CARDS, memory=Memory(5, 6)), "larger than its whole"),
        (replace(CARDS, memory=Memory(5, 5, 1, 2)), "larger than its whole"),
        (replace(CARDS, gpus=(Gpu("a", load=1.01),)), "a load beyond"),
        (replace(CARDS, gpus=(Gpu("a", memory_total_bytes=1, memory_free_bytes=2),)), "larger than its whole"),
        (replace(CARDS, cpu=Cpu(2, math.nan)), "a load beyond"),
        (replace(CARDS, disks=(Disk("/", 1, 2),)), "larger than its whole"),
        (replace(CARDS, networks=(Network("eth0", -1, 0),)), "below nothing"),
        (replace(CARDS, power=(Power("PPT", -1.0),)), "below nothing"),
    ],
)
def test_a_lie_is_named(lie: Reading, what: str) -> None:
    assert what in impossible(lie)


def test_the_hottest_and_the_busiest_speak_for_the_machine() -> None:
    assert (hottest(UNIFIED), busiest(UNIFIED)) == (61.5, 0.7)
    assert (hottest(CARDS), busiest(CARDS)) == (58.0, 0.2)
    assert (hottest(Reading()), busiest(Reading())) == (None, None)


def test_a_gpu_without_memory_of_its_own_loads_into_the_machines() -> None:
    known = as_known(NODE, 60, UNIFIED, age_s=1.0, interval_s=30)
    assert known == NodeReading(NODE, 60, 64, 40, None, None, True, 0.25, 0.7, 1.0)


def test_the_memory_of_cards_is_added_up() -> None:
    known = as_known(NODE, None, CARDS, age_s=0.0, interval_s=30)
    assert (known.vram_bytes, known.vram_free_bytes, known.unified, known.available_bytes) == (36, 23, False, 100)


@pytest.mark.parametrize("age_s", [None, 90.1])
def test_old_figures_are_not_planned_with(age_s: float | None) -> None:
    assert as_known(NODE, 60, UNIFIED, age_s=age_s, interval_s=30) == NodeReading(NODE, 60)
    assert as_known(NODE, 60, None, age_s=1.0, interval_s=30) == NodeReading(NODE, 60)


def test_frequent_looks_do_not_make_an_agents_own_pause_look_old() -> None:
    assert as_known(NODE, 60, UNIFIED, age_s=20.0, interval_s=0.2).available_bytes == 40
    assert as_known(NODE, 60, UNIFIED, age_s=20.1, interval_s=0.2) == NodeReading(NODE, 60)


def test_models_may_fill_what_the_owner_says_else_all_the_memory_there_is() -> None:
    known = as_known(NODE, None, CARDS, age_s=0.0, interval_s=30)
    assert room_for_models(known) == (known.total_bytes or 0) + (known.vram_bytes or 0)
    assert room_for_models(replace(known, unified=True)) == known.total_bytes
    assert room_for_models(replace(known, memory_bytes=60)) == 60
    assert room_for_models(NodeReading(NODE)) is None


def test_a_machine_draws_what_its_graphics_processors_do_or_its_largest_supply() -> None:
    assert watts(CARDS) == 200.0
    assert watts(replace(CARDS, gpus=())) == 38.0
    assert watts(Reading(power=(Power("CPU", 5.0), Power("VDD_IN", 21.5)))) == 21.5
    assert watts(UNIFIED) is None

"""The kernel's texts: what real ones say, and that no text whatever is an error."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.agent import parse
from potluck.core.reading import Cpu, Memory, Network, Reading, impossible
from tests.agent import trees

# Anything a broken driver may say, and numbers where they are least wanted.
odd_lines = st.lists(
    st.one_of(
        st.text(max_size=40),
        st.sampled_from(
            ["MemTotal:", "MemAvailable:", "cpu", "cpu0", "eth0:", "total", "SwapTotal:", "SwapFree:"]
        ).flatmap(
            lambda name: st.lists(
                st.one_of(st.integers().map(str), st.sampled_from(["kB", "K", "-0", "1e9", "٣", "nan"])), max_size=20
            ).map(lambda words: " ".join([name, *words]))
        ),
    ),
    max_size=8,
).map("\n".join)


def test_memory_is_what_programs_can_still_have() -> None:
    assert parse.memory(trees.MEMINFO) == Memory(64349836 << 10, 41247116 << 10, 32174912 << 10, 32174900 << 10)


def test_an_old_kernel_does_not_estimate_and_what_could_be_freed_counts() -> None:
    assert parse.memory(trees.OLD_MEMINFO) == Memory(2027884 << 10, (201220 + 50136 + 811004) << 10, 0, 0)


def test_waiting_for_a_disk_is_not_being_busy() -> None:
    before, after = parse.cpu_times(trees.STAT), parse.cpu_times(trees.STAT_LATER)
    assert parse.cpu(before, after) == Cpu(cores=2, load=0.2)


def test_a_first_look_tells_no_load() -> None:
    assert parse.cpu(None, parse.cpu_times(trees.STAT)) == Cpu(cores=2)
    same = parse.cpu_times(trees.STAT)
    assert parse.cpu(same, same) == Cpu(cores=2)
    assert parse.cpu(same, None) == Cpu()


def test_network_bytes_stand_with_and_without_a_space_behind_the_name() -> None:
    assert parse.networks(trees.NET_DEV) == (
        Network("lo", 1_000_000, 1_000_000),
        Network("eth0", 565_862_357, 812_286),
        Network("docker0", 7_777_777, 8_888_888),
    )


@pytest.mark.parametrize(
    ("text", "celsius"),
    [("48718\n", 48.718), ("0\n", 0.0), ("-256000\n", None), ("-127000", None), ("999999\n", None), ("", None)],
)
def test_a_sensor_without_power_shows_nothing(text: str, celsius: float | None) -> None:
    assert parse.celsius(text) == celsius


def test_power_is_measured_or_multiplied() -> None:
    assert parse.watts("38000000\n") == 38.0
    assert parse.watts_of("19112\n", "624\n") == 11.926
    assert parse.watts_of("19104\n", "-8\n") == 0.0
    assert parse.watts_of("19104\n", "") is None
    assert parse.watts_of_rail("1843\n") == 1.843


def test_loads_go_from_0_to_1() -> None:
    assert (parse.permille("734\n"), parse.permille("1003"), parse.percent("17\n")) == (0.734, 1.0, 0.17)
    assert parse.permille("busy") is None


def test_what_a_gpu_has_mapped_is_the_line_of_totals() -> None:
    assert parse.mapped_bytes(trees.NVMAP_CLIENTS) == 9161928 << 10
    assert parse.mapped_bytes("total") is None
    assert parse.mapped_bytes("total -5K") is None


def test_a_machines_id_is_not_shown_as_it_stands() -> None:
    hashed = parse.hashed_id("6d3ec2b9f6c14ad0a1f1d8f2b8f8b8aa\n")
    assert len(hashed) == 32
    assert "6d3ec2b9" not in hashed
    assert hashed == parse.hashed_id("6d3ec2b9f6c14ad0a1f1d8f2b8f8b8aa")
    assert hashed != parse.hashed_id("6d3ec2b9f6c14ad0a1f1d8f2b8f8b8ab")
    assert parse.hashed_id("\n") == ""


def test_a_name_is_one_line_that_can_be_printed() -> None:
    assert parse.word("VDD_GPU\x1b[31m_SOC\nnext\n") == "VDD_GPU[31m_SOC"


@given(odd_lines, odd_lines)
def test_no_text_is_an_error_and_every_reading_can_be(one: str, other: str) -> None:
    reading = Reading(
        uptime_s=parse.uptime_s(one),
        memory=parse.memory(one),
        cpu=parse.cpu(parse.cpu_times(one), parse.cpu_times(other)),
        networks=parse.networks(one),
    )
    assert impossible(reading) == ""
    for parser in (parse.celsius, parse.watts, parse.watts_of_rail, parse.permille, parse.percent, parse.mapped_bytes):
        parser(one)
    parse.watts_of(one, other)
    parse.hashed_id(one)
    assert parse.word(one).isprintable()

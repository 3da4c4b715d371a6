"""``agent``: its line is read twice, as that of ``up``, and one reading can be printed."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.main import get_command

from potluck.agent.options import AgentOptions
from potluck.cli import agent, agenting, agentline
from potluck.cli.machines import machine_cells, reading_text
from potluck.core.reading import Cpu, Disk, Gpu, Identity, Memory, Network, Power, Reading, Temperature
from potluck.wire.agent import read_reading
from tests.cli.conftest import Run

OPTIONS = ["--host", "--port", "--interval", "--key-file", "--disks", "--announce", "--once", "--json", "--help"]
JOINED = ["--port=0", "--host=::1", "--interval=", "--interval=2.5", "--disks=/a:/b", "--portt"]
VALUES = ["extra", "1", "0.5", "80", "-1", "65536", "3600.5", "1e2", "nan", "::"]
words = st.sampled_from([*OPTIONS, *JOINED, *VALUES])


def read_by_typer(arguments: list[str]) -> AgentOptions | None:
    """What typer makes of it; None if it refuses or shows help."""
    command = get_command(agent.app)
    seen: list[AgentOptions] = []

    def called(host, port, interval, key_file, disks, announce, once, as_json) -> None:
        seen.append(AgentOptions(host, port, interval, key_file, agentline.folders(disks), announce))

    command.callback = called
    with suppress(SystemExit):
        command.main(arguments, "potluck agent")
    return seen[0] if seen else None


@given(st.lists(words, max_size=5))
def test_what_the_quick_reader_takes_typer_takes_as_well(arguments: list[str]) -> None:
    quick = agentline.read(arguments, {})
    if quick is not None:
        assert quick == read_by_typer(arguments)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ([], AgentOptions()),
        (["--host", "0.0.0.0", "--port=9000"], AgentOptions(host="0.0.0.0", port=9000)),
        (["--interval", "2.5", "--key-file=k"], AgentOptions(interval_s=2.5, key_file="k")),
        (["--announce"], AgentOptions(announce=True)),
        (["--disks", "/a::/b"], AgentOptions(disks=("/a", "/b"))),
    ],
)
def test_plain_lines_need_no_typer(arguments: list[str], line: AgentOptions) -> None:
    assert agentline.read(arguments, {}) == line == read_by_typer(arguments)


def test_every_option_that_serves_can_be_read_quickly() -> None:
    names = {name for param in get_command(agent.app).params for name in param.opts}
    assert names - {"--once", "--json"} == {*agentline._OPTIONS, *agentline._SWITCHES}


def test_the_defaults_are_those_of_the_options() -> None:
    assert read_by_typer([]) == AgentOptions()
    assert agenting.run.__annotations__["line"] == "AgentOptions"


def test_one_reading_can_be_printed(run: Run, tmp_path: Path) -> None:
    shown = run("agent", "--once", "--disks", str(tmp_path)).stdout
    assert shown.startswith("Machine     ")
    assert str(tmp_path) in shown
    assert json.loads(run("agent", "--once", "--json").stdout)["memory"]


def test_the_printed_json_is_what_the_gateway_reads(run: Run) -> None:
    assert read_reading(run("agent", "--once", "--json").stdout_bytes).memory.total_bytes


def test_json_without_once_is_wrong_usage(run: Run) -> None:
    result = run("agent", "--json")
    assert result.exit_code == 2
    assert "--once" in result.stderr


FULL = Reading(
    uptime_s=3725.0,
    identity=Identity(host="agx0"),
    memory=Memory(64_000_000_000, 41_200_000_000, 8_000_000_000, 7_000_000_000),
    cpu=Cpu(12, 0.25),
    gpus=(
        Gpu("orin\x1b[2J", True, 0.734, memory_used_bytes=9_000_000_000),
        Gpu("card", False, 0.5, 24_000_000_000, 20_000_000_000, 4_000_000_000, 58.0, 215.3),
    ),
    temperatures=(Temperature("tj-thermal", 61.5),),
    power=(Power("VDD_IN", 11.94),),
    disks=(Disk("/", 100_000_000_000, 60_000_000_000), Disk("/models", 9, 5)),
    networks=(Network("eth0", 5, 6),),
)


def test_a_reading_is_a_line_for_each_thing() -> None:
    assert reading_text(FULL).splitlines() == [
        "Machine     agx0, up for 1h 2m",
        "Memory      41.2 GB of 64.0 GB available",
        "Swap        7.0 GB of 8.0 GB free",
        "CPU         25 % of 12 cores",
        "GPU         orin[2J: 73 % busy, shares the machine's memory, uses 9.0 GB",
        "GPU         card: 50 % busy, 20.0 GB of 24.0 GB free, 58 °C, 215.3 W",
        "Temperature 62 °C tj-thermal",
        "Power       11.9 W VDD_IN",
        "Disk        60.0 GB of 100 GB free at /",
        "Disk        5 B of 9 B free at /models",
        "Network     5 B in, 6 B out on eth0",
    ]
    assert reading_text(Reading()) == "Machine     unknown"


def test_in_a_table_it_is_a_few_letters() -> None:
    assert machine_cells(FULL) == ("41.2 GB of 64.0 GB", "25 %", "73 %, 20.0 GB free", "62 °C", "5 B")
    assert machine_cells(Reading()) == machine_cells(None) == ("-", "-", "-", "-", "-")

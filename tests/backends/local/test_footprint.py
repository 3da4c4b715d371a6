"""What a process takes, in steps that make small changes no news."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from potluck.backends.local.footprint import available_bytes, read_resident, resident_bytes

MIB = 1024 * 1024
STATUS = "Name:\tpython\nVmPeak:\t  999999 kB\nVmRSS:\t  {} kB\nRssAnon:\t  5 kB\n"


@pytest.mark.parametrize(("kib", "mib"), [(0, 0), (1, 16), (16 * 1024, 16), (16 * 1024 + 1, 32), (400_000, 400)])
def test_memory_is_told_in_whole_steps(kib: int, mib: int) -> None:
    assert read_resident(STATUS.format(kib)) == mib * MIB


@pytest.mark.parametrize("status", ["", "VmRSS:", "VmRSS: many kB", "Name: VmRSS: 5 kB"])
def test_what_is_not_told_is_not_known(status: str) -> None:
    assert read_resident(status) is None


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc here")
def test_this_process_takes_something_and_one_that_is_gone_nothing() -> None:
    taken = resident_bytes(os.getpid())
    assert taken is not None
    assert taken > 0
    assert resident_bytes(2**30) is None


def test_what_is_left_is_the_machines_or_the_containers_whichever_is_less(tmp_path: Path) -> None:
    meminfo = tmp_path / "meminfo"
    assert available_bytes(meminfo, tmp_path) is None
    meminfo.write_text("MemTotal: 16 kB\n")
    assert available_bytes(meminfo, tmp_path) is None
    meminfo.write_text("MemTotal: 16 kB\nMemAvailable:    8 kB\n")
    assert available_bytes(meminfo, tmp_path) == 8 * 1024
    (tmp_path / "memory.current").write_text("3000\n")
    for limit, left in (("max", 8192), ("5000", 2000), ("1000", 0), ("99999", 8192)):
        (tmp_path / "memory.max").write_text(limit)
        assert available_bytes(meminfo, tmp_path) == left

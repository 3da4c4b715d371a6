from __future__ import annotations

import os
from pathlib import Path

import pytest

from potluck.backends.local.threads import physical_cores, physical_memory


def machine(root: Path, siblings: dict[int, str]) -> Path:
    for cpu, together in siblings.items():
        folder = root / f"cpu{cpu}" / "topology"
        folder.mkdir(parents=True)
        (folder / "thread_siblings_list").write_text(together + "\n")
    return root


ALLOWED = sorted(os.sched_getaffinity(0))


def test_two_threads_of_one_core_are_one(tmp_path: Path) -> None:
    cpus = machine(tmp_path, dict.fromkeys(ALLOWED, "0-1"))
    assert physical_cores(cpus, tmp_path / "none") == 1


def test_a_machine_that_tells_nothing_has_as_many_as_it_may_use(tmp_path: Path) -> None:
    assert physical_cores(tmp_path, tmp_path / "none") == len(ALLOWED)


@pytest.mark.parametrize(("said", "cores"), [("50000 100000", 1), ("100000 100000", 1), ("max 100000", 0), ("odd", 0)])
def test_a_container_has_no_more_than_its_share(tmp_path: Path, said: str, cores: int) -> None:
    quota = tmp_path / "cpu.max"
    quota.write_text(said)
    assert physical_cores(tmp_path, quota) == (cores or len(ALLOWED))


def test_memory_is_the_machines_or_the_containers_share_of_it(tmp_path: Path) -> None:
    limit = tmp_path / "memory.max"
    machine = physical_memory(limit)
    assert machine is not None
    assert machine > 100_000_000
    limit.write_text("max\n")
    assert physical_memory(limit) == machine
    limit.write_text("50000000\n")
    assert physical_memory(limit) == 50_000_000

"""Logs of generations as files: what a crash leaves, and who may read them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from potluck.core.errors import NotFound, OperatorError
from potluck.storage.generation_files import GenerationFiles
from potluck.storage.generations import Entry, GenerationId, Said
from tests.contract.storage.test_generations import ENTRIES, ONE, TWO, head


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "generations"


@pytest.fixture
def logs(folder: Path) -> Iterator[GenerationFiles]:
    made = GenerationFiles(folder)
    yield made
    made.close()


async def test_only_the_owner_may_read_them(logs: GenerationFiles, folder: Path) -> None:
    await logs.begin(head())
    assert folder.stat().st_mode & 0o777 == 0o700
    (file,) = folder.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    await logs.finish(ONE)
    (file,) = folder.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600


async def test_a_killed_process_has_written_all_that_it_said_it_had(logs: GenerationFiles, folder: Path) -> None:
    await logs.begin(head())
    await logs.append(ONE, ENTRIES)
    after = GenerationFiles(folder)  # nothing of the first one was closed or flushed
    assert (await after.read(ONE)).entries == ENTRIES


async def test_wherever_a_log_was_cut_it_goes_on_behind_its_last_whole_line(folder: Path) -> None:
    logs = GenerationFiles(folder)
    await logs.begin(head())
    await logs.append(ONE, ENTRIES)
    logs.close()
    (file,) = folder.iterdir()
    whole = file.read_bytes()
    first, more = whole.index(b"\n") + 1, Entry(9, Said("more"))
    ends = [place for place, byte in enumerate(whole) if byte == ord("\n")]
    for cut in sorted({0, *(end + step for end in ends for step in (-1, 0, 1))} - {len(whole)}):
        file.write_bytes(whole[:cut])
        os.utime(file, (100, 100))
        again = GenerationFiles(folder)
        if cut < first:
            assert await again.unfinished() == ()
            assert not file.exists()
            continue
        assert await again.unfinished() == (ONE,)
        lines = whole[:cut].count(b"\n") - 1
        kept = await again.read(ONE)
        assert (kept.entries, kept.written_s) == (ENTRIES[:lines], 100)
        await again.append(ONE, [more])
        assert (await again.read(ONE)).entries == (*ENTRIES[:lines], more)
        again.close()


async def test_a_line_that_is_none_ends_the_log(logs: GenerationFiles, folder: Path) -> None:
    await logs.begin(head())
    await logs.append(ONE, ENTRIES[:2])
    (file,) = folder.iterdir()
    file.write_bytes(file.read_bytes() + b"\0" * 512 + b"\n[1]\n")
    assert await logs.unfinished() == (ONE,)
    assert (await logs.read(ONE)).entries == ENTRIES[:2]


@pytest.mark.parametrize("name", ["../owner", "a/b", "", ".", "a\0b", "ü.x"])
async def test_an_id_is_no_way_out_of_the_folder(logs: GenerationFiles, name: str) -> None:
    with pytest.raises(NotFound):
        await logs.read(GenerationId(name))


async def test_a_folder_that_cannot_be_written_is_the_owners_to_mend(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OperatorError):
        await GenerationFiles(tmp_path / "file").begin(head())
    with pytest.raises(OperatorError):
        await GenerationFiles(tmp_path / "file" / "x").begin(head(TWO))

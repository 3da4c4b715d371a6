"""A journal: what was kept is there after a crash, in order, and goes when it is done with."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from potluck.core.errors import OperatorError
from potluck.storage.journal import Journal


def opened(folder: Path, *, synced: bool = False, most_bytes: int = 1000) -> Journal:
    return Journal(folder, synced=synced, most_bytes=most_bytes)


def entries(journal: Journal) -> list[bytes]:
    return [line for segment in journal.sealed for line in journal.read(segment)]


@pytest.mark.parametrize("synced", [False, True])
def test_the_next_run_finds_every_entry_in_order(tmp_path: Path, synced: bool) -> None:
    killed = opened(tmp_path / "new", synced=synced)
    killed.append(b"1")
    killed.append(b"2")
    killed.seal()
    killed.append(b"3")
    assert entries(opened(tmp_path / "new")) == [b"1", b"2", b"3"]


def test_nothing_is_touched_before_the_first_entry(tmp_path: Path) -> None:
    journal = opened(tmp_path / "new")
    assert (journal.sealed, journal.seal(), journal.size_bytes) == ((), None, 0)
    assert not (tmp_path / "new").exists()


def test_a_sealed_file_takes_no_more_and_is_dropped_alone(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    first = journal.append(b"1")
    assert journal.seal() == first
    second = journal.append(b"2")
    assert second > first
    assert journal.sealed == (first,)
    journal.drop(first)
    assert (journal.sealed, journal.size_bytes) == ((), 2)
    journal.seal()
    assert entries(journal) == [b"2"]


def test_numbers_go_on_after_those_of_the_last_run(tmp_path: Path) -> None:
    first = opened(tmp_path).append(b"1")
    assert opened(tmp_path).append(b"2") > first
    assert entries(opened(tmp_path)) == [b"1", b"2"]


def test_a_line_that_a_crash_cut_off_is_passed_over(tmp_path: Path) -> None:
    opened(tmp_path).append(b"1")
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes() + b"2 was not kep")
    assert entries(opened(tmp_path)) == [b"1"]


def test_a_full_journal_refuses_and_keeps_what_it_has(tmp_path: Path) -> None:
    journal = opened(tmp_path, most_bytes=10)
    journal.append(b"12345")
    with pytest.raises(OperatorError, match="full"):
        journal.append(b"67890")
    journal.append(b"6")
    journal.seal()
    assert entries(journal) == [b"12345", b"6"]


def test_what_a_full_disk_took_a_part_of_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = opened(tmp_path)
    journal.append(b"1")
    real = os.write
    monkeypatch.setattr(os, "write", lambda handle, data: real(handle, data[:3]))
    with pytest.raises(OperatorError, match="room"):
        journal.append(b"22222")
    monkeypatch.undo()
    journal.append(b"3")
    journal.seal()
    assert entries(journal) == [b"1", b"3"]


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OperatorError, match="cannot be written"):
        opened(tmp_path / "file" / "in").append(b"1")


def test_nobody_else_can_read_it(tmp_path: Path) -> None:
    opened(tmp_path / "new").append(b"1")
    (file,) = (tmp_path / "new").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.jsonl").write_text("mine\n")
    assert opened(tmp_path).sealed == ()

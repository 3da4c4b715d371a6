"""Who runs on a data directory, and who ran there before."""

from __future__ import annotations

from pathlib import Path

import pytest

from potluck.app.rundir import claim, claim_database, succeed
from potluck.core.errors import OperatorError
from potluck.storage.datadir import open_datadir


def test_who_ran_here_before_is_known_to_be_dead(tmp_path: Path) -> None:
    data = open_datadir(tmp_path / "data")
    with claim(data):
        assert succeed(data, "one") == ""
    with claim(data):
        assert succeed(data, "two") == "one"


def test_of_a_copied_data_directory_nobody_knows(tmp_path: Path) -> None:
    data, copy = open_datadir(tmp_path / "data"), open_datadir(tmp_path / "copy")
    with claim(data), claim(copy):
        succeed(data, "one")
        (copy.run / "gateway").write_bytes((data.run / "gateway").read_bytes())
        assert succeed(copy, "two") == ""
        (copy.run / "gateway").write_bytes(b"\xff")
        assert succeed(copy, "three") == ""


def test_a_database_file_is_one_gateways_own(tmp_path: Path) -> None:
    file = tmp_path / "potluck.db"
    with (
        claim_database(file),
        pytest.raises(OperatorError, match="Another Potluck uses the database"),
        claim_database(file),
    ):
        pass
    with claim_database(file):
        pass
    with claim_database(tmp_path / "nowhere" / "potluck.db"):  # who opens it says what is wrong
        pass

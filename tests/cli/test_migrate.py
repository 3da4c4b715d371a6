"""``potluck migrate``, from one SQLite file into another: what databases do not do alike is in tests/storage/sql."""

from __future__ import annotations

import asyncio
import fcntl
import json
from pathlib import Path

import pytest

from potluck.cli.migrate import _config
from potluck.storage.sql.schema import metadata
from tests.cli.conftest import Run
from tests.storage.sql.full import made


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "house"
    (folder / "run").mkdir(parents=True)
    asyncio.run(made(folder / "potluck.db", 3))
    return folder


def test_everything_is_moved_and_the_line_for_the_configuration_told(run: Run, data: Path, tmp_path: Path) -> None:
    to = f"sqlite:///{tmp_path / 'new.db'}"
    told = run("migrate", "--to", to, "--data", str(data))
    assert told.exit_code == 0, told.stderr
    assert "Every row is the same on both sides." in told.stdout
    assert f'storage: {{database: "{to}"}}' in told.stdout
    assert "comparing users: 3 of 3 rows" in told.stderr
    assert "moved before" in run("migrate", "--to", to, "--data", str(data)).stdout
    report = json.loads(run("migrate", "--to", to, "--data", str(data), "--verify", "--json").stdout)
    assert {each["table"]: each["rows"] for each in report["tables"]} == dict.fromkeys(metadata.tables, 3)
    assert (report["moved"], report["verified"]) == (False, True)


def test_nothing_is_moved_from_under_a_service_that_runs(run: Run, data: Path, tmp_path: Path) -> None:
    with (data / "run" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        to = f"sqlite:///{tmp_path / 'new.db'}"
        for source in ([], ["--from", f"sqlite:///{data / 'potluck.db'}", "--data", str(tmp_path)]):
            refused = run("migrate", "--to", to, "--data", str(data), *source)
            assert refused.exit_code == 1
            assert "Another Potluck runs" in refused.stderr
        copy = tmp_path / "copy.db"
        copy.write_bytes((data / "potluck.db").read_bytes())
        asked = ("migrate", "--to", to, "--from", f"sqlite:///{copy}", "--data", str(tmp_path / "none"))
        assert run(*asked).exit_code == 0, "a copy is moved meanwhile"


def test_a_password_does_not_stand_in_the_line_for_the_configuration() -> None:
    line = 'storage: {database: "postgresql://me:${POTLUCK_DB_PASSWORD}@db.lan:5432/p"}'
    assert _config("postgresql://me:hunter2@db.lan:5432/p") == line


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--to", "sqlite:////nowhere.db", "--from", "sqlite:////nowhere.db"), "the same"),
        (("--to", "sqlite:////a.db", "--from", "sqlite:////nowhere.db"), "no database 'nowhere.db'"),
        (("--to", "sqlite:////a.db"), "no database 'potluck.db'"),
    ],
)
def test_what_cannot_be_moved_is_a_usage_error(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    refused = run("migrate", *arguments, "--data", str(tmp_path / "none"))
    assert refused.exit_code == 2
    assert words in refused.stderr

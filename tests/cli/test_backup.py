"""``potluck backup`` on a data directory."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import pytest

from potluck.storage.open import open_storage, sqlite_url
from tests.cli.conftest import Run


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()

    async def fill() -> None:
        async with open_storage(sqlite_url(folder / "potluck.db"), clock=time.monotonic):
            pass

    asyncio.run(fill())
    return folder


def test_a_backup_is_made_listed_checked_and_put_back(run: Run, data: Path, tmp_path: Path) -> None:
    at = ("--data", str(data))
    assert run("backup", "ls", *at).stdout == "There are no backups.\n"
    made = run("backup", "create", *at, "--keep", "2")
    assert (made.exit_code, "0 files" in made.stdout) == (0, True)
    name = Path(made.stdout.split()[0]).name
    assert name in run("backup", "ls", *at).stdout
    (told,) = json.loads(run("backup", "ls", *at, "--json").stdout)
    assert told["verified_s"] is not None
    assert run("backup", "verify", *at).stdout == f"{name} is whole.\n"
    fresh = tmp_path / "fresh"
    put_back = run("backup", "restore", "newest", "--in", str(data / "backups"), "--data", str(fresh))
    assert (put_back.exit_code, (fresh / "potluck.db").is_file()) == (0, True)
    refused = run("backup", "restore", name, *at)
    assert (refused.exit_code, "--replace" in refused.stderr) == (1, True)
    replaced = run("backup", "restore", name, *at, "--replace")
    assert "What was there is in" in replaced.stdout


def test_what_cannot_be_backed_up_or_is_not_whole_is_said(run: Run, data: Path, tmp_path: Path) -> None:
    assert "no database" in run("backup", "create", "--data", str(tmp_path / "empty")).stderr
    config = tmp_path / "server.yaml"
    config.write_text('storage: {database: "postgresql://me@db/potluck"}\n')
    assert "pg_dump" in run("backup", "create", "--data", str(data), "--config", str(config)).stderr
    assert "no backups" in run("backup", "verify", "--data", str(data)).stderr
    made = json.loads(run("backup", "create", "--data", str(data), "--json").stdout)
    (data / "backups" / made["name"] / "database.db").write_bytes(b"nonsense")
    damaged = run("backup", "verify", "--data", str(data))
    assert (damaged.exit_code, "not as it was written" in damaged.stdout) == (1, True)

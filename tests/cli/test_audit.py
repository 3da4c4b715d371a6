"""``potluck audit`` with a service and without one."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from potluck.core.audit import EMPTY, Entry, Event, Fact, chained
from potluck.surfaces.v1 import audit as shapes
from tests.cli.conftest import Run
from tests.cli.fake_service import FakeService, Whole


def entries(number: int) -> list[Entry]:
    made: list[Entry] = []
    last = EMPTY
    for seq in range(number):
        fact = Fact(Event.USER_MADE, "owner", "owner", "pk-abcdef", "192.0.2.1", f"user{seq}", {"role": "member"})
        made.append(chained(last, 1_700_000_000_000 + seq, f"f{seq}", fact))
        last = made[-1].head
    return made


def page(listed: list[Entry], anchor: str = "") -> Whole:
    told = [shapes.audit_entry(entry) for entry in listed]
    plain = [{name: getattr(each, name) for name in each.__struct_fields__} for each in told]
    return Whole({"entries": plain, "head": str(listed[-1].head), "anchor": anchor})


def test_the_list_tells_who_did_what(service: FakeService, ask: Run) -> None:
    service.on("GET /api/v1/audit", page(entries(1)))
    lines = ask("audit", "ls", "--event", "user.", "--limit", "5").stdout.splitlines()
    assert lines[0].split() == ["NO", "TIME", "(UTC)", "EVENT", "BY", "KEY", "FROM", "WHAT", "MORE"]
    assert lines[1].split()[3:] == ["user.made", "owner", "pk-abcdef…", "192.0.2.1", "user0", "role=member"]
    assert json.loads(ask("audit", "ls", "--json").stdout)[0]["subject"] == "user0"


def test_a_whole_log_is_told_with_its_head_and_a_changed_one_with_where(service: FakeService, ask: Run) -> None:
    made = entries(3)
    service.on("GET /api/v1/audit", page(made, str(made[2].head)))
    done = ask("audit", "verify")
    assert (done.exit_code, done.stdout) == (0, f"3 entries, all as they were written. Head: {made[2].head}\n")
    service.on("GET /api/v1/audit", page([made[0], made[2]]))
    done = ask("audit", "verify")
    assert (done.exit_code, "Entry 2 is missing" in done.stdout) == (1, True)
    assert json.loads(ask("audit", "verify", "--json").stdout)["fault"] == "missing"


def test_an_end_that_was_cut_off_is_found_by_what_a_gateway_or_a_person_noted(service: FakeService, ask: Run) -> None:
    made = entries(3)
    service.on("GET /api/v1/audit", page(made[:2], str(made[2].head)))
    assert "ends with entry 2, and entry 3 was noted" in ask("audit", "verify").stdout
    service.on("GET /api/v1/audit", page(made[:2]))
    assert ask("audit", "verify").exit_code == 0
    assert ask("audit", "verify", "--anchor", str(made[2].head)).exit_code == 1
    refused = ask("audit", "verify", "--anchor", "3")
    assert (refused.exit_code, "number and hash" in refused.stderr) == (1, True)


def test_a_log_is_exported_and_verified_elsewhere(service: FakeService, ask: Run, tmp_path: Path) -> None:
    service.on("GET /api/v1/audit", page(entries(3)))
    written = ask("audit", "export").stdout
    file = tmp_path / "audit.jsonl"
    file.write_text(written)
    assert ask("audit", "verify", "--file", str(file)).exit_code == 0
    file.write_text(written.replace("user1", "user9"))
    assert "Entry 2 was changed" in ask("audit", "verify", "--file", str(file)).stdout
    file.write_text(written + "{}\n")
    assert "Line 4" in ask("audit", "verify", "--file", str(file)).stderr
    assert ask("audit", "verify", "--file", str(tmp_path / "none")).exit_code == 1


@pytest.fixture
def stopped(tmp_path: Path) -> None:
    """A data directory whose service was killed: its address is still written down."""
    (tmp_path / "data" / "run").mkdir(parents=True)
    (tmp_path / "data" / "run" / "address").write_text("http://127.0.0.1:1\n")


@pytest.mark.usefixtures("stopped")
def test_without_a_service_the_data_directory_is_verified(run: Run, tmp_path: Path) -> None:
    assert run("audit", "ls").stdout == "There is no such entry.\n"
    run("users", "add", "Anna")
    run("keys", "create", "desk", "--user", "anna")
    run("users", "disable", "anna")
    listed = json.loads(run("audit", "ls", "--json").stdout)
    assert [(each["event"], each["name"], each["address"]) for each in listed] == [
        ("user.disabled", "owner", "command line"),
        ("key.made", "owner", "command line"),
        ("user.made", "owner", "command line"),
    ]
    assert json.loads(run("audit", "verify", "--json").stdout)["whole"]
    with sqlite3.connect(tmp_path / "data" / "potluck.db") as database:
        database.execute("DELETE FROM audit_log WHERE seq = 3")
    database.close()
    done = run("audit", "verify")
    assert (done.exit_code, "entry 3 was noted" in done.stdout) == (1, True), "the data directory has the head"

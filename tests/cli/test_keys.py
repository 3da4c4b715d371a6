"""``potluck keys`` with a service and without one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.fake_service import FakeService, Whole

NOTE = "No service runs: using the data directory.\n"


def info(identity: str, name: str, *, revoked: str | None = None, owner: bool = False) -> dict[str, object]:
    plain: dict[str, object] = {"id": identity, "name": name, "prefix": "pk-abcdef", "owner": owner, "user": "anna"}
    plain |= {"expires_at": None, "surfaces": None, "models": None, "limits": None}
    return {**plain, "created_at": "2026-01-02T03:04:05Z", "last_used_at": None, "revoked_at": revoked}


# --- Through the service -------------------------------------------------------------------------------------------


def test_create_prints_the_key_alone(service: FakeService, ask: Run) -> None:
    service.on("POST /api/v1/keys", Whole({**info("1", "laptop"), "key": "pk-secret"}))
    result = ask("keys", "create", "laptop")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "pk-secret\n", "")
    assert service.bodies("POST /api/v1/keys") == [{"name": "laptop"}]


def test_a_key_is_made_for_a_user(service: FakeService, ask: Run) -> None:
    service.on("POST /api/v1/keys", Whole({**info("1", "desk"), "key": "pk-secret"}))
    assert ask("keys", "create", "desk", "--user", "anna").stdout == "pk-secret\n"
    assert service.bodies("POST /api/v1/keys") == [{"name": "desk", "user": "anna"}]


def test_a_key_is_limited_and_rotated(service: FakeService, ask: Run) -> None:
    service.on("POST /api/v1/keys", Whole({**info("1", "ci"), "key": "pk-secret"}))
    service.on("GET /api/v1/keys", Whole({"keys": [info("1", "ci")]}))
    service.on("POST /api/v1/keys/1/rotate", Whole({**info("2", "ci"), "key": "pk-newer"}, 201))
    ask("keys", "create", "ci", "--expires", "30d", "--surface", "openai", "--model", "chat", "--model", "m")
    wanted = {"name": "ci", "expires_in_s": 2592000.0, "surfaces": ["openai"], "models": ["chat", "m"]}
    assert service.bodies("POST /api/v1/keys") == [wanted]
    assert ask("keys", "rotate", "ci", "--overlap", "2h").stdout == "pk-newer\n"
    assert service.bodies("POST /api/v1/keys/1/rotate") == [{"overlap_s": 7200.0}]
    refused = ask("keys", "create", "ci", "--expires", "soon")
    assert (refused.exit_code, "--expires must" in refused.stderr) == (2, True)


def test_a_key_is_revoked_by_name_or_id(service: FakeService, ask: Run) -> None:
    keys = [info("1", "laptop", revoked="2026-01-03T00:00:00Z"), info("2", "laptop"), info("3", "phone")]
    service.on("GET /api/v1/keys", Whole({"keys": keys}))
    service.on("DELETE /api/v1/keys/2", Whole(None, 204))
    service.on("DELETE /api/v1/keys/3", Whole(None, 204))
    assert ask("keys", "revoke", "laptop").exit_code == 0
    assert ask("keys", "revoke", "3").exit_code == 0
    assert [asked.path for asked in service.asked if asked.method == "DELETE"] == ["/api/v1/keys/2", "/api/v1/keys/3"]


def test_an_unknown_key_brings_up_similar_names(service: FakeService, ask: Run) -> None:
    service.on("GET /api/v1/keys", Whole({"keys": [info("1", "laptop")]}))
    result = ask("keys", "revoke", "latpop")
    assert result.exit_code == 1
    assert "Did you mean laptop?" in result.stderr


def test_the_list_shows_state_and_beginning_only(service: FakeService, ask: Run) -> None:
    keys = [info("1", "owner", owner=True), info("2", "old", revoked="2026-02-03T00:00:00Z")]
    service.on("GET /api/v1/keys", Whole({"keys": keys}))
    shown = ask("keys", "ls").stdout
    assert "pk-abcdef…" in shown
    assert "revoked 2026-02-03" in shown
    assert json.loads(ask("keys", "ls", "--json").stdout) == keys


def test_a_named_service_that_is_not_there_is_not_replaced_by_the_data_directory(run: Run, tmp_path: Path) -> None:
    result = run("keys", "create", "x", "--url", "http://127.0.0.1:1")
    assert result.exit_code == 1
    assert not (tmp_path / "data").exists()


# --- Without a service ---------------------------------------------------------------------------------------------


@pytest.fixture
def stopped(tmp_path: Path) -> Path:
    """A data directory whose service was killed: its address is still written down."""
    (tmp_path / "data" / "run").mkdir(parents=True)
    (tmp_path / "data" / "run" / "address").write_text("http://127.0.0.1:1\n")
    return tmp_path / "data"


@pytest.mark.usefixtures("stopped")
def test_keys_live_in_the_data_directory_when_no_service_runs(run: Run) -> None:
    made = run("keys", "create", "laptop")
    assert made.exit_code == 0
    assert made.stdout.startswith("pk-")
    assert made.stdout.count("\n") == 1
    assert made.stderr == NOTE

    listed = json.loads(run("keys", "ls", "--json").stdout)
    assert [(key["name"], key["revoked_at"]) for key in listed] == [("laptop", None)]
    assert made.stdout.strip() not in json.dumps(listed)

    assert run("keys", "rotate", "laptop").stdout.startswith("pk-")
    assert run("keys", "revoke", "laptop").exit_code == 0
    assert json.loads(run("keys", "ls", "--json").stdout)[0]["revoked_at"]


@pytest.mark.usefixtures("stopped")
def test_a_name_that_is_taken_is_refused(run: Run) -> None:
    run("keys", "create", "laptop")
    result = run("keys", "create", "laptop")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "laptop" in result.stderr


@pytest.mark.usefixtures("stopped")
def test_a_key_needs_a_name(run: Run) -> None:
    assert run("keys", "create", " ").exit_code == 2


def test_a_data_directory_that_cannot_be_made_is_one_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = run("keys", "ls", "--data", str(tmp_path / "file" / "data"), "--config", str(tmp_path / "gone.yaml"))
    assert result.exit_code == 2
    result = run("keys", "ls", "--data", str(tmp_path / "file" / "data"))
    assert result.exit_code == 1
    assert result.stderr.startswith(NOTE + "Error: ")
    assert "Traceback" not in result.stderr

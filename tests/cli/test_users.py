"""``potluck users`` with a service and without one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.fake_service import FakeService, Whole


def info(name: str, role: str = "member", *, disabled: str | None = None) -> dict[str, object]:
    plain: dict[str, object] = {"id": f"id-{name}", "name": name, "role": role, "keys": 2, "limits": None}
    return {
        **plain,
        "created_at": "2026-01-02T03:04:05Z",
        "disabled_at": disabled,
        "password": True,
        "second_factor": False,
    }


def test_the_list_tells_role_keys_and_state(service: FakeService, ask: Run) -> None:
    users = [info("owner", "owner"), info("anna", disabled="2026-02-03T00:00:00Z")]
    service.on("GET /api/v1/users", Whole({"users": users}))
    lines = ask("users", "ls").stdout.splitlines()
    assert lines[0].split() == ["ID", "NAME", "ROLE", "KEYS", "SIGNS", "IN", "BY", "SINCE", "STATE", "LIMITS"]
    assert lines[2].split() == ["id-anna", "anna", "member", "2", "password", "2026-01-02", "disabled", "2026-02-03"]
    assert json.loads(ask("users", "ls", "--json").stdout) == users


def test_changes_name_the_user_in_the_path(service: FakeService, ask: Run) -> None:
    service.on("POST /api/v1/users", Whole(info("anna b"), 201))
    service.on("PATCH /api/v1/users/anna%20b", Whole(info("anna b", "admin")))
    service.on("DELETE /api/v1/users/anna%20b", Whole(None, 204))
    assert ask("users", "add", "anna b").stdout == "Added anna b (member).\n"
    assert ask("users", "role", "anna b", "admin").stdout == "Changed anna b (admin).\n"
    assert json.loads(ask("users", "disable", "anna b", "--json").stdout)["role"] == "admin"
    assert ask("users", "enable", "anna b").exit_code == 0
    assert ask("users", "rm", "anna b").stdout == "Removed anna b.\n"
    assert service.bodies("POST /api/v1/users") == [{"name": "anna b", "role": "member"}]
    patched = service.bodies("PATCH /api/v1/users/anna%20b")
    assert patched == [{"role": "admin"}, {"disabled": True}, {"disabled": False}]


def test_limits_are_set_shown_and_taken_away(service: FakeService, ask: Run) -> None:
    limited = {**info("anna"), "limits": {"requests_per_minute": 20, "concurrent": 2, "models": ["chat"]}}
    service.on("PATCH /api/v1/users/anna", Whole(limited))
    service.on("GET /api/v1/users", Whole({"users": [limited]}))
    set_ = ask("users", "limit", "anna", "--requests-per-minute", "20", "--tokens-per-day", "none", "--model", "chat")
    assert set_.stdout == "anna: 20 requests/min; 2 at once; only chat.\n"
    assert ask("users", "limit", "ANNA").stdout == set_.stdout
    assert "20 requests/min" in ask("users", "ls").stdout
    assert ask("users", "limit", "anna", "--clear").exit_code == 0
    assert ask("users", "limit", "anna", "--budget-tokens-per-day", "2m", "--priority", "batch").exit_code == 0
    assert service.bodies("PATCH /api/v1/users/anna") == [
        {"limits": {"requests_per_minute": 20, "tokens_per_day": None, "models": ["chat"]}},
        {"limits": None},
        {"limits": {"priority": "batch", "budget_tokens_per_day": 2_000_000}},
    ]


@pytest.mark.parametrize(
    "options",
    [("--concurrent", "0"), ("--requests-per-day", "many"), ("--priority", "king"), ("--images-per-day", "k")],
)
def test_what_is_no_limit_is_a_usage_error(ask: Run, options: tuple[str, ...]) -> None:
    assert ask("users", "limit", "anna", *options).exit_code == 2


def test_a_role_that_there_is_not_is_a_usage_error(ask: Run) -> None:
    assert ask("users", "role", "anna", "king").exit_code == 2


@pytest.fixture
def stopped(tmp_path: Path) -> None:
    """A data directory whose service was killed: its address is still written down."""
    (tmp_path / "data" / "run").mkdir(parents=True)
    (tmp_path / "data" / "run" / "address").write_text("http://127.0.0.1:1\n")


@pytest.mark.usefixtures("stopped")
def test_users_live_in_the_data_directory_when_no_service_runs(run: Run) -> None:
    assert run("users", "add", "Anna", "--role", "guest").stdout == "Added Anna (guest).\n"
    assert run("keys", "create", "desk", "--user", "anna").exit_code == 0
    assert run("users", "role", "anna", "member").stdout == "Changed Anna (member).\n"
    assert run("users", "limit", "anna", "--requests-per-day", "5k").stdout == "Anna: 5000 requests/day.\n"
    assert run("users", "limit", "nobody").exit_code == 1
    assert run("keys", "limit", "desk", "--concurrent", "1").stdout == "desk: 1 at once.\n"
    assert run("keys", "limit", "desk", "--clear").stdout == "desk: no limits of its own.\n"
    assert run("users", "disable", "anna").exit_code == 0
    listed = json.loads(run("users", "ls", "--json").stdout)
    shown = [(user["name"], user["role"], user["keys"], bool(user["disabled_at"])) for user in listed]
    assert shown == [("owner", "owner", 0, False), ("Anna", "member", 1, True)]
    assert run("users", "rm", "anna").exit_code == 0
    assert json.loads(run("keys", "ls", "--json").stdout) == []
    refused = run("users", "rm", "owner")
    assert (refused.exit_code, "administer" in refused.stderr) == (1, True)

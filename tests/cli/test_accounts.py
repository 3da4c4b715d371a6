"""``potluck users``: links, passwords and sessions, with a service and without one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.fake_service import Asked, FakeService, Whole, refusal

LINK = {
    "id": "l1",
    "kind": "invite",
    "role": "member",
    "name": "",
    "user": "",
    "by": "owner",
    "created_at": "2026-01-02T03:04:05Z",
    "expires_at": "2026-01-09T03:04:05Z",
}
MADE = {**LINK, "link": "http://box:8420/invite?token=t", "token": "t"}
SESSION = {
    "id": "s1",
    "user": "anna",
    "agent": "Browser/1",
    "created_at": "2026-01-02T03:04:05Z",
    "last_used_at": "2026-01-03T03:04:05Z",
    "current": False,
}


def test_links_are_printed_alone_on_a_line(service: FakeService, ask: Run) -> None:
    service.on("POST /api/v1/invitations", Whole(MADE, 201))
    service.on("POST /api/v1/users/anna%20b/reset", Whole(MADE, 201))
    service.on("POST /api/v1/invitations/setup", Whole(MADE, 201))
    for arguments in (["invite"], ["reset", "anna b"], ["setup-link"]):
        done = ask("users", *arguments)
        assert (done.exit_code, done.stdout) == (0, "http://box:8420/invite?token=t\n")
        assert "once, until 2026-01-09 03:04 UTC" in done.stderr
    assert json.loads(ask("users", "invite", "Anna", "--role", "guest", "--expires", "2h", "--json").stdout) == MADE
    assert service.bodies("POST /api/v1/invitations") == [
        {"name": "", "role": "member", "expires_in_s": 604800.0},
        {"name": "Anna", "role": "guest", "expires_in_s": 7200.0},
    ]
    assert ask("users", "invite", "--expires", "soon").exit_code == 2


def test_links_are_listed_and_withdrawn(service: FakeService, ask: Run) -> None:
    service.on("GET /api/v1/invitations", Whole({"invitations": [LINK]}))
    service.on("DELETE /api/v1/invitations/l1", Whole(None, 204))
    assert ask("users", "links").stdout.splitlines()[1].split()[:5] == ["l1", "invite", "-", "member", "owner"]
    assert json.loads(ask("users", "links", "--json").stdout) == [LINK]
    assert ask("users", "withdraw", "l1").stdout == "Withdrew l1.\n"


def test_sessions_are_listed_and_ended(service: FakeService, ask: Run) -> None:
    def sessions(asked: Asked) -> Whole:
        return refusal("no", status=403) if "all" in asked.query else Whole({"sessions": [SESSION]})

    service.on("GET /api/v1/sessions", sessions)
    service.on("DELETE /api/v1/sessions/s1", Whole(None, 204))
    assert ask("users", "sessions", "anna").stdout.splitlines()[1].split()[:2] == ["s1", "anna"]
    assert json.loads(ask("users", "sessions", "--json").stdout) == [SESSION]
    assert [asked.query for asked in service.asked if asked.path == "/api/v1/sessions"] == [
        {"user": "anna"},
        {"all": "true"},
        {},
    ]
    assert ask("users", "end-session", "s1").stdout == "Ended s1.\n"


@pytest.mark.parametrize(
    ("has", "typed", "sent"),
    [
        (True, "old one\nnew one\n", {"new_password": "new one", "old_password": "old one"}),
        (False, "new one", {"new_password": "new one", "old_password": ""}),
    ],
)
def test_a_password_comes_from_standard_input(
    service: FakeService, ask: Run, has: bool, typed: str, sent: dict[str, str]
) -> None:
    me = {"id": "owner", "name": "owner", "role": "owner", "created_at": "x", "disabled_at": None, "keys": 1}
    service.on("GET /api/v1/users/me", Whole({**me, "password": has}))
    service.on("POST /api/v1/users/me/password", Whole(None, 204))
    assert ask("users", "password", stdin=typed).exit_code == 0
    assert service.bodies("POST /api/v1/users/me/password") == [sent]
    assert ask("users", "password", stdin="a\nb\nc\n").exit_code == 2


def test_a_lost_second_factor_is_removed(service: FakeService, ask: Run) -> None:
    service.on("DELETE /api/v1/users/anna/totp", Whole(None, 204))
    assert ask("users", "drop-totp", "anna").exit_code == 0


def test_without_a_service_links_are_made_in_the_data_directory(run: Run, tmp_path: Path) -> None:
    (tmp_path / "data" / "run").mkdir(parents=True)
    (tmp_path / "data" / "run" / "address").write_text("http://127.0.0.1:1\n")
    made = run("users", "invite", "Anna")
    assert made.stdout.startswith("http://127.0.0.1:8420/invite?token=")
    run("users", "add", "bert")
    assert "/reset?token=" in run("users", "reset", "bert").stdout
    listed = json.loads(run("users", "links", "--json").stdout)
    assert [(link["kind"], link["user"], link["name"], link["by"]) for link in listed] == [
        ("invite", "", "Anna", "owner"),
        ("reset", "bert", "", "owner"),
    ]
    assert run("users", "withdraw", listed[0]["id"]).exit_code == 0
    assert json.loads(run("users", "sessions", "--json").stdout) == []
    for arguments in (["setup-link"], ["password"], ["end-session", "s"], ["drop-totp", "bert"]):
        assert run("users", *arguments, stdin="a good password").exit_code == 1, arguments

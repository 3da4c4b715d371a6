"""``potluck settings``."""

from __future__ import annotations

import json

from tests.cli.conftest import Run
from tests.cli.fake_service import Asked, FakeService, Whole, refusal


def row(
    key: str, value: object, source: str, line: int | None = None, *, changeable: bool = False
) -> dict[str, object]:
    section = key.partition(".")[0]
    told = {"key": key, "section": section, "type": "text", "value": value, "default": "512", "source": source}
    return {**told, "line": line, "changeable": changeable, "description": ""}


SETTINGS = [
    row("queue.depth", None, "default", changeable=True),
    row("server.port", 9000, "file", 3),
    row("routes.chat.models", ["a", "b"], "file", 9),
    row("portal.name", "Home", "portal", changeable=True),
]


def test_what_somebody_has_set_is_listed_with_where(service: FakeService, ask: Run) -> None:
    service.on("GET /api/v1/settings", Whole({"file": "potluck.yaml", "settings": SETTINGS}))
    assert [line.split("  ")[0] for line in ask("settings", "ls").stdout.splitlines()] == [
        "KEY",
        "server.port",
        "routes.chat.models",
        "portal.name",
    ]
    assert "potluck.yaml:3" in ask("settings", "ls").stdout
    assert '["a", "b"]' in ask("settings", "ls").stdout
    changeable = json.loads(ask("settings", "ls", "--changeable", "--json").stdout)["settings"]
    assert [each["key"] for each in changeable] == ["queue.depth", "portal.name"]
    service.on("GET /api/v1/settings", Whole({"file": "", "settings": SETTINGS[:1]}))
    assert ask("settings", "ls").stdout == "All settings are as by default.\n"
    assert "512" in ask("settings", "ls", "--all").stdout


def test_changes_are_sent_as_they_are_meant_and_what_was_is_told(service: FakeService, ask: Run) -> None:
    def change(asked: Asked) -> Whole:
        settings = [row(key, value, "portal") for key, value in asked.body["changes"].items()]
        return Whole({"previous": {"queue.depth": None, "portal.name": "Old"}, "settings": settings})

    service.on("PATCH /api/v1/settings", change)
    shown = ask("settings", "set", "queue.depth=9", "portal.name=Home AI").stdout
    assert service.asked[-1].body == {"changes": {"queue.depth": 9, "portal.name": "Home AI"}}
    assert shown.splitlines() == ["queue.depth: 9 (it was not set here)", "portal.name: Home AI (it was Old)"]
    ask("settings", "set", "discovery.mdns=true")
    assert service.asked[-1].body == {"changes": {"discovery.mdns": True}}
    assert ask("settings", "reset", "queue.depth").stdout == "queue.depth: 512 (it was not set here)\n"
    assert service.asked[-1].body == {"changes": {"queue.depth": None}}


def test_what_is_no_change_or_is_refused_is_said(service: FakeService, ask: Run) -> None:
    assert "is no change" in ask("settings", "set", "queue.depth").stderr
    service.on("PATCH /api/v1/settings", refusal("queue.depth must be at least 1, not 0."))
    refused = ask("settings", "set", "queue.depth=0")
    assert (refused.exit_code, "at least 1" in refused.stderr) == (1, True)

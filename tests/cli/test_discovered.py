"""``potluck nodes discover|accept|dismiss|forget|export``."""

from __future__ import annotations

import json
from typing import Any

import pytest

from potluck.cli.output import cells
from potluck.config.load import load
from tests.cli.conftest import Run
from tests.cli.fake_service import FakeService, Whole, refusal


def proposal(name: str, state: str, **more: object) -> dict[str, Any]:
    return {
        "id": f"id-{name}",
        "state": state,
        "address": "192.168.1.9",
        "name": name,
        "node": "",
        "identity": "proven",
        "machine": "m",
        "agent_port": 8421,
        "engines": [{"kind": "ollama", "port": 11434, "models": ["a", "b"], "version": "0.12"}],
        "ways": ["scan"],
        "why": f"Why of {name}.",
        "first_seen_at": "2026-11-26T05:00:00Z",
        "last_seen_at": "2026-11-26T05:00:00Z",
        **more,
    }


NODE: dict[str, Any] = {
    "name": "agx0",
    "address": "192.168.1.9",
    "engines": [{"kind": "ollama", "port": 11434, "slots": 4}, {"kind": "llamacpp", "port": 8080, "slots": None}],
    "agent_port": 8421,
    "identity": "proven",
    "served": True,
    "why": "",
    "accepted_at": "2026-11-26T05:00:00Z",
}
FOUND: dict[str, Any] = {
    "proposals": [proposal("desk", "new"), proposal("old\u001b[2J", "moved", node="pi"), proposal("agx0", "known")],
    "nodes": [NODE],
    "mdns": True,
    "scan": ["192.168.1.0/24"],
    "scanned_at": None,
}


@pytest.fixture(autouse=True)
def found(service: FakeService) -> None:
    service.on("POST /api/v1/discovery", Whole(FOUND))
    service.on("GET /api/v1/discovery", Whole({**FOUND, "proposals": [], "mdns": False, "scan": []}))


def test_what_was_found_fits_the_screen_and_says_what_to_do(ask: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    shown = ask("nodes", "discover").stdout
    first, *_ = shown.splitlines()
    assert first.split() == ["ID", "STATE", "ADDRESS", "NAME", "ANSWERS", "MODELS", "IDENTITY"]
    assert "id-desk: Why of desk." in shown
    assert "agx0" not in shown, "a machine that is a node already is not news"
    assert "potluck nodes accept ID" in shown
    assert "Looked on this machine, mDNS, 192.168.1.0/24." in shown
    assert "\x1b" not in shown
    assert "agx0" in ask("nodes", "discover", "--all").stdout
    assert max(cells(line) for line in shown.splitlines()) <= 100


def test_nothing_new_is_said_with_where_to_look_further(ask: Run) -> None:
    assert "agx0" in ask("nodes", "discover", "--at", "192.168.1.9", "--all").stdout
    shown = ask("nodes", "discover", "--no-look").stdout
    assert shown.startswith("Nothing new was found.\nLooked on this machine.\n")
    assert "discovery.scan" in shown


def test_json_is_what_the_api_says(ask: Run) -> None:
    assert json.loads(ask("nodes", "discover", "--json").stdout) == FOUND


def test_accept_dismiss_and_forget_say_what_was_done(ask: Run, service: FakeService) -> None:
    service.on("POST /api/v1/discovery/ab/accept", Whole(NODE))
    service.on("POST /api/v1/discovery/ab/dismiss", Whole(None, 204))
    service.on("DELETE /api/v1/discovery/nodes/agx0", Whole(None, 204))
    assert (
        ask("nodes", "accept", "ab", "--name", "agx0", "--slots", "4").stdout == "agx0 at 192.168.1.9 is a node now.\n"
    )
    assert ask("nodes", "accept", "ab").exit_code == 0
    assert service.bodies("POST /api/v1/discovery/ab/accept") == [{"name": "agx0", "slots": 4}, {"name": ""}]
    assert ask("nodes", "dismiss", "ab").stdout == "ab will not be proposed again.\n"
    assert ask("nodes", "forget", "agx0").stdout == "agx0 is forgotten.\n"


def test_a_refusal_is_one_line(ask: Run, service: FakeService) -> None:
    service.on("POST /api/v1/discovery/ab/accept", refusal("There is no such proposal.", "Look again.", 404))
    result = ask("nodes", "accept", "ab")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "There is no such proposal." in result.stderr


def test_what_is_exported_is_a_configuration(ask: Run, service: FakeService, tmp_path: Any) -> None:
    shown = ask("nodes", "export").stdout
    (tmp_path / "potluck.yaml").write_text(shown)
    (node,) = load(tmp_path / "potluck.yaml", {}).nodes.values()
    assert (node.id, node.address, [each.slots for each in node.engines]) == ("agx0", "192.168.1.9", [4, None])
    assert node.agent is not None
    assert "wants a key" in shown
    service.on("GET /api/v1/discovery", Whole({**FOUND, "nodes": []}))
    assert ask("nodes", "export").stdout == "# No node was accepted.\n"
    service.on("GET /api/v1/discovery", Whole({**FOUND, "nodes": [{**NODE, "identity": "weak"}]}))
    assert "agent" not in ask("nodes", "export").stdout


def test_a_listing_says_where_nodes_come_from(ask: Run, service: FakeService) -> None:
    engine = {"id": "a/ollama:1", "kind": "ollama", "health": "up", "why": "", "slots": 1, "busy": 0}
    whole = {**engine, "models": [], "resident": [], "children": []}
    nodes = [
        {"id": "agx0", "engines": [whole], "source": "discovery", "why": "It was at 10.0.0.5."},
        {"id": "here", "engines": [whole], "source": "here"},
        {"id": "plain", "engines": [whole]},
    ]
    service.on("GET /api/v1/nodes", Whole({"nodes": nodes}))
    shown = ask("nodes", "ls").stdout
    assert "agx0: was discovered and accepted. It was at 10.0.0.5." in shown
    assert "here: runs on this machine, and is not configured." in shown
    assert "plain:" not in shown

"""``potluck conversations``."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Run
from tests.cli.fake_service import FakeService, Whole

PATH = "/api/v1/conversations"
ONE = {
    "id": "c1", "title": "Geese", "model": "llama3", "message_count": 2,
    "created_at": "2026-01-02T03:04:05.000Z", "updated_at": "2026-01-02T03:04:05.000Z",
}  # fmt: skip


def test_conversations_are_listed_and_found(service: FakeService, ask: Run) -> None:
    match = {"message": "m1", "snippet": "wild geese"}
    service.on(f"GET {PATH}", Whole({"conversations": [{**ONE, "match": match}]}))
    assert ask("conversations", "search", "geese").stdout.splitlines()[1].split() == [
        *("c1", "2026-01-02", "03:04", "wild", "geese"),
    ]
    service.on(f"GET {PATH}", Whole({"conversations": [ONE]}))
    assert ask("conversations", "ls").stdout.splitlines()[1].endswith("Geese")
    assert json.loads(ask("conversations", "ls", "--json").stdout)[0]["id"] == "c1"


def test_they_are_written_to_a_file_and_brought_from_one(service: FakeService, ask: Run, tmp_path: Path) -> None:
    service.on(f"GET {PATH}/export", Whole({"conversations": []}))
    file = tmp_path / "export.json"
    assert ask("conversations", "export", str(file)).exit_code == 0
    assert json.loads(file.read_bytes()) == {"conversations": []}
    report = {"conversations": 1, "messages": 2, "known": 3, "why": [{"title": "Odd", "why": "No."}],
              "left_out": [{"what": "images", "count": 4}]}  # fmt: skip
    service.on(f"POST {PATH}/import", Whole(report))
    told = ask("conversations", "import", str(file))
    assert told.stdout == "1 taken with 2 messages, 3 were here already.\n"
    assert "not taken: Odd: No." in told.stderr
    assert "left out: 4 images" in told.stderr
    assert service.bodies(f"POST {PATH}/import") == [{"conversations": []}]
    assert ask("conversations", "import", str(tmp_path / "none")).exit_code == 1
    assert ask("conversations", "export", str(tmp_path / "no" / "where")).exit_code == 1

"""``potluck usage``: a table, JSON, or CSV as it came."""

from __future__ import annotations

import json

from tests.cli.conftest import Run
from tests.cli.fake_service import FakeService, Whole

SUMS = {
    "calls": 3,
    "failed": 1,
    "prompt_tokens": 10,
    "completion_tokens": 4,
    "cached_tokens": 0,
    "images": 0,
    "engine_s": 75.0,
    "energy_wh": None,
}
FRAME = {"from": "2026-11-01", "to": "2026-11-26", "by": ["user", "model"]}


def test_the_table_has_a_total_and_only_columns_that_tell_something(service: FakeService, ask: Run) -> None:
    rows = [{**SUMS, "user": "id1", "user_name": "anna", "model": "m"}, {**SUMS, "user": "id2", "model": ""}]
    service.on("GET /api/v1/usage", Whole({**FRAME, "rows": rows, "total": {**SUMS, "calls": 6}}))
    shown = [line.split() for line in ask("usage").stdout.splitlines()]
    assert shown[0] == ["USER", "MODEL", "CALLS", "FAILED", "PROMPT", "ANSWER", "ENGINES"]
    assert shown[1:] == [
        ["anna", "m", "3", "1", "10", "4", "1m", "15s"],
        ["id2", "-", "3", "1", "10", "4", "1m", "15s"],
        ["total", "6", "1", "10", "4", "1m", "15s"],
    ]


def test_what_is_measured_is_shown_by_every_dimension(service: FakeService, ask: Run) -> None:
    row = {**SUMS, "day": "2026-11-26", "key": "k1", "key_name": "desk", "node": "agx0", "images": 2, "energy_wh": 1.25}
    frame = {**FRAME, "by": ["day", "key", "node"]}
    service.on("GET /api/v1/usage", Whole({**frame, "rows": [row], "total": row}))
    shown = ask("usage", "--by", "day,key,node").stdout.splitlines()
    assert shown[1].split() == ["2026-11-26", "desk", "agx0", "3", "1", "10", "4", "1m", "15s", "2", "1.2", "Wh"]
    assert len(shown) == 2


def test_json_csv_and_nothing(service: FakeService, ask: Run) -> None:
    nothing = {**FRAME, "rows": [], "total": {**SUMS, "calls": 0}}
    service.on("GET /api/v1/usage", Whole(nothing))
    assert ask("usage").stdout == "Nothing was used from 2026-11-01 to 2026-11-26.\n"
    assert json.loads(ask("usage", "--json").stdout)["total"]["calls"] == 0
    asked = ask("usage", "--csv", "--by", "node", "--from", "2026-11-01", "--to", "2026-11-26", "--user", "anna b")
    assert asked.exit_code == 0
    assert service.asked[-1].query == {
        "by": "node",
        "from": "2026-11-01",
        "to": "2026-11-26",
        "user": "anna b",
        "format": "csv",
    }

"""``/api/v1/backup``."""

from __future__ import annotations

from potluck.storage.backups import Manifest

from .world import ADMIN, OWNER, World

PATH = "/api/v1/backup"
MADE = Manifest(
    "2026-11-26T17-50-12Z", 1_750_000_000.0, "0.1", "0016", 1000, "00", True, 2, 500, ["ab"], 1_750_000_009.0
)


async def test_backups_are_listed_and_another_is_made() -> None:
    world = World()
    world.backups.made = [MADE]
    begun = await world.ask("POST", PATH, caller=OWNER)
    assert begun.status == 202
    assert begun.json()["under_way"] == {"stage": "files", "done": 3, "total": 9, "since": "2025-06-15T15:06:40.000Z"}
    told = (await world.ask("GET", PATH, caller=ADMIN)).json()
    assert (told["possible"], told["why"], told["trouble"], told["keep"]) == (True, "", "", 7)
    assert told["backups"] == [
        {
            "name": "2026-11-26T17-50-12Z",
            "made_at": "2025-06-15T15:06:40.000Z",
            "size_bytes": 1500,
            "files": 2,
            "with_files": True,
            "missing": 1,
            "verified_at": "2025-06-15T15:06:49.000Z",
            "version": "0.1",
        }
    ]
    log = (await world.ask("GET", "/api/v1/audit?event=backup", caller=OWNER)).json()["entries"]
    assert [each["event"] for each in log] == ["backup.begun"]


async def test_where_none_can_be_made_it_is_said_why() -> None:
    world = World()
    world.backups.why_not = "The database is a server's."
    assert (await world.ask("POST", PATH, caller=OWNER)).status == 409
    told = (await world.ask("GET", PATH, caller=OWNER)).json()
    assert (told["possible"], told["why"]) == (False, "The database is a server's.")

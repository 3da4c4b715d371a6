from __future__ import annotations

from typing import Any

import pytest

from potluck.core.keys import digest
from potluck.core.model import KeyId
from potluck.storage.records import KeyRecord

from .world import ANNA, OWNER, World

PATH = "/api/v1/keys"


async def test_a_key_is_shown_once_and_only_its_digest_is_kept() -> None:
    world = World()
    served = await world.ask("POST", PATH, {"name": " laptop "}, caller=OWNER)
    made = served.json()
    assert (served.status, made["name"], made["owner"]) == (201, "laptop", False)
    assert made["key"].startswith(made["prefix"])
    assert served.headers["cache-control"] == "no-store"
    (record,) = world.keys.records
    assert record.digest == digest(made["key"])
    listed = await world.ask("GET", PATH, caller=OWNER)
    assert made["key"].encode() not in listed.body
    assert listed.json()["keys"][0]["id"] == made["id"]
    assert world.key_changes == 1


async def test_a_name_in_use_is_a_conflict() -> None:
    world = World()
    await world.ask("POST", PATH, {"name": "laptop"}, caller=OWNER)
    served = await world.ask("POST", PATH, {"name": "laptop"}, caller=OWNER)
    assert (served.status, served.json()["error"]["type"]) == (409, "conflict")


@pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": "  "}, {"name": 5}, {"name": "x" * 201}])
async def test_a_key_needs_a_name(body: Any) -> None:
    served = await World().ask("POST", PATH, body, caller=OWNER)
    assert (served.status, served.json()["error"]["param"]) == (400, "name")


async def test_a_revoked_key_stays_listed_with_its_end() -> None:
    world = World()
    key = (await world.ask("POST", PATH, {"name": "laptop"}, caller=OWNER)).json()["id"]
    assert (await world.ask("DELETE", f"{PATH}/{key}", caller=OWNER)).status == 204
    assert (await world.ask("GET", PATH, caller=OWNER)).json()["keys"][0]["revoked_at"]
    assert world.key_changes == 2
    assert (await world.ask("DELETE", f"{PATH}/nobody", caller=OWNER)).status == 404


async def test_the_owners_key_cannot_be_revoked() -> None:
    world = World()
    world.keys.records.append(KeyRecord(KeyId("owner"), "owner", "pk-abc", b"x" * 32, 1.0, owner=True))
    assert (await world.ask("DELETE", f"{PATH}/owner", caller=OWNER)).status == 409
    assert world.keys.records[0].live


@pytest.mark.parametrize(("method", "path"), [("GET", PATH), ("POST", PATH), ("DELETE", f"{PATH}/x")])
async def test_keys_are_the_owners_business(method: str, path: str) -> None:
    served = await World().ask(method, path, {"name": "mine"} if method == "POST" else None, caller=ANNA)
    assert (served.status, served.json()["error"]["type"]) == (403, "forbidden")

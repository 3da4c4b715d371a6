"""``/api/v1/audit``, and that what is done to people, keys and machines is in it."""

from __future__ import annotations

import msgspec
import pytest

from potluck.core.audit import Fault, Verifier, read_head
from potluck.core.people import Right
from potluck.surfaces.v1.audit import AuditEntry, AuditList, core_entry
from potluck.surfaces.v1.routes import NATIVE_ROUTES
from tests.surfaces.v1.world import ADMIN, ANNA, OWNER, World


@pytest.fixture
def world() -> World:
    return World()


async def listed(world: World, query: str = "") -> list[AuditEntry]:
    served = await world.ask("GET", f"/api/v1/audit{query}", caller=ADMIN)
    assert served.status == 200
    return msgspec.json.decode(served.body, type=AuditList).entries


async def test_who_did_what_is_told_newest_first(world: World) -> None:
    await world.ask("POST", "/api/v1/users", {"name": "Zoe", "role": "guest"}, caller=OWNER)
    await world.ask("PATCH", "/api/v1/users/zoe", {"role": "member"}, caller=OWNER)
    await world.ask("PATCH", "/api/v1/users/zoe", {"disabled": True}, caller=OWNER)
    await world.ask("PATCH", "/api/v1/users/zoe", {"disabled": False}, caller=OWNER)
    await world.ask("DELETE", "/api/v1/users/zoe", caller=OWNER)
    entries = await listed(world)
    assert [(entry.event, entry.subject, entry.detail) for entry in reversed(entries)] == [
        ("user.made", "Zoe", {"role": "guest"}),
        ("user.role", "Zoe", {"before": "guest", "after": "member"}),
        ("user.disabled", "Zoe", {}),
        ("user.enabled", "Zoe", {}),
        ("user.removed", "Zoe", {"role": "member"}),
    ]
    assert {(entry.user, entry.name, entry.address) for entry in entries} == {("owner", "name of owner", "127.0.0.1")}


async def test_keys_are_told_by_their_beginning_alone(world: World) -> None:
    made = (await world.ask("POST", "/api/v1/keys", {"name": "desk", "models": ["chat"]})).json()
    new = (await world.ask("POST", f"/api/v1/keys/{made['id']}/rotate", {"overlap_s": 5})).json()
    await world.ask("DELETE", f"/api/v1/keys/{new['id']}")
    entries = await listed(world)
    assert [entry.event for entry in reversed(entries)] == ["key.made", "key.rotated", "key.revoked"]
    assert entries[-1].detail == {"id": made["id"], "begins": made["prefix"], "for": "anna", "models": "chat"}
    raw = (await world.ask("GET", "/api/v1/audit", caller=ADMIN)).body
    assert made["key"].encode() not in raw
    assert new["key"].encode() not in raw


async def test_sessions_and_machines_are_told_too(world: World) -> None:
    began = (await world.ask("POST", "/api/v1/sessions", headers={"user-agent": "Browser"})).json()
    await world.ask("DELETE", f"/api/v1/sessions/{began['id']}")
    for method, path in (
        ("POST", "/api/v1/reload"),
        ("POST", "/api/v1/nodes/agx0/drain"),
        ("POST", "/api/v1/nodes/agx0/resume"),
        ("DELETE", "/api/v1/models/coder:1b"),
    ):
        assert (await world.ask(method, path, caller=ADMIN)).status in (200, 204), path
    assert [(entry.event, entry.subject) for entry in reversed(await listed(world))] == [
        ("session.begun", began["id"]),
        ("session.ended", began["id"]),
        ("settings.reloaded", ""),
        ("node.drained", "agx0"),
        ("node.resumed", "agx0"),
        ("model.removed", "coder:1b"),
    ]


async def test_what_is_refused_is_not_told_as_done(world: World) -> None:
    assert (await world.ask("DELETE", "/api/v1/users/owner", caller=ADMIN)).status == 409
    assert (await world.ask("POST", "/api/v1/users", {"name": "x"}, caller=ANNA)).status == 403
    assert await listed(world) == []


async def test_entries_are_chosen_and_paged(world: World) -> None:
    for name in ("a", "b", "c"):
        await world.ask("POST", "/api/v1/users", {"name": name}, caller=OWNER)
    await world.ask("POST", "/api/v1/keys", {"name": "desk"})
    assert [entry.seq for entry in await listed(world, "?limit=2")] == [4, 3]
    assert [entry.seq for entry in await listed(world, "?before=3")] == [2, 1]
    assert [entry.seq for entry in await listed(world, "?event=key.")] == [4]
    assert [entry.seq for entry in await listed(world, "?user=anna")] == [4]
    assert [entry.seq for entry in await listed(world, "?after=1&limit=2")] == [2, 3]
    for query in ("?after=1&before=3", "?after=0&event=key.", "?after=-1", "?limit=0", "?limit=1001", "?before=x"):
        assert (await world.ask("GET", f"/api/v1/audit{query}", caller=ADMIN)).status == 400, query


async def test_what_is_told_can_be_verified_by_who_reads_it(world: World) -> None:
    for name in ("a", "b", "c"):
        await world.ask("POST", "/api/v1/users", {"name": name}, caller=OWNER)
    served = await world.ask("GET", "/api/v1/audit?after=0", caller=ADMIN)
    told = msgspec.json.decode(served.body, type=AuditList)
    verifier = Verifier([read_head(told.head), read_head(told.anchor)])
    verifier.feed([core_entry(entry) for entry in told.entries])
    assert verifier.verdict().whole
    told.entries[1].detail["role"] = "owner"
    verifier = Verifier()
    verifier.feed([core_entry(entry) for entry in told.entries])
    assert (verifier.verdict().fault, verifier.verdict().seq) == (Fault.CHANGED, 2)


async def test_an_empty_log_has_no_head(world: World) -> None:
    served = await world.ask("GET", "/api/v1/audit", caller=ADMIN)
    told = msgspec.json.decode(served.body, type=AuditList)
    assert (told.entries, told.head, told.anchor) == ([], "", "")


def test_what_concerns_people_goes_on_though_the_client_leaves() -> None:
    """Else a change could be made, and neither take effect nor be told of."""
    rights = (Right.MANAGE_PEOPLE, Right.OWN_KEYS)
    for route in NATIVE_ROUTES:
        if route.method != "GET" and (route.right in rights or route.path.startswith("/api/v1/sessions")):
            assert route.lasting, route

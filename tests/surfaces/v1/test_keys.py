from __future__ import annotations

from typing import Any

import msgspec
import pytest

from potluck.core.keys import digest
from potluck.core.model import KeyId
from potluck.core.people import Role
from potluck.core.scopes import Scope
from potluck.storage.records import KeyRecord

from .world import ADMIN, ANNA, BERT, OWNER, World

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
    assert world.key_changes == 2  # the user, and the key


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
    assert world.key_changes == 3
    assert (await world.ask("DELETE", f"{PATH}/nobody", caller=OWNER)).status == 404


async def test_the_owners_key_cannot_be_revoked() -> None:
    world = World()
    world.keys.records.append(KeyRecord(KeyId("owner"), "owner", "pk-abc", b"x" * 32, 1.0, owner=True))
    assert (await world.ask("DELETE", f"{PATH}/owner", caller=OWNER)).status == 409
    assert world.keys.records[0].live


async def test_a_key_without_a_user_is_a_new_members_of_its_name() -> None:
    world = World()
    made = (await world.ask("POST", PATH, {"name": "laptop"}, caller=ADMIN)).json()
    assert made["user"] == "laptop"
    assert (world.users.records[-1].name, world.users.records[-1].role) == ("laptop", Role.MEMBER)
    # And the name's whose it is already, as long as that gives no more than a member's rights away.
    assert (await world.ask("POST", PATH, {"name": "Anna"}, caller=OWNER)).json()["user"] == "anna"
    for name in ("owner", "ada"):
        assert (await world.ask("POST", PATH, {"name": name}, caller=OWNER)).status == 409
    assert [record.user for record in world.keys.records] == [world.users.records[-1].id, "anna"]


async def test_a_key_is_made_for_a_user_by_name() -> None:
    world = World()
    for user in ("anna", "ada", "owner"):
        made = (await world.ask("POST", PATH, {"name": f"for {user}", "user": user}, caller=OWNER)).json()
        assert made["user"] == user
    assert (await world.ask("POST", PATH, {"name": "x", "user": "nobody"}, caller=OWNER)).status == 404
    await world.users.set_disabled(ANNA.user, 5.0)
    assert (await world.ask("POST", PATH, {"name": "x", "user": "anna"}, caller=OWNER)).status == 409


async def test_a_member_has_keys_of_their_own_and_sees_no_others() -> None:
    world = World()
    theirs = (await world.ask("POST", PATH, {"name": "phone"}, caller=BERT)).json()
    own = (await world.ask("POST", PATH, {"name": "desk"}, caller=ANNA)).json()
    assert own["user"] == "anna"
    assert (await world.ask("POST", PATH, {"name": "tab", "user": "ANNA"}, caller=ANNA)).status == 201
    listed = (await world.ask("GET", PATH, caller=ANNA)).json()["keys"]
    assert [key["name"] for key in listed] == ["desk", "tab"]
    for user in ("bert", "nobody"):  # the answer does not tell who is there
        served = await world.ask("POST", PATH, {"name": "x", "user": user}, caller=ANNA)
        assert (served.status, "users" in served.json()["error"]["message"]) == (403, True)
    assert (await world.ask("DELETE", f"{PATH}/{theirs['id']}", caller=ANNA)).status == 404
    assert (await world.ask("DELETE", f"{PATH}/{own['id']}", caller=ANNA)).status == 204


async def test_an_admin_revokes_members_keys_but_not_the_owners() -> None:
    world = World()
    key = (await world.ask("POST", PATH, {"name": "spare", "user": "owner"}, caller=OWNER)).json()["id"]
    theirs = (await world.ask("POST", PATH, {"name": "phone"}, caller=BERT)).json()["id"]
    assert (await world.ask("DELETE", f"{PATH}/{key}", caller=ADMIN)).status == 403
    assert (await world.ask("DELETE", f"{PATH}/{theirs}", caller=ADMIN)).status == 204
    assert (await world.ask("DELETE", f"{PATH}/{key}", caller=OWNER)).status == 204


async def test_a_key_is_made_with_an_end_and_limits() -> None:
    world = World()
    wanted = {"name": "ci", "user": "anna", "expires_in_s": 60, "surfaces": ["openai"], "models": ["chat", "coder:1b"]}
    made = (await world.ask("POST", PATH, wanted, caller=OWNER)).json()
    assert (made["surfaces"], made["models"]) == (["openai"], ["chat", "coder:1b"])
    (record,) = world.keys.records
    assert record.expires_s == record.created_s + 60
    assert (record.surfaces, record.models) == (("openai",), ("chat", "coder:1b"))


@pytest.mark.parametrize(
    ("limits", "param"),
    [({"surfaces": ["gopher"]}, "surfaces"), ({"models": []}, "models"), ({"expires_in_s": 0}, "expires_in_s")],
)
async def test_limits_that_make_no_sense_are_refused(limits: Any, param: str) -> None:
    world = World()
    served = await world.ask("POST", PATH, {"name": "ci", **limits}, caller=OWNER)
    assert (served.status, served.json()["error"]["param"]) == (400, param)
    assert (world.keys.records, len(world.users.records)) == ([], 5)


async def test_a_key_that_ends_makes_none_that_outlives_it() -> None:
    world = World()
    brief = msgspec.structs.replace(ANNA, end_s=world.now + 100)
    for wanted in (None, 1000.0):
        body = {"name": f"k{wanted}", **({"expires_in_s": wanted} if wanted else {})}
        await world.ask("POST", PATH, body, caller=brief)
    await world.ask("POST", PATH, {"name": "short", "expires_in_s": 1}, caller=brief)
    first, second, short = world.keys.records
    assert first.expires_s == second.expires_s == brief.end_s
    assert short.expires_s == short.created_s + 1


async def test_a_key_is_rotated_with_its_limits_and_the_old_one_has_its_time() -> None:
    world = World()
    old = (await world.ask("POST", PATH, {"name": "ci", "models": ["chat"]}, caller=ANNA)).json()
    made = await world.ask("POST", f"{PATH}/{old['id']}/rotate", {"overlap_s": 60}, caller=ANNA)
    new = made.json()
    assert (made.status, made.headers["cache-control"]) == (201, "no-store")
    assert (new["name"], new["models"], new["user"], new["id"] != old["id"]) == ("ci", ["chat"], "anna", True)
    before, after = world.keys.records
    assert before.revoked_s == after.created_s + 60
    assert after.digest == digest(new["key"])
    assert (await world.ask("POST", f"{PATH}/{old['id']}/rotate", {}, caller=ANNA)).status == 409
    assert (await world.ask("POST", f"{PATH}/{new['id']}/rotate", caller=BERT)).status == 404
    assert (await world.ask("DELETE", f"{PATH}/{old['id']}", caller=ANNA)).status == 204


async def test_the_owners_key_is_not_rotated_like_others() -> None:
    world = World()
    owners = KeyRecord(KeyId("o"), "owner", "pk-abc", b"x" * 32, 1.0, owner=True, user=OWNER.user)
    world.keys.records.append(owners)
    assert (await world.ask("POST", f"{PATH}/o/rotate", caller=OWNER)).status == 409
    assert world.keys.records == [owners]


async def test_a_limited_key_sees_only_the_models_it_may_ask_for() -> None:
    limited = msgspec.structs.replace(ANNA, scope=Scope(models=("coder:1b",)))
    listed = (await World().ask("GET", "/api/v1/models", caller=limited)).json()["models"]
    assert [model["id"] for model in listed] == ["coder:1b"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (PATH, {"name": "ci", "expires_in": 60}),
        (PATH, {"name": "ci", "model": ["chat"]}),
        ("/api/v1/users", {"name": "dora", "limits": {"requests_per_minute": 1}}),
        ("/api/v1/invitations", {"name": "dora", "expires": "2d"}),
    ],
)
async def test_a_limit_that_is_misspelt_gives_no_unlimited_right(path: str, body: Any) -> None:
    world = World()
    served = await world.ask("POST", path, body, caller=OWNER)
    assert served.status == 400, served.json()
    assert "unknown field" in served.json()["error"]["message"]
    assert not world.keys.records

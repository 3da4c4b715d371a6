from __future__ import annotations

from typing import Any

import pytest

from potluck.core.people import Role
from potluck.gateway.port import Caller

from .world import ADMIN, ANNA, GUEST, OWNER, World

PATH = "/api/v1/users"


async def test_a_user_is_added_listed_changed_and_removed() -> None:
    world = World()
    made = (await world.ask("POST", PATH, {"name": " Carla  C ", "role": "guest"}, caller=OWNER)).json()
    assert (made["name"], made["role"], made["keys"], made["disabled_at"]) == ("Carla C", "guest", 0, None)
    await world.ask("POST", "/api/v1/keys", {"name": "desk", "user": "carla c"}, caller=OWNER)
    listed = (await world.ask("GET", PATH, caller=OWNER)).json()["users"]
    assert [(each["name"], each["keys"]) for each in listed][-1] == ("Carla C", 1)
    changed = (await world.ask("PATCH", f"{PATH}/CARLA%20C", {"role": "member", "disabled": True}, caller=OWNER)).json()
    assert (changed["role"], changed["keys"], bool(changed["disabled_at"])) == ("member", 1, True)
    enabled = (await world.ask("PATCH", f"{PATH}/{made['id']}", {"disabled": False}, caller=OWNER)).json()
    assert enabled["disabled_at"] is None
    assert (await world.ask("DELETE", f"{PATH}/{made['id']}", caller=OWNER)).status == 204
    assert world.users.removed == [made["id"]]
    assert world.key_changes == 6


async def test_everybody_learns_who_they_are() -> None:
    for caller in (ANNA, GUEST):
        told = (await World().ask("GET", f"{PATH}/me", caller=caller)).json()
        assert (told["id"], told["role"]) == (caller.user, caller.role)


@pytest.mark.parametrize("name", ["anna", "ANNA", "owner", "Owner"])
async def test_a_name_is_one_persons(name: str) -> None:
    assert (await World().ask("POST", PATH, {"name": name}, caller=OWNER)).status == 409


@pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": " "}, {"name": "a\nb"}, {"name": "x" * 201}])
async def test_a_user_needs_a_name(body: Any) -> None:
    served = await World().ask("POST", PATH, body, caller=OWNER)
    if body.get("name") == "a\nb":  # white space is one space
        assert served.json()["name"] == "a b"
    else:
        assert (served.status, served.json()["error"]["param"]) == (400, "name")


@pytest.mark.parametrize(
    ("method", "body"), [("PATCH", {"role": "member"}), ("PATCH", {"disabled": True}), ("DELETE", None)]
)
async def test_the_owner_stays_as_it_is(method: str, body: Any) -> None:
    world = World()
    assert (await world.ask(method, f"{PATH}/owner", body, caller=OWNER)).status == 409
    assert world.users.records[0].role is Role.OWNER


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", PATH, {"name": "eve", "role": "admin"}),
        ("POST", PATH, {"name": "eve", "role": "owner"}),
        ("PATCH", f"{PATH}/anna", {"role": "admin"}),
        ("PATCH", f"{PATH}/ada", {"role": "owner"}),
        ("PATCH", f"{PATH}/ada", {"disabled": True}),
        ("DELETE", f"{PATH}/ada", None),
        ("POST", "/api/v1/keys", {"name": "k", "user": "owner"}),
    ],
)
async def test_an_admin_makes_no_admins_and_has_no_hold_on_them(method: str, path: str, body: Any) -> None:
    world = World()
    served = await world.ask(method, path, body, caller=ADMIN)
    assert (served.status, served.json()["error"]["type"]) == (403, "forbidden")
    assert world.key_changes == 0


async def test_an_admin_manages_members_and_guests() -> None:
    world = World()
    assert (await world.ask("PATCH", f"{PATH}/anna", {"role": "guest"}, caller=ADMIN)).status == 200
    assert (await world.ask("POST", PATH, {"name": "eve"}, caller=ADMIN)).status == 201
    assert (await world.ask("DELETE", f"{PATH}/bert", caller=ADMIN)).status == 204


async def test_what_changes_nothing_is_said() -> None:
    world = World()
    assert (await world.ask("PATCH", f"{PATH}/anna", {}, caller=OWNER)).status == 400
    assert (await world.ask("PATCH", f"{PATH}/anna", {"disabled": False}, caller=OWNER)).status == 200
    assert world.key_changes == 0


@pytest.mark.parametrize("caller", [OWNER, ADMIN])
async def test_who_is_not_there_is_not_found(caller: Caller) -> None:
    world = World()
    assert (await world.ask("PATCH", f"{PATH}/nobody", {"disabled": True}, caller=caller)).status == 404
    assert (await world.ask("DELETE", f"{PATH}/nobody", caller=caller)).status == 404

"""``/api/v1/usage``: whose, by what, and as what."""

from __future__ import annotations

import msgspec
import pytest

from potluck.core.scopes import Scope
from potluck.core.usage import Dimension
from potluck.storage.records import KeyRecord, UsageRow

from .world import ADMIN, ANNA, GUEST, World

PATH = "/api/v1/usage"
ROWS = [
    UsageRow(user="anna", model="coder:1b", calls=3, failed=1, prompt_tokens=10, completion_tokens=4, engine_s=1.5),
    UsageRow(user="gone", model="=evil", calls=1, images=2, engine_s=0.25, energy_j=7200.0),
]


@pytest.fixture
def world() -> World:
    made = World()
    made.usage.rows = list(ROWS)
    return made


async def test_an_admin_sees_everybodys_and_what_is_gone_by_its_id(world: World) -> None:
    told = (await world.ask("GET", f"{PATH}?by=user,model&from=2026-01-01&to=2026-02-01", caller=ADMIN)).json()
    (asked,) = world.usage.asked
    assert (asked.first, asked.last, asked.user, asked.key) == ("2026-01-01", "2026-02-01", None, None)
    assert asked.by == (Dimension.USER, Dimension.MODEL)
    assert told["rows"][0] == {
        "calls": 3,
        "failed": 1,
        "prompt_tokens": 10,
        "completion_tokens": 4,
        "cached_tokens": 0,
        "images": 0,
        "engine_s": 1.5,
        "energy_wh": None,
        "user": "anna",
        "user_name": "anna",
        "model": "coder:1b",
    }
    assert (told["rows"][1]["user"], told["rows"][1]["user_name"], told["rows"][1]["energy_wh"]) == ("gone", "", 2.0)
    assert (told["total"]["calls"], told["total"]["engine_s"], told["total"]["energy_wh"]) == (4, 1.75, 2.0)
    assert (told["from"], told["to"], told["by"]) == ("2026-01-01", "2026-02-01", ["user", "model"])
    assert not world.unwritten, "what has ended is in it"


async def test_others_see_their_own_whomever_they_ask_for(world: World) -> None:
    for caller in (ANNA, GUEST):
        assert (await world.ask("GET", f"{PATH}?user=bert", caller=caller)).status == 200
        assert world.usage.asked[-1].user == caller.user


async def test_a_limited_key_tells_no_more_than_what_was_used_by_it(world: World) -> None:
    await world.ask("GET", PATH, caller=msgspec.structs.replace(ANNA, scope=Scope(("native",))))
    assert (world.usage.asked[-1].user, world.usage.asked[-1].key) == (ANNA.user, ANNA.key)


async def test_an_admin_asks_for_one_user_by_name(world: World) -> None:
    await world.ask("GET", f"{PATH}?user=ANNA", caller=ADMIN)
    assert world.usage.asked[-1].user == ANNA.user
    assert (await world.ask("GET", f"{PATH}?user=nobody", caller=ADMIN)).status == 404


async def test_it_is_exported_for_spreadsheets(world: World) -> None:
    world.keys.records.append(KeyRecord(ANNA.key, "laptop", "pk", b"d", 1.0, user=ANNA.user))
    world.usage.rows = [msgspec.structs.replace(ROWS[1], key=ANNA.key)]
    served = await world.ask("GET", f"{PATH}?by=key,model&format=csv&to=2026-02-01", caller=ADMIN)
    assert served.headers["content-type"] == "text/csv; charset=utf-8"
    assert served.headers["content-disposition"] == ('attachment; filename="potluck-usage-2026-01-03-2026-02-01.csv"')
    assert served.body.decode().splitlines() == [
        "key,key_name,model,calls,failed,prompt_tokens,completion_tokens,cached_tokens,images,engine_s,energy_wh",
        "anna-laptop,laptop,'=evil,1,0,0,0,0,2,0.25,2.0",
    ]


@pytest.mark.parametrize(
    "query", ["by=month", "from=x", "to=2026-02-30", "from=2026-02-02&to=2026-02-01", "format=xml"]
)
async def test_what_is_no_question_is_refused(world: World, query: str) -> None:
    assert (await world.ask("GET", f"{PATH}?{query}", caller=ADMIN)).status == 400


async def test_too_many_rows_are_refused_with_a_way_out(world: World) -> None:
    world.usage.rows = ROWS[:1] * 50_001
    served = await world.ask("GET", f"{PATH}?by=user", caller=ADMIN)
    assert (served.status, served.json()["error"]["param"]) == (400, "by")

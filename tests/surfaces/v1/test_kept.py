"""The native API on the real SQLite stores: what it was told is there after a restart."""

from __future__ import annotations

import time
from pathlib import Path

from potluck.core.answer import Text
from potluck.core.errors import ContextOverflow
from potluck.storage.open import open_storage, sqlite_url

from .world import BERT, OWNER, Hang, World, says

CHAT = "/api/v1/chat"
CONVERSATIONS = "/api/v1/conversations"


async def test_a_conversation_survives_a_restart_with_every_state_of_its_answers(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "potluck.db")
    async with open_storage(url, clock=time.monotonic) as storage:
        world = World(storage=storage)
        first = (await world.ask("POST", CHAT, {"message": "One?", "system": "Be brief.", "stream": False})).json()
        said = {"message": "Two?", "conversation": first["conversation"], "detached": False}
        world.calls.script = lambda call: (Text("So far"), Hang())
        await world.leave(CHAT, said)
        world.calls.script = lambda call: ContextOverflow(9, 8)
        assert (await world.ask("POST", CHAT, said)).status == 400
    async with open_storage(url, clock=time.monotonic) as storage:
        world = World(storage=storage)
        path = f"{CONVERSATIONS}/{first['conversation']}"
        messages = (await world.ask("GET", path)).json()["messages"]
        assert [(message["role"], message["text"], message["state"]) for message in messages] == [
            ("system", "Be brief.", "complete"),
            ("user", "One?", "complete"),
            ("assistant", "Hello", "complete"),
            ("user", "Two?", "complete"),
            ("assistant", "So far", "interrupted"),
            ("user", "Two?", "complete"),
            ("assistant", "", "failed"),
        ]
        assert (await world.ask("GET", path, caller=BERT)).status == 404


async def test_pages_search_and_names_work_on_the_real_store(tmp_path: Path) -> None:
    async with open_storage(sqlite_url(tmp_path / "potluck.db"), clock=time.monotonic) as storage:
        world = World(lambda call: says("Rye rises slowly."), storage=storage)
        for title in ("one", "two", "three"):
            await world.ask("POST", CONVERSATIONS, {"title": title})
        await world.ask("POST", CHAT, {"message": "Bread?"})
        page = (await world.ask("GET", f"{CONVERSATIONS}?limit=3")).json()
        assert [info["title"] for info in page["conversations"]] == ["Bread?", "three", "two"]
        rest = (await world.ask("GET", f"{CONVERSATIONS}?limit=3&cursor={page['next']}")).json()
        assert [info["title"] for info in rest["conversations"]] == ["one"]
        assert (await world.ask("GET", f"{CONVERSATIONS}?cursor=nonsense")).status == 400
        found = (await world.ask("GET", f"{CONVERSATIONS}?q=RISES")).json()["conversations"]
        assert "rises" in found[0]["match"]["snippet"]
        key = (await world.ask("POST", "/api/v1/keys", {"name": "laptop"}, caller=OWNER)).json()
        assert (await world.ask("POST", "/api/v1/keys", {"name": "laptop"}, caller=OWNER)).status == 409
        assert (await world.ask("DELETE", f"/api/v1/keys/{key['id']}", caller=OWNER)).status == 204
        assert (await world.ask("GET", "/api/v1/requests/none", caller=OWNER)).status == 404

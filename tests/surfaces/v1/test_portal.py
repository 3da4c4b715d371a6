"""Folders, shares, prompts, preferences and searches, on a database."""

from __future__ import annotations

import io
import itertools
import json
import time
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from potluck.config.model import PortalConfig
from potluck.gateway.port import NOBODY
from potluck.storage.open import open_storage, sqlite_url
from tests.surfaces.v1.world import ADMIN, ANNA, BERT, GUEST, World

CONVERSATIONS = "/api/v1/conversations"
PREFERENCES = "/api/v1/users/me/preferences"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with open_storage(sqlite_url(tmp_path / "potluck.db"), clock=time.monotonic) as storage:
        numbers = itertools.count(1)
        yield World(storage=storage, random_bytes=lambda size: next(numbers).to_bytes(size))


async def say(world: World, text: str, **more: Any) -> Any:
    return (await world.ask("POST", "/api/v1/chat", {"message": text, "stream": False, **more})).json()


async def listed(world: World, query: str = "") -> list[str]:
    reply = (await world.ask("GET", f"{CONVERSATIONS}{query}")).json()
    return [each["title"] for each in reply["conversations"]]


async def test_conversations_are_put_into_folders_and_found_there(world: World) -> None:
    one = await say(world, "One")
    await say(world, "Two")
    folder = (await world.ask("POST", "/api/v1/folders", {"name": " My  work "})).json()
    assert folder == {"id": folder["id"], "name": "My work", "conversations": 0}
    path = f"{CONVERSATIONS}/{one['conversation']}"
    assert (await world.ask("PATCH", path, {"folder": folder["id"]})).json()["folder"] == folder["id"]
    assert await listed(world, f"?folder={folder['id']}") == ["One"]
    assert await listed(world, "?folder=none") == ["Two"]
    assert (await world.ask("GET", "/api/v1/folders")).json()["folders"][0]["conversations"] == 1
    here = f"/api/v1/folders/{folder['id']}"
    assert (await world.ask("PATCH", here, {"name": "Play"}, caller=BERT)).status == 404
    assert (await world.ask("PATCH", here, {"name": "  "})).status == 400
    assert (await world.ask("PATCH", here, {"name": "Play"})).json()["name"] == "Play"
    assert (await world.ask("POST", "/api/v1/folders", {"name": "Play"})).status == 409
    boot = (await world.ask("GET", "/api/v1/boot")).json()
    assert [each["name"] for each in boot["folders"]] == ["Play"]
    assert (await world.ask("DELETE", here)).status == 204
    assert await listed(world, "?folder=none") == ["Two", "One"]
    assert (await world.ask("PATCH", path, {"folder": folder["id"]})).status == 404


async def test_what_is_pinned_and_archived_is_told_apart(world: World) -> None:
    one, two = await say(world, "One"), await say(world, "Two")
    await world.ask("PATCH", f"{CONVERSATIONS}/{one['conversation']}", {"pinned": True, "tags": ["x"]})
    await world.ask("PATCH", f"{CONVERSATIONS}/{two['conversation']}", {"archived": True})
    assert await listed(world, "?pinned=true") == ["One"]
    assert await listed(world, "?archived=true") == ["Two"]
    assert await listed(world, "?tag=x") == ["One"]
    assert await listed(world) == ["Two", "One"]
    boot = (await world.ask("GET", "/api/v1/boot")).json()
    assert [each["title"] for each in boot["pinned"]] == ["One"]
    assert [each["title"] for each in boot["conversations"]["conversations"]] == ["One"]


async def test_a_search_tells_where_and_marks_what_was_found(world: World) -> None:
    for _ in range(3):
        await say(world, "Where do wild geese fly?")
    reply = (await world.ask("GET", f"{CONVERSATIONS}?q=GEESE&limit=2")).json()
    match = reply["conversations"][0]["match"]
    assert match["snippet"] == "Where do wild geese fly?"
    assert [piece["text"] for piece in match["pieces"] if piece["found"]] == ["geese"]
    more = (await world.ask("GET", f"{CONVERSATIONS}?q=GEESE&limit=2&cursor={reply['next']}")).json()
    assert (len(more["conversations"]), more["next"]) == (1, None)
    assert (await world.ask("GET", f"{CONVERSATIONS}?q={'x' * 201}")).status == 400


async def test_a_share_is_read_by_who_signs_in_until_it_is_withdrawn(world: World) -> None:
    one = await say(world, "One", system="Secret wishes")
    path = f"{CONVERSATIONS}/{one['conversation']}/shares"
    made = (await world.ask("POST", path)).json()
    assert made["path"] == f"/share/{made['id']}"
    await say(world, "Said later", conversation=one["conversation"])
    where = f"/api/v1/shares/open?share={made['id']}"
    shown = (await world.ask("GET", where, caller=GUEST)).json()
    assert (shown["by"], shown["thread"]["leaf"]) == ("name of anna", one["message"])
    assert [each["text"] for each in shown["thread"]["messages"]] == ["One", "Hello"], "not what was said later"
    assert "Secret wishes" not in (await world.ask("GET", where, caller=GUEST)).body.decode()
    assert (await world.ask("GET", where, caller=NOBODY)).status == 401
    assert (await world.ask("GET", "/api/v1/shares")).json()["shares"][0]["id"] == made["id"]
    assert (await world.ask("DELETE", f"/api/v1/shares/{made['id']}", caller=BERT)).status == 404
    assert (await world.ask("DELETE", f"/api/v1/shares/{made['id']}")).status == 204
    assert (await world.ask("GET", where, caller=GUEST)).status == 404
    assert (await world.ask("POST", path, caller=BERT)).status == 404
    assert (await world.ask("POST", path, {"leaf": "none"})).status == 404


async def test_a_share_is_public_only_where_the_owner_lets_it_be(world: World) -> None:
    one = await say(world, "One")
    path = f"{CONVERSATIONS}/{one['conversation']}/shares"
    assert (await world.ask("POST", path, {"public": True})).status == 403
    services = world.app.state.services
    world.app.state.services = replace(services, portal=PortalConfig(public_shares=True))
    public = (await world.ask("POST", path, {"public": True, "expires_in_s": 60})).json()
    private = (await world.ask("POST", path, {})).json()
    where = "/api/v1/shares/open?share="
    assert (await world.ask("GET", where + public["id"], caller=NOBODY)).json()["public"] is True
    assert (await world.ask("GET", where + private["id"], caller=NOBODY)).status == 401
    world.now += 60
    assert (await world.ask("GET", where + public["id"], caller=NOBODY)).status == 404
    world.app.state.services = services
    assert (await world.ask("GET", where + public["id"], caller=NOBODY)).status == 401


async def test_prompts_are_ones_own_or_shared(world: World) -> None:
    text = "Write to {{name}} in a {{tone:friendly}} tone."
    own = (await world.ask("POST", "/api/v1/prompts", {"name": "Letter", "text": text})).json()
    assert own["variables"] == [{"name": "name", "default": ""}, {"name": "tone", "default": "friendly"}]
    assert (await world.ask("GET", "/api/v1/prompts", caller=BERT)).json()["prompts"] == []
    path = f"/api/v1/prompts/{own['id']}"
    assert (await world.ask("PATCH", path, {"shared": True})).json()["shared"] is True
    (seen,) = (await world.ask("GET", "/api/v1/prompts", caller=BERT)).json()["prompts"]
    assert (seen["mine"], seen["by"]) == (False, "name of anna")
    assert (await world.ask("PATCH", path, {"name": "x"}, caller=BERT)).status == 404
    assert (await world.ask("PATCH", path, {})).status == 400
    assert (await world.ask("PATCH", path, {"name": "Note"}, caller=ADMIN)).json()["name"] == "Note"
    assert (await world.ask("DELETE", path, caller=BERT)).status == 404
    assert (await world.ask("DELETE", path, caller=ADMIN)).status == 204
    private = (await world.ask("POST", "/api/v1/prompts", {"name": "P", "text": "x"})).json()
    assert (await world.ask("DELETE", f"/api/v1/prompts/{private['id']}", caller=ADMIN)).status == 404
    assert (await world.ask("DELETE", f"/api/v1/prompts/{private['id']}")).status == 204


async def test_preferences_are_kept_piece_by_piece(world: World) -> None:
    before = (await world.ask("GET", PREFERENCES)).json()
    assert before["theme"] == "auto"
    after = (await world.ask("PATCH", PREFERENCES, {"theme": "dark", "send": "mod-enter"})).json()
    assert after == {**before, "theme": "dark", "send": "mod-enter"}
    assert (await world.ask("PATCH", PREFERENCES, {"theme": "pink"})).status == 400
    skipped = (await world.ask("PATCH", PREFERENCES, {"skipped": ["machines"]})).json()
    assert skipped == {**after, "skipped": ["machines"]}
    assert (await world.ask("PATCH", PREFERENCES, {"skipped": []})).json() == after
    assert (await world.ask("GET", "/api/v1/boot")).json()["me"]["preferences"] == after
    await world.app.state.services.storage.preferences.set(ANNA.user, '{"theme":"of the future"}', 1.0)
    assert (await world.ask("GET", PREFERENCES)).json() == before


# --- taken along, and brought -----------------------------------------------------------------------------------------


async def bring(world: World, value: Any, caller: Any = ANNA) -> Any:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return (await world.ask("POST", f"{CONVERSATIONS}/import", raw=raw, caller=caller)).json()


async def test_what_is_exported_comes_back_whole_and_once(world: World) -> None:
    one = await say(world, "One?", system="Be brief.")
    await say(world, conversation=one["conversation"], text="", regenerate=one["message"])
    await say(world, "Other")
    exported = await world.ask("GET", f"{CONVERSATIONS}/export")
    assert exported.headers["content-disposition"].startswith("attachment")
    assert await bring(world, exported.body) == {
        "conversations": 0, "messages": 0, "known": 2, "skipped": 0, "why": [], "left_out": [],
    }  # fmt: skip
    taken = await bring(world, exported.body, BERT)
    assert (taken["conversations"], taken["messages"], taken["known"]) == (2, 6, 0)
    assert (await bring(world, exported.body, BERT))["known"] == 2
    theirs = (await world.ask("GET", CONVERSATIONS, caller=BERT)).json()["conversations"]
    assert sorted(each["title"] for each in theirs) == ["One?", "Other"]
    path = f"{CONVERSATIONS}/{one['conversation']}"
    before = (await world.ask("GET", path)).json()
    await world.ask("DELETE", path)
    single = json.loads(exported.body)["conversations"]
    assert (await bring(world, single))["conversations"] == 1
    after = (await world.ask("GET", path)).json()
    said = ("id", "parent", "role", "text", "model", "children", "created_at")
    assert [[each[name] for name in said] for each in after["messages"]] == [
        [each[name] for name in said] for each in before["messages"]
    ]
    assert (after["leaf"], after["title"]) == (before["leaf"], before["title"])


async def test_a_conversation_is_a_document_to_read(world: World) -> None:
    one = await say(world, "One?")
    path = f"{CONVERSATIONS}/{one['conversation']}/export"
    text = (await world.ask("GET", f"{path}?format=markdown")).body.decode()
    assert text == "# One?\n\n## You\n\nOne?\n\n## Answer (coder:1b)\n\nHello\n"
    assert (await world.ask("GET", f"{path}?format=markdown", caller=BERT)).status == 404
    only = (await world.ask("GET", f"{path}?branch={one['user_message']}")).json()
    assert [each["text"] for each in only["conversations"][0]["messages"]] == ["One?"]
    packed = (await world.ask("GET", f"{CONVERSATIONS}/export?format=markdown")).body
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        (name,) = archive.namelist()
        assert archive.read(name).decode() == text
    assert name.endswith(".md")


async def test_open_webuis_chats_and_what_cannot_be_read_are_told_of(world: World) -> None:
    messages = {
        "q": {"role": "user", "content": "Where do geese fly?", "timestamp": 1_700_000_000, "files": [{}]},
        "a": {"role": "assistant", "parentId": "q", "content": "South.", "model": "llama3"},
    }
    chat = {"id": "c1", "title": "Geese", "chat": {"history": {"messages": messages, "currentId": "a"}}}
    report = await bring(world, [chat, {"title": "Odd"}])
    assert (report["conversations"], report["messages"], report["skipped"]) == (1, 2, 1)
    assert report["why"][0]["title"] == "Odd"
    assert report["left_out"] == [{"what": "files", "count": 1}]
    (hit,) = (await world.ask("GET", f"{CONVERSATIONS}?q=geese")).json()["conversations"]
    assert (hit["title"], hit["updated_at"][:4]) == ("Geese", "2023")
    messages["q2"] = {"role": "user", "parentId": "a", "content": "When?"}
    assert (await bring(world, [chat]))["messages"] == 1
    assert (await world.ask("POST", f"{CONVERSATIONS}/import", raw=b"nonsense")).status == 400

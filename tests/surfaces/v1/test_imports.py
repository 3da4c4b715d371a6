"""Exports as ChatGPT and Open WebUI write them, whole, and our own there and back."""

from __future__ import annotations

import io
import itertools
import json
import time
import zipfile
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from potluck.storage.open import open_storage, sqlite_url
from tests.surfaces.v1.world import ANNA, BERT, World

CONVERSATIONS = "/api/v1/conversations"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with open_storage(sqlite_url(tmp_path / "potluck.db"), clock=time.monotonic) as storage:
        numbers = itertools.count(1)
        yield World(storage=storage, random_bytes=lambda size: next(numbers).to_bytes(size))


def node(name: str, parent: str | None, children: list[str], message: Mapping[str, Any] | None = None) -> Any:
    return {"id": name, "message": message, "parent": parent, "children": children}


def said(name: str, role: str, content: Mapping[str, Any], **metadata: Any) -> Any:
    """A message with all that ChatGPT writes about one."""
    return {
        "id": name,
        "author": {"role": role, "name": None, "metadata": {}},
        "create_time": 1767225600.123456,
        "update_time": None,
        "content": content,
        "status": "finished_successfully",
        "end_turn": role == "assistant" or None,
        "weight": 1.0,
        "metadata": {"request_id": "r", "timestamp_": "absolute", "message_type": None, **metadata},
        "recipient": "all",
        "channel": None,
    }


def words(*parts: Any) -> Mapping[str, Any]:
    return {"content_type": "text", "parts": list(parts)}


def chatgpts() -> Any:
    """An answer that was made twice, by a model that reasons; with a picture, and much that nobody sees."""
    picture = {
        "content_type": "image_asset_pointer",
        "asset_pointer": "sediment://file_0000",
        "size_bytes": 9,
        "width": 8,
        "height": 8,
        "fovea": None,
        "metadata": {"dalle": None, "sanitized": True},
    }
    asked = {"content_type": "multimodal_text", "parts": [picture, "What bird is it?"]}
    thoughts = {
        "content_type": "thoughts",
        "thoughts": [{"summary": "Looking", "content": "A long neck.", "chunks": [], "finished": True}],
        "source_analysis_msg_id": "s",
    }
    recap = {"content_type": "reasoning_recap", "content": "Thought for 3 seconds"}
    about = {"content_type": "user_editable_context", "user_profile": "p", "user_instructions": "i"}
    mapping = [
        node("client-created-root", None, ["sys"]),
        node("sys", "client-created-root", ["about"], said("sys", "system", words(""))),
        node("about", "sys", ["q"], said("about", "user", about, is_visually_hidden_from_conversation=True)),
        node("q", "about", ["t", "b"], said("q", "user", asked, attachments=[{"id": "file_0000", "name": "bird.png"}])),
        node("t", "q", ["r"], said("t", "assistant", thoughts, model_slug="gpt-5-thinking")),
        node("r", "t", ["a"], said("r", "assistant", recap, model_slug="gpt-5-thinking", finished_duration_sec=3)),
        node("a", "r", ["q2"], said("a", "assistant", words("A heron."), model_slug="gpt-5-thinking")),
        node("b", "q", [], said("b", "assistant", words("A goose."), model_slug="gpt-5")),
        node("q2", "a", ["tool"], said("q2", "user", words("Sure?"))),
        node("tool", "q2", ["a2"], said("tool", "tool", {"content_type": "execution_output", "text": "1"})),
        node("a2", "tool", [], said("a2", "assistant", words("Yes."), model_slug="gpt-5-thinking")),
    ]
    return {
        "title": "Bird on a stake",
        "create_time": 1767225600.5,
        "update_time": 1767229200.25,
        "mapping": {each["id"]: each for each in mapping},
        "moderation_results": [],
        "current_node": "a2",
        "plugin_ids": None,
        "conversation_id": "6955a7c0-0000",
        "conversation_template_id": None,
        "gizmo_id": None,
        "gizmo_type": None,
        "is_archived": False,
        "is_starred": None,
        "safe_urls": [],
        "blocked_urls": [],
        "default_model_slug": "gpt-5-thinking",
        "conversation_origin": None,
        "voice": None,
        "async_status": None,
        "disabled_tool_ids": [],
        "is_do_not_remember": False,
        "memory_scope": "global_enabled",
        "id": "6955a7c0-0000",
    }


def open_webuis() -> Any:
    """As "Export Chats" writes one: the tree, and once more the shown branch as a list."""
    question = {
        "id": "u1",
        "parentId": None,
        "childrenIds": ["a1", "a2"],
        "role": "user",
        "content": "Name a bird.",
        "timestamp": 1767225600,
        "models": ["llama3.2:3b"],
    }
    answers = [
        {
            "id": name,
            "parentId": "u1",
            "childrenIds": [],
            "role": "assistant",
            "content": content,
            "model": "llama3.2:3b",
            "modelName": "llama3.2:3b",
            "modelIdx": 0,
            "timestamp": 1767225601,
            "done": True,
            "usage": {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13},
            "statusHistory": [],
            "sources": [],
        }
        for name, content in (
            ("a1", "Stork."),
            (
                "a2",
                '<details type="reasoning" done="true" duration="2">\n<summary>Thought for 2 seconds</summary>\n'
                "&gt; Herons are birds.\n</details>\nHeron.",
            ),
        )
    ]
    return {
        "id": "0b6f9f6e-0000",
        "user_id": "9a6c1f2e-0000",
        "title": "🐦 Birds",
        "chat": {
            "id": "",
            "title": "🐦 Birds",
            "models": ["llama3.2:3b"],
            "system": "Be brief.",
            "params": {},
            "history": {"messages": {each["id"]: each for each in (question, *answers)}, "currentId": "a2"},
            "messages": [question, answers[1]],
            "tags": [],
            "timestamp": 1767225600123,
            "files": [],
        },
        "updated_at": 1767225602,
        "created_at": 1767225600,
        "share_id": None,
        "archived": False,
        "pinned": True,
        "meta": {"tags": ["nature"]},
        "folder_id": None,
    }


async def taken(world: World, content: bytes, caller: Any = ANNA) -> Any:
    return (await world.ask("POST", f"{CONVERSATIONS}/import", raw=content, caller=caller)).json()


async def shown(world: World, caller: Any = ANNA) -> dict[str, list[tuple[str, str, str]]]:
    """What each conversation shows: role, reasoning and text."""
    found: dict[str, list[tuple[str, str, str]]] = {}
    for each in (await world.ask("GET", CONVERSATIONS, caller=caller)).json()["conversations"]:
        path = f"{CONVERSATIONS}/{each['id']}?branch=active"
        messages = (await world.ask("GET", path, caller=caller)).json()["messages"]
        found[each["title"]] = [(told["role"], told.get("reasoning", ""), told["text"]) for told in messages]
    return found


async def test_exports_of_others_come_in_whole_and_go_on_as_our_own(world: World) -> None:
    # 1. ChatGPT's: of late in several files, with others beside them.
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        second = {**chatgpts(), "conversation_id": "6955a7c0-0001", "id": "6955a7c0-0001", "title": "Again"}
        archive.writestr("conversations-000.json", json.dumps([chatgpts()]))
        archive.writestr("conversations-001.json", json.dumps([second]))
        for beside in ("chat.html", "user.json", "message_feedback.json", "shared_conversations.json", "file_0000.png"):
            archive.writestr(beside, "[]")
    report = await taken(world, out.getvalue())
    assert (report["conversations"], report["messages"], report["skipped"]) == (2, 10, 0)
    assert {each["what"]: each["count"] for each in report["left_out"]} == {
        "images and sounds": 2,
        "outputs of tools": 2,
    }
    # 2. Open WebUI's.
    report = await taken(world, json.dumps([open_webuis()]).encode())
    assert (report["conversations"], report["messages"], report["left_out"]) == (1, 3, [])
    bird = [
        ("user", "", "What bird is it?"),
        ("assistant", "Looking\nA long neck.", "A heron."),
        ("user", "", "Sure?"),
        ("assistant", "", "Yes."),
    ]
    whole = {
        "Bird on a stake": bird,
        "Again": bird,
        "🐦 Birds": [("user", "", "Name a bird."), ("assistant", "Herons are birds.", "Heron.")],
    }
    assert await shown(world) == whole
    # 3. Ours, taken along by one and brought to another: every branch is there.
    ours = (await world.ask("GET", f"{CONVERSATIONS}/export")).body
    report = await taken(world, ours, BERT)
    assert (report["conversations"], report["messages"], report["skipped"], report["left_out"]) == (3, 13, 0, [])
    assert await shown(world, BERT) == whole
    assert (await taken(world, ours))["known"] == 3

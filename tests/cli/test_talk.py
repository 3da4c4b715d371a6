from __future__ import annotations

import json

import pytest

from potluck.cli.failure import ServiceError
from potluck.cli.talk import Thought, as_markdown, chat_events
from potluck.storage.records import MessageState
from potluck.surfaces.v1.shapes import ChatDone, ChatMeta, ConversationThread, Delta, MessageInfo
from potluck.wire.sse import ServerEvent

META = {"conversation": "c1", "user_message": "u", "message": "m", "request_id": "r", "node": "n", "model": "x"}
DONE = {"finish": "stop", "usage": None, "timings": None}


def events(*pairs: tuple[str, object]) -> list[ServerEvent]:
    return [ServerEvent(name, json.dumps(data).encode()) for name, data in pairs]


def test_an_answer_is_its_meta_its_pieces_and_its_end() -> None:
    stream = events(
        ("meta", META), ("reasoning", {"text": "hm"}), ("delta", {"text": "a"}), ("later", {}), ("done", DONE)
    )
    assert list(chat_events(stream)) == [ChatMeta(**META), Thought("hm"), Delta("a"), ChatDone(**DONE)]


def test_an_error_in_the_stream_is_the_services_words() -> None:
    error = {"error": {"type": "node_error", "message": "The engine failed.", "hint": "Try again.", "request_id": "r"}}
    with pytest.raises(ServiceError) as caught:
        list(chat_events(events(("meta", META), ("error", error))))
    assert (caught.value.message, caught.value.hint) == ("The engine failed.", "Try again.")


def test_a_stream_without_its_end_was_cut() -> None:
    with pytest.raises(ServiceError, match="broke off"):
        list(chat_events(events(("meta", META), ("delta", {"text": "a"}))))


def test_a_saved_conversation_names_who_said_what() -> None:
    said = [
        MessageInfo("1", "user", "Hi", MessageState.COMPLETE, "2026-01-01T00:00:00Z"),
        MessageInfo("2", "assistant", "Hello.\n", MessageState.COMPLETE, "2026-01-01T00:00:01Z", model="llama"),
    ]
    thread = ConversationThread("c1", "Greeting", "llama", 2, "", "", messages=said)
    assert as_markdown(thread) == "# Greeting\n\n## User\n\nHi\n\n## Assistant (llama)\n\nHello.\n"

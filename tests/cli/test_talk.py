from __future__ import annotations

import json

import pytest

from potluck.cli.attach import Question
from potluck.cli.client import Client
from potluck.cli.failure import ServiceError
from potluck.cli.service import Service
from potluck.cli.talk import Talk, Thought, as_markdown, chat_events
from potluck.storage.records import MessageState
from potluck.surfaces.v1.chat_shapes import ChatDone, ChatMeta, Delta
from potluck.surfaces.v1.conversation_shapes import ConversationThread, MessageInfo
from potluck.wire.sse import ServerEvent
from tests.cli.fake_service import HOLD, FakeService, Stream, Whole, event

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


def named(*pieces: bytes) -> Stream:
    return Stream(pieces, headers={"x-potluck-generation": "g1"})


def lost_and_found(service: FakeService) -> list[float]:
    """A service whose connection breaks off twice: in the middle, and when the rest is asked for the first time."""
    rest = [named(), named(event("delta", {"text": "lo"}), event("done", DONE))]
    service.on("POST /api/v1/chat", named(event("meta", META), event("delta", {"text": "Hel"})))
    service.on("GET /api/v1/generations/g1/events", lambda _: rest.pop(0))
    return []


def test_a_connection_that_is_lost_is_made_anew_where_it_broke_off(service: FakeService) -> None:
    slept = lost_and_found(service)
    talk = Talk(Client(Service(service.url)), sleep=slept.append)
    with talk.ask(Question("Hi")) as answer:
        assert "".join(each.text for each in answer if isinstance(each, Delta)) == "Hello"
    asked = [each.query for each in service.asked if each.path.endswith("/events")]
    assert asked == [{"after": "2"}, {"after": "2"}]
    assert len(slept) == 2
    assert not any(each.method == "DELETE" for each in service.asked)


def test_a_service_that_does_not_know_the_answer_any_more_ends_it(service: FakeService) -> None:
    service.on("POST /api/v1/chat", named(event("meta", META)))
    talk = Talk(Client(Service(service.url)), sleep=lambda _: None)
    with pytest.raises(ServiceError, match="broke off"), talk.ask(Question("Hi")) as answer:
        list(answer)


def test_who_leaves_an_answer_stops_it(service: FakeService) -> None:
    service.on("POST /api/v1/chat", named(event("meta", META), event("delta", {"text": "Hel"}), HOLD))
    service.on("DELETE /api/v1/generations/g1", Whole(None, 204))
    with pytest.raises(KeyboardInterrupt), Talk(Client(Service(service.url))).ask(Question("Hi")) as answer:
        next(answer)
        raise KeyboardInterrupt
    assert [each.method for each in service.asked] == ["POST", "DELETE"]


def test_an_answer_that_somebody_stopped_says_so() -> None:
    with pytest.raises(ServiceError, match="was stopped"):
        list(chat_events(events(("meta", META), ("stopped", {"why": "client"}))))


def test_a_saved_conversation_names_who_said_what() -> None:
    said = [
        MessageInfo("1", "user", "Hi", MessageState.COMPLETE, "2026-01-01T00:00:00Z"),
        MessageInfo("2", "assistant", "Hello.\n", MessageState.COMPLETE, "2026-01-01T00:00:01Z", model="llama"),
    ]
    thread = ConversationThread("c1", "Greeting", "llama", 2, "", "", messages=said)
    assert as_markdown(thread) == "# Greeting\n\n## User\n\nHi\n\n## Assistant (llama)\n\nHello.\n"

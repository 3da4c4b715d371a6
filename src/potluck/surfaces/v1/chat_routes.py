"""Routes of a chat, of answers that outlast their clients, and of conversations. `routes` joins them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from potluck.core import errors as e
from potluck.core.people import Right
from potluck.surfaces.v1 import chat, chat_shapes, conversation_shapes, conversations, generations
from potluck.surfaces.v1.endpoint import Route, asking, plain, reading
from potluck.surfaces.v1.errors import MODEL_ERRORS, ErrorBody

_CHAT_EVENTS: Final[Mapping[str, type[msgspec.Struct]]] = {
    "queued": chat_shapes.InLineInfo,
    "seated": chat_shapes.SeatedInfo,
    "meta": chat_shapes.ChatMeta,
    "delta": chat_shapes.Delta,
    "reasoning": chat_shapes.Delta,
    "rescued": chat_shapes.RescuedInfo,
    "done": chat_shapes.ChatDone,
    "error": ErrorBody,
    "stopped": chat_shapes.StoppedInfo,
}

CHAT_ROUTES: Final[tuple[Route, ...]] = (
    Route(
        "POST",
        "/api/v1/chat",
        "Say something in a conversation, ask for another answer, or for the rest of one; all is kept.",
        reading(chat_shapes.ChatRequest, chat.chat),
        chat_shapes.ChatReply,
        errors=(e.NotFound, e.Conflict, *MODEL_ERRORS),
        events=_CHAT_EVENTS,
        right=Right.CONVERSE,
    ),
    Route(
        "GET",
        "/api/v1/generations",
        "List your answers that run, and those that ended lately.",
        plain(generations.list_generations),
        chat_shapes.GenerationList,
        right=Right.CONVERSE,
    ),
    Route(
        "GET",
        "/api/v1/generations/{generation}",
        "Tell how an answer stands, and its text so far.",
        plain(generations.read_generation),
        chat_shapes.GenerationState,
        errors=(e.NotFound,),
        right=Right.CONVERSE,
    ),
    Route(
        "GET",
        "/api/v1/generations/{generation}/events",
        "Follow an answer: what you have missed, then what comes. 204 if it has ended and you have it all.",
        asking(chat_shapes.EventQuery, generations.read_events),
        None,
        errors=(e.NotFound,),
        events=_CHAT_EVENTS,
        media_type="text/event-stream",
        right=Right.CONVERSE,
    ),
    Route(
        "DELETE",
        "/api/v1/generations/{generation}",
        "Stop an answer; its text so far is kept.",
        plain(generations.stop_generation),
        None,
        errors=(e.NotFound,),
        status=204,
        right=Right.CONVERSE,
    ),
    Route(
        "GET",
        "/api/v1/conversations",
        "List your conversations, newest first, or search them.",
        asking(conversation_shapes.ConversationQuery, conversations.list_conversations),
        conversation_shapes.ConversationList,
        right=Right.CONVERSE,
    ),
    Route(
        "POST",
        "/api/v1/conversations",
        "Begin an empty conversation.",
        reading(conversation_shapes.NewConversation, conversations.create_conversation),
        conversation_shapes.ConversationInfo,
        status=201,
        right=Right.CONVERSE,
    ),
    Route(
        "GET",
        "/api/v1/conversations/{conversation}",
        "Read a conversation with its messages.",
        asking(conversation_shapes.ThreadQuery, conversations.read_conversation),
        conversation_shapes.ConversationThread,
        errors=(e.NotFound,),
        right=Right.CONVERSE,
    ),
    Route(
        "PATCH",
        "/api/v1/conversations/{conversation}",
        "Change a conversation: title, branch that is shown, pin, archive, folder, tags, system prompt, parameters.",
        reading(conversation_shapes.ConversationPatch, conversations.change_conversation),
        conversation_shapes.ConversationInfo,
        errors=(e.NotFound,),
        right=Right.CONVERSE,
    ),
    Route(
        "DELETE",
        "/api/v1/conversations/{conversation}",
        "Delete a conversation and its messages.",
        plain(conversations.delete_conversation),
        None,
        errors=(e.NotFound,),
        status=204,
        right=Right.CONVERSE,
    ),
)

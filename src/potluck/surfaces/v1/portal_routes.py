"""Routes that the portal lives on, and any other client that people chat in. `routes` joins them."""

from __future__ import annotations

from typing import Final

from potluck.core import errors as e
from potluck.core.people import Right
from potluck.surfaces.v1 import boot, boot_shapes, conversation_shapes, conversations, outside
from potluck.surfaces.v1.endpoint import Route, plain, reading

PORTAL_ROUTES: Final[tuple[Route, ...]] = (
    Route(
        "GET",
        "/api/v1/boot",
        "All that the portal starts with: who one is, models, conversations, answers under way, counts.",
        plain(boot.boot),
        boot_shapes.BootReply,
        right=Right.LOOK,
    ),
    Route(
        "DELETE",
        "/api/v1/conversations/{conversation}/messages/{message}",
        "Delete a message and all that follows it.",
        plain(conversations.delete_messages),
        conversation_shapes.MessagesDeleted,
        errors=(e.NotFound,),
        right=Right.CONVERSE,
        lasting=True,
    ),
    Route(
        "POST",
        "/api/v1/outside/image",
        "Fetch an image that an answer names, so that the reader's browser need not.",
        reading(outside.ImageAsked, outside.image),
        None,
        media_type="image/*",
        right=Right.CONVERSE,
    ),
)

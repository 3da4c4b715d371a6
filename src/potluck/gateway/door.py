"""Doors: the inference routes. Each says how a request is read and how errors look; the relay does the rest."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from potluck.core.people import Right
from potluck.core.scheduling.classes import Kind
from potluck.wire.port import Ask, ErrorWriter


class Door(msgspec.Struct, frozen=True):
    """One inference route.

    ``read`` takes the whole body (decompressed and within limits) and raises `ClientError`.
    ``family`` names the dialect for metrics and the request log: openai, anthropic, ollama, llamacpp, tabby.
    ``route`` is asked for calls that name no model; if the owner has no such route, the first model that fits serves.
    ``right`` is what its callers must have.
    ``kind`` is what its calls are to those who make them; of a chat more may be known by what it needs and where it
    can go. ``whole_type`` is the content type of an answer that is not streamed.
    ``others`` are doors of other dialects at the same path, each with the test of a body that tells it apart.
    """

    path: str
    family: str
    read: Callable[[bytes], Ask]
    errors: ErrorWriter
    method: str = "POST"
    route: str = "chat"
    kind: Kind = Kind.CHAT
    right: Right = Right.INFER
    whole_type: str = "application/json"
    others: tuple[tuple[Callable[[bytes], bool], Door], ...] = ()

    def for_body(self, body: bytes) -> Door:
        """The door that a body belongs to: this one, unless it is told to be another dialect's."""
        return next((door for fits, door in self.others if fits(body)), self)

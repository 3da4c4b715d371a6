"""What the portal starts with, in one answer. The same rules as `shapes`."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

from potluck.core.people import Role
from potluck.surfaces.v1.shapes import ConversationList, GenerationInfo

Kind: TypeAlias = Literal["model", "route", "alias", "auto"]


class Preferences(msgspec.Struct):
    """How somebody wants the portal. ``theme`` and ``language``: ``auto`` is as the browser has it. ``model`` is what a
    new conversation asks for, empty for what the service chooses. ``send`` is the key that sends a message.
    ``notifications``: tell when long work has ended."""

    theme: Literal["auto", "light", "dark"] = "auto"
    language: Literal["auto", "en", "de"] = "auto"
    model: Annotated[str, Meta(max_length=200)] = ""
    send: Literal["enter", "mod-enter"] = "enter"
    notifications: bool = False


class Me(msgspec.Struct):
    """Who asks. ``rights`` are what the way it came in lets it do: a limited key has fewer than its user."""

    id: str
    name: str
    role: Role
    rights: list[str]
    preferences: Preferences


class ChoicePlace(msgspec.Struct):
    """A model on one engine. ``resident``: it is in memory. ``busy`` of ``slots`` run, of any of its models. ``wait_s``
    is in how many seconds a call could begin there, loading included; null where it cannot."""

    node: str
    engine: str
    health: str
    resident: bool
    slots: int
    busy: int
    wait_s: float | None


class ModelChoice(msgspec.Struct):
    """A name that can be asked for: a model, a route or an alias of the owner's, or ``auto``, with where it would be
    answered now. ``ready``: some engine that has it is up. ``wait_s`` is in how many seconds a call would begin, behind
    those in line; null where nothing can take it."""

    id: str
    kind: Kind
    ready: bool
    resident: bool
    capabilities: list[str]
    context: int | None
    parameter_size: str | None
    wait_s: float | None
    places: list[ChoicePlace]
    alias_of: str = ""


class FolderInfo(msgspec.Struct):
    """``conversations`` is how many are in it."""

    id: str
    name: str
    conversations: int = 0


class Counts(msgspec.Struct):
    """``busy`` calls run and ``waiting`` are in line. ``proposals`` are machines that were found and wait for the
    owner's word; null for who may not give it."""

    nodes: int
    nodes_up: int
    busy: int
    waiting: int
    proposals: int | None = None


class BootReply(msgspec.Struct):
    """``conversations`` is the first page, ``running`` are one's answers that are under way. ``now`` is the service's
    clock, to which all other times belong."""

    version: str
    now: str
    me: Me
    models: list[ModelChoice]
    conversations: ConversationList
    folders: list[FolderInfo]
    running: list[GenerationInfo]
    counts: Counts

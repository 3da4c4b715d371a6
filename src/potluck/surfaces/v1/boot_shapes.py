"""What the portal starts with, in one answer. The same rules as `shapes`."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from potluck.core.people import Role
from potluck.surfaces.v1.chat_shapes import GenerationInfo
from potluck.surfaces.v1.conversation_shapes import ConversationInfo, ConversationList
from potluck.surfaces.v1.portal_shapes import FolderInfo, Preferences

Kind: TypeAlias = Literal["model", "route", "alias", "auto"]


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


class Counts(msgspec.Struct):
    """``busy`` calls run and ``waiting`` are in line. ``proposals`` are machines that were found and wait for the
    owner's word; null for who may not give it."""

    nodes: int
    nodes_up: int
    busy: int
    waiting: int
    proposals: int | None = None


class Features(msgspec.Struct):
    """What the owner lets the portal do (`portal` in the configuration), and the most that one upload may hold."""

    titles: bool
    public_shares: bool
    most_upload_bytes: int


class BootReply(msgspec.Struct):
    """``conversations`` is the first page of those that are not archived, ``pinned`` are those that are pinned, and
    ``running`` one's answers that are under way. ``name`` is what the service is called, and ``now`` its clock, to
    which all other times belong."""

    version: str
    name: str
    now: str
    me: Me
    models: list[ModelChoice]
    conversations: ConversationList
    pinned: list[ConversationInfo]
    folders: list[FolderInfo]
    running: list[GenerationInfo]
    counts: Counts
    features: Features

"""What the native API takes and gives about machines on the network."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta


class SeenEngine(msgspec.Struct):
    """An engine that answered, with the first of its models."""

    kind: str
    port: int
    models: list[str]
    version: str


class ProposalInfo(msgspec.Struct):
    """One machine at one address.

    ``state`` is ``new``, ``moved`` (the node ``node`` at another address), ``known``, ``gone`` or ``dismissed``.
    ``identity`` says how sure it is who it is: ``proven``, ``claimed`` or ``weak``. ``ways`` are how it is seen now:
    ``here``, ``mdns``, ``scan``,
    ``asked`` (its address was named). ``name`` is what it would be called.
    """

    id: str
    state: str
    address: str
    name: str
    node: str
    identity: str
    machine: str
    agent_port: int | None
    engines: list[SeenEngine]
    ways: list[str]
    why: str
    first_seen_at: str
    last_seen_at: str


class AcceptedEngine(msgspec.Struct):
    kind: str
    port: int
    slots: int | None


class AcceptedInfo(msgspec.Struct):
    """A node that was discovered and accepted. ``served`` is false where a node of the file has its name."""

    name: str
    address: str
    engines: list[AcceptedEngine]
    agent_port: int | None
    identity: str
    served: bool
    why: str
    accepted_at: str


class DiscoveryReply(msgspec.Struct):
    """``mdns`` and ``scan`` are how is looked beside this machine's usual ports; ``scanned_at`` is the last scan."""

    proposals: list[ProposalInfo]
    nodes: list[AcceptedInfo]
    mdns: bool
    scan: list[str]
    scanned_at: str | None


class LookRequest(msgspec.Struct):
    """``address`` is that of one machine, to look at its usual ports alone; without it everywhere is looked."""

    address: Annotated[str, Meta(max_length=100)] = ""


class AcceptRequest(msgspec.Struct):
    """``name`` is what the node is to be called, empty for the proposed name; ``slots`` holds for each engine."""

    name: Annotated[str, Meta(max_length=63)] = ""
    slots: Annotated[int, Meta(ge=1, le=4096)] | None = None

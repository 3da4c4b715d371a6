"""Image engines as whoever draws sees them."""

from __future__ import annotations

from dataclasses import dataclass

from potluck.backends.images.port import ImageBackend, ImageHttp
from potluck.core.model import EngineId, EngineKind, Health, NodeId
from potluck.core.pictures.catalogue import Catalogue


@dataclass(frozen=True, slots=True)
class Place:
    """An image engine, with what is known of it."""

    engine: EngineId
    node: NodeId
    kind: EngineKind
    images: ImageBackend
    http: ImageHttp
    has: Catalogue
    health: Health = Health.UP
    others: int = 0


@dataclass(frozen=True, slots=True)
class Painter:
    """An image engine for people's eyes. ``why`` says how it comes that it is as it is."""

    node: NodeId
    kind: EngineKind
    up: bool
    why: str
    has: Catalogue | None


@dataclass(frozen=True, slots=True)
class Local:
    """What this machine can do by itself."""

    node: NodeId
    images: ImageBackend
    has: Catalogue

"""What the native API takes and gives about keeping models, with the same rules as `shapes`."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from potluck.surfaces.v1.shapes import Named

# URLs of model files carry signatures.
Source = Annotated[str, Meta(min_length=1, max_length=4000)]


class PlaceQuery(msgspec.Struct):
    """``node`` and ``engine`` by their names; left out, wherever the model is, or the best place for it."""

    node: str = ""
    engine: str = ""


class PullRequest(PlaceQuery, kw_only=True):
    """``model``: a registry's name, ``hf.co/OWNER/REPO[:QUANT]``, ``hf:OWNER/REPO/FILE.gguf``, or a URL.

    ``sha256`` is what the file must have, ``name`` what it is to be called.
    """

    model: Source
    sha256: str = ""
    name: Annotated[str, Meta(max_length=200)] = ""
    insecure: bool = False
    stream: bool = True


class PlaceVerdict(msgspec.Struct):
    """An engine that was looked at; ``reason`` says why it can take the model, or why not."""

    node: str
    engine: str
    fits: bool
    reason: str


class PullPlaced(msgspec.Struct):
    """The ``placed`` event, first in a stream: where the model goes, and why not elsewhere."""

    model: str
    node: str
    engine: str
    reason: str
    others: list[PlaceVerdict]


class PullProgress(msgspec.Struct):
    """The ``progress`` event. Sizes are bytes, ``rate`` bytes per second; null where they are not known (yet)."""

    status: str
    bytes: int
    total: int | None
    rate: float | None
    eta_s: float | None
    node: str
    engine: str
    license: str = ""


class PullDone(msgspec.Struct):
    """The ``done`` event, and the answer without a stream. ``model`` is what it is called, ``license`` as its source
    or its file says, empty if neither does.
    """

    model: str
    node: str
    engine: str
    bytes: int
    license: str


class LoadRequest(PlaceQuery, kw_only=True):
    """``keep_alive``: how long it stays without a call, as ``30m``; ``-1m`` is for ever."""

    keep_alive: str = ""


class CopyRequest(PlaceQuery, kw_only=True):
    """``to`` is the other name."""

    to: Named


class ModelTarget(msgspec.Struct):
    """A model on one engine."""

    node: str
    engine: str
    model: str


class ModelsChanged(msgspec.Struct):
    """Where something was done; empty if nothing had to be."""

    changed: list[ModelTarget]

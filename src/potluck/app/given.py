"""What everything is opened with: the configuration, and the clock, the chance and the ids of the whole service."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from potluck.config.model import Config
from potluck.core.model import NodeId
from potluck.storage.datadir import DataDir

if TYPE_CHECKING:  # a gateway alone needs none of it
    from potluck.app.gateways import Lead


class Given(msgspec.Struct, frozen=True):
    """``read`` reads the configuration again; ``lead`` is there where other gateways may be, too; ``node`` is this
    machine's name. ``clock`` is monotonic seconds, ``wall_clock`` Unix seconds, ``chance`` from 0 to 1, ``new_id`` a
    fresh token of letters and digits, ``random_bytes`` a cryptographic source."""

    config: Config
    data: DataDir
    read: Callable[[], Config]
    lead: Lead | None
    node: NodeId
    clock: Callable[[], float]
    wall_clock: Callable[[], float]
    chance: Callable[[], float]
    new_id: Callable[[], str]
    random_bytes: Callable[[int], bytes]

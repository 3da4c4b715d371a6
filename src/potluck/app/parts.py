"""All that is open, one record for each stage that opened it."""

from __future__ import annotations

import msgspec

from potluck.app.answering import Answering
from potluck.app.callers import Callers
from potluck.app.calling import Calling
from potluck.app.given import Given
from potluck.app.machines import Machines
from potluck.app.making import Making
from potluck.app.stores import Stores
from potluck.app.watching import Watching
from potluck.gateway.audit import Audit
from potluck.gateway.metrics import Metrics


class Parts(msgspec.Struct, frozen=True):
    """``given`` has the configuration that holds, not the file's."""

    given: Given
    metrics: Metrics
    stores: Stores
    callers: Callers
    audit: Audit
    machines: Machines
    calling: Calling
    watching: Watching
    answering: Answering
    making: Making

"""An image engine among the others of a fleet: looked at, up or down, with its memory in the node's account.

To calls it offers nothing. What its models take stands in the fleet as one model, which the scheduler may have put out
for a text model as any other that is idle (`core.scheduling.memory`).
"""

from __future__ import annotations

from typing import NoReturn, cast

from potluck.backends.engine_settings import EngineSettings, Remote
from potluck.backends.images.port import ImageBackend, ImageHttp
from potluck.backends.port import EngineHttp, Report
from potluck.core.call import Call
from potluck.core.errors import NodeFailed, PotluckError, Unsupported
from potluck.core.model import EngineKind, Model, ModelId
from potluck.core.pictures.catalogue import Catalogue, Memory
from potluck.core.rescue import Way
from potluck.wire.port import Ask, Shape

MODELS = ModelId("image models")
"""What stands in the fleet for all that an image engine has in memory."""

# Its lists change when its owner puts a file there; a look at its memory is made each time.
_WHOLE_EVERY = 20
# A runtime without any model takes some hundred megabytes of an accelerator.
_NOTHING_BYTES = 700_000_000


class ImageEngine(Remote):
    """`Backend` for the fleet, around the `ImageBackend` that draws. ``has`` is what the last whole look told."""

    shapes: frozenset[Shape] = frozenset()
    many = False
    ways: frozenset[Way] = frozenset()

    def __init__(self, settings: EngineSettings, images: ImageBackend) -> None:
        super().__init__(settings)
        self.images = images
        self.kind: EngineKind = images.kind
        self.has: Catalogue | None = None
        self.memory: Memory | None = None
        self.others = 0
        self.stale = False
        """Something was asked for that is not there: the next look is a whole one."""
        self._looks = 0

    async def probe(self, http: EngineHttp) -> Report:
        """1. All that it has, now and then. 2. Its memory, and how much it has to do."""
        asked = cast("ImageHttp", http)
        has = self.has
        if has is None or self.stale or self._looks % _WHOLE_EVERY == 0:
            has = await self.images.catalogue(asked)
            self.memory, self.stale = has.memory, False
        else:
            self.memory = await self.images.memory(asked)
        self.has = has
        self.others = await self.images.waiting(asked)
        self._looks += 1
        return Report((self._in_memory(),), slots=1, busy=self.others, version=has.version)

    async def glance(self, http: EngineHttp) -> Report:
        """What a stranger is asked: whether it is one at all."""
        version = await self.images.glance(cast("ImageHttp", http))
        return Report((), version=version)

    def _in_memory(self) -> Model:
        held = self.memory.held if self.memory is not None else 0
        resident = held > _NOTHING_BYTES
        return Model(MODELS, frozenset(), resident=resident, memory_bytes=held if resident else 0, vram_bytes=held)

    def encode(self, call: Call, model: Model, *, stream: bool) -> NoReturn:
        raise Unsupported(model.id, "text")

    def pass_through(self, ask: Ask, model: Model) -> NoReturn:
        raise Unsupported(model.id, "text")

    def error(self, status: int, body: bytes, model: str) -> PotluckError:
        return NodeFailed(f"The engine answered with status {status}.", status=status)

    async def count_tokens(self, call: Call, model: Model, http: EngineHttp) -> None:
        return None

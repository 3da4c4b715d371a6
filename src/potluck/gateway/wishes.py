"""What may stand in the studio's line: a picture that is asked for (`Order`), or whatever else image engines do."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol, TypeVar

from potluck.backends.images.port import Event, Inputs, Run
from potluck.core.errors import BadRequest, ModelNotFound, NodeError, NoRoom, OutOfMemory, PotluckError
from potluck.core.model import EngineId, EngineKind, ModelId, NodeId, UserId
from potluck.core.names import near
from potluck.core.pictures.ask import PictureAsk
from potluck.core.pictures.catalogue import Catalogue, Checkpoint, Family
from potluck.core.pictures.fitting import filled
from potluck.core.pictures.outcome import Drawn, Progress, megapixel_steps
from potluck.gateway.painters import Place

T_co = TypeVar("T_co", covariant=True)


class Load(NamedTuple):
    """What a wish is for one engine: ``model`` must be in its memory (empty: none), and so many megapixel-steps are
    done. ``name`` is under which its speed is learned."""

    name: ModelId
    family: Family
    model: str
    work: float


class Drawing(Protocol[T_co]):
    """A wish that is about to be drawn at one place: its images are there."""

    def events(self) -> AsyncGenerator[Event, None]:
        """As `ImageBackend.run`."""
        ...

    def finished(self, seconds: float) -> T_co:
        """What came of it, when `events` have ended."""
        ...


class Wish(Protocol[T_co]):
    """``id`` is a lowercase UUID that is the same after a restart; ``again``: it may have been begun before one, and
    still be drawn somewhere. ``tell`` hears of its way, with the node's name, and of nobody else's."""

    @property
    def id(self) -> str: ...

    @property
    def user(self) -> UserId: ...

    @property
    def again(self) -> bool: ...

    @property
    def tell(self) -> Callable[[Progress, str], None]: ...

    def lacks(self, place: Place) -> tuple[str, ...]:
        """Why it cannot be drawn there, each reason going on from the node's name; empty: it can."""
        ...

    def refusal(self, places: Sequence[Place], reasons: Mapping[EngineId, tuple[str, ...]]) -> PotluckError:
        """What to say where no engine of the house can; ``places`` are all but this machine."""
        ...

    def given_up(self, errors: Sequence[NodeError]) -> PotluckError:
        """What to say where every engine that could has failed, each so."""
        ...

    def load(self, has: Catalogue) -> Load: ...

    async def begin(self, place: Place) -> Drawing[T_co]:
        """Bring what it needs. Raises `ClientError`, `StorageAway`."""
        ...


class Prepare(Protocol):
    """Brings the images that an ask names to what the ask, now complete, wants of an engine that has all this."""

    def __call__(self, ask: PictureAsk, has: Catalogue, /) -> Awaitable[tuple[PictureAsk, Inputs]]:
        """What the engine is asked for, and with what. Raises `ClientError`, `StorageAway`."""
        ...


@dataclass(frozen=True, slots=True)
class Finished:
    """``ask`` is complete: asked again, it is the same picture. ``hash`` is the checkpoint's."""

    data: bytes
    ask: PictureAsk
    engine: EngineId
    node: NodeId
    kind: EngineKind
    seconds: float
    hash: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """One picture to be drawn: a `Wish`."""

    id: str
    user: UserId
    ask: PictureAsk
    prepare: Prepare
    tell: Callable[[Progress, str], None]
    again: bool = False

    def lacks(self, place: Place) -> tuple[str, ...]:
        if self.ask.node and self.ask.node != place.node:
            return (f"is not {self.ask.node}",)
        return place.images.lacks(self.ask, place.has)

    def refusal(self, places: Sequence[Place], reasons: Mapping[EngineId, tuple[str, ...]]) -> PotluckError:
        ask = self.ask
        known = [each.name for place in places for each in place.has.checkpoints]
        if ask.generates and ask.model and all(place.has.checkpoint(ask.model) is None for place in places):
            return ModelNotFound(ask.model, near(ask.model, known), hint="GET /api/v1/image/models lists them.")
        told = "; ".join(f"{place.node} {', '.join(reasons[place.engine])}" for place in places[:5])
        return BadRequest("No image engine can do all of this.", hint=f"{told}."[:500])

    def given_up(self, errors: Sequence[NodeError]) -> PotluckError:
        if all(isinstance(error, OutOfMemory) for error in errors):
            ask = self.ask
            size = f" of {ask.width} x {ask.height} pixels" if ask.width else ""
            smaller = f"{_smaller(ask.width)} x {_smaller(ask.height)}" if ask.width else "a smaller size"
            hint = f"Ask for {smaller}, without hires fix, or for another model."
            return NoRoom(f"No image engine has the memory for a picture{size}.", hint=hint, detail=errors[-1].detail)
        return next(error for error in reversed(errors) if not isinstance(error, OutOfMemory))

    def load(self, has: Catalogue) -> Load:
        complete, found = filled(self.ask, has)
        name, family = _named(found)
        return Load(name, family, found.name if found is not None else "", megapixel_steps(complete))

    async def begin(self, place: Place) -> Drawing[Finished]:
        complete, found = filled(self.ask, place.has)
        asked, inputs = await self.prepare(complete, place.has)
        return _Picture(
            place, complete, Run(self.id, asked, place.has, inputs), found.hash if found is not None else ""
        )


class _Picture:
    """`Drawing`. ``complete`` is what is remembered of it, ``run`` what the engine is asked for."""

    def __init__(self, place: Place, complete: PictureAsk, run: Run, hash: str) -> None:
        self._place = place
        self._complete = complete
        self._run = run
        self._hash = hash
        self._data = b""

    async def events(self) -> AsyncGenerator[Event, None]:
        async with aclosing(self._place.images.run(self._run, self._place.http)) as events:
            async for event in events:
                if isinstance(event, Drawn):
                    self._data = event.data
                yield event

    def finished(self, seconds: float) -> Finished:
        complete, asked, place = self._complete, self._run.ask, self._place
        shown = complete if complete.width else replace(complete, width=asked.width, height=asked.height)
        return Finished(self._data, shown, place.engine, place.node, place.kind, seconds, self._hash)


def _named(found: Checkpoint | None) -> tuple[ModelId, Family]:
    return (ModelId(found.name), found.family) if found is not None else (ModelId("upscaling"), Family.UNKNOWN)


def _smaller(side: int) -> int:
    """Three quarters, on the grid of 64 that models like best: half the pixels."""
    return max(256, round(side * 0.75 / 64) * 64)

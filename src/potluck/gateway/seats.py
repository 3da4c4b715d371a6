"""What a call needs of its place, and the place it gets: the words between those who seek and `dispatch`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import msgspec

from potluck.core.errors import NodeError, PotluckError
from potluck.core.model import Capability, EngineId, Model, ModelId, NodeId, RequestId, UserId
from potluck.core.scheduling.classes import Kind
from potluck.core.scheduling.decisions import Start
from potluck.gateway.fleet import Installation
from potluck.gateway.targets import Room


class Wish(msgspec.Struct, frozen=True):
    """What a call needs of its place. ``tried`` engines are out; ``failure`` is the last one's error.

    ``prompt_tokens`` is an estimate. ``since_s`` is when the call came, if this is not its first attempt.
    ``deadline_s`` is when the caller will not wait any longer for it to begin, None if nobody said.
    ``most_tokens`` is all that prompt and answer can come to, without any counting.
    ``sent_tokens`` have reached the client from engines that broke.
    """

    request: RequestId
    user: UserId
    model: str
    needs: frozenset[Capability]
    tried: frozenset[EngineId] = frozenset()
    failure: NodeError | None = None
    kind: Kind = Kind.CHAT
    prompt_tokens: int = 0
    since_s: float | None = None
    deadline_s: float | None = None
    most_tokens: int = 0
    sent_tokens: int = 0


class Seat(msgspec.Struct, eq=False):
    """A slot that is taken until `Dispatcher.release`. ``start`` is the decision, with what it was made from.

    ``look``: the engine loads the model with another context for this call, and is to be asked how it came out.
    """

    installation: Installation
    model: Model
    start: Start
    route: str
    engine: EngineId
    node: NodeId
    released: bool = False
    look: bool = False


class Seeker(Protocol):
    """A call that wants a seat. Exactly one of these is called, perhaps before `Dispatcher.seek` returns."""

    wish: Wish

    def choose(self) -> None:
        """The name that it asks for leaves the choice to us (`core.auto`): ask again by another, or give up."""
        ...

    @property
    def conversation(self) -> str:
        """Names what shares a prefix with it; asked only where there is a choice of places."""
        ...

    def room(self) -> Room:
        """What it needs of a context; asked only where ``wish.most_tokens`` may be too many. Raises `ClientError`."""
        ...

    def seated(self, seat: Seat) -> None: ...

    def refused(self, error: PotluckError) -> None: ...


class Running(msgspec.Struct, frozen=True):
    """A call that has a seat. ``since_s`` is when it came, in Unix seconds; ``answering``: the engine has begun to."""

    request: RequestId
    user: UserId
    asked: str
    model: ModelId
    node: NodeId
    engine: EngineId
    family: str
    kind: Kind
    since_s: float
    answering: bool


@dataclass(frozen=True, slots=True)
class Queued:
    """One call in line. ``position`` is 1 for who is next of all; ``eta_s`` the seconds until it starts, as far as one
    can tell."""

    request: RequestId
    user: UserId
    model: str
    kind: Kind
    waited_s: float
    position: int
    eta_s: float

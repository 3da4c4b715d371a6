"""What surfaces may ask of the gateway. The relay's hot path does not pass here; everything else does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final, Protocol

import msgspec

from potluck.core.answer import Event
from potluck.core.call import Call
from potluck.core.errors import Forbidden
from potluck.core.generations import Standing
from potluck.core.limits import Plan
from potluck.core.model import KeyId, ModelId, NodeId, RequestId, UserId
from potluck.core.people import RIGHTS, Right, Role, refusal
from potluck.core.rescue import Told
from potluck.core.scheduling.classes import Kind
from potluck.core.scopes import SCOPED_RIGHTS, Scope
from potluck.wire.terms import NO_TERMS, Terms


class Caller(msgspec.Struct, frozen=True):
    """Who asks. ``name`` is the key's; ``user`` is whose it is, and ``role`` says what that one may.

    ``scope`` is what the key is limited to, and ``end_s`` when it ends, in Unix seconds. ``session`` is
    the id of the browser's session, where it was one that asked. ``prefix`` is what may be shown of the key, and
    ``address`` where the request came from; inference, which does not need it, leaves it empty. ``keyless``: known by
    a proxy's word, or an address alone. ``plan`` is how much may be used; None: no limit.
    """

    key: KeyId
    name: str
    user: UserId
    role: Role = Role.MEMBER
    scope: Scope | None = None
    end_s: float | None = None
    session: str = ""
    prefix: str = ""
    address: str = ""
    keyless: bool = False
    plan: Plan | None = None

    def may(self, right: Right) -> bool:
        return self.user != "" and right in RIGHTS[self.role] and (self.scope is None or right in SCOPED_RIGHTS)

    def sees(self, model: str) -> bool:
        """Whether the caller may ask for a name; listings leave out all others."""
        return (self.scope is None or self.scope.allows(model)) and (self.plan is None or self.plan.allows(model))

    def model_refusal(self, model: str) -> Forbidden:
        """What to say where `sees` is false."""
        if self.scope is not None and not self.scope.allows(model):
            return self.scope.model_refusal(model)
        assert self.plan is not None
        return self.plan.model_refusal(model)

    def refusal(self, right: Right) -> Forbidden:
        """What to say where `may` is false."""
        if right in RIGHTS[self.role] and self.keyless:
            return Forbidden(f"An address alone may not {right}.", hint="Show an API key, or sign in.")
        if right in RIGHTS[self.role]:
            return Forbidden(
                f"This key is limited, and may not {right}.", hint="Use a key without limits on surfaces and models."
            )
        return refusal(self.role, right)


NOBODY: Final = Caller(KeyId(""), "", UserId(""), Role.GUEST)
"""In place of who asks, on the routes by which somebody comes in. It has no right: he is not let in."""


class Generation(Protocol):
    """An answer under way, on an engine that has begun to answer."""

    request: RequestId
    node: NodeId
    model: ModelId
    attempts: int
    queue_s: float
    renamed: Mapping[str, str]
    """Headers that say which model answers, where that is not the name that was asked for, and how it came to that."""

    def events(self) -> AsyncIterator[Event]:
        """Everything to the end. Raises the `NodeError` that no other engine could make good."""
        ...

    async def more(self, pause_s: float = 0.0) -> Sequence[Event]:
        """What came since the last time, all at once; nothing at the end. Waits for some, but for the first time at
        least ``pause_s``, so that more comes together, unless a short answer ends. Raises as `events`."""
        ...


class Begun(msgspec.Struct, frozen=True):
    """An answer that clients have the beginning of: what was ``told``, and the model that said it."""

    told: Told
    model: ModelId


class Calls(Protocol):
    """Run calls from inside: native chat, code review, anything that wants events and not bytes."""

    def generate(
        self,
        call: Call,
        caller: Caller,
        *,
        family: str = "native",
        kind: Kind = Kind.CHAT,
        whole: bool = False,
        request: str = "",
        terms: Terms = NO_TERMS,
        begun: Begun | None = None,
        node: str = "",
    ) -> AbstractAsyncContextManager[Generation]:
        """Place and run a call; enters when the engine's answer begins, so errors before that are raised here.

        ``kind`` is what the call is to its caller: it decides who goes first where calls must wait. ``terms`` are what
        a client said beside its request, and go before it.
        ``whole`` is for who shows nothing before the end: it enters when the answer is complete, and an engine that
        breaks in the middle is replaced by the next one. ``request`` is the call's id where it has one already, so that
        an error before the answer names what the request log does. ``begun`` is an answer to go on with, of which only
        the rest comes. ``node`` is the only one that may answer, empty for any.

        Raises `ClientError`, `Overloaded` or `NodeError`. Leaving the block early frees the engine's slot at once.
        """
        ...

    def under_way(self, request: RequestId) -> Standing | None:
        """Where a call stands now; None for one that is not under way."""
        ...

    def ready(self, model: str) -> bool:
        """Whether an engine that is up has the model."""
        ...

    def default_model(self, call: Call) -> str:
        """The model for a call that names none: route ``coding`` or ``chat`` if configured, else the first fit.

        Raises `ModelNotFound` if no engine has one.
        """
        ...

"""A drill's test calls: the same short answer undisturbed, with its node going in the middle of it, and once more.

They go through the same exchanges as everybody's, as background work: people's calls go first.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from msgspec.structs import replace

from potluck.core.answer import Event, Text
from potluck.core.call import Call, ChatCall, EmbedCall, Message, Role, Sampling, TextPart, Thinking
from potluck.core.drill import Asking, Trying
from potluck.core.drill_verdict import Trial
from potluck.core.errors import PotluckError
from potluck.core.model import Capability, EngineId, NodeId
from potluck.core.scheduling.classes import Kind
from potluck.gateway.calls import Inbox, InsideAsk, inside_door
from potluck.gateway.port import Caller
from potluck.gateway.relay.exchange import Exchange
from potluck.gateway.relay.relay import Relay
from potluck.gateway.relay.states import State

FAMILY: Final = "drill"
"""What the request log and the metrics say instead of a dialect."""
# An answer of so many tokens takes a small board half a minute; who takes longer is not waited for.
_BEFORE_S = 60.0
_TOKENS = 64
# Every model knows how it goes on, so it is long enough to be cut, and the same each time.
_QUESTION = "Count from one to fifty, in words, separated by commas. Begin at once: one, two, three."


class _Held(Inbox):
    """Stops the engine's connection at the answer's first word, so that the answer is under way for as long as that is
    wanted. ``reached`` is set then, and when the answer ends without one. ``let_go_s`` is when it was let go on,
    ``went_on_s`` when it did."""

    def __init__(self, clock: Callable[[], float], *, holds: bool) -> None:
        super().__init__()
        self._clock = clock
        self._holds = holds
        self.reached = asyncio.Event()
        self.let_go_s: float | None = None
        self.went_on_s: float | None = None

    def write(self, events: Sequence[Event], now_s: float) -> bytes:
        out = super().write(events, now_s)
        if self.let_go_s is not None and self.went_on_s is None and events:
            self.went_on_s = self._clock()
        if self._holds and any(isinstance(event, Text) and event.text for event in events):
            self._holds = False
            if self.exchange is not None:
                self.exchange.client_full()
            self.reached.set()
        return out

    def end(self) -> None:
        super().end()
        self.reached.set()


class _Asked:
    """A test call under way."""

    def __init__(self, exchange: Exchange, inbox: _Held) -> None:
        self._exchange = exchange
        self._inbox = inbox

    async def reached(self) -> None:
        """Until its first word is here."""
        await self._inbox.reached.wait()

    @property
    def under_way(self) -> bool:
        return self._exchange.state is not State.DONE

    @property
    def node(self) -> NodeId:
        """Where it was answered last."""
        served = self._exchange.served
        return served.node if served is not None else NodeId("")

    @property
    def recovered_s(self) -> float | None:
        """From its being let go to its next word."""
        inbox = self._inbox
        return None if inbox.let_go_s is None or inbox.went_on_s is None else inbox.went_on_s - inbox.let_go_s

    def go_on(self, now_s: float) -> None:
        self._inbox.let_go_s = now_s
        self._exchange.client_ready()

    async def text(self) -> str:
        """The whole answer's. Raises what ended it."""
        return "".join([event.text async for event in self._inbox.events() if isinstance(event, Text)])


@asynccontextmanager
async def _asked(
    relay: Relay, caller: Caller, call: Call, *, at: EngineId | None = None, holds: bool = False
) -> AsyncGenerator[_Asked]:
    """A call whose answer has begun. One that is asked ``at`` an engine may go on elsewhere when that breaks."""
    inbox = _Held(relay.clock, holds=holds)
    exchange = Exchange.of(relay, inbox, inside_door(FAMILY, Kind.BACKGROUND), InsideAsk(call, inbox), caller)
    inbox.exchange = exchange
    exchange.may_hedge = False  # what is proven is the rescue of one attempt
    if at is not None:
        exchange.wish = replace(exchange.wish, tried=frozenset(relay.fleet.engines) - {at})
    try:
        exchange.start()
        await inbox.began
        exchange.wish = replace(exchange.wish, tried=frozenset())
        yield _Asked(exchange, inbox)
    finally:
        exchange.client_gone()


class TestCalls:
    """The test calls of one drill. `begin` them, take the node out, then `finish` them."""

    __test__ = False  # it is no test of ours

    def __init__(self, relay: Relay, caller: Caller, tries: Sequence[Trying]) -> None:
        self.trials = tuple(Trial(trying) for trying in tries)
        self._relay = relay
        self._caller = caller
        self._held: dict[int, _Asked] = {}
        self._stack = AsyncExitStack()

    async def begin(self) -> None:
        """Ask every model that is to be streamed, undisturbed and then until its first word. What fails here was no
        drill's fault: it is not tried."""
        async with asyncio.TaskGroup() as group:
            for at, trial in enumerate(self.trials):
                if trial.trying.asking is Asking.STREAM:
                    group.create_task(self._begin(at, trial))

    async def _begin(self, at: int, trial: Trial) -> None:
        trying = trial.trying
        call = self._chat(trying)
        try:
            async with asyncio.timeout(_BEFORE_S):
                async with _asked(self._relay, self._caller, call, at=trying.engine) as undisturbed:
                    trial.undisturbed = await undisturbed.text()
                asked = await self._stack.enter_async_context(
                    _asked(self._relay, self._caller, call, at=trying.engine, holds=True)
                )
                await asked.reached()
                self._held[at] = asked
        except PotluckError as error:
            trial.missed = error.message
        except TimeoutError:
            trial.missed = f"no whole answer within {_BEFORE_S:.0f} s"

    def go_on(self) -> None:
        """The node is gone: let what is held come, and note what is under way."""
        for at, asked in self._held.items():
            self.trials[at].cut = asked.under_way
            asked.go_on(self._relay.clock())

    async def finish(self) -> None:
        """Hear what became of the answers under way, and ask every model once more."""
        async with asyncio.TaskGroup() as group:
            for at, trial in enumerate(self.trials):
                if trial.trying.asking is not Asking.NOTHING:
                    group.create_task(self._finish(at, trial))

    async def _finish(self, at: int, trial: Trial) -> None:
        missed, trial.missed = trial.missed, trial.missed or "its test calls were not over when the node came back"
        try:
            if asked := self._held.get(at):
                trial.text = await asked.text()
                trial.recovered_s = asked.recovered_s
                trial.stream_on = asked.node
            async with _asked(self._relay, self._caller, self._after(trial.trying)) as again:
                await again.text()
                trial.again_on = again.node
        except PotluckError as error:
            trial.failed = error.message
        trial.missed = missed

    async def aclose(self) -> None:
        """Leave every call that is under way."""
        await self._stack.aclose()

    def _after(self, trying: Trying) -> Call:
        return EmbedCall(trying.model, (_QUESTION,)) if trying.asking is Asking.EMBED else self._chat(trying)

    def _chat(self, trying: Trying) -> ChatCall:
        model = self._relay.fleet.engines[trying.engine].models.get(trying.model)
        thinks = model is not None and Capability.THINKING in model.capabilities
        return ChatCall(
            trying.model,
            (Message(Role.USER, (TextPart(_QUESTION),)),),
            thinking=Thinking(enabled=False) if thinks else Thinking(),
            sampling=Sampling(max_tokens=_TOKENS, temperature=0.0, seed=1),
        )

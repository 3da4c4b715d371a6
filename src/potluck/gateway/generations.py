"""Answers that belong to the service and not to a request: a client may leave one, come back to it, and stop it.

Every event is in the log before anybody hears of it, so a gateway that is killed finds its answers again at the next
start: those that can be gone on with are, the others end there. Nothing is stored twice, since an answer's message has
its id from the beginning.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from typing import Literal, TypeAlias

import msgspec
import structlog

from potluck.core.answer import Event, Failed, Finish, Timings, Usage, collect
from potluck.core.errors import ClientError, Conflict, NotFound, OperatorError, PotluckError
from potluck.core.generations import (
    Bounds,
    EndedLog,
    Fate,
    Found,
    Standing,
    Step,
    Unread,
    fate,
    forgotten,
    frames,
    given_up,
    steps,
)
from potluck.core.model import KeyId, ModelId, NodeId, UserId
from potluck.gateway.generation import Generation, Numbered, Written
from potluck.gateway.metrics import AnswerCounts
from potluck.gateway.port import Begun, Caller, Calls
from potluck.gateway.port import Generation as Origin
from potluck.gateway.tasks import Tasks
from potluck.storage.conversation_ports import ConversationStore
from potluck.storage.generations import (
    Began,
    Done,
    End,
    Entry,
    Failure,
    GenerationEvent,
    GenerationHead,
    GenerationId,
    GenerationLogs,
    InLine,
    Kept,
    Note,
    Outcome,
    Rescued,
    Resumed,
    Said,
    Seated,
    Stopped,
    Thought,
)
from potluck.storage.records import MessageState
from potluck.storage.temporary import is_temporary
from potluck.wire.terms import NO_TERMS, Terms

log = structlog.get_logger(__name__)

# Nobody sees text come faster than 25 times a second; each frame costs the same whatever it holds.
FRAME_S = 0.04
# Where a call stands in line changes about so often for the eye.
LOOK_S = 1.0
# Engines that were not looked at yet, or are started together with us. A model that is loading is waited for by the
# call itself.
ENGINES_S = 60.0
_ENGINES_EVERY_S = 0.5
_FAULT = "Something went wrong inside Potluck."

State: TypeAlias = Literal["running", "complete", "failed", "interrupted"]
_STATES: Mapping[type[End], State] = {Done: "complete", Failure: "failed", Stopped: "interrupted"}


def _nobody_hears(head: GenerationHead) -> None:
    """For who shows answers to nobody but their readers."""


class Summary(msgspec.Struct, frozen=True):
    """An answer in a listing. ``last`` is the number of its last event; ``ended_s`` None while it runs."""

    head: GenerationHead
    state: State
    last: int
    began: Began | None
    standing: Standing | None
    readers: int
    ended_s: float | None
    size_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader is given: ``events`` to come, each once, until it is over. One that is left to the next start ends
    without an end."""

    head: GenerationHead
    events: AsyncIterator[Numbered]
    _generation: Generation | None = None

    @property
    def error(self) -> PotluckError | None:
        """What ended the answer, as it was raised."""
        return self._generation.error if self._generation is not None else None

    @property
    def stopped(self) -> bool:
        """Whether somebody wanted it to end."""
        return self._generation is not None and bool(self._generation.why)


class Generations:
    """Owns the answers under way and the logs of those that have ended.

    ``bounds`` may be replaced by others, which hold from then on; ``counts`` are for the metrics. ``clock`` is
    monotonic, ``wall_clock`` Unix seconds. ``words`` tells how an error is shown, ``caller_of`` who a key belongs to,
    None if it does not count any more. ``kept`` hears of each answer when it is in its conversation, or is not to be.
    """

    def __init__(
        self,
        logs: GenerationLogs,
        conversations: ConversationStore,
        calls: Calls,
        tasks: Tasks,
        *,
        bounds: Bounds,
        words: Callable[[PotluckError], Failure],
        caller_of: Callable[[KeyId], Caller | None],
        clock: Callable[[], float],
        wall_clock: Callable[[], float],
        kept: Callable[[GenerationHead], None] = _nobody_hears,
    ) -> None:
        self._logs = logs
        self._conversations = conversations
        self._calls = calls
        self._tasks = tasks
        self.bounds = bounds
        self.counts = AnswerCounts()
        self._words = words
        self._caller_of = caller_of
        self._clock = clock
        self._wall_clock = wall_clock
        self._kept_hook = kept
        self._running: dict[GenerationId, Generation] = {}
        self._ended: dict[GenerationId, Summary] = {}
        self._restored = asyncio.Event()

    @property
    def running(self) -> int:
        return len(self._running)

    # --- begin ---

    async def begin(self, head: GenerationHead, caller: Caller, terms: Terms = NO_TERMS) -> Generation:
        """Set out; the answer is the service's from here on. A log that cannot be written costs the answer nothing
        but that nobody finds it again after a crash. One that runs already is not begun again."""
        if (running := self._running.get(head.id)) is not None:
            return running
        generation = self._running[head.id] = Generation(head, (), self._clock())
        if is_temporary(head.conversation):  # nothing of it is written down
            generation.logged = False
        else:
            try:
                await self._logs.begin(head)
            except OperatorError as error:
                self._unlogged(generation, error)
        self._launch(generation, caller, terms)
        return generation

    def _launch(self, generation: Generation, caller: Caller, terms: Terms = NO_TERMS) -> None:
        self._running[generation.head.id] = generation
        if not generation.why:  # stopped before it began
            generation.work = self._tasks.spawn(self._generate(generation, caller, terms), "an answer")
        self._tasks.spawn(self._see_through(generation), "an answer's end")

    async def _generate(self, generation: Generation, caller: Caller, terms: Terms) -> None:
        """Run the call and write down what comes. What it comes to is set on ``generation`` when this returns."""
        try:
            await self._hear(generation, caller, terms)
        except PotluckError as error:
            generation.error = error
            log.info("an answer failed", request=generation.head.request, error=error.message, detail=error.detail)
        except Exception as error:
            generation.error = PotluckError(_FAULT)
            log.error("an answer stumbled", request=generation.head.request, exc_info=error)

    async def _hear(self, generation: Generation, caller: Caller, terms: Terms) -> None:
        head, told = generation.head, generation.told()
        call = head.call.call()
        began = generation.began
        model = began.model if began is not None else ModelId(call.model)
        begun = Begun(told, model) if began is not None or head.beginning is not None else None
        if generation.tries:
            await self._engines_up(began.model if began is not None else call.model)
        last_words: list[Event] = []
        async with self._calls.generate(
            call, caller, whole=head.whole, request=head.request, terms=terms, begun=begun, node=head.node
        ) as origin:
            await self._began(generation, origin)
            pause_s = 0.0
            while came := await origin.more(pause_s):
                pause_s = FRAME_S
                await self._look(generation)
                await self._tell(generation, _framed(came))
                for event in came:
                    if isinstance(event, Failed):
                        raise event.error
                last_words += (event for event in came if isinstance(event, Finish | Usage | Timings))
        answer = collect(last_words)
        finish = answer.choices[0].finish if answer.choices else None
        tokens_per_s = generation.tokens_per_s(answer.usage, answer.timings)
        done = Done(finish, answer.usage, answer.timings, generation.first_token_s, tokens_per_s)
        generation.outcome = Outcome(MessageState.COMPLETE, done)

    async def _engines_up(self, model: str) -> None:
        """After a start engines are looked at one by one. Who never comes is told of by the call."""
        with suppress(TimeoutError):
            async with asyncio.timeout(ENGINES_S):
                while not self._calls.ready(model):  # noqa: ASYNC110 - what makes it so is a look at an engine
                    await asyncio.sleep(_ENGINES_EVERY_S)

    async def _began(self, generation: Generation, origin: Origin) -> None:
        if generation.began is None:
            began = Began(
                origin.request, origin.node, origin.model, origin.attempts, origin.queue_s, dict(origin.renamed)
            )
            await self._tell(generation, [began, *_beginning(generation.head)])
            generation.standing = Standing(node=origin.node, attempts=origin.attempts)
            if generation.head.beginning is not None:  # to go on with a cut answer is no rescue
                generation.standing = self._calls.under_way(origin.request) or generation.standing
        elif generation.tries:
            await self._look(generation)

    # --- the end ---

    async def _see_through(self, generation: Generation) -> None:
        """Wait for the end of the work, and bring the answer to its own."""
        if generation.work is not None:
            await asyncio.wait([generation.work])
        if generation.outcome is None:
            generation.outcome = self._outcome(generation)
        if generation.outcome is not None:
            try:
                await self._settle(generation, generation.outcome)
            except PotluckError as error:  # the log keeps it for the next start
                log.error("an answer could not be kept", request=generation.head.request, error=error.message)
                generation.error = error
                await self._tell(generation, [self._words(error)], logged=False)
        self._running.pop(generation.head.id, None)
        self._count(generation.outcome)
        generation.end()

    def _count(self, outcome: Outcome | None) -> None:
        """How it ended; None: it did not here."""
        end = outcome.end if outcome is not None else None
        state = _STATES[type(end)] if end is not None else "handed_over"
        self.counts.end(state, end.why if isinstance(end, Stopped) else "")

    def _outcome(self, generation: Generation) -> Outcome | None:
        """None: it is left to the next start."""
        error = generation.error
        if error is not None:
            if generation.tries:  # it failed to be gone on with: what was said is no less good
                return Outcome(MessageState.INTERRUPTED, Stopped("restart", error.message))
            return Outcome(MessageState.FAILED, self._words(error))
        return Outcome(MessageState.INTERRUPTED, Stopped(generation.why)) if generation.why else None

    async def _settle(self, generation: Generation, outcome: Outcome) -> None:
        """1. The log knows the end. 2. The conversation has the message. 3. Readers are told."""
        head = generation.head
        refused = not generation.events and not generation.tries and isinstance(generation.error, ClientError)
        if head.first and refused:  # no conversation came of it
            with suppress(NotFound):
                await self._conversations.delete(head.conversation, head.user)
            await self._logs.forget(head.id)
            self._kept_hook(head)
            return
        await self._note(generation, outcome)
        beginning = head.beginning
        # It is there already, or its conversation was deleted. What could not be gone on with stays as it was.
        with suppress(Conflict, NotFound):
            if beginning is None or generation.began is not None:
                await self._conversations.append(
                    head.conversation,
                    head.user,
                    [generation.message(outcome)],
                    self._wall_clock(),
                    after=head.after,
                    follows=True,
                    replaces=beginning.message if beginning is not None else None,
                )
        await self._tell(generation, [outcome.end])
        if generation.logged:
            await self._logs.finish(head.id)
            await self._ended_now(head.id)
        self._kept_hook(head)

    async def _ended_now(self, generation: GenerationId) -> None:
        kept = await self._logs.read(generation)
        self._ended[generation] = _summary_of(kept)

    # --- writing ---

    async def _tell(self, generation: Generation, events: Sequence[GenerationEvent], *, logged: bool = True) -> None:
        """Write events down, then let readers have them."""
        if not events:
            return
        async with generation.writing:
            number = len(generation.events)
            if logged:
                await self._write(
                    generation, [Entry(number + place, event) for place, event in enumerate(events, start=1)]
                )
            generation.take(events, self._clock())

    async def _note(self, generation: Generation, note: Note) -> None:
        async with generation.writing:
            await self._write(generation, [Entry(0, note)])

    async def _write(self, generation: Generation, entries: Sequence[Entry]) -> None:
        if not generation.logged:
            return
        try:
            await self._logs.append(generation.head.id, entries)
        except (OperatorError, NotFound) as error:
            self._unlogged(generation, error)
            # A log with a hole in it would be gone on with at another place than readers have come to.
            with suppress(OperatorError):
                await self._logs.forget(generation.head.id)

    def _unlogged(self, generation: Generation, error: PotluckError) -> None:
        generation.logged = False
        log.warning("an answer has no log", request=generation.head.request, why=error.message)

    # --- looking ---

    async def watching(self) -> None:
        """Look at everything, again and again."""
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                await self.look()
            except PotluckError as error:
                log.warning("answers under way could not be looked at", why=error.message)

    async def look(self) -> None:
        """Tell where calls stand, stop those that nobody reads for too long, and forget old ones."""
        now_s = self._clock()
        for generation in tuple(self._running.values()):
            if now_s - generation.since_s >= LOOK_S:  # where a call stands is no news before that
                await self._look(generation)
        unread = [
            Unread(each.head.id, each.head.key, each.left_s)
            for each in self._running.values()
            if not each.readers and not each.why
        ]
        for each in given_up(unread, self.bounds, now_s):
            log.info("an answer that nobody reads is stopped", generation=each)
            self._stop(self._running[GenerationId(each)], "alone")
        await self._forget_old()

    async def _look(self, generation: Generation) -> None:
        now = self._calls.under_way(generation.head.request)
        if now is None or generation.outcome is not None:
            return
        found = steps(generation.standing, now, began=generation.began is not None)
        if found:
            generation.standing = now
            await self._tell(generation, [_step(step, now) for step in found])

    async def _forget_old(self) -> None:
        kept = [EndedLog(each.head.id, each.ended_s or 0.0, each.size_bytes) for each in self._ended.values()]
        for each in forgotten(kept, self.bounds, self._wall_clock()):
            await self._forget(GenerationId(each))

    async def _forget(self, generation: GenerationId) -> None:
        self._ended.pop(generation, None)
        await self._logs.forget(generation)

    # --- what clients ask for ---

    async def list(self, user: UserId) -> Sequence[Summary]:
        """A user's own, those that run first, then the last to end first."""
        await self._restored.wait()
        running = [self._summary(each) for each in self._running.values() if each.head.user == user]
        ended = [each for each in self._ended.values() if each.head.user == user]
        return [*running, *sorted(ended, key=lambda each: -(each.ended_s or 0.0))]

    async def get(self, generation: str, user: UserId) -> tuple[Summary, Written]:
        """One, with what it has said. Raises `NotFound`."""
        await self._restored.wait()
        running = self._own(generation, user)
        if running is not None:
            return self._summary(running), Written.of(running.events)
        kept = await self._kept(generation, user)
        return _summary_of(kept), Written.of(_events(kept))

    @asynccontextmanager
    async def reading(self, generation: str, user: UserId, after: int = 0) -> AsyncGenerator[Reading, None]:
        """Its events above ``after``, now and to come. Raises `NotFound`."""
        await self._restored.wait()
        running = self._own(generation, user)
        if running is None:
            kept = await self._kept(generation, user)
            yield Reading(kept.head, _replayed(_events(kept), after))
            return
        with self.attend(running, after) as found:
            yield found

    @contextmanager
    def attend(self, generation: Generation, after: int = 0) -> Generator[Reading]:
        """The same of one that was begun just now."""
        with generation.attended(self._clock):
            yield Reading(generation.head, generation.read(after), generation)

    async def end(self, generation: Generation, why: str = "client") -> None:
        """End it now; its engine stops at once, and its message is stored when this returns."""
        self._stop(generation, why)
        await generation.ended()

    async def stop(self, generation: str, user: UserId) -> None:
        """As `end`; one that has ended stays as it is. Raises `NotFound`."""
        await self._restored.wait()
        running = self._own(generation, user)
        if running is None:
            await self._kept(generation, user)
            return
        await self.end(running)

    def _stop(self, generation: Generation, why: str) -> None:
        generation.why = generation.why or why
        if generation.work is not None:
            generation.work.cancel()

    async def drop(self, conversation: str, user: UserId, messages: Collection[str] | None = None) -> None:
        """Its conversation is gone, or ``messages`` of it: end those that write to it, and forget what they said."""
        await self._restored.wait()
        for running in [each for each in self._running.values() if _of(each.head, conversation, user, messages)]:
            await self.end(running)
        for ended in [each for each in self._ended.values() if _of(each.head, conversation, user, messages)]:
            await self._forget(ended.head.id)

    def _own(self, generation: str, user: UserId) -> Generation | None:
        running = self._running.get(GenerationId(generation))
        return running if running is not None and running.head.user == user else None

    async def _kept(self, generation: str, user: UserId) -> Kept:
        known = self._ended.get(GenerationId(generation))
        if known is None or known.head.user != user:
            raise NotFound("There is no such generation.", hint="It may be another's, or be forgotten by now.")
        return await self._logs.read(known.head.id)

    def _summary(self, generation: Generation) -> Summary:
        head, began = generation.head, generation.began
        standing = self._calls.under_way(head.request) or generation.standing
        return Summary(head, "running", len(generation.events), began, standing, generation.readers, None)

    # --- start and stop ---

    async def restore(self) -> None:
        """Find the answers that a gateway before this one did not bring to their end, and go on with them or end them.
        What has ended can be read again."""
        try:
            for found in await self._logs.unfinished():
                with suppress(NotFound):
                    await self._take_up(await self._logs.read(found))
            for ended in await self._logs.finished():
                with suppress(NotFound):
                    await self._ended_now(ended)
        except OperatorError as error:
            log.warning("the answers of the last run cannot be read", why=error.message)
        finally:
            self._restored.set()

    async def _take_up(self, kept: Kept) -> None:
        generation = Generation(kept.head, kept.entries, self._clock())
        caller = self._caller_of(kept.head.key)
        found = Found(
            ended=generation.outcome is not None,
            goes_on=kept.head.goes_on,
            welcome=caller is not None,
            tries=generation.tries,
            age_s=self._wall_clock() - kept.written_s,
        )
        what = fate(found, self.bounds)
        self.counts.find(what)
        log.info("an answer of the last run", request=kept.head.request, events=len(generation.events), so=what)
        if generation.events and isinstance(generation.events[-1], Done | Failure | Stopped):
            await self._logs.finish(kept.head.id)  # readers were told its end, and only this was left to do
            return
        if what is Fate.CONTINUE and caller is not None:
            # Written before it is tried: an answer that kills the gateway does so a few times and no more.
            await self._note(generation, Resumed(self._wall_clock()))
            generation.tries += 1
            self._launch(generation, caller, Terms(kept.head.kind))
            return
        generation.why = "restart"
        self._running[kept.head.id] = generation
        self._tasks.spawn(self._see_through(generation), "an answer's end")

    async def hand_over(self) -> None:
        """Leave those that outlast their clients to the next start: their readers' streams end without an end, and
        come back. The others end with their calls."""
        left = [each for each in self._running.values() if each.head.goes_on and each.logged and not each.why]
        for generation in left:
            if generation.work is not None:
                generation.work.cancel()
        for generation in left:
            await generation.ended()

    async def hand_on(self) -> None:
        """The same for another gateway, which goes on with them now. The others end here with their calls, without a
        log that the other one would find."""
        await self.hand_over()
        for generation in tuple(self._running.values()):
            generation.logged = False
            with suppress(OperatorError):
                await self._logs.forget(generation.head.id)


def _beginning(head: GenerationHead) -> Sequence[GenerationEvent]:
    """What a cut answer has said already: it took no time now."""
    found: list[GenerationEvent] = []
    if head.beginning is not None:
        if head.beginning.reasoning:
            found.append(Thought(head.beginning.reasoning, 0))
        found.append(Said(head.beginning.text, head.beginning.pieces))
    return found


def _framed(events: Sequence[Event]) -> list[GenerationEvent]:
    found: list[GenerationEvent] = []
    for frame in frames(events):
        text = _clean(frame.text)
        found.append(Thought(text, frame.pieces) if frame.reasoning else Said(text, frame.pieces))
    return found


def _clean(text: str) -> str:
    """Without the halves of UTF-16 pairs that a model may write, and JSON cannot hold."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _step(step: Step, now: Standing) -> GenerationEvent:
    match step:
        case Step.QUEUED:
            return InLine(now.position or 1, round(now.eta_s, 1))
        case Step.SEATED:
            return Seated(NodeId(now.node), now.attempts)
        case Step.RESCUED:
            return Rescued(NodeId(now.node), now.attempts, now.way)


def _of(head: GenerationHead, conversation: str, user: UserId, messages: Collection[str] | None) -> bool:
    if head.conversation != conversation or head.user != user:
        return False
    return messages is None or head.message in messages or head.after in messages


def _events(kept: Kept) -> list[GenerationEvent]:
    return [entry.what for entry in kept.entries if not isinstance(entry.what, Outcome | Resumed)]


def _summary_of(kept: Kept) -> Summary:
    events = _events(kept)
    written = Written.of(events)
    state: State = _STATES[type(written.end)] if written.end is not None else "running"
    return Summary(kept.head, state, len(events), written.began, None, 0, kept.written_s, kept.size_bytes)


async def _replayed(events: Sequence[GenerationEvent], after: int) -> AsyncIterator[Numbered]:
    for number, event in enumerate(events[after:], start=after + 1):
        yield Numbered(number, event)

"""Answers that outlast their requests: who reads them and when, what a killed gateway leaves, what nobody reads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from potluck.core.answer import Event, Finish, FinishReason, Text, Usage
from potluck.core.call import Call, ChatCall, Message, Role, TextPart
from potluck.core.errors import ModelNotFound, NodeFailed, NotFound, PotluckError
from potluck.core.generations import Bounds, Standing, Unfinished
from potluck.core.model import KeyId, ModelId, NodeId, RequestId, UserId
from potluck.gateway.generation import Generation, Numbered
from potluck.gateway.generations import Generations
from potluck.gateway.port import Begun, Caller
from potluck.gateway.tasks import Tasks
from potluck.storage.generations import (
    Began,
    Done,
    Failure,
    GenerationEvent,
    GenerationHead,
    GenerationId,
    InLine,
    KeptCall,
    Outcome,
    Rescued,
    Said,
    Seated,
    Stopped,
)
from potluck.storage.records import Conversation, ConversationId, MessageId, MessageState, NewMessage
from potluck.surfaces.v1.errors import failure_of
from tests.storage.generation_memory import MemoryGenerations
from tests.surfaces.v1.world import MemoryConversations

KEY, USER, OTHER = KeyId("k"), UserId("u"), UserId("v")
CALLER = Caller(KEY, "test", USER)
CONVERSATION, QUESTION = ConversationId("c"), MessageId("u")
MODEL = ModelId("m")
CALL = ChatCall("m", (Message(Role.USER, (TextPart("hello"),)),))
END = (Finish(FinishReason.STOP), Usage(3, 4))


@dataclass
class Engine:
    """What an engine says to the next who asks, step by step: events come together that stand in one step. An error is
    raised; at the end without a `Finish` it falls silent."""

    steps: list[Sequence[Event] | PotluckError]
    node: str = "a"
    standing: Standing | None = None
    begun: Begun | None = None
    asked: int = 0
    open: int = 0
    refusal: PotluckError | None = None
    go: asyncio.Event = field(default_factory=asyncio.Event)
    up: bool = True

    @asynccontextmanager
    async def generate(self, call: Call, caller: Caller, *, begun: Begun | None = None, **_: Any) -> AsyncIterator[Any]:
        self.asked += 1
        self.begun = begun
        if self.refusal is not None:
            raise self.refusal
        self.open += 1
        try:
            yield _Origin(self, RequestId("r"), NodeId(self.node))
        finally:
            self.open -= 1

    def under_way(self, request: RequestId) -> Standing | None:
        return self.standing

    def ready(self, model: str) -> bool:
        return self.up

    def default_model(self, call: Call) -> str:
        raise AssertionError


@dataclass
class _Origin:
    engine: Engine
    request: RequestId
    node: NodeId
    model: ModelId = MODEL
    attempts: int = 1
    queue_s: float = 0.0
    renamed: dict[str, str] = field(default_factory=dict)
    over: bool = False

    async def more(self, pause_s: float = 0.0) -> Sequence[Event]:
        await asyncio.sleep(0)
        if self.over:
            return ()
        while not self.engine.steps:
            self.engine.go.clear()
            await self.engine.go.wait()
        step = self.engine.steps.pop(0)
        if isinstance(step, PotluckError):
            raise step
        self.over = any(isinstance(event, Finish) for event in step)
        return step

    def events(self) -> AsyncIterator[Event]:
        raise AssertionError


def text(*pieces: str) -> list[Sequence[Event] | PotluckError]:
    return [(Text(piece),) for piece in pieces]


@dataclass
class House:
    """What outlasts a gateway: logs and conversations. ``now`` is every clock's."""

    logs: MemoryGenerations = field(default_factory=MemoryGenerations)
    conversations: MemoryConversations = field(default_factory=MemoryConversations)
    bounds: Bounds = field(default_factory=Bounds)
    now: float = 1000.0
    keys: dict[KeyId, Caller] = field(default_factory=lambda: {KEY: CALLER})

    @asynccontextmanager
    async def gateway(self, engine: Engine) -> AsyncIterator[Generations]:
        """One from its start to its end, which is that of a killed one."""
        self.logs.now = self.now
        if CONVERSATION not in self.conversations.threads:
            await self.conversations.create(Conversation(CONVERSATION, USER, "t", 0.0, 0.0))
            said = NewMessage(QUESTION, CALL.messages[0])
            await self.conversations.append(CONVERSATION, USER, [said], 0.0)
        async with Tasks() as tasks:
            made = Generations(
                self.logs, self.conversations, engine, tasks,
                bounds=self.bounds, words=failure_of, caller_of=self.keys.get,
                clock=lambda: self.now, wall_clock=lambda: self.now,
            )  # fmt: skip
            await made.restore()
            yield made

    @property
    def answers(self) -> list[tuple[str, MessageState]]:
        thread = self.conversations.threads[CONVERSATION]
        return [(each.message.text, each.new.state) for each in thread.messages if each.message.role == "assistant"]


def head(name: str = "g", **more: Any) -> GenerationHead:
    return GenerationHead(
        GenerationId(name), KEY, USER, RequestId("r"), CONVERSATION, QUESTION, KeptCall.of(CALL), 5.0, **more
    )


async def read(made: Generations, after: int = 0, name: str = "g", most: int = 1000) -> list[Numbered]:
    found: list[Numbered] = []
    async with asyncio.timeout(5), made.reading(name, USER, after) as reading:
        async for each in reading.events:
            found.append(each)
            if len(found) == most:
                break
    return found


def said(events: Sequence[Numbered]) -> str:
    return "".join(each.event.text for each in events if isinstance(each.event, Said))


def kinds(events: Sequence[Numbered]) -> list[type[GenerationEvent]]:
    return [type(each.event) for each in events]


async def settle(generation: Generation) -> None:
    async with asyncio.timeout(5):
        await generation.ended()


async def turns(count: int = 20) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_two_readers_and_one_who_comes_late_have_the_same() -> None:
    house = House()
    async with house.gateway(Engine([*text("Hel", "lo"), END])) as made:
        await made.begin(head(), CALLER)
        one, two = await asyncio.gather(read(made), read(made))
        assert one == two == await read(made)
        assert kinds(one) == [Began, Said, Said, Done]
        assert [each.number for each in one] == [1, 2, 3, 4]
        assert house.answers == [("Hello", MessageState.COMPLETE)]
        assert await read(made, after=3) == one[3:]
        assert await read(made, after=9) == []


async def test_the_message_is_stored_before_anybody_hears_of_the_end() -> None:
    house = House()
    async with house.gateway(Engine([*text("x"), END])) as made:
        await made.begin(head(), CALLER)
        async with made.reading("g", USER) as reading:
            async for each in reading.events:
                assert bool(house.answers) == isinstance(each.event, Done)


async def test_what_came_together_is_one_event() -> None:
    async with House().gateway(Engine([(Text("a"),), (Text("b"), Text("c")), END])) as made:
        await made.begin(head(), CALLER)
        events = [each.event for each in await read(made)]
        assert events[1:3] == [Said("a", 1), Said("bc", 2)]


async def test_halves_of_characters_do_not_break_the_log() -> None:
    async with House().gateway(Engine([*text("a\ud800"), END])) as made:
        await made.begin(head(), CALLER)
        assert said(await read(made)) == "a?"


async def test_stopping_ends_the_engine_and_keeps_the_text_once() -> None:
    house, engine = House(), Engine(text("So f", "ar"))
    async with house.gateway(engine) as made:
        await made.begin(head(), CALLER)
        assert said(await read(made, most=3)) == "So far"
        await made.stop("g", USER)
        assert engine.open == 0
        assert house.answers == [("So far", MessageState.INTERRUPTED)]
        await made.stop("g", USER)
        assert (await read(made))[-1].event == Stopped("client")
        assert house.answers == [("So far", MessageState.INTERRUPTED)]


async def test_stopped_before_its_first_step_it_ends_too() -> None:
    house, engine = House(), Engine(text("x"))
    async with house.gateway(engine) as made:
        generation = await made.begin(head(), CALLER)
        await made.end(generation)
        assert house.answers == [("", MessageState.INTERRUPTED)]
        assert (engine.open, made.running) == (0, 0)


async def test_anothers_is_not_there() -> None:
    async with House().gateway(Engine(text("x"))) as made:
        await made.begin(head(), CALLER)
        for asked in (made.stop("g", OTHER), made.get("g", OTHER), made.stop("h", USER)):
            with pytest.raises(NotFound):
                await asked
        with pytest.raises(NotFound):
            async with made.reading("g", OTHER):
                pass
        assert await made.list(OTHER) == []
        assert [each.head.id for each in await made.list(USER)] == ["g"]


async def test_a_failure_is_told_and_kept() -> None:
    house = House()
    async with house.gateway(Engine([*text("So far"), NodeFailed("It broke.")])) as made:
        generation = await made.begin(head(), CALLER)
        events = await read(made)
        assert kinds(events) == [Began, Said, Failure]
        assert isinstance(generation.error, NodeFailed)
        assert house.answers == [("So far", MessageState.FAILED)]
        summary, written = await made.get("g", USER)
        assert (summary.state, written.text) == ("failed", "So far")


async def test_a_first_question_that_is_refused_leaves_nothing() -> None:
    house = House()
    async with house.gateway(Engine([], refusal=ModelNotFound("m"))) as made:
        generation = await made.begin(head(first=True), CALLER)
        await settle(generation)
        assert (generation.events, house.conversations.threads, house.logs.logs) == ([], {}, {})


async def test_a_fault_of_our_own_is_the_end_of_one_answer_and_told_as_no_more_than_that() -> None:
    class Mad(Engine):
        def under_way(self, request: RequestId) -> Standing | None:
            raise ZeroDivisionError

    house = House()
    async with house.gateway(Mad(text("x"))) as made:
        await made.begin(head(), CALLER)
        (failure,) = [each.event for each in await read(made) if isinstance(each.event, Failure)]
        assert failure.message == "Something went wrong inside Potluck."


# --- where it stands -------------------------------------------------------------------------------------------------


async def test_readers_hear_where_a_call_stands_in_line_and_who_takes_it() -> None:
    engine = Engine([], standing=Standing(2, 9.0))
    house = House()
    async with house.gateway(engine) as made:
        await made.begin(head(), CALLER)
        await made.look()
        house.now += 1
        await made.look()
        engine.standing = Standing(node="b", attempts=2)
        await made.look()
        summary, _ = await made.get("g", USER)
        assert summary.standing == engine.standing
        events = [each.event for each in await read(made, most=2)]
        assert events[0] == InLine(2, 9.0) or isinstance(events[0], Began)


async def test_readers_hear_that_another_engine_goes_on_before_its_first_word() -> None:
    engine = Engine(text("a"))
    async with House().gateway(engine) as made:
        await made.begin(head(), CALLER)
        assert said(await read(made, most=2)) == "a"
        engine.standing = Standing(node="b", attempts=2, way="replay")
        engine.steps += [*text("b"), END]
        engine.go.set()
        events = [each.event for each in await read(made)]
        assert events[1:4] == [Said("a", 1), Rescued(NodeId("b"), 2, "replay"), Said("b", 1)]


# --- nobody reads ----------------------------------------------------------------------------------------------------


async def test_what_nobody_reads_for_too_long_is_stopped_and_what_is_read_goes_on() -> None:
    house, engine = House(bounds=Bounds(alone_s=60)), Engine(text("x"))
    async with house.gateway(engine) as made:
        await made.begin(head("g"), CALLER)
        await turns()
        other = Engine(text("y"))
        made._calls = other  # a second engine for the second answer
        await made.begin(head("h"), CALLER)
        async with made.reading("h", USER):
            await turns()
            house.now += 59
            await made.look()
            assert made.running == 2
            house.now += 1
            await made.look()
            await turns()
            assert (engine.open, other.open, made.running) == (0, 1, 1)
            assert house.answers == [("x", MessageState.INTERRUPTED)]
            assert (await read(made))[-1].event == Stopped("alone")


async def test_a_key_may_leave_only_so_many() -> None:
    house = House(bounds=Bounds(alone_per_key=1))
    async with house.gateway(Engine([])) as made:
        for name in ("g", "h", "i"):
            house.now += 1
            await made.begin(head(name), CALLER)
        await made.look()
        await turns()
        assert [each.head.id for each in await made.list(USER) if each.state == "running"] == ["i"]


async def test_what_has_ended_is_forgotten_in_time() -> None:
    house = House(bounds=Bounds(keep_s=100))
    async with house.gateway(Engine([*text("x"), END])) as made:
        await made.begin(head(), CALLER)
        await read(made)
        house.now += 99
        await made.look()
        assert await read(made)
        house.now += 1
        await made.look()
        with pytest.raises(NotFound):
            await read(made)
        assert house.logs.logs == {}


async def test_who_deletes_a_conversation_ends_and_forgets_its_answers() -> None:
    house, engine = House(), Engine(text("x"))
    async with house.gateway(engine) as made:
        await made.begin(head(), CALLER)
        await turns()
        await house.conversations.delete(CONVERSATION, USER)
        await made.drop(CONVERSATION, USER)
        assert (engine.open, made.running, house.logs.logs) == (0, 0, {})


# --- logs that cannot be written ------------------------------------------------------------------------------------


async def test_a_full_disk_costs_no_answer() -> None:
    house = House()
    async with house.gateway(Engine([*text("x"), END])) as made:
        house.logs.broken = True
        generation = await made.begin(head(), CALLER)
        with made.attend(generation) as reading:
            assert said([each async for each in reading.events]) == "x"
        assert house.answers == [("x", MessageState.COMPLETE)]


async def test_a_disk_that_fills_up_leaves_no_log_with_a_hole() -> None:
    house, engine = House(), Engine(text("a"))
    async with house.gateway(engine) as made:
        await made.begin(head(), CALLER)
        await read(made, most=2)
        house.logs.broken = True
        engine.steps += text("b")
        engine.go.set()
        await turns()
        assert house.logs.logs == {}
        house.logs.broken = False
        engine.steps += [END]
        engine.go.set()
        await turns()
        assert house.answers == [("ab", MessageState.COMPLETE)]


# --- a gateway that was killed ---------------------------------------------------------------------------------------


async def test_a_killed_gateways_answer_is_gone_on_with_and_readers_have_every_byte_once() -> None:
    house = House()
    async with house.gateway(Engine(text("Hel", "lo"))) as made:
        await made.begin(head(), CALLER)
        before = await read(made, most=3)
    assert house.answers == []
    engine = Engine([*text(" there"), END], node="b", standing=Standing(node="b", way="replay"))
    async with house.gateway(engine) as made:
        rest = await read(made, after=before[-1].number)
        assert [each.number for each in rest] == [4, 5, 6]
        assert kinds(rest) == [Rescued, Said, Done]
        assert said([*before, *rest]) == "Hello there"
        assert engine.begun is not None
        assert (engine.begun.told.text, engine.begun.told.tokens, engine.begun.model) == ("Hello", 2, "m")
        assert house.answers == [("Hello there", MessageState.COMPLETE)]
        assert await read(made) == [*before, *rest]
        assert (made.counts.found, made.counts.ended) == ({"continue": 1}, {("complete", ""): 1})


async def test_the_engines_are_waited_for() -> None:
    house = House()
    async with house.gateway(Engine(text("a"))) as made:
        await made.begin(head(), CALLER)
        await read(made, most=2)
    engine = Engine([*text("b"), END], up=False)
    async with house.gateway(engine) as made:
        await turns()
        assert engine.asked == 0
        engine.up = True
        assert said(await read(made)) == "ab"


@pytest.mark.parametrize(
    ("bounds", "welcome", "more"),
    [
        (Bounds(unfinished=Unfinished.INTERRUPT), True, {}),
        (Bounds(unfinished_within_s=-1), True, {}),
        (Bounds(), False, {}),
        (Bounds(), True, {"goes_on": False}),
    ],
)
async def test_by_policy_it_ends_there_instead(bounds: Bounds, welcome: bool, more: Any) -> None:
    house = House(bounds=bounds)
    async with house.gateway(Engine(text("So far"))) as made:
        await made.begin(head(**more), CALLER)
        await read(made, most=2)
    house.keys = house.keys if welcome else {}
    engine = Engine(text("x"))
    async with house.gateway(engine) as made:
        await turns()
        assert engine.asked == 0
        assert (await read(made))[-1].event == Stopped("restart")
        assert (made.counts.found, made.counts.ended) == ({"interrupt": 1}, {("interrupted", "restart"): 1})
        assert house.answers == [("So far", MessageState.INTERRUPTED)]


async def test_one_that_kills_the_gateway_does_so_a_few_times_and_no_more() -> None:
    house = House()
    asked = 0
    for _ in range(6):
        engine = Engine([])
        async with house.gateway(engine) as made:
            if not house.logs.logs:
                await made.begin(head(), CALLER)
            await turns()
            asked += engine.asked
    assert asked == 3
    assert house.answers == [("", MessageState.INTERRUPTED)]


async def test_one_that_cannot_be_gone_on_with_keeps_its_text() -> None:
    house = House()
    async with house.gateway(Engine(text("So far"))) as made:
        await made.begin(head(), CALLER)
        await read(made, most=2)
    async with house.gateway(Engine([], refusal=NodeFailed("No engine can go on."))) as made:
        assert (await read(made))[-1].event == Stopped("restart", "No engine can go on.")
        assert house.answers == [("So far", MessageState.INTERRUPTED)]


@pytest.mark.parametrize("stored", [False, True])
async def test_killed_between_its_end_and_its_message_it_is_stored_once(stored: bool) -> None:
    house = House()
    async with house.gateway(Engine([*text("Hello"), END])) as made:
        await made.begin(head(), CALLER)
        whole = await read(made)
    log = house.logs.logs[GenerationId("g")][1]
    last = next(place for place, entry in enumerate(log) if isinstance(entry.what, Outcome))
    del log[last + 1 :]
    house.logs.done.clear()
    if not stored:
        thread = house.conversations.threads[CONVERSATION]
        house.conversations.threads[CONVERSATION] = type(thread)(thread.conversation, thread.messages[:-1])
    engine = Engine([])
    async with house.gateway(engine) as made:
        assert await read(made) == whole
        assert engine.asked == 0
        assert house.answers == [("Hello", MessageState.COMPLETE)]


async def test_handed_over_readers_hear_no_end_and_the_next_start_goes_on() -> None:
    house, engine = House(), Engine(text("a"))
    async with house.gateway(engine) as made:
        await made.begin(head(), CALLER)
        reading = asyncio.ensure_future(read(made))
        await turns()
        await made.hand_over()
        before = await reading
        assert kinds(before) == [Began, Said]
        assert (engine.open, house.answers) == (0, [])
    async with house.gateway(Engine([*text("b"), END])) as made:
        assert said([*before, *await read(made, after=2)]) == "ab"


@settings(max_examples=40, deadline=None)
@given(
    pieces=st.lists(st.text("ab\n\u20ac", min_size=1, max_size=4), min_size=1, max_size=8),
    kills=st.lists(st.integers(0, 8), max_size=2).map(sorted),
    reads=st.lists(st.integers(0, 5), min_size=1, max_size=6),
)
async def test_wherever_readers_leave_and_gateways_die_every_byte_comes_once(
    pieces: list[str], kills: list[int], reads: list[int]
) -> None:
    """A gateway is killed after so many pieces of the text in all; in each life a reader comes and leaves."""
    house, got, done = House(), list[Numbered](), 0
    for kill in [*kills, None]:
        now = len(pieces) if kill is None else min(kill, len(pieces))
        async with house.gateway(Engine([*text(*pieces[done:now]), *([END] if kill is None else [])])) as made:
            if not house.logs.logs:
                await made.begin(head(), CALLER)
            await turns(60)
            last = (await made.get("g", USER))[0].last
            for most in reads:
                most = min(most, last - len(got))
                got += await read(made, after=len(got), most=most) if most else []
            if kill is None:
                got += await read(made, after=len(got))
        done = now
    assert [each.number for each in got] == list(range(1, len(got) + 1))
    assert said(got) == "".join(pieces)
    assert isinstance(got[-1].event, Done)
    assert house.answers == [("".join(pieces), MessageState.COMPLETE)]


def test_kinds_of_events_are_those_that_clients_are_told_of() -> None:
    assert {Seated, InLine} <= set(GenerationEvent.__args__)  # type: ignore[attr-defined]

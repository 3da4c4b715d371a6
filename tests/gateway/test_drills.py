"""Drills of nodes behind a real relay: what is cut, what goes on, what is counted, and that the node comes back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from potluck.backends.port import Report
from potluck.core.drill import How, Stage
from potluck.core.drill_verdict import Outcome
from potluck.core.errors import Conflict, NotFound, OperatorError
from potluck.core.health import Seen
from potluck.core.model import EngineId, Health, KeyId, Model, ModelId, UserId
from potluck.core.people import Role
from potluck.gateway.drains import Drains
from potluck.gateway.drills import Drill, Drills, Order
from potluck.gateway.kept_drill import SETTING, KeptDrill
from potluck.gateway.port import Caller
from tests.gateway.world import (
    DONE,
    ROLE,
    STOP,
    Answer,
    Client,
    EngineSide,
    MemorySettings,
    World,
    says_hi,
    text,
    until,
    world,
)

OWNER = Caller(KeyId("k"), "owner", UserId("u"), Role.OWNER)
LONG_S = 3600.0
BLOCK = Order(How.BLOCK, "n0", LONG_S, probe=False)
DRAIN = Order(How.DRAIN, "n0", LONG_S, probe=False)
"""They end when a test ends them, or by themselves."""


async def counts(engine: EngineSide) -> None:
    """A whole answer at once."""
    engine.stream()
    for piece in (ROLE, text("one"), text(" two"), STOP, DONE):
        engine.chunk(piece)
    engine.end()


class Begins:
    """Says the first word of the same answer, and the rest when it may, if somebody is there to hear it then."""

    def __init__(self) -> None:
        self.go = asyncio.Event()

    async def __call__(self, engine: EngineSide) -> None:
        engine.stream()
        engine.chunk(ROLE + text("one"))
        await engine.writer.drain()
        waits = [asyncio.ensure_future(each) for each in (self.go.wait(), engine.gone())]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for each in waits:
            each.cancel()
        for piece in (text(" two"), STOP, DONE):
            engine.chunk(piece)
        engine.end()


class BeginsOnce(Begins):
    """As `counts` the first time, so that an undisturbed answer is there to be compared."""

    asked = 0

    async def __call__(self, engine: EngineSide) -> None:
        self.asked += 1
        await (counts(engine) if self.asked == 1 else super().__call__(engine))


async def fails(engine: EngineSide) -> None:
    engine.reply(b'{"error":{"message":"broken"}}', "500 Internal Server Error")


@dataclass
class Ground:
    """A world with a service for drills. A look at an engine finds it well, unless it is ``dead``."""

    world: World
    drills: Drills
    drains: Drains
    settings: MemorySettings
    dead: set[str]

    def health(self, number: int = 0) -> Health:
        return self.world.fleet.engines[EngineId(f"n{number}/openai")].health

    async def out(self, order: Order) -> Drill:
        """A drill whose node is out."""
        drill = await self.drills.begin(order, OWNER)
        await until(lambda: drill.stage is not Stage.PREPARING)
        return drill

    async def streaming(self) -> Client:
        """A client that has heard the first word."""
        client = await self.world.connect()
        client.ask(stream=True, temperature="0")
        await until(lambda: any(each.spoken for each in self.world.relay.exchanges))
        return client


@asynccontextmanager
async def ground(*scripts: Answer, slots: int = 2, settings: MemorySettings | None = None) -> AsyncGenerator[Ground]:
    async with world(*scripts, slots=slots) as w:
        settings, dead = settings or MemorySettings(), set[str]()

        async def look(engine: EngineId) -> None:
            if engine in dead:
                w.fleet.saw(engine, Seen.PROBE_MISSED, "gone")
            else:
                w.fleet.reported(engine, Report((Model(ModelId("m"), resident=True),)))

        store: Any = settings
        kept = KeptDrill(store, lambda: 0.0)
        await kept.read()
        drains = Drains(store, w.fleet, w.relay.dispatcher, lambda: 0.0)
        drills = Drills(w.relay, drains, kept, w.metrics, look, lambda: 1_000_000.0, look_again_s=0.0)

        async def look_for_a_call(engines: Iterable[EngineId], within_s: float) -> None:
            """As the watch looks: it comes to a blocked engine no better than calls do."""
            out = {each.node for each in drills.all() if each.stage is Stage.UNDER_WAY and each.order.how is How.BLOCK}
            for engine in engines:
                if w.fleet.engines[engine].node in out:
                    w.fleet.saw(engine, Seen.PROBE_MISSED, "blocked")
                else:
                    await look(engine)

        w.relay.look = look_for_a_call
        yield Ground(w, drills, drains, settings, dead)


# --- a block ---


async def test_a_stream_on_the_blocked_node_goes_on_elsewhere_and_the_node_comes_back() -> None:
    async with ground(Begins(), counts) as g:
        client = await g.streaming()
        drill = await g.out(BLOCK)
        _, _, body = await client.answer()
        assert body.count(b'"one"') == body.count(b'" two"') == 1
        assert body.endswith(DONE)
        await until(lambda: drill.tally.served == 1)
        tally = drill.tally
        assert (tally.rescued, tally.moved, tally.lost) == (1, 0, 0)
        assert tally.recovered_s is not None
        assert g.drills.of_node("n0") is drill
        assert g.drills.of_node("n1") is None
        assert g.health() is Health.SUSPECT
        over = await g.drills.end(drill.id)
        assert (over.outcome, over.restored, g.health()) == (Outcome.STOPPED, True, Health.UP)
        assert [(proof.proven, proof.said) for proof in over.proofs] == [
            (True, "1 of your own answers went on elsewhere")
        ]
        assert g.drills.of_node("n0") is None
        assert g.world.metrics.drills == {("block", "stopped"): 1}
        await until(g.world.nothing_is_held)


async def test_a_call_that_comes_to_the_blocked_node_is_answered_elsewhere_and_by_it_again_afterwards() -> None:
    async with ground(says_hi, says_hi) as g:
        await g.drains.drain("n1")
        drill = await g.out(Order(How.BLOCK, "n0", LONG_S, probe=False, force=True))
        await g.drains.resume("n1")
        client = await g.world.connect()
        for _ in range(2):  # of two calls one at least is sent to the node that is not known to be away
            client.ask()
            assert (await client.answer())[1]["x-potluck-node"] == "n1"
        assert not g.world.engines[0].requests
        await until(lambda: drill.tally.served == 2)
        assert (drill.tally.moved, drill.tally.lost) == (1, 0)
        await g.drills.end(drill.id)
        await g.drains.drain("n1")
        client.ask()
        assert (await client.answer())[1]["x-potluck-node"] == "n0"


async def test_an_answer_that_is_still_being_written_elsewhere_at_the_end_is_told() -> None:
    async with ground(Begins(), second := Begins()) as g:
        client = await g.streaming()
        drill = await g.out(BLOCK)
        await until(lambda: drill.tally.recovered_s is not None)
        assert (await g.drills.end(drill.id)).unfinished == 1
        second.go.set()
        assert (await client.answer())[2].endswith(DONE)


async def test_the_first_lost_call_ends_a_block_at_once() -> None:
    async with ground(Begins(), fails) as g:
        client = await g.streaming()
        drill = await g.out(BLOCK)
        await client.answer()
        await drill.over.wait()
        assert (drill.outcome, drill.tally.lost, drill.restored) == (Outcome.LOST, 1, True)
        assert drill.why.startswith("A call was lost. 'm': ")
        assert g.health() is Health.UP


async def test_a_line_that_grows_ends_a_drill_at_once() -> None:
    async with ground(says_hi, second := Begins(), slots=1) as g:
        drill = await g.out(DRAIN)
        for _ in range(6):
            (await g.world.connect()).ask(stream=True)
        await drill.over.wait()
        assert (drill.outcome, drill.why) == (Outcome.BROKEN_OFF, "5 calls wait in line, where 4 may.")
        assert drill.tally.queue_peak == 5
        second.go.set()


async def test_a_node_that_really_died_meanwhile_is_not_said_to_be_restored() -> None:
    async with ground(says_hi, says_hi) as g:
        drill = await g.out(BLOCK)
        g.dead.add("n0/openai")
        await g.drills.end(drill.id)
        assert (drill.outcome, drill.restored) == (Outcome.BROKEN_OFF, False)


async def test_a_configuration_that_changes_under_a_drill_ends_it() -> None:
    async with ground(says_hi, says_hi) as g:
        drill = await g.out(BLOCK)
        first, second = g.world.fleet.installations.values()
        g.world.fleet.reconfigure([second], {})
        await drill.over.wait()
        assert (drill.outcome, drill.why) == (Outcome.BROKEN_OFF, "The configuration of n0 changed.")
        assert drill.restored
        g.world.fleet.reconfigure([first, second], {})


async def test_a_drill_ends_by_itself_and_nothing_stays_blocked() -> None:
    async with ground(says_hi) as g:
        drill = await g.drills.begin(Order(How.BLOCK, "n0", 0.01, probe=False, force=True), OWNER)
        await drill.over.wait()
        assert (drill.outcome, drill.why, drill.unfinished) == (Outcome.HELD, "", 0)
        client = await g.world.connect()
        client.ask()
        assert (await client.answer())[0] == 200
        assert g.settings.values[SETTING] is None


async def test_errors_of_clients_and_calls_for_other_models_are_not_the_drills() -> None:
    async with ground(says_hi, says_hi) as g:
        drill = await g.out(BLOCK)
        client = await g.world.connect()
        client.post(b'{"model":"nobody-has-it","messages":[{"role":"user","content":"x"}]}')
        assert (await client.answer())[0] == 404
        leaving = await g.world.connect()
        leaving.ask(stream=True)
        leaving.abort()
        await until(lambda: not g.world.relay.exchanges)
        assert drill.stage is Stage.UNDER_WAY
        assert drill.tally.lost == 0
        await g.drills.end(drill.id)


# --- a drain ---


async def test_what_streams_on_the_drained_node_ends_there_and_what_comes_goes_elsewhere() -> None:
    async with ground(first := Begins(), says_hi) as g:
        client = await g.streaming()
        drill = await g.out(DRAIN)
        assert g.health() is Health.DRAINING
        other = await g.world.connect()
        other.ask()
        assert (await other.answer())[1]["x-potluck-node"] == "n1"
        first.go.set()
        assert (await client.answer())[2].endswith(DONE)
        await until(lambda: drill.tally.served == 2)
        await g.drills.end(drill.id)
        assert (drill.tally.rescued, drill.tally.moved, g.health()) == (0, 0, Health.UP)


async def test_a_node_that_its_owner_drains_meanwhile_stays_drained() -> None:
    async with ground(says_hi, says_hi) as g:
        drill = await g.out(DRAIN)
        await g.drains.drain("n0")
        await g.drills.end(drill.id)
        assert g.health() is Health.DRAINING
        assert drill.restored


# --- test calls ---


async def test_a_quiet_house_is_proven_by_an_answer_that_is_cut_and_a_call_that_comes_after() -> None:
    async with ground(BeginsOnce(), counts) as g:
        drill = await g.out(Order(How.BLOCK, "n0", LONG_S))
        await until(lambda: drill.trials[0].again_on is not None)
        (proof,) = (await g.drills.end(drill.id)).proofs
        assert (proof.proven, proof.same) == (True, True)
        assert drill.outcome is Outcome.STOPPED
        assert drill.tally.served == 0  # of people's calls
        records = await g.world.records()
        assert [(each.family, each.node, each.status) for each in records] == [
            ("drill", "n0", "ok"),
            ("drill", "n1", "ok"),
            ("drill", "n1", "ok"),
        ]


async def test_a_drained_nodes_test_call_ends_there() -> None:
    async with ground(BeginsOnce(), counts) as g:
        drill = await g.out(Order(How.DRAIN, "n0", LONG_S))
        script: Any = g.world.engines[0].script
        script.go.set()
        await until(lambda: drill.trials[0].again_on is not None)
        (proof,) = (await g.drills.end(drill.id)).proofs
        assert (proof.proven, drill.trials[0].stream_on) == (True, "n0")


async def test_an_answer_that_was_whole_before_it_could_be_cut_proves_no_rescue() -> None:
    async def at_once(engine: EngineSide) -> None:
        engine.stream()
        engine.writer.write(
            b"".join(b"%x\r\n%b\r\n" % (len(each), each) for each in (ROLE + text("one") + STOP + DONE,))
        )
        engine.end()

    async with ground(at_once, at_once) as g:
        drill = await g.out(Order(How.BLOCK, "n0", LONG_S))
        await until(lambda: drill.trials[0].again_on is not None)
        (proof,) = (await g.drills.end(drill.id)).proofs
        assert not proof.proven
        assert "its answer was whole before n0 was blocked" in proof.said


async def test_a_test_call_that_is_lost_ends_the_drill() -> None:
    async with ground(BeginsOnce(), fails) as g:
        drill = await g.drills.begin(Order(How.BLOCK, "n0", LONG_S), OWNER)
        await drill.over.wait()
        assert (drill.outcome, drill.tally.lost) == (Outcome.LOST, 0)
        assert drill.why.startswith("A test call was lost. 'm': ")
        assert g.health() is Health.UP


async def test_an_engine_that_cannot_answer_a_test_call_beforehand_has_lost_nothing() -> None:
    async with ground(fails, counts) as g:
        drill = await g.out(Order(How.BLOCK, "n0", LONG_S))
        await until(lambda: drill.trials[0].again_on is not None)
        (proof,) = (await g.drills.end(drill.id)).proofs
        assert (proof.proven, proof.lost) == (False, False)
        assert "not tried: " in proof.said


async def test_a_drill_that_is_ended_while_its_test_calls_set_out_takes_nothing_out() -> None:
    async with ground(Begins(), counts) as g:
        drill = await g.drills.begin(Order(How.BLOCK, "n0", LONG_S), OWNER)
        await until(lambda: bool(g.world.engines[0].requests))
        await g.drills.end(drill.id)
        assert (drill.outcome, drill.until_s, g.health()) == (Outcome.STOPPED, None, Health.UP)
        await until(g.world.nothing_is_held)


async def test_test_calls_that_are_not_over_in_time_are_said() -> None:
    async with ground(BeginsOnce(), Begins()) as g:
        drill = await g.out(Order(How.BLOCK, "n0", LONG_S))
        await until(lambda: drill.tally.recovered_s is not None)
        (proof,) = (await g.drills.end(drill.id)).proofs
        assert "its test calls were not over when the node came back" in proof.said
        assert drill.unfinished == 0
        await until(g.world.nothing_is_held)


# --- what is refused, and what is remembered ---


async def test_what_is_impolite_is_refused_and_may_be_insisted_on() -> None:
    async with ground(says_hi) as g:
        with pytest.raises(Conflict, match="'m' has no second home") as error:
            await g.drills.begin(BLOCK, OWNER)
        assert "--force" in error.value.hint
        drill = await g.out(Order(How.BLOCK, "n0", LONG_S, probe=False, force=True))
        with pytest.raises(Conflict, match="A drill of n0 is under way"):
            await g.drills.begin(Order(How.DRAIN, "n0", force=True), OWNER)
        await g.drills.end(drill.id)


async def test_what_is_impossible_is_refused_whatever_is_said() -> None:
    async with ground(says_hi, says_hi) as g:
        await g.drains.drain("n0")
        with pytest.raises(Conflict, match="drained already") as error:
            await g.drills.begin(Order(How.BLOCK, "n0", force=True), OWNER)
        assert not error.value.hint
        assert g.drills.plan(How.BLOCK).node == "n1"
        with pytest.raises(NotFound) as unknown:
            g.drills.plan(How.BLOCK, "n00")
        assert unknown.value.hint.startswith("Did you mean n0")
        with pytest.raises(NotFound):
            g.drills.get("never")
        g.world.fleet.reconfigure([], {})
        with pytest.raises(NotFound, match="no node with an engine"):
            g.drills.plan(How.BLOCK)


async def test_a_drill_that_cannot_be_kept_does_not_begin() -> None:
    class Full(MemorySettings):
        async def set(self, name: str, value: Any, now: float) -> None:
            raise OperatorError("The disk is full.")

    async with ground(says_hi, says_hi, settings=Full()) as g:
        with pytest.raises(OperatorError):
            await g.drills.begin(BLOCK, OWNER)
        assert (g.drills.all(), g.health()) == ((), Health.UP)


async def test_a_drill_that_the_gateways_end_cut_short_is_told_and_its_node_serves() -> None:
    settings = MemorySettings()
    async with ground(says_hi, says_hi, settings=settings) as g:
        drill = await g.out(DRAIN)
        left = dict(settings.values)
    settings.values = left
    async with ground(says_hi, says_hi, settings=settings) as g:
        (found,) = g.drills.all()
        assert (found.id, found.node, found.outcome, found.restored) == (drill.id, "n0", Outcome.INTERRUPTED, True)
        assert g.health() is Health.UP
        assert settings.values[SETTING] is None
        assert await g.drills.end(found.id) is found


@pytest.mark.parametrize("kept", ["n0", {"id": 5}])
async def test_a_drill_that_cannot_be_read_is_forgotten(kept: Any) -> None:
    settings = MemorySettings()
    settings.values[SETTING] = kept
    async with ground(says_hi, settings=settings) as g:
        assert not g.drills.all()
        assert settings.values[SETTING] is None

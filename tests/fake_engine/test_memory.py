from __future__ import annotations

from math import inf

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from potluck_fake_engine.memory import Effect, Evicted, Granted, LoadStarted, Memory, Refused, Want

GB = 10**9


def want(
    ticket: int, model: str, *, size: int = 2, keep: float = 300.0, load_s: float = 3.0, options: str = ""
) -> Want:
    return Want(ticket, model, size * GB, load_s, keep, options)


def test_a_cold_load_takes_its_time_and_then_lets_everybody_in() -> None:
    memory = Memory()
    assert memory.ask(want(1, "a"), 0.0) == [LoadStarted("a")]
    assert memory.ask(want(2, "a"), 1.0) == []
    assert memory.next_event() == 3.0
    assert memory.advance(2.9) == []
    assert memory.advance(3.0) == [Granted(1), Granted(2)]
    assert memory.ask(want(3, "a"), 4.0) == [Granted(3)]


def test_an_idle_model_expires_after_its_keep_alive_and_a_used_one_does_not() -> None:
    memory = Memory()
    memory.ask(want(1, "a", load_s=0, keep=10), 0.0)
    assert memory.advance(1000.0) == []
    memory.release("a", 1000.0)
    assert memory.next_event() == 1010.0
    assert memory.advance(1010.0) == [Evicted("a", "expired")]


def test_keep_alive_zero_unloads_at_once() -> None:
    memory = Memory()
    memory.ask(want(1, "a", load_s=0, keep=0), 0.0)
    assert memory.release("a", 1.0) == [Evicted("a", "expired")]


def test_the_idle_runner_with_the_shortest_keep_alive_makes_room() -> None:
    memory = Memory(limit=6 * GB)
    for ticket, (model, keep) in enumerate([("a", 300.0), ("b", 60.0), ("c", inf)]):
        memory.ask(want(ticket, model, load_s=0, keep=keep), 0.0)
        memory.release(model, 0.0)
    assert memory.ask(want(9, "d"), 1.0) == [Evicted("b", "memory"), LoadStarted("d")]


def test_a_model_in_use_is_never_evicted_and_the_head_of_the_queue_blocks_the_rest() -> None:
    memory = Memory(limit=4 * GB)
    memory.ask(want(1, "a", load_s=0), 0.0)
    assert memory.ask(want(2, "big", size=3), 0.0) == []
    # It would fit, but has to wait its turn.
    assert memory.ask(want(3, "small", size=1), 0.0) == []
    assert memory.ask(want(4, "a"), 0.0) == [Granted(4)]
    assert memory.release("a", 1.0) == []
    assert memory.release("a", 2.0) == [Evicted("a", "memory"), LoadStarted("big")]
    assert memory.advance(5.0) == [Granted(2), LoadStarted("small")]


def test_other_runner_options_load_the_model_again() -> None:
    memory = Memory()
    memory.ask(want(1, "a", load_s=0, options="num_ctx=1"), 0.0)
    memory.release("a", 0.0)
    assert memory.ask(want(2, "a", options="num_ctx=2"), 0.0) == [Evicted("a", "options"), LoadStarted("a")]


def test_a_model_larger_than_the_memory_loads_alone() -> None:
    memory = Memory(limit=1 * GB)
    assert memory.ask(want(1, "a", size=9), 0.0) == [LoadStarted("a")]


def test_the_number_of_models_may_be_limited() -> None:
    memory = Memory(max_loaded=1)
    memory.ask(want(1, "a", load_s=0), 0.0)
    memory.release("a", 0.0)
    assert memory.ask(want(2, "b"), 0.0) == [Evicted("a", "memory"), LoadStarted("b")]


def test_a_full_queue_refuses() -> None:
    memory = Memory(limit=2 * GB, max_queue=1)
    memory.ask(want(1, "a", load_s=0), 0.0)
    assert memory.ask(want(2, "b"), 0.0) == []
    assert memory.ask(want(3, "c"), 0.0) == [Refused(3)]


def test_whoever_leaves_is_not_waited_for() -> None:
    memory = Memory(limit=4 * GB)
    memory.ask(want(1, "a", load_s=0), 0.0)
    memory.ask(want(2, "big", size=3), 0.0)
    memory.ask(want(3, "small", size=1), 0.0)
    assert memory.leave(2, 0.0) == [LoadStarted("small")]


def test_unloading_a_model_in_use_waits_for_its_end() -> None:
    memory = Memory()
    memory.ask(want(1, "a", load_s=0), 0.0)
    assert memory.unload("a", 1.0) == []
    assert memory.release("a", 2.0) == [Evicted("a", "expired")]
    assert memory.unload("a", 3.0) == []


class MemoryRules(RuleBasedStateMachine):
    """Whatever happens: no ticket is lost or served twice, no used model goes, memory holds."""

    def __init__(self) -> None:
        super().__init__()
        self.memory = Memory(limit=5 * GB, max_queue=5)
        self.now = 0.0
        self.tickets = 0
        self.waiting: dict[int, str] = {}
        self.using: list[tuple[int, str]] = []

    def take(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Granted(ticket):
                    self.using.append((ticket, self.waiting.pop(ticket)))
                case Refused(ticket):
                    del self.waiting[ticket]
                case Evicted(model, _):
                    assert model not in [name for _, name in self.using]
                case LoadStarted():
                    pass

    @rule(
        model=st.sampled_from("abcd"),
        size=st.integers(1, 4),
        keep=st.sampled_from([0.0, 5.0, inf]),
        options=st.sampled_from(["x", "y"]),
        load_s=st.sampled_from([0.0, 2.0]),
    )
    def ask(self, model: str, size: int, keep: float, options: str, load_s: float) -> None:
        self.tickets += 1
        self.waiting[self.tickets] = model
        self.take(self.memory.ask(Want(self.tickets, model, size * GB, load_s, keep, options), self.now))

    @rule(pick=st.integers(0, 100))
    def release(self, pick: int) -> None:
        if self.using:
            _, model = self.using.pop(pick % len(self.using))
            self.take(self.memory.release(model, self.now))

    @rule(pick=st.integers(0, 100))
    def leave(self, pick: int) -> None:
        if self.waiting:
            ticket = list(self.waiting)[pick % len(self.waiting)]
            del self.waiting[ticket]
            self.take(self.memory.leave(ticket, self.now))

    @rule(model=st.sampled_from("abcd"))
    def unload(self, model: str) -> None:
        self.take(self.memory.unload(model, self.now))

    @rule()
    def wait(self) -> None:
        if (due := self.memory.next_event()) != inf:
            self.now = max(self.now, due)
            self.take(self.memory.advance(self.now))

    @invariant()
    def memory_holds(self) -> None:
        assert self.memory.used() <= 5 * GB or len(self.memory.runners) == 1

    @invariant()
    def one_load_at_a_time(self) -> None:
        assert sum(runner.loading for runner in self.memory.runners.values()) <= 1

    @invariant()
    def users_are_counted(self) -> None:
        for model, runner in self.memory.runners.items():
            assert runner.users == [name for _, name in self.using].count(model)

    @invariant()
    def nobody_waits_while_nothing_is_used_or_loading(self) -> None:
        if self.waiting and not self.using:
            assert any(runner.loading for runner in self.memory.runners.values())


def test_a_load_under_way_can_be_hurried_but_not_delayed() -> None:
    memory = Memory()
    memory.ask(Want(1, "m", GB, 10.0, inf), 0.0)
    assert memory.hurry("m", 20.0, 1.0) == memory.hurry("other", 1.0, 1.0) == []
    assert memory.hurry("m", 1.0, 1.0) == [Granted(1)]
    assert memory.hurry("m", 1.0, 1.0) == []


TestMemoryRules = MemoryRules.TestCase
TestMemoryRules.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)

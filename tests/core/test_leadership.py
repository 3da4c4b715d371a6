"""One gateway leads at a time: examples first, then any interleaving of pauses, losses and outages."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from potluck.core.leadership import GONE_S, LEASE_S, STILL_S, Leadership, Others, Record, Step


def leading(now: float = 0.0) -> Leadership:
    one = Leadership("one", "http://one")
    one.saw(Record(), now)
    assert one.next(now) is Step.TAKE
    one.granted(one.wanted(Step.TAKE), now)
    return one


def following(record: Record | None, now: float = 0.0) -> Leadership:
    two = Leadership("two", "http://two")
    if record is not None:
        two.saw(record, now)
    return two


def test_who_knows_nothing_looks() -> None:
    fresh = following(None)
    assert fresh.next(0.0) is Step.LOOK
    assert (fresh.holds, fresh.term, fresh.leads(0.0), fresh.left_s(0.0)) == (False, 0, False, 0.0)


def test_a_free_record_is_taken_with_the_next_term_and_counts_from_when_it_was_asked_for() -> None:
    one = Leadership("one", "http://one")
    one.saw(Record("", "", 7, 3), 10.0)
    wanted = one.wanted(one.next(10.0))
    assert wanted == Record("one", "http://one", 8, 0)
    one.granted(wanted, asked_s=10.0)
    assert (one.holds, one.term, one.left_s(11.0)) == (True, 8, LEASE_S - 1.0)
    assert one.leads(10.0 + LEASE_S - 0.01)
    assert not one.leads(10.0 + LEASE_S)


def test_a_leader_renews_also_when_its_time_is_over() -> None:
    one = leading()
    assert one.next(100.0) is Step.RENEW
    wanted = one.wanted(Step.RENEW)
    assert (wanted.term, wanted.beat) == (1, 1)
    one.granted(wanted, 100.0)
    assert one.leads(101.0)


def test_a_record_that_stands_still_for_longer_than_a_lease_is_taken_and_one_that_moves_is_not() -> None:
    two = following(Record("one", "http://one", 1, 0))
    assert two.next(STILL_S - 0.1) is Step.LOOK
    two.saw(Record("one", "http://one", 1, 1), STILL_S - 0.1)
    assert two.next(STILL_S) is Step.LOOK
    two.saw(Record("one", "http://one", 1, 1), STILL_S + 1.0)
    assert two.next(2 * STILL_S - 0.1) is Step.TAKE


def test_the_record_of_a_dead_predecessor_is_taken_at_once() -> None:
    two = Leadership("two.b", "http://two", predecessor="two.a")
    two.saw(Record("two.a", "http://two", 4, 9), 0.0)
    assert two.next(0.0) is Step.TAKE


def test_who_finds_another_one_in_its_place_does_not_lead_any_more() -> None:
    one = leading()
    one.saw(Record("two", "http://two", 2, 0), 1.0)
    assert not one.leads(1.0)
    assert one.next(1.0) is Step.LOOK


def test_an_answer_that_was_lost_is_made_up_for_by_the_next_renewal() -> None:
    one = leading()
    lost = one.wanted(Step.RENEW)
    one.failed()
    one.saw(lost, 1.0)
    assert one.leads(1.0)  # still by the first lease
    assert one.wanted(one.next(1.0)).beat == lost.beat + 1


def test_who_resigns_leaves_the_record_free_and_its_term_as_it_was() -> None:
    one = leading()
    assert one.resigned() == Record("", "", 1, 1)
    assert not one.leads(0.1)
    assert following(Record("one", "", 1, 0)).resigned() is None


def test_without_the_store_a_leader_goes_on_while_all_others_promise() -> None:
    one = leading()
    two = following(one.record)
    assert not two.promise(1.0)  # it could take over
    two.failed()
    one.failed()
    assert two.promise(1.0)
    one.promised([True], asked_s=0.9)
    assert one.left_s(0.9) == LEASE_S
    two.saw(Record("one", "http://one", 1, 0), 4.0)
    assert two.next(1.0 + STILL_S - 0.1) is Step.LOOK
    assert two.next(1.0 + STILL_S) is Step.TAKE
    one.promised([True, False], asked_s=2.0)
    assert one.left_s(0.9) == LEASE_S
    one.promised([], asked_s=5.0)
    assert one.leads(7.9)


def test_nobody_promises_who_leads_or_may_have_taken_over() -> None:
    one = leading()
    one.failed()
    assert not one.promise(0.0)
    two = following(Record("one", "http://one", 1, 0))
    two.wanted(Step.TAKE)
    two.failed()
    assert not two.promise(STILL_S)


def test_a_promise_is_no_lease_for_who_does_not_lead() -> None:
    two = following(Record("one", "http://one", 1, 0))
    two.failed()
    two.promised([], 1.0)
    assert not two.leads(1.0)
    one = leading()
    one.promised([], 2.0)  # the store answers: it decides
    assert one.left_s(0.0) == LEASE_S


def test_gateways_whose_beat_stands_still_are_gone() -> None:
    others = Others()
    assert others.saw({"a": 1, "b": 1}, 0.0) == ({"a", "b"}, frozenset())
    assert others.saw({"a": 2, "b": 1}, GONE_S) == ({"a"}, {"b"})
    assert others.saw({"a": 2}, GONE_S + 1.0) == ({"a"}, frozenset())


# --- Any interleaving ------------------------------------------------------------------------------------------------


@dataclass
class Machine:
    """A gateway with a clock of its own, one question under way at most, and perhaps no way to the store."""

    part: Leadership
    ahead_s: float
    rate: float
    cut_off: bool = False
    asked: tuple[Step, Record | None, float] | None = None
    answer: Record | None = None
    done: bool = False
    swapped: bool = False
    asking_s: float | None = None
    promises: list[bool] = field(default_factory=list)

    def clock(self, now: float) -> float:
        return self.ahead_s + self.rate * now


class OneLeader(RuleBasedStateMachine):
    """Three gateways and a store; the store's own clock is not there at all, so that no step of it can matter."""

    @initialize(clocks=st.lists(st.tuples(st.floats(0, 1e6), st.floats(1.0, 1.09)), min_size=3, max_size=3))
    def begin(self, clocks: list[tuple[float, float]]) -> None:
        self.now = 0.0
        self.store = Record()
        self.store_away = False
        self.machines = [
            Machine(Leadership(f"g{number}", ""), ahead, rate) for number, (ahead, rate) in enumerate(clocks)
        ]

    which = st.integers(0, 2)

    @rule(seconds=st.sampled_from([0.01, 0.2, 0.7, 1.0, 2.9, 3.0, 3.3, 8.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(which=which)
    def asks(self, which: int) -> None:
        machine = self.machines[which]
        if machine.asked is None:
            now = machine.clock(self.now)
            step = machine.part.next(now)
            machine.asked = (step, None if step is Step.LOOK else machine.part.wanted(step), now)
            machine.answer, machine.done, machine.swapped = None, False, False

    @rule(which=which)
    def the_store_does_it(self, which: int) -> None:
        machine = self.machines[which]
        if machine.asked is None or machine.done or self.store_away or machine.cut_off:
            return
        machine.done = True
        wanted = machine.asked[1]
        before = machine.part.record
        if wanted is not None and before is not None and before == self.store:
            self.store, machine.swapped = wanted, True
        machine.answer = self.store

    @rule(which=which)
    def the_answer_comes(self, which: int) -> None:
        machine = self.machines[which]
        if machine.asked is None or machine.answer is None:
            return
        _, wanted, asked_s = machine.asked
        if wanted is not None and machine.swapped:
            machine.part.granted(wanted, asked_s)
        else:
            machine.part.saw(machine.answer, machine.clock(self.now))
        machine.asked = None

    @rule(which=which)
    def an_answer_is_lost(self, which: int) -> None:
        self.asks(which)
        self.the_store_does_it(which)
        self.no_answer_comes(which)

    @rule(which=which)
    def asks_and_is_answered(self, which: int) -> None:
        self.asks(which)
        self.the_store_does_it(which)
        self.the_answer_comes(which)

    @rule(which=which)
    def no_answer_comes(self, which: int) -> None:
        machine = self.machines[which]
        if machine.asked is not None:
            machine.part.failed()
            machine.asked = None

    @rule(which=which)
    def the_store_is_asked_in_vain(self, which: int) -> None:
        machine = self.machines[which]
        if (self.store_away or machine.cut_off) and machine.asked is None:
            machine.part.failed()

    @rule(which=which)
    def resigns(self, which: int) -> None:
        machine = self.machines[which]
        if machine.asked is None and not (self.store_away or machine.cut_off):
            before, after = machine.part.record, machine.part.resigned()
            if after is not None and before == self.store:
                self.store = after
                machine.part.saw(after, machine.clock(self.now))

    @rule()
    def the_store_goes_or_comes(self) -> None:
        self.store_away = not self.store_away

    @rule(which=which)
    def a_cable_is_pulled_or_plugged(self, which: int) -> None:
        self.machines[which].cut_off = not self.machines[which].cut_off

    @rule(which=which)
    def asks_the_others(self, which: int) -> None:
        machine = self.machines[which]
        machine.asking_s, machine.promises = machine.clock(self.now), []

    @rule(which=which, other=which)
    def one_of_them_answers(self, which: int, other: int) -> None:
        machine = self.machines[which]
        # In their order: the first answer is of the one after it.
        next_one = other == (which + 1 + len(machine.promises)) % 3
        if machine.asking_s is not None and next_one and len(machine.promises) < 2:
            machine.promises.append(self.machines[other].part.promise(self.machines[other].clock(self.now)))

    @rule(which=which)
    def takes_in_their_answers(self, which: int) -> None:
        machine = self.machines[which]
        if machine.asking_s is not None and len(machine.promises) == 2:
            machine.part.promised(machine.promises, machine.asking_s)
            machine.asking_s = None

    @invariant()
    def one_leads_at_most(self) -> None:
        if hasattr(self, "machines"):
            leaders = [each.part.holder for each in self.machines if each.part.leads(each.clock(self.now))]
            assert len(leaders) <= 1

    @precondition(lambda self: hasattr(self, "machines"))
    @rule()
    def left_alone_somebody_leads(self) -> None:
        """From any state: with the store there, two leases later there is a leader."""
        self.store_away = False
        for machine in self.machines:
            machine.cut_off = False
            machine.asked = None
        for _ in range(math.ceil(4 * STILL_S)):
            for which in range(3):
                self.asks(which)
                self.the_store_does_it(which)
                self.the_answer_comes(which)
                self.one_leads_at_most()
            self.now += 0.5
        assert any(each.part.leads(each.clock(self.now)) for each in self.machines)


OneLeader.TestCase.settings = settings(max_examples=80, stateful_step_count=60, deadline=None)
TestOneLeader = OneLeader.TestCase

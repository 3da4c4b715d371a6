from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from potluck_fake_engine import tokens
from potluck_fake_engine.slots import Slot, Slots


def arrive(slots: Slots, ticket: int, prompt: str) -> Slot | None:
    started = slots.arrive(ticket, prompt, tokens.count(prompt))
    return started.slot if started else None


def test_a_prompt_goes_to_the_slot_that_knows_most_of_it() -> None:
    slots = Slots(2)
    first, second = arrive(slots, 1, "one two"), arrive(slots, 2, "other words")
    assert first is not None
    assert second is not None
    slots.free(first, "one two three")
    slots.free(second, "other words too")
    again = arrive(slots, 3, "other words too, and more")
    assert again is second
    assert again.cached == tokens.count("other words too")


def test_a_prompt_that_shares_little_more_than_a_template_goes_to_the_slot_used_longest_ago() -> None:
    slots = Slots(3)
    prompts = [f"<user>{word * 20}" for word in ("one ", "two ", "six ", "ten ")]
    taken = [arrive(slots, number, prompt) for number, prompt in enumerate(prompts[:3])]
    for slot, prompt in reversed(list(zip(taken, prompts, strict=False))):
        assert slot is not None
        slots.free(slot, prompt)
    again = arrive(slots, 4, prompts[0])
    assert again is taken[0]
    slots.free(again, prompts[0])
    assert arrive(slots, 5, prompts[3]) is taken[1]


def test_the_last_token_is_evaluated_even_if_all_is_cached() -> None:
    slots = Slots(1)
    slot = arrive(slots, 1, "one two three")
    assert slot is not None
    slots.free(slot, "one two three")
    same = arrive(slots, 2, "one two three")
    assert same is not None
    assert same.cached == 2


def test_more_slots_start_those_who_wait_and_fewer_let_the_busy_end() -> None:
    slots = Slots(1)
    first = arrive(slots, 1, "a")
    assert first is not None
    assert arrive(slots, 2, "b") is None
    assert [started.ticket for started in slots.resize(2)] == [2]
    slots.resize(1)
    assert slots.busy() == 2
    assert arrive(slots, 3, "c") is None
    second = next(slot for slot in slots.slots if slot.ticket == 2)
    assert slots.free(second, "") is None
    started = slots.free(first, "")
    assert started is not None
    assert started.ticket == 3


class SlotRules(RuleBasedStateMachine):
    """No slot idles while somebody waits, nobody has two, and all are served in the order of their coming."""

    def __init__(self) -> None:
        super().__init__()
        self.slots = Slots(2)
        self.tickets = 0
        self.waiting: list[int] = []
        self.running: dict[int, Slot] = {}

    @rule(prompt=st.text(alphabet="ab ", max_size=8))
    def arrive(self, prompt: str) -> None:
        self.tickets += 1
        slot = arrive(self.slots, self.tickets, prompt)
        if slot is None:
            self.waiting.append(self.tickets)
        else:
            self.running[self.tickets] = slot

    @rule(pick=st.integers(0, 9))
    def free(self, pick: int) -> None:
        if self.running:
            slot = self.running.pop(list(self.running)[pick % len(self.running)])
            started = self.slots.free(slot, "a b")
            if started is not None:
                assert started.ticket == self.waiting.pop(0)
                self.running[started.ticket] = started.slot

    @rule(pick=st.integers(0, 9))
    def leave(self, pick: int) -> None:
        if self.waiting:
            self.slots.leave(self.waiting.pop(pick % len(self.waiting)))

    @rule(number=st.integers(1, 4))
    def resize(self, number: int) -> None:
        for started in self.slots.resize(number):
            assert started.ticket == self.waiting.pop(0)
            self.running[started.ticket] = started.slot

    @invariant()
    def no_slot_idles_while_somebody_waits(self) -> None:
        assert not self.waiting or self.slots.busy() >= self.slots.number

    @invariant()
    def every_call_has_a_slot_of_its_own(self) -> None:
        assert len({id(slot) for slot in self.running.values()}) == len(self.running) == self.slots.busy()


TestSlotRules = SlotRules.TestCase
TestSlotRules.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)

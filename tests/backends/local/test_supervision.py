"""When a child process lives: examples first, then the rules that hold whatever happens."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from potluck.backends.local import supervision as rules
from potluck.backends.local.supervision import ChildState, Effect, Happening, Supervision, Terms, pause_s, step

TERMS = Terms(start_s=30.0, idle_s=300.0)
KEPT = Terms(start_s=30.0, idle_s=0.0, kept=True)


def run(*events: tuple[float, Happening], terms: Terms = TERMS) -> tuple[Supervision, list[Effect]]:
    """What comes of events at their times; jitter is always 1, so pauses are whole."""
    child, effects = Supervision(), list[Effect]()
    for now, event in events:
        child, more = step(child, event, terms, now, 1.0)
        effects += more
    return child, effects


READY = ((0.0, rules.Wanted()), (1.0, rules.Answers()))


def test_the_first_who_wants_it_starts_it_and_all_are_admitted_when_it_answers() -> None:
    child, effects = run((0.0, rules.Wanted()), (0.1, rules.Wanted()), (1.0, rules.Answers()))
    assert child.state is ChildState.READY
    assert effects == [rules.Start(), rules.Admit()]


def test_who_wants_a_ready_child_is_admitted_at_once() -> None:
    assert run(*READY, (2.0, rules.Wanted()))[1][-1] == rules.Admit()


def test_a_child_that_stays_for_good_goes_in_its_time_on_other_terms() -> None:
    kept, _ = run(*READY, terms=KEPT)
    assert kept.due_s is None
    freed, _ = step(kept, rules.Used(), TERMS, 10.0, 1.0)
    assert freed.due_s == 310.0
    assert step(freed, rules.Due(), TERMS, 310.0, 1.0)[1] == (rules.Look(),)


def test_a_child_whose_time_is_up_stays_if_its_terms_say_so_meanwhile() -> None:
    ready, _ = run(*READY)
    stays, effects = step(ready, rules.Due(), KEPT, 400.0, 1.0)
    assert (stays.state, stays.due_s, effects) == (ChildState.READY, None, ())
    looked_at, effects = step(ready, rules.Due(), TERMS, 400.0, 1.0)
    assert effects == (rules.Look(),)
    stays, effects = step(looked_at, rules.Looked(busy=False), KEPT, 400.5, 1.0)
    assert (stays.state, stays.due_s, effects) == (ChildState.READY, None, ())


def test_a_crash_is_told_to_those_who_wait_and_followed_by_another_start() -> None:
    child, effects = run((0.0, rules.Wanted()), (1.0, rules.Died("out of memory")), (1.5, rules.Due()))
    assert effects == [rules.Start(), rules.Refuse("out of memory"), rules.Start()]
    assert (child.state, child.restarts, child.why) == (ChildState.STARTING, 1, "out of memory")


def test_pauses_double_up_to_a_minute() -> None:
    assert [pause_s(row, 1.0) for row in (1, 2, 3, 4, 7, 8, 50)] == [0.5, 1, 2, 4, 32, 60, 60]
    assert pause_s(3, 0.0) == 1.0


def test_a_crash_after_a_stable_time_counts_as_the_first() -> None:
    child = run(
        (0.0, rules.Wanted()),
        (1.0, rules.Died("a")),
        (2.0, rules.Due()),
        (3.0, rules.Answers()),
        (90.0, rules.Died("b")),
    )[0]
    assert child.row == 1
    assert child.restarts == 2


def test_who_asks_during_a_long_pause_is_refused_with_the_reason() -> None:
    now, events = 0.0, list[tuple[float, Happening]]([(0.0, rules.Wanted())])
    for _ in range(5):
        events += [(now + 1, rules.Died("broken file")), (now + 40, rules.Due())]
        now += 40
    child, effects = run(*events, (now + 1, rules.Died("broken file")), (now + 1.1, rules.Wanted()))
    assert child.state is ChildState.PAUSING
    assert effects[-1] == rules.Refuse("broken file")


def test_a_model_that_never_loads_is_given_up_until_somebody_asks() -> None:
    events: list[tuple[float, Happening]] = [(0.0, rules.Wanted())]
    for turn in range(rules.MOST_TRIES):
        events += [(100.0 * turn + 1, rules.Died("broken file")), (100.0 * turn + 90, rules.Due())]
    child, effects = run(*events)
    assert child.state is ChildState.ASLEEP
    assert effects.count(rules.Start()) == rules.MOST_TRIES
    assert run(*events, terms=KEPT)[0].state is ChildState.STARTING
    assert run(*events, (9999.0, rules.Wanted()))[0].state is ChildState.STARTING


def test_a_start_that_takes_too_long_is_killed_and_named() -> None:
    child, effects = run((0.0, rules.Wanted()), (30.0, rules.Due()), (30.1, rules.Died("signal SIGKILL")))
    assert effects[1] == rules.Kill()
    assert child.why == "It was not ready within 30 seconds."


def test_an_idle_child_is_looked_at_and_put_to_sleep() -> None:
    child, effects = run(*READY, (301.0, rules.Due()), (301.1, rules.Looked(busy=False)), (301.2, rules.Died("")))
    assert effects[-2:] == [rules.Look(), rules.Ask()]
    assert (child.state, child.restarts) == (ChildState.ASLEEP, 0)


def test_a_child_at_work_is_not_put_to_sleep() -> None:
    child, effects = run(*READY, (301.0, rules.Due()), (301.1, rules.Looked(busy=True)))
    assert rules.Ask() not in effects
    assert child.due_s == 601.1


def test_use_puts_off_its_sleep_even_while_it_is_looked_at() -> None:
    used = run(*READY, (200.0, rules.Used()), (301.0, rules.Due()))
    assert used[0].due_s == 500.0
    assert rules.Look() not in used[1]
    late = run(*READY, (301.0, rules.Due()), (301.05, rules.Used()), (301.1, rules.Looked(busy=False)))
    assert late[0].state is ChildState.READY


def test_the_default_model_never_sleeps() -> None:
    assert run(*READY, terms=KEPT)[0].due_s is None
    assert run(*READY, (2.0, rules.Agreed(5.0)), terms=KEPT)[0].due_s is None


def test_a_call_says_how_long_it_stays_and_the_last_call_counts() -> None:
    before = run((0.0, rules.Agreed(5.0)), *READY)
    assert before[0].due_s == 6.0
    child, _ = run(*READY, (2.0, rules.Agreed(5.0)))
    assert child.due_s == 7.0
    assert run(*READY, (2.0, rules.Agreed(5.0)), (3.0, rules.Agreed(None)))[0].due_s == 303.0
    endless = Terms(start_s=30.0, idle_s=0.0)
    assert run(*READY, (2.0, rules.Agreed(5.0)), terms=endless)[0].due_s == 7.0
    asleep, effects = run(
        *READY, (2.0, rules.Agreed(5.0)), (7.0, rules.Due()), (7.1, rules.Looked(busy=False)), (7.2, rules.Died(""))
    )
    assert effects[-2:] == [rules.Look(), rules.Ask()]
    assert (asleep.state, asleep.stay_s) == (ChildState.ASLEEP, None)


def test_a_child_that_is_to_stay_for_ever_does() -> None:
    child, effects = run(*READY, (2.0, rules.Agreed(-1.0)), (9999.0, rules.Due()))
    assert (child.state, child.due_s) == (ChildState.READY, None)
    assert rules.Look() not in effects
    late = run(*READY, (301.0, rules.Due()), (301.05, rules.Agreed(-1.0)), (301.1, rules.Looked(busy=False)))
    assert (late[0].state, late[0].due_s) == (ChildState.READY, None)


def test_a_call_that_wants_the_child_gone_behind_it_reaches_it_first() -> None:
    child, effects = run(*READY, (2.0, rules.Agreed(0.0)), (3.0, rules.Due()), (3.1, rules.Looked(busy=True)))
    assert effects[-1] == rules.Look()
    assert (child.state, child.due_s) == (ChildState.READY, 4.1)


def test_an_unloaded_model_starts_again_for_who_comes_while_it_ends() -> None:
    child, effects = run(*READY, (2.0, rules.Dismissed()), (2.1, rules.Wanted()), (2.2, rules.Died("")))
    assert child.state is ChildState.STARTING
    assert effects.count(rules.Start()) == 2
    assert child.restarts == 0


def test_a_child_that_does_not_end_when_asked_is_killed() -> None:
    assert run(*READY, (2.0, rules.Dismissed()), (2.0 + rules.GRACE_S, rules.Due()))[1][-1] == rules.Kill()


class ChildLife(RuleBasedStateMachine):
    """A shell that obeys every effect, and a world in which anything happens at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.child = Supervision()
        self.now = 0.0
        self.alive = False
        self.asked_to_end = False
        self.waiting = 0
        self.looking = False
        self.starts = 0

    def tell(self, event: Happening, jitter: float = 0.5) -> None:
        before = self.child
        self.child, effects = step(before, event, TERMS, self.now, jitter)
        for effect in effects:
            match effect:
                case rules.Start():
                    assert not self.alive, "two processes of one child"
                    self.alive, self.asked_to_end, self.starts = True, False, self.starts + 1
                case rules.Ask() | rules.Kill():
                    self.asked_to_end = True
                case rules.Look():
                    self.looking = True
                case rules.Admit() | rules.Refuse():
                    self.waiting = 0

    @rule(seconds=st.floats(0, 400))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def somebody_wants_it(self) -> None:
        self.waiting += 1
        self.tell(rules.Wanted())

    @precondition(lambda self: self.alive and not self.asked_to_end)
    @rule()
    def it_answers(self) -> None:
        self.tell(rules.Answers())

    @precondition(lambda self: self.alive)
    @rule(jitter=st.floats(0, 1))
    def it_dies(self, jitter: float) -> None:
        self.alive = False
        self.tell(rules.Died("why"), jitter)

    @rule()
    def it_is_used(self) -> None:
        self.tell(rules.Used())

    @rule(stay_s=st.none() | st.floats(-1, 400))
    def a_call_says_how_long_it_stays(self, stay_s: float | None) -> None:
        self.tell(rules.Agreed(stay_s))

    @precondition(lambda self: self.child.due_s is not None)
    @rule()
    def its_time_comes(self) -> None:
        assert self.child.due_s is not None
        self.now = max(self.now, self.child.due_s)
        self.tell(rules.Due())

    @precondition(lambda self: self.looking)
    @rule(busy=st.booleans())
    def it_was_looked_at(self, busy: bool) -> None:
        self.looking = False
        self.tell(rules.Looked(busy))

    @rule()
    def it_is_dismissed(self) -> None:
        self.tell(rules.Dismissed())

    @precondition(lambda self: self.starts > 3)
    @rule()
    def potluck_stops(self) -> None:
        self.tell(rules.Closing())

    @invariant()
    def nobody_waits_for_nothing(self) -> None:
        if self.waiting:
            assert self.child.state in (ChildState.STARTING, ChildState.STOPPING, ChildState.PAUSING)
            assert self.child.due_s is not None or self.asked_to_end

    @invariant()
    def a_process_and_the_state_agree(self) -> None:
        running = (ChildState.STARTING, ChildState.READY, ChildState.STOPPING)
        if self.alive:
            assert self.child.state in (*running, ChildState.CLOSED)
        else:
            assert self.child.state not in running

    @invariant()
    def what_must_end_was_asked_to(self) -> None:
        if self.alive and self.child.state in (ChildState.STOPPING, ChildState.CLOSED):
            assert self.asked_to_end


TestChildLife = ChildLife.TestCase
TestChildLife.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)

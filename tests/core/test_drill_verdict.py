"""What a drill has shown, when it must end, and what is said of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core.drill import Asking, How, Trying
from potluck.core.drill_verdict import End, Ended, Ending, Outcome, Tally, Trial, outcome, prove, trouble
from potluck.core.model import EngineId, ModelId, NodeId

A, B = NodeId("a"), NodeId("b")


def trial(asking: Asking = Asking.STREAM, why: str = "", **shown: object) -> Trial:
    return Trial(Trying(ModelId("m"), EngineId("a/x"), asking, why), **shown)  # type: ignore[arg-type]


def test_calls_are_counted_by_how_they_ended_and_where_they_were_when_the_node_went() -> None:
    tally = Tally()
    tally.ended(Ended("m", End.OK))
    tally.ended(Ended("m", End.OK, broke=True))
    tally.ended(Ended("m", End.OK, broke=True, told=True, queue_s=2.0))
    tally.ended(Ended("m", End.OK, broke=True, told=True, queue_s=0.01))
    tally.ended(Ended("m", End.CANCELLED, broke=True, told=True))
    tally.ended(Ended("m", End.REFUSED))
    assert (tally.served, tally.moved, tally.rescued, tally.cancelled, tally.lost) == (4, 1, 2, 1, 0)
    assert (tally.waited, tally.longest_wait_s) == (1, 2.0)
    assert prove(trial(Asking.NOTHING, "no test calls"), tally, How.BLOCK, A).said == (
        "2 of your own answers went on elsewhere"
    )


def test_the_longest_line_and_the_longest_interruption_are_kept() -> None:
    tally = Tally()
    for waiting in (1, 4, 2):
        tally.looked(waiting)
    assert (tally.queue_peak, tally.recovered_s) == (4, None)
    for after_s in (0.5, 0.2):
        tally.recovered(after_s)
    assert tally.recovered_s == 0.5


def test_a_drill_ends_at_the_first_loss_or_when_the_line_grows() -> None:
    tally = Tally()
    assert trouble(tally, (trial(),), waiting=5, most_waiting=5) == ""
    assert trouble(tally, (trial(),), waiting=6, most_waiting=5) == "6 calls wait in line, where 5 may."
    failed = trouble(tally, (trial(failed="The engine refused."),), waiting=0, most_waiting=5)
    assert failed == "A test call was lost. 'm': The engine refused."
    tally.ended(Ended("m", End.LOST, why="Nobody has it."))
    tally.ended(Ended("m", End.LOST, why="Again."))
    assert trouble(tally, (), waiting=0, most_waiting=5) == "A call was lost. 'm': Nobody has it."


@pytest.mark.parametrize(
    ("ending", "lost", "restored", "verdict"),
    [
        (Ending.TIME, False, True, Outcome.HELD),
        (Ending.OWNER, False, True, Outcome.STOPPED),
        (Ending.TROUBLE, False, True, Outcome.BROKEN_OFF),
        (Ending.TIME, False, False, Outcome.BROKEN_OFF),
        (Ending.OWNER, True, True, Outcome.LOST),
        (Ending.TROUBLE, True, False, Outcome.LOST),
    ],
)
def test_the_verdict(ending: Ending, lost: bool, restored: bool, verdict: Outcome) -> None:
    assert outcome(ending, lost=lost, restored=restored) is verdict


def test_an_answer_that_went_on_elsewhere_and_a_new_call_prove_a_model() -> None:
    shown = trial(undisturbed="one", text="one", cut=True, stream_on=B, again_on=B, recovered_s=0.25)
    proof = prove(shown, Tally(), How.BLOCK, A)
    assert (proof.proven, proof.same) == (True, True)
    assert proof.said == "the answer under way went on at b after 0.25 s; a new call was answered by b"
    shown.recovered_s, shown.text = None, "two"
    assert (prove(shown, Tally(), How.BLOCK, A).same, "after" in prove(shown, Tally(), How.BLOCK, A).said) == (
        False,
        False,
    )


def test_a_drained_node_ends_its_answers_itself() -> None:
    shown = trial(undisturbed="one", text="one", cut=True, stream_on=A, again_on=B)
    proof = prove(shown, Tally(), How.DRAIN, A)
    assert (proof.proven, proof.said) == (True, "the answer under way ended on a; a new call was answered by b")


@pytest.mark.parametrize(
    ("shown", "how", "said"),
    [
        (trial(Asking.NOTHING, "it has no second home"), How.BLOCK, "not tried: it has no second home"),
        (trial(missed="too slow"), How.BLOCK, "not tried: too slow"),
        (trial(Asking.CHAT, "no slot was free", again_on=B), How.BLOCK, "not tried: no slot was free"),
        (trial(), How.DRAIN, "no new call was answered elsewhere"),
        (trial(again_on=A), How.DRAIN, "no new call was answered elsewhere"),
        (trial(text="one", stream_on=A, again_on=B), How.BLOCK, "its answer was whole before a was blocked"),
        (trial(text="one", stream_on=A, again_on=B), How.DRAIN, "its answer was whole before a was drained"),
    ],
)
def test_what_was_not_shown_is_said(shown: Trial, how: How, said: str) -> None:
    proof = prove(shown, Tally(), how, A)
    assert (proof.proven, proof.same, proof.lost) == (False, None, False)
    assert proof.said.endswith(said)


def test_a_model_that_is_not_streamed_is_proven_by_a_new_call() -> None:
    assert prove(trial(Asking.EMBED, again_on=B), Tally(), How.BLOCK, A).proven


def test_peoples_own_answers_prove_a_model_too() -> None:
    tally = Tally()
    for _ in range(2):
        tally.ended(Ended("m:latest", End.OK, broke=True, told=True))
    proof = prove(trial(Asking.CHAT, "no slot was free", again_on=B), tally, How.BLOCK, A)
    assert (proof.proven, proof.said) == (
        True,
        "a new call was answered by b; 2 of your own answers went on elsewhere",
    )


def test_a_lost_test_call_is_a_loss() -> None:
    proof = prove(trial(failed="Nobody has it."), Tally(), How.BLOCK, A)
    assert (proof.proven, proof.lost, proof.said) == (False, True, "lost: Nobody has it.")


@given(
    st.lists(
        st.builds(Ended, st.sampled_from("xy"), st.sampled_from(End), st.booleans(), st.booleans(), st.floats(0, 9)),
        max_size=20,
    )
)
def test_no_loss_goes_unseen_and_nothing_is_counted_twice(calls: list[Ended]) -> None:
    tally = Tally()
    for call in calls:
        tally.ended(call)
    refused = sum(call.end is End.REFUSED for call in calls)
    assert tally.served + tally.lost + tally.cancelled + refused == len(calls)
    assert tally.rescued + tally.moved <= tally.served
    assert sum(tally.rescued_of.values()) == tally.rescued
    assert bool(trouble(tally, (), 0, 0)) is any(call.end is End.LOST for call in calls)

from __future__ import annotations

import pytest

from potluck.core.answer import (
    Answer,
    Choice,
    Event,
    Failed,
    Finish,
    FinishReason,
    Logprobs,
    Reasoning,
    Text,
    Timings,
    ToolArguments,
    ToolStart,
    Usage,
    Vector,
    collect,
)
from potluck.core.call import ToolCall
from potluck.core.errors import NodeFailed


def test_deltas_become_whole_choices_in_order_however_they_are_woven() -> None:
    events: list[Event] = [
        Text("b1 ", choice=1),
        Reasoning("hm "),
        Reasoning("yes"),
        Text("a"),
        ToolStart(1, "call_2", "second"),
        ToolStart(0, "call_1", "first"),
        ToolArguments(1, '{"y":'),
        ToolArguments(0, "{}"),
        ToolArguments(1, "2}"),
        Text("b2", choice=1),
        Finish(FinishReason.TOOL_CALLS),
        Finish(FinishReason.STOP, choice=1, stop_sequence="END"),
        Usage(3, 4),
        Timings(decode_s=1.0),
    ]
    assert collect(events) == Answer(
        (
            Choice(
                "a",
                "hm yes",
                (ToolCall("call_1", "first", "{}"), ToolCall("call_2", "second", '{"y":2}')),
                FinishReason.TOOL_CALLS,
            ),
            Choice("b1 b2", finish=FinishReason.STOP, stop_sequence="END"),
        ),
        usage=Usage(3, 4),
        timings=Timings(decode_s=1.0),
    )


def test_a_choice_that_never_finished_says_so() -> None:
    assert collect([Text("half")]).choices == (Choice("half"),)


def test_vectors_come_in_the_order_of_their_inputs() -> None:
    assert collect([Vector(1, (2.0,)), Vector(0, (1.0,))]).vectors == ((1.0,), (2.0,))


def test_the_probabilities_of_all_deltas_are_joined() -> None:
    pieces: list[Event] = [Logprobs({"content": [{"token": "a"}]}), Logprobs({"content": [{"token": "b"}]})]
    assert collect(pieces).choices[0].logprobs == {"content": [{"token": "a"}, {"token": "b"}]}
    assert collect([Logprobs({"content": []}), Logprobs({"tokens": ["x"]})]).choices[0].logprobs == {"tokens": ["x"]}
    assert collect([Logprobs("odd")]).choices[0].logprobs == "odd"


def test_a_failed_answer_is_not_a_short_one() -> None:
    with pytest.raises(NodeFailed):
        collect([Text("half"), Failed(NodeFailed("out of memory"))])


def test_nothing_is_an_empty_answer() -> None:
    assert collect([]) == Answer()

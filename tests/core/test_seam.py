from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core.answer import (
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
from potluck.core.errors import NodeFailed
from potluck.core.rescue import PROVABLE, REPEATING, Told, Way
from potluck.core.seam import AnotherAnswer, Seam

STOP = Finish(FinishReason.STOP)
# Of one, two, three and four bytes; spaces, a fence and line ends.
_texts = st.text(st.sampled_from("ab `\n\té日🙂"), max_size=12)


def through(seam: Seam, events: Sequence[Event]) -> list[Event]:
    """Piece by piece and to the end."""
    return [told for event in events for told in seam.feed([event])] + seam.end()


@st.composite
def cut_up(draw: st.DrawFn, text: str) -> list[str]:
    places = sorted(draw(st.lists(st.integers(0, len(text)), max_size=5)))
    return [text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True)]


@given(st.data(), _texts, _texts, st.sampled_from(sorted(REPEATING)))
def test_what_comes_again_is_left_out_wherever_it_was_cut(
    data: st.DataObject, thought: str, text: str, way: Way
) -> None:
    arguments = '{"at": "日"}'
    first: list[Event] = [
        *(Reasoning(piece) for piece in data.draw(cut_up(thought))),
        *(Text(piece) for piece in data.draw(cut_up(text))),
        ToolStart(0, "id-1", "look"),
        *(ToolArguments(0, piece) for piece in data.draw(cut_up(arguments))),
    ]
    again: list[Event] = [
        *(Reasoning(piece) for piece in data.draw(cut_up(thought))),
        *(Text(piece) for piece in data.draw(cut_up(text))),
        ToolStart(0, "id-2", "look"),
        *(ToolArguments(0, piece) for piece in data.draw(cut_up(arguments))),
        ToolStart(1, "id-3", "leave"),
        ToolArguments(1, "{}"),
        STOP,
        Usage(5, 7),
    ]
    sent = first[: data.draw(st.integers(0, len(first)))]
    whole = collect([*sent, *through(Seam(Told.of(sent), way), again)])
    assert (whole.choices[0].text, whole.choices[0].reasoning) == (text, thought)
    called = [(call.name, call.arguments) for call in whole.choices[0].tool_calls]
    assert called == [("look", arguments), ("leave", "{}")]
    begun = any(isinstance(event, ToolStart) for event in sent)
    assert whole.choices[0].tool_calls[0].id == ("id-1" if begun else "id-2")
    assert whole.usage == Usage(5, 7)


@given(st.data(), _texts, _texts, st.lists(st.text(st.sampled_from("ab `\n"), min_size=1, max_size=3), max_size=2))
def test_the_rest_is_added_and_a_stop_sequence_over_the_seam_ends_it(
    data: st.DataObject, before: str, after: str, stop: list[str]
) -> None:
    if any(word in before for word in stop):
        return  # the first engine would have ended there
    joined = before + after
    straddling = [
        word
        for word in stop
        for start in range(len(before))
        if joined.startswith(word, start) and start + len(word) > len(before)
    ]
    seam = Seam(Told.of([Text(before)]), Way.EXTEND, stop=stop)
    out = through(seam, [*(Text(piece) for piece in data.draw(cut_up(after))), STOP])
    shown = "".join(event.text for event in out if isinstance(event, Text))
    finish = next(event for event in out if isinstance(event, Finish))
    if straddling:
        assert shown == ""
        assert finish.reason is FinishReason.STOP
        assert finish.stop_sequence in straddling
    else:
        assert shown == after
        assert finish == STOP


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        ("A list:\n\n", ["\n", "\n- one"], "- one"),
        ("A list:\n\n", ["- one"], "- one"),
        ("A list:\n\n", ["\n- one"], "- one"),
        ("so ", [" on"], "on"),
        ("so", [" on", " and on"], " on and on"),
        ("so ", ["on", " and on"], "on and on"),
        ("The dog:\n", ["\n\nThe dog:"], "\nThe dog:"),
        ("The dog:\n", ["\n", "\n", "The dog:"], "\nThe dog:"),
        ("A line.\n", [" ", " Another."], "Another."),
        ("if x:\n", ["\n    y"], "    y"),
        ("so ", ["\n\nNew."], "\n\nNew."),
        (" \n", [" on"], " on"),
    ],
)
def test_space_at_the_end_of_what_was_told_is_written_again_and_comes_once(
    before: str, after: list[str], shown: str
) -> None:
    out = through(Seam(Told.of([Text(before)]), Way.PREFILL), [*map(Text, after), STOP])
    assert "".join(event.text for event in out if isinstance(event, Text)) == shown


@pytest.mark.parametrize(
    "again",
    [
        [Text("another")],
        [Text("one tw"), Finish(FinishReason.LENGTH)],
        [Reasoning("hm"), Text("one two"), STOP],
        [Reasoning("well"), Text("one two"), ToolStart(0, "i", "leave")],
        [Reasoning("well"), Text("one two"), ToolStart(0, "i", "look"), ToolArguments(0, "[]")],
        [Reasoning("well"), Text("one two"), STOP],
        [Reasoning("well"), Text("one two"), ToolStart(0, "i", "look"), ToolArguments(0, '{"a"'), STOP],
        [],
    ],
)
def test_another_answer_is_not_taken_for_this_one(again: list[Event]) -> None:
    told = Told.of([Reasoning("well"), Text("one two"), ToolStart(0, "i", "look"), ToolArguments(0, '{"a":1}')])
    with pytest.raises(AnotherAnswer):
        through(Seam(told, Way.REPEAT), again)


def test_a_call_that_was_told_without_arguments_must_come_again_too() -> None:
    with pytest.raises(AnotherAnswer):
        through(Seam(Told.of([ToolStart(0, "i", "look")]), Way.REPEAT), [STOP])


def test_usage_is_summed_up_where_only_the_rest_was_asked_for() -> None:
    told = Told.of([Text("a"), Text("b")])
    assert through(Seam(told, Way.EXTEND), [Usage(12, 5, 12)]) == [Usage(10, 7, 10, estimated=True)]
    assert through(Seam(told, Way.REPLAY), [Text("ab"), STOP, Usage(10, 7)]) == [STOP, Usage(10, 7)]
    assert through(Seam(Told(), Way.RESTART), [Text("a"), STOP, Usage(10, 7)]) == [Text("a"), STOP, Usage(10, 7)]


def test_space_that_is_written_again_is_counted_once() -> None:
    told = Told.of([Text("a"), Text(":"), Text("\n"), Text("\n")])
    assert through(Seam(told, Way.PREFILL), [Usage(12, 5)]) == [Usage(10, 7, estimated=True)]


@given(st.data(), _texts, st.sampled_from(sorted(PROVABLE)))
def test_wherever_an_answer_was_cut_a_model_that_goes_on_from_the_stem_makes_it_whole(
    data: st.DataObject, text: str, way: Way
) -> None:
    told = Told.of([Text(text[: data.draw(st.integers(0, len(text)))])])
    rest = text[len(told.stem) :]
    out = through(Seam(told, way), [*map(Text, data.draw(cut_up(rest))), STOP])
    assert told.text + "".join(event.text for event in out if isinstance(event, Text)) == text


def test_probabilities_of_what_comes_again_are_left_out() -> None:
    told = Told.of([Text("ab")])
    again: list[Event] = [Text("a"), Logprobs(1), Text("b"), Text("c"), Logprobs(2)]
    assert Seam(told, Way.REPLAY).feed(again[:2]) == []
    assert through(Seam(told, Way.REPLAY), again)[-2:] == [Text("c"), Logprobs(2)]


def test_where_the_limit_is_spent_only_the_end_is_still_to_come() -> None:
    events: list[Event] = [Text("too much"), Finish(FinishReason.LENGTH), Usage(3, 1)]
    seam = Seam(Told.of([Text("a")]), Way.PREFILL, stop=("x",), spent=True)
    assert through(seam, events)[0] == Finish(FinishReason.LENGTH)


def test_what_might_become_a_stop_sequence_waits_until_it_cannot() -> None:
    seam = Seam(Told.of([Text("so EN")]), Way.PREFILL, stop=("ENDE", "never"))
    assert seam.feed([Text("D")]) == []
    assert seam.feed([Text("ING"), Text("!")]) == [Text("DING"), Text("!")]
    ends = Seam(Told.of([Text("so EN")]), Way.PREFILL, stop=("ENDE",))
    assert ends.feed([Text("D"), STOP]) == [Text("D"), STOP]
    stopped = Seam(Told.of([Text("so EN")]), Way.PREFILL, stop=("ENDE",))
    assert stopped.feed([Text("D"), Text("E and on"), Text("!"), Finish(FinishReason.LENGTH)]) == [
        Finish(FinishReason.STOP, stop_sequence="ENDE")
    ]


def test_all_else_goes_through() -> None:
    others: list[Event] = [Timings(decode_s=1.0), Vector(0, (1.0,)), Failed(NodeFailed("x")), ToolArguments(3, "{}")]
    assert Seam(Told.of([Text("a")]), Way.PREFILL).feed(others) == others
    assert Seam(Told.of([Text("a")]), Way.PREFILL).feed([ToolStart(0, "i", "n"), Reasoning("r")]) == [
        ToolStart(0, "i", "n"),
        Reasoning("r"),
    ]

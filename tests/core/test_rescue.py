from __future__ import annotations

from dataclasses import replace

import pytest

from potluck.core.answer import (
    Event,
    Finish,
    FinishReason,
    Logprobs,
    Reasoning,
    Text,
    Timings,
    ToolArguments,
    ToolStart,
    Usage,
)
from potluck.core.call import (
    Call,
    ChatCall,
    EmbedCall,
    EngineHints,
    Format,
    FormatKind,
    InfillCall,
    Message,
    Role,
    Sampling,
    TextCall,
    TextPart,
    Thinking,
    Tool,
    ToolChoice,
    ToolMode,
)
from potluck.core.model import Capability, Model, ModelId
from potluck.core.rescue import REPLAYED_ALWAYS_TOKENS, REPLAYED_TOKENS, Bounds, Told, Way, to_count, ways
from potluck.core.rescue_proof import cut, goes_on, question

CHAT = ChatCall("m", (Message(Role.USER, (TextPart("hi"),)),))
MODEL = Model(ModelId("m"))
ALL = frozenset(Way)
GREEDY = Sampling(temperature=0)


def told(tokens: int = 3) -> Told:
    return Told.of([Text(" word")] * tokens)


def test_what_was_told_is_kept_by_kind() -> None:
    events: list[Event] = [
        Reasoning("I see"),
        Reasoning(""),
        Text("a"),
        Text(""),
        Text("é"),
        Logprobs({}),
        ToolStart(0, "id", "look"),
        ToolArguments(0, '{"a"'),
        ToolArguments(0, ":1}"),
        Finish(FinishReason.STOP),
        Usage(1, 2),
        Timings(),
    ]
    kept = Told.of(events)
    assert (kept.text, kept.reasoning, kept.pieces, kept.several) == ("aé", "I see", 6, False)
    assert [(tool.name, "".join(tool.arguments)) for tool in kept.tools] == [("look", '{"a":1}')]
    assert kept.size_bytes == len("aéI see".encode()) + 7
    assert Told.of([Text("a", choice=1)]).several


def test_a_copy_does_not_grow_with_what_it_was_made_from() -> None:
    first = Told.of([Text("a"), ToolStart(0, "id", "look")])
    second = first.copy()
    for event in (Text("b"), ToolArguments(0, "{}"), Reasoning("c")):
        first.take(event)
    assert second == Told.of([Text("a"), ToolStart(0, "id", "look")])


def test_a_small_piece_is_a_token_and_a_large_one_several() -> None:
    assert told(7).tokens == 7
    assert Told.of([Text("x" * 100)]).tokens == 25
    assert Told().tokens == 0


def test_an_engines_count_tells_tokens_that_pieces_hide() -> None:
    counted = Told.of([Text("日"), Text("本")])
    counted.count(6)
    assert counted.tokens == counted.copy().tokens == 6
    counted.take(Text("!"))
    assert counted.tokens == 7
    counted.count(2)
    assert counted.tokens == 3, "each piece is a token at least"


def test_tokens_are_counted_where_only_the_rest_is_asked_for_and_pieces_may_hide_some() -> None:
    stops = replace(CHAT, sampling=Sampling(stop=("END",)))
    foreign = Told.of([Text("日")])
    assert to_count(foreign, CHAT, Way.PREFILL)
    assert to_count(told(), stops, Way.FINAL)
    assert not to_count(told(), CHAT, Way.PREFILL)
    assert not any(to_count(foreign, CHAT, way) for way in (Way.REPLAY, Way.REPEAT, Way.RESTART))
    assert not to_count(foreign, EmbedCall("m", ("a",)), Way.PREFILL)


def test_where_nothing_was_told_the_answer_starts_anew() -> None:
    for call in (CHAT, TextCall("m", ("a",)), InfillCall("m", "a", "b"), replace(CHAT, format=Format(FormatKind.JSON))):
        assert ways(Told(), call, MODEL, frozenset()) == (Way.RESTART,)


@pytest.mark.parametrize(
    "call",
    [
        replace(CHAT, choices=2),
        TextCall("m", ("a", "b")),
        TextCall("m", ("a",), choices=2),
        EmbedCall("m", ("a",)),
    ],
)
def test_of_several_answers_in_one_stream_none_goes_on(call: Call) -> None:
    assert ways(told(), call, MODEL, ALL) == ()
    assert ways(Told.of([Text("a", choice=1)]), CHAT, MODEL, ALL) == ()


def test_a_short_text_is_replayed_and_a_longer_one_read() -> None:
    short, long, longest = told(REPLAYED_ALWAYS_TOKENS), told(REPLAYED_ALWAYS_TOKENS + 1), told(REPLAYED_TOKENS + 1)
    assert ways(short, CHAT, MODEL, ALL) == (Way.REPLAY, Way.PREFILL, Way.FINAL)
    assert ways(long, CHAT, MODEL, ALL) == (Way.PREFILL, Way.FINAL, Way.REPLAY)
    assert ways(longest, CHAT, MODEL, ALL) == (Way.PREFILL, Way.FINAL)
    assert ways(short, CHAT, MODEL, frozenset({Way.PREFILL})) == (Way.PREFILL,)
    assert ways(short, CHAT, MODEL, frozenset()) == ()


@pytest.mark.parametrize("sampling", [GREEDY, Sampling(top_k=1)])
def test_where_only_one_answer_is_right_it_is_replayed_however_long(sampling: Sampling) -> None:
    call = replace(CHAT, sampling=sampling)
    assert ways(told(REPLAYED_TOKENS), call, MODEL, ALL) == (Way.REPLAY, Way.PREFILL, Way.FINAL, Way.REPEAT)
    assert ways(told(), call, MODEL, frozenset()) == (Way.REPEAT,)


def test_with_a_seed_the_same_may_be_said_again() -> None:
    assert ways(told(), replace(CHAT, sampling=Sampling(seed=1)), MODEL, frozenset()) == (Way.REPEAT,)


def test_a_prompt_without_a_template_is_extended() -> None:
    raw = TextCall("m", ("a",))
    assert ways(told(), raw, MODEL, ALL) == (Way.REPLAY, Way.EXTEND)
    assert ways(told(REPLAYED_TOKENS), raw, MODEL, ALL) == (Way.EXTEND, Way.REPLAY)
    assert ways(told(), replace(raw, prompts=((1, 2),)), MODEL, ALL) == (Way.REPLAY,)
    templated = replace(raw, templated=True)
    assert ways(told(), templated, MODEL, ALL) == (Way.REPLAY, Way.PREFILL, Way.FINAL)
    assert ways(told(), replace(templated, template="{{ .Prompt }}"), MODEL, ALL) == (Way.REPLAY,)


def test_code_is_extended_by_a_model_that_inserts() -> None:
    call = InfillCall("m", "a", "b")
    assert ways(told(), call, replace(MODEL, capabilities=frozenset({Capability.INSERT})), ALL) == (Way.EXTEND,)
    assert ways(told(), call, MODEL, ALL) == ()
    assert ways(told(), replace(call, sampling=GREEDY), MODEL, ALL) == (Way.REPEAT,)


def test_beside_tools_there_is_no_grammar() -> None:
    call = replace(CHAT, tools=(Tool("look"),))
    assert ways(told(), call, MODEL, ALL) == (Way.PREFILL, Way.FINAL)


@pytest.mark.parametrize(
    "call",
    [
        replace(CHAT, format=Format(FormatKind.JSON)),
        replace(CHAT, format=Format(FormatKind.SCHEMA, schema={})),
        replace(CHAT, tools=(Tool("look"),), tool_choice=ToolChoice(ToolMode.REQUIRED)),
        replace(CHAT, hints=EngineHints(extra={"grammar": 'root ::= "a"'})),
        replace(CHAT, hints=EngineHints(extra={"json_schema": {}})),
    ],
)
def test_what_is_held_to_a_form_is_only_asked_again(call: ChatCall) -> None:
    assert ways(told(), call, MODEL, ALL) == ()
    assert ways(told(), replace(call, sampling=GREEDY), MODEL, ALL) == (Way.REPEAT,)


@pytest.mark.parametrize("event", [Reasoning("hm"), ToolStart(0, "id", "look"), Text("\ud83d")])
def test_thoughts_calls_and_half_characters_are_only_asked_again(event: Event) -> None:
    assert ways(Told.of([event]), CHAT, MODEL, ALL) == ()
    assert ways(Told.of([event]), replace(CHAT, sampling=GREEDY), MODEL, ALL) == (Way.REPEAT,)


def test_what_is_done_for_one_answer_is_bounded() -> None:
    bounds = Bounds(attempts=2, within_s=10.0, tokens=5)
    assert bounds.allow(told(5), 1, 10.0)
    assert not bounds.allow(told(5), 2, 10.0)
    assert not bounds.allow(told(5), 1, 10.1)
    assert not bounds.allow(told(6), 1, 10.0)


def test_a_proof_cuts_an_answer_between_two_tokens() -> None:
    halves = cut([Text("one"), Text(", two"), Reasoning("x"), Text(", three"), Text(", four"), Usage()])
    assert halves is not None
    assert (halves[0].text, halves[1]) == ("one, two", ", three, four")
    assert cut([Text("all at once")]) is None
    assert cut([Text("one"), Text(" two")]) is None
    assert cut([]) is None


@pytest.mark.parametrize(
    ("said", "proved"),
    [
        (", three, five", True),
        ("three, four", False),
        ("one, two, three", False),
        ("", False),
        (" Sure! Here", False),
    ],
)
def test_going_on_is_proved_by_the_next_words(said: str, proved: bool) -> None:
    assert goes_on(", three, four", [Text(said), Usage()]) is proved


def test_a_model_that_can_think_is_told_not_to_where_that_is_sure() -> None:
    thinks = replace(MODEL, capabilities=frozenset({Capability.THINKING}))
    assert question(thinks, Way.PREFILL).thinking == Thinking(enabled=False)
    assert question(thinks, Way.FINAL).thinking == question(MODEL, Way.PREFILL).thinking == Thinking()

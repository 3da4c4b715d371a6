from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck_fake_engine import tokens
from potluck_fake_engine.answers import Kind, answer
from potluck_fake_engine.asking import Ask, Message, Tool, render, unrender
from potluck_fake_engine.dialects.openai_wire import forced_prefix


def user(text: str, **more: object) -> Ask:
    return replace(Ask(model="m", messages=(Message("user", text),)), **more)  # type: ignore[arg-type]


def test_the_answer_depends_on_message_seed_and_model_and_on_nothing_else() -> None:
    said = answer(user("hello")).text()
    assert said
    assert answer(user("hello")).text() == said
    earlier = (Message("system", "be brief"), Message("user", "a"), Message("assistant", "b"))
    assert answer(Ask("m", (*earlier, Message("user", "hello")))).text() == said
    assert answer(user("hello!")).text() != said
    assert answer(user("hello", seed=1)).text() != said
    assert answer(user("hello", model="n")).text() != said


@given(st.text())
def test_say_answers_exactly_that(text: str) -> None:
    assert answer(user(f"say: {text}")).text() == text


def test_repeat_gives_so_many_tokens() -> None:
    said = answer(user("please\nrepeat 50"))
    assert len(said.pieces) == 50
    assert said.text().split()[-1] == "w50"


def test_echo_request_shows_what_was_received() -> None:
    assert answer(user("echo-request", received=b'{"x": 1}')).text() == '{"x": 1}'


def test_a_stop_sequence_ends_the_text_before_it() -> None:
    said = answer(user("say: one two three", stop=("three", "two")))
    assert (said.text(), said.finish, said.stopping_word) == ("one ", "stop", "two")


def test_max_tokens_cut_and_say_so() -> None:
    said = answer(user("repeat 10", max_tokens=3))
    assert (said.text(), said.finish) == ("w1 w2 w3", "length")
    assert answer(user("repeat 10", max_tokens=10)).finish == "stop"


def test_the_room_in_the_context_cuts_too() -> None:
    assert answer(user("repeat 10"), room=4).finish == "length"


@given(st.integers(0, 30))
def test_a_chat_goes_on_from_any_cut(cut: int) -> None:
    whole = answer(user("tell me")).text()
    head = "".join(tokens.pieces(whole)[:cut])
    asked = Ask("m", (Message("user", "tell me"), Message("assistant", head)))
    assert head + answer(asked).text() == whole


@given(st.integers(0, 30), st.text(max_size=30))
def test_a_raw_prompt_goes_on_from_any_cut_between_tokens(cut: int, prompt: str) -> None:
    whole = answer(user(prompt, raw=True)).text()
    head = "".join(tokens.pieces(whole)[:cut])
    if len(head) < len(whole):
        assert head + answer(user(prompt + head, raw=True)).text() == whole


def test_a_rendered_chat_reads_as_that_chat() -> None:
    messages = (Message("system", "s"), Message("user", "tell\nme"), Message("assistant", "half"))
    assert unrender(render(messages)) == messages
    assert unrender(render(messages[:2])) == messages[:2]
    assert unrender("def f(") is None


@pytest.mark.parametrize(
    ("grammar", "prefix"),
    [
        (r'root ::= "half an" " ans\nwer" [^\x00]*', "half an ans\nwer"),
        ("root ::= [a-z]+", ""),
        (None, ""),
    ],
)
def test_the_literals_at_the_head_of_a_grammar_are_forced(grammar: str | None, prefix: str) -> None:
    assert forced_prefix(grammar) == prefix
    assert answer(user("say: other", forced_prefix=prefix)).text() == prefix + "other"


def test_a_forced_prefix_of_the_own_answer_is_said_once() -> None:
    assert answer(user("say: half an answer", forced_prefix="half")).text() == "half an answer"


TOOLS = (Tool("f", {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}), Tool("g"))


def test_call_lines_call_tools_in_order() -> None:
    said = answer(user('call f {"n": 1}\ncall g', tools=TOOLS))
    assert said.calls() == [("f", '{"n": 1}'), ("g", "{}")]
    assert said.finish == "tool_calls"


def test_without_tools_nothing_is_called() -> None:
    assert answer(user("call f {}")).calls() == []


def test_a_forced_tool_is_called_with_arguments_of_its_schema() -> None:
    assert answer(user("hi", tools=TOOLS, force=("f",))).calls() == [("f", '{"n":1}')]


def test_results_of_tools_are_answered_with_text() -> None:
    messages = (Message("user", "call f {}"), Message("assistant"), Message("tool", "42"), Message("tool", "43"))
    said = answer(Ask("m", messages, tools=TOOLS))
    assert (said.calls(), said.text()) == ([], "The tools say: 42; 43")


def test_a_schema_is_kept_unless_other_json_is_commanded() -> None:
    schema = {"type": "object", "properties": {"a": {"const": 5}}, "required": ["a"]}
    assert answer(user("hi", schema=schema)).text() == '{"a":5}'
    assert answer(user("say: nonsense", schema=schema)).text() == '{"a":5}'
    assert answer(user('say: {"b": 1}', schema=schema)).text() == '{"b": 1}'


def test_a_thinking_model_thinks_first_and_as_told() -> None:
    said = answer(user("think: hmm, well\nsay: yes", think=True))
    assert said.text(Kind.THINK) == "hmm, well"
    assert said.text() == "yes"
    assert said.pieces[0].kind is Kind.THINK

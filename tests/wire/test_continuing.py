from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core.answer import Text
from potluck.core.call import (
    ChatCall,
    EngineHints,
    InfillCall,
    Message,
    Role,
    Sampling,
    TextCall,
    TextPart,
    ToolCall,
)
from potluck.core.rescue import Told, Way
from potluck.wire.continuing import continued, seam
from potluck.wire.gbnf import beginning_with
from potluck_fake_engine.dialects.openai_wire import forced_prefix

ASKED = Message(Role.USER, (TextPart("hi"),))
CHAT = ChatCall("m", (ASKED,), sampling=Sampling(max_tokens=10), hints=EngineHints(extra={"cache_prompt": True}))
TOLD = Told.of([Text("one"), Text(" two")])
SAID = Message(Role.ASSISTANT, (TextPart("one two"),))


@given(st.text(st.characters(codec="utf-8"), max_size=20).filter(lambda text: not {"\x00", "\x7f"} & set(text)))
def test_a_grammar_forces_any_text(text: str) -> None:
    if any(char < " " and char not in "\n\r\t" for char in text):
        return  # escaped in a way of its own, which the fake does not read
    assert forced_prefix(beginning_with(text)) == text


def test_control_characters_are_escaped() -> None:
    assert beginning_with('\x00\x1b\x7f"\\') == 'root ::= "\\x00\\x1b\\x7f\\"\\\\" rest\nrest ::= [^\\x00]*\n'


@pytest.mark.parametrize("way", [Way.RESTART, Way.REPEAT])
def test_what_is_asked_anew_is_asked_as_before(way: Way) -> None:
    assert continued(CHAT, TOLD, way) is CHAT


def test_a_replay_is_the_call_with_a_grammar() -> None:
    call = continued(CHAT, TOLD, Way.REPLAY)
    assert call == replace(CHAT, hints=EngineHints(extra={"cache_prompt": True, "grammar": beginning_with("one two")}))


def test_a_chat_goes_on_with_the_assistants_last_message() -> None:
    call = continued(CHAT, TOLD, Way.PREFILL)
    assert call == replace(CHAT, messages=(ASKED, SAID), sampling=Sampling(max_tokens=8))
    final = continued(CHAT, TOLD, Way.FINAL)
    assert isinstance(final, ChatCall)
    assert final.hints.extra == {
        "cache_prompt": True,
        "continue_final_message": True,
        "add_generation_prompt": False,
    }


def test_space_at_the_end_is_left_to_the_model_to_write_again() -> None:
    """As templates drop it or not; the limit allows for it."""
    for texts, said, most in ((("a:", "\n", "\n"), "a:", 9), (("\n", " "), "\n ", 8), (("a: ", "\n"), "a:", 9)):
        call = continued(CHAT, Told.of(map(Text, texts)), Way.PREFILL)
        assert isinstance(call, ChatCall)
        assert call.messages[-1].text == said
        assert call.sampling.max_tokens == most


def test_what_the_client_had_begun_to_say_for_the_model_stands_before() -> None:
    begun = replace(CHAT, messages=(ASKED, Message(Role.ASSISTANT, (TextPart("zero "),))))
    call = continued(begun, TOLD, Way.PREFILL)
    assert isinstance(call, ChatCall)
    assert call.messages == (ASKED, Message(Role.ASSISTANT, (TextPart("zero one two"),)))
    calling = replace(CHAT, messages=(ASKED, Message(Role.ASSISTANT, tool_calls=(ToolCall("i", "n", "{}"),))))
    call = continued(calling, TOLD, Way.PREFILL)
    assert isinstance(call, ChatCall)
    assert call.messages == (*calling.messages, SAID)


def test_ollamas_generate_goes_on_as_a_chat() -> None:
    call = continued(TextCall("m", ("hi",), templated=True), TOLD, Way.PREFILL)
    assert call == ChatCall("m", (ASKED, SAID))


def test_a_raw_prompt_and_code_have_the_text_behind_them() -> None:
    raw = TextCall("m", ("Once",), echo=True, sampling=Sampling(max_tokens=1))
    assert continued(raw, TOLD, Way.EXTEND) == TextCall("m", ("Onceone two",), sampling=Sampling(max_tokens=1))
    code = InfillCall("m", "a", "b", prompt="c")
    assert continued(code, TOLD, Way.EXTEND) == InfillCall("m", "a", "b", prompt="cone two")


def test_behind_a_limit_that_is_spent_nothing_is_shown() -> None:
    for most, shown in ((None, [Text("!")]), (2, []), (3, [Text("!")])):
        call = replace(CHAT, sampling=Sampling(max_tokens=most))
        assert seam(call, TOLD, Way.PREFILL).feed([Text("!")]) == shown


def test_the_calls_stop_sequences_hold_over_the_seam() -> None:
    call = replace(CHAT, sampling=Sampling(stop=("two three",)))
    assert seam(call, TOLD, Way.PREFILL).feed([Text(" three!")]) == []

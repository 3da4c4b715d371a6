"""The call by which an engine is asked to go on with an answer that another one began."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar, assert_never

from potluck.core.call import Call, ChatCall, InfillCall, Message, Role, TextCall, TextPart
from potluck.core.model import Json
from potluck.core.rescue import Told, Way
from potluck.core.seam import Seam
from potluck.wire.gbnf import beginning_with
from potluck.wire.openai.encode import as_chat

_Written = TypeVar("_Written", ChatCall, TextCall, InfillCall)

# vLLM's and SGLang's words for going on with the last message; both together, or vLLM answers 400.
_FINAL: dict[str, Json] = {"continue_final_message": True, "add_generation_prompt": False}


def continued(call: Call, told: Told, way: Way) -> Call:
    """``way`` is one that `core.rescue.ways` found sound. Where only the rest is asked for, the limit is what is left
    of the call's, and one token at least, which `seam` knows to leave out."""
    assert isinstance(call, ChatCall | TextCall | InfillCall)
    match way:
        case Way.RESTART | Way.REPEAT:
            return call
        case Way.REPLAY:
            return _with(call, {"grammar": beginning_with(told.text)})
        case Way.EXTEND:
            return _extended(call, told)
        case Way.PREFILL:
            return _prefilled(call, told)
        case Way.FINAL:
            return _with(_prefilled(call, told), _FINAL)
        case _:
            assert_never(way)


def seam(call: Call, told: Told, way: Way) -> Seam:
    """Where the answer to `continued` meets what was told."""
    assert isinstance(call, ChatCall | TextCall | InfillCall)
    limit = call.sampling.max_tokens
    spent = limit is not None and told.tokens >= limit
    return Seam(told, way, stop=call.sampling.stop, spent=spent)


def _extended(call: ChatCall | TextCall | InfillCall, told: Told) -> Call:
    if isinstance(call, InfillCall):
        return _shortened(replace(call, prompt=call.prompt + told.text), told)
    assert isinstance(call, TextCall)
    prompt = call.prompts[0]
    assert isinstance(prompt, str)
    return _shortened(replace(call, prompts=(prompt + told.text,), echo=False), told)


def _prefilled(call: ChatCall | TextCall | InfillCall, told: Told) -> ChatCall:
    assert not isinstance(call, InfillCall)
    chat = as_chat(call) if isinstance(call, TextCall) else call
    messages = list(chat.messages)
    text = told.stem
    if messages and messages[-1].role is Role.ASSISTANT and not messages[-1].tool_calls:
        text = messages.pop().text + text  # the client had begun the answer itself
    messages.append(Message(Role.ASSISTANT, (TextPart(text),)))
    return _shortened(replace(chat, messages=tuple(messages)), told, written_again=told.behind_stem)


def _shortened(call: _Written, told: Told, *, written_again: int = 0) -> _Written:
    limit = call.sampling.max_tokens
    if limit is None:
        return call
    return replace(call, sampling=replace(call.sampling, max_tokens=max(1, limit - told.tokens + written_again)))


def _with(call: ChatCall | TextCall | InfillCall, extra: dict[str, Json]) -> Call:
    return replace(call, hints=replace(call.hints, extra={**call.hints.extra, **extra}))

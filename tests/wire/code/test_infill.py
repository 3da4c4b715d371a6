from __future__ import annotations

import json
from typing import Any

import pytest

from potluck.core.answer import (
    Answer,
    Choice,
    Event,
    Failed,
    Finish,
    FinishReason,
    Reasoning,
    Text,
    Timings,
    Usage,
    collect,
)
from potluck.core.call import EngineHints, InfillCall, LoadCall, Sampling, Snippet
from potluck.core.errors import BadRequest, NodeFailed
from potluck.core.model import JsonObject
from potluck.wire.code.infill import InfillWriter, read_infill
from potluck.wire.code.infill_engine import InfillPassage
from potluck.wire.port import AnswerMeta, Ask, Shape

META = AnswerMeta("x" * 24, "coder", 100.0)
# As llama.vim sends it.
VIM: dict[str, Any] = {
    "input_prefix": "def f():\n",
    "input_suffix": "\n",
    "input_extra": [{"filename": "b.py", "text": "B", "time": 1}],
    "prompt": "    ",
    "n_predict": 128,
    "top_k": 40,
    "top_p": 0.99,
    "stream": False,
    "samplers": ["top_k", "top_p", "infill"],
    "cache_prompt": True,
    "t_max_prompt_ms": 500,
}


def test_a_request_of_llama_vim_becomes_a_call() -> None:
    ask: Ask = read_infill(json.dumps(VIM).encode())
    extra: JsonObject = {"samplers": ["top_k", "top_p", "infill"], "cache_prompt": True, "t_max_prompt_ms": 500}
    call = InfillCall(
        "",
        "def f():\n",
        "\n",
        "    ",
        snippets=(Snippet("b.py", "B"),),
        sampling=Sampling(max_tokens=128, top_k=40, top_p=0.99),
        hints=EngineHints(extra=extra),
    )
    assert ask.call() == call
    assert ask.needs == call.needs
    assert (ask.shape, ask.model, ask.stream, ask.untouchable) == (Shape.LLAMACPP_INFILL, "", False, True)
    assert ask.generations == 1
    assert isinstance(ask.writer(META), InfillWriter)
    assert isinstance(ask.passage(META), InfillPassage)


def test_an_empty_request_and_endless_answers_are_allowed() -> None:
    assert read_infill(b"{}").call() == InfillCall("", "", "")
    assert read_infill(b'{"n_predict":-1,"seed":-1,"stream":true}').call() == InfillCall("", "", "")
    assert read_infill(b'{"stream":true}').stream


def test_a_warm_up_loads_the_model_and_says_nothing() -> None:
    ask = read_infill(
        b'{"input_prefix":"","input_suffix":"","prompt":"","n_predict":0,"samplers":[],"cache_prompt":true}'
    )
    assert ask.call() == LoadCall("")
    assert ask.needs == frozenset()
    reply = json.loads(InfillWriter(META).whole(collect([Finish(FinishReason.LOAD)]), 101.0))
    assert (reply["content"], reply["stop"], reply["stop_type"]) == ("", True, "none")


def test_bad_requests_name_their_field() -> None:
    with pytest.raises(BadRequest) as caught:
        read_infill(b'{"input_prefix":7}')
    assert caught.value.param == "input_prefix"


def test_the_engine_is_told_the_model_and_every_other_field_stays() -> None:
    sent = json.dumps(VIM).encode()
    assert json.loads(read_infill(sent).passed("coder:7b")) == {**VIM, "model": "coder:7b"}
    named = read_infill(b'{"model":"coder:7b"}')
    assert named.passed("coder:7b") is named.body


def test_a_whole_answer_has_what_editors_read() -> None:
    answer = Answer(
        (Choice("    pass\n", finish=FinishReason.STOP),),
        usage=Usage(prompt=30, completion=4, cached=10),
        timings=Timings(prefill_s=0.5, decode_s=0.25),
    )
    assert json.loads(InfillWriter(META).whole(answer, 101.0)) == {
        "index": 0,
        "content": "    pass\n",
        "tokens": [],
        "id_slot": -1,
        "stop": True,
        "model": "coder",
        "tokens_predicted": 4,
        "tokens_evaluated": 30,
        "generation_settings": {},
        "prompt": "",
        "has_new_line": True,
        "truncated": False,
        "stop_type": "eos",
        "stopping_word": "",
        "tokens_cached": 34,
        "timings": {
            "cache_n": 10,
            "prompt_n": 20,
            "prompt_ms": 500.0,
            "prompt_per_second": 40.0,
            "predicted_n": 4,
            "predicted_ms": 250.0,
            "predicted_per_second": 16.0,
        },
    }


def test_without_an_engines_figures_the_clock_is_read_and_nothing_is_divided_by_zero() -> None:
    times = json.loads(InfillWriter(META).whole(Answer(), 101.5))["timings"]
    assert (times["predicted_ms"], times["predicted_per_second"], times["prompt_per_second"]) == (1500.0, 0.0, 0.0)
    at_once = json.loads(InfillWriter(META).whole(Answer(), 100.0))["timings"]
    assert at_once["predicted_per_second"] == 0.0


@pytest.mark.parametrize(
    ("finish", "stop_type"),
    [
        (Finish(FinishReason.STOP), "eos"),
        (Finish(FinishReason.STOP, stop_sequence="\n"), "word"),
        (Finish(FinishReason.LENGTH), "limit"),
    ],
)
def test_a_stream_ends_with_its_reason_and_without_done(finish: Finish, stop_type: str) -> None:
    writer = InfillWriter(META)
    events: list[Event] = [Reasoning("hm"), Text("é"), finish, Usage(3, 1), Timings(decode_s=1.0)]
    out = writer.open() + writer.write(events, 101.0) + writer.close(102.0)
    first, last, nothing = out.split(b"\n\n")
    assert first == 'data: {"index":0,"content":"é","stop":false}'.encode()
    reply = json.loads(last.removeprefix(b"data: "))
    assert (reply["stop"], reply["stop_type"], reply["stopping_word"]) == (True, stop_type, finish.stop_sequence)
    assert (reply["tokens_predicted"], reply["timings"]["predicted_per_second"]) == (1, 1.0)
    assert nothing == b""


def test_a_failed_stream_does_not_stop_as_if_it_were_whole() -> None:
    writer = InfillWriter(META)
    failed = b'data: {"error":{"code":502,"message":"broke","type":"server_error"}}\n\n'
    assert writer.write([Failed(NodeFailed("broke"))], 101.0) == failed
    assert writer.fail(NodeFailed("broke"), "req") == failed
    assert writer.close(101.0) == b""
    assert writer.keep_alive == b": ping\n\n"


def test_what_a_call_needs_of_its_context_is_told() -> None:
    ask = read_infill(b'{"input_prefix":"a","n_predict":9}')
    assert (ask.answer_tokens, ask.options, ask.may_cut) == (9, {}, True)
    assert read_infill(b'{"n_predict":0}').answer_tokens == 0
    assert (ask.opening, read_infill(b'{"n_predict":0}').opening) == ((), ())

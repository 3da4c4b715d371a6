from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core.answer import Event, Failed, Finish, FinishReason, Text, Timings, Usage
from potluck.core.call import EngineHints, InfillCall, Sampling, Snippet
from potluck.core.errors import MalformedAnswer, NodeFailed
from potluck.wire.code.infill import InfillWriter, read_infill
from potluck.wire.code.infill_engine import KEPT_BYTES, InfillPassage, InfillReader, encode_infill
from potluck.wire.port import Account, AnswerMeta, AnswerReader, Passage

META = AnswerMeta("x" * 24, "coder", 0.0)
LAST: dict[str, Any] = {
    "content": "",
    "stop": True,
    "stop_type": "limit",
    "tokens_predicted": 4,
    "tokens_evaluated": 30,
    "timings": {"cache_n": 10, "prompt_ms": 500.0, "predicted_ms": 250.0, "prompt_n": 20},
}
ENDING: list[Event] = [Finish(FinishReason.LENGTH), Usage(30, 4, 10), Timings(0.0, 0.5, 0.25, 20)]


def stream(*replies: dict[str, Any]) -> bytes:
    return b"".join(b"data: " + json.dumps(one, ensure_ascii=False).encode() + b"\n\n" for one in replies)


STREAM = stream({"content": "é 🎉", "stop": False}, {"content": "b", "stop": False}, LAST)


def read(data: bytes, size: int = 1 << 20) -> list[Event]:
    reader: AnswerReader = InfillReader()
    events = [event for at in range(0, len(data), size) for event in reader.feed(data[at : at + size])]
    return events + reader.end()


def passed(data: bytes, watch: Passage, size: int = 1 << 20) -> bytes:
    out = watch.open()
    for at in range(0, len(data), size):
        out += watch.forward(data[at : at + size], 0.0)
    return out + watch.end(0.0)


def test_a_call_is_encoded_with_what_the_client_said_besides() -> None:
    call = InfillCall(
        "asked",
        "a",
        "b",
        "c",
        language="python",
        snippets=(Snippet("d.py", "D"),),
        sampling=Sampling(max_tokens=9, stop=("\n",), seed=1),
        hints=EngineHints(extra={"samplers": ["infill"], "cache_prompt": False}),
    )
    assert json.loads(encode_infill(call, "coder:7b", stream=True)) == {
        "cache_prompt": False,
        "samplers": ["infill"],
        "model": "coder:7b",
        "input_prefix": "a",
        "input_suffix": "b",
        "input_extra": [{"filename": "d.py", "text": "D"}],
        "prompt": "c",
        "n_predict": 9,
        "stop": ["\n"],
        "seed": 1,
        "stream": True,
    }


def test_what_a_client_says_reaches_the_engine() -> None:
    call = read_infill(b'{"input_prefix":"a","input_suffix":"b","n_predict":5,"top_k":3,"n_indent":4}').call()
    assert isinstance(call, InfillCall)
    body = json.loads(encode_infill(call, "m", stream=False))
    assert (body["input_prefix"], body["n_predict"], body["top_k"], body["n_indent"]) == ("a", 5, 3, 4)


@given(st.integers(1, 60))
def test_where_the_stream_is_cut_does_not_matter(size: int) -> None:
    assert read(STREAM, size) == [Text("é 🎉"), Text("b"), *ENDING]


def test_a_whole_answer_gives_the_same_events() -> None:
    assert InfillReader().whole(json.dumps({**LAST, "content": "é"}).encode()) == [Text("é"), *ENDING]


def test_the_word_that_stopped_it_is_told_and_figures_may_be_missing() -> None:
    body = {"content": "", "stop": True, "stop_type": "word", "stopping_word": "\n", "tokens_evaluated": 3}
    assert read(stream(body) + b"data: [DONE]\n\n") == [Finish(FinishReason.STOP, stop_sequence="\n"), Usage(3, 0)]
    assert read(b'data: {"stop":true}') == [Finish(FinishReason.STOP)]


def test_an_error_inside_is_a_failure() -> None:
    events = read(stream({"content": "a"}, {"error": {"code": 500, "message": "x"}}))
    assert events[0] == Text("a")
    assert isinstance(events[1], Failed)


@pytest.mark.parametrize("data", [b"", stream({"content": "a"}), b"data: x\n\n", b'data: {"stop":"yes"}\n\n'])
def test_what_breaks_off_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedAnswer):
        read(data)
    with pytest.raises(MalformedAnswer):
        passed(data, InfillPassage(META))


def test_half_a_whole_answer_is_malformed() -> None:
    with pytest.raises(MalformedAnswer):
        InfillReader().whole(b'{"content":"a"}')


def test_what_is_written_is_read_back() -> None:
    writer = InfillWriter(META)
    events: list[Event] = [Text("a\n"), Text("b"), *ENDING]
    assert read(writer.write(events, 1.0) + writer.close(1.0)) == events


# --- passing through --------------------------------------------------------------------------------------------------


@given(st.integers(1, 60))
def test_the_bytes_pass_unchanged_wherever_they_are_cut(size: int) -> None:
    watch = InfillPassage(META)
    assert passed(STREAM, watch, size) == STREAM
    text_bytes = len("é 🎉b".encode())
    assert watch.account() == Account(Usage(30, 4, 10), Timings(0.0, 0.5, 0.25, 20), FinishReason.LENGTH, text_bytes)


def test_an_error_is_raised_after_what_came_before_it() -> None:
    watch = InfillPassage(META)
    before = stream({"content": 'say "error"'}, {"content": "", "error": None})
    assert watch.forward(before + stream({"error": {"code": 500}}), 0.0) == before
    with pytest.raises(NodeFailed):
        watch.forward(b"", 0.0)
    with pytest.raises(NodeFailed):
        watch.end(0.0)
    assert watch.account() == Account(text_bytes=len('say "error"'))


def test_an_error_with_nothing_before_it_is_raised_at_once() -> None:
    with pytest.raises(NodeFailed):
        InfillPassage(META).forward(stream({"error": "x"}), 0.0)


def test_a_piece_that_only_looks_like_an_error_passes() -> None:
    harmless = stream({"content": "a", "generation_settings": {"stop": ["error"]}})
    assert InfillPassage(META).forward(harmless, 0.0) == harmless


def test_nothing_whole_is_nothing_sent() -> None:
    assert InfillPassage(META).forward(b"data: ", 0.0) == b""


def test_of_a_very_long_answer_the_last_piece_is_kept() -> None:
    watch = InfillPassage(META)
    watch.forward(stream({"content": "x" * KEPT_BYTES}), 0.0)
    watch.forward(stream(LAST), 0.0)
    watch.end(0.0)
    assert watch.account().usage == Usage(30, 4, 10)


def test_a_whole_answer_passes_and_is_counted() -> None:
    watch = InfillPassage(META)
    body = json.dumps({**LAST, "content": "é"}).encode()
    assert watch.whole(body, 0.0) is body
    assert watch.account() == Account(Usage(30, 4, 10), Timings(0.0, 0.5, 0.25, 20), FinishReason.LENGTH, 2)


def test_a_whole_error_is_raised() -> None:
    with pytest.raises(NodeFailed):
        InfillPassage(META).whole(b'{"error":{"code":500}}', 0.0)


def test_our_errors_are_llamacpps() -> None:
    event = InfillPassage(META).fail(NodeFailed("broke"), "req")
    assert event == b'data: {"error":{"code":502,"message":"broke","type":"server_error"}}\n\n'

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from potluck.core.answer import FinishReason, Timings, Usage
from potluck.core.errors import MalformedAnswer, NodeFailed
from potluck.wire.ndjson import LONGEST_LINE_BYTES
from potluck.wire.ollama import passage as passages
from potluck.wire.ollama.passage import EmbedPassage, LinePassage
from potluck.wire.port import Account, AnswerMeta, Passage

META = AnswerMeta("x" * 24, "llama3.2", 0.0)
LAST: dict[str, Any] = {
    "done": True,
    "done_reason": "stop",
    "load_duration": 500_000_000,
    "prompt_eval_count": 26,
    "eval_count": 9,
}


def line(model: str = "llama3.2", **fields: Any) -> bytes:
    return json.dumps({"model": model, "created_at": "x", **fields}, separators=(",", ":")).encode() + b"\n"


def said(text: str, **more: Any) -> bytes:
    return line(message={"role": "assistant", "content": text, **more}, done=False)


STREAM = said("Grüße", thinking="hm") + said(' "error" 🎉') + line(message={"role": "assistant", "content": ""}, **LAST)


def run(data: bytes, size: int = 1 << 20, watch: Passage | None = None) -> bytes:
    watch = watch or LinePassage(META)
    out = watch.open()
    for at in range(0, len(data), size):
        out += watch.forward(data[at : at + size], 0.0)
    return out + watch.end(0.0)


@given(st.integers(1, 80))
def test_the_bytes_pass_unchanged_wherever_they_are_cut(size: int) -> None:
    watch: Passage = LinePassage(META)
    assert run(STREAM, size, watch) == STREAM
    assert watch.account() == Account(
        Usage(26, 9), Timings(load_s=0.5), FinishReason.STOP, len('hmGrüße "error" 🎉'.encode())
    )


def test_a_whole_read_is_handed_on_as_the_very_bytes() -> None:
    piece = said("a")
    assert LinePassage(META).forward(piece, 0.0) is piece


def test_only_whole_lines_are_sent() -> None:
    watch = LinePassage(META)
    assert watch.forward(said("a") + b'{"mod', 0.0) == said("a")
    assert watch.forward(b"", 0.0) == b""


@given(st.integers(1, 80))
def test_the_client_reads_its_own_name_for_the_model(size: int) -> None:
    asked_by_route = AnswerMeta("x" * 24, "coding", 0.0)
    renamed = STREAM.replace(b'"model":"llama3.2"', b'"model":"coding"')
    assert run(STREAM, size, LinePassage(asked_by_route)) == renamed
    # A server that writes its objects another way is read line by line.
    spaced = STREAM.replace(b'{"model":', b'{ "x":1,"model":') + b"\n"
    got = [json.loads(one) for one in run(spaced, size, LinePassage(asked_by_route)).splitlines()]
    assert [one["model"] for one in got] == ["coding"] * 3
    assert got[1]["message"] == {"role": "assistant", "content": ' "error" 🎉'}


def test_empty_lines_between_do_not_hide_a_name() -> None:
    watch = LinePassage(AnswerMeta("x" * 24, "coding", 0.0))
    watch.forward(said("a"), 0.0)
    assert watch.forward(b"\n" + said("b"), 0.0) == b"\n" + said("b").replace(b"llama3.2", b"coding")


def test_an_odd_name_is_exchanged_by_parsing() -> None:
    stream = line('a"b', message={"content": "x"}, done=True)
    assert json.loads(run(stream))["model"] == "llama3.2"


def test_a_line_without_a_model_stays_and_one_that_is_no_json_is_malformed() -> None:
    assert run(b'{"done":true}\n') == b'{"done":true}\n'
    with pytest.raises(MalformedAnswer):
        run(b"<html>\n")


def test_a_last_line_without_its_end_gets_one() -> None:
    assert run(STREAM[:-1]) == STREAM


@pytest.mark.parametrize("cut", [0, 10, len(said("Grüße", thinking="hm")), len(STREAM) - 20])
def test_an_answer_that_breaks_off_is_malformed_and_half_a_line_is_not_sent(cut: int) -> None:
    watch = LinePassage(META)
    sent = watch.forward(STREAM[:cut], 0.0)
    with pytest.raises(MalformedAnswer):
        watch.end(0.0)
    assert sent == STREAM[: STREAM[:cut].rfind(b"\n") + 1]
    account = watch.account()
    assert (account.usage, account.finish) == (None, None)


def test_text_of_an_answer_that_broke_off_is_counted_for_an_estimate() -> None:
    watch = LinePassage(META)
    watch.forward(said("Grüße"), 0.0)
    assert watch.account() == Account(text_bytes=len("Grüße".encode()))


def test_an_error_is_raised_after_what_came_before_it_was_delivered() -> None:
    watch = LinePassage(META)
    assert watch.forward(said("a") + b'{"error":"out of memory"}\n' + said("b"), 0.0) == said("a")
    with pytest.raises(NodeFailed) as caught:
        watch.forward(said("c"), 0.0)
    assert caught.value.detail == "out of memory"
    with pytest.raises(NodeFailed):
        watch.end(0.0)
    assert watch.account().usage is None


def test_an_error_with_nothing_before_it_is_raised_at_once() -> None:
    with pytest.raises(NodeFailed):
        LinePassage(META).forward(b'{"error":"no"}\n', 0.0)


def test_the_word_error_in_a_tool_call_is_none() -> None:
    stream = said("", tool_calls=[{"function": {"name": "f", "arguments": {"error": "error"}}}]) + line(**LAST)
    watch = LinePassage(META)
    assert run(stream, 1 << 20, watch) == stream
    assert watch.account().finish is FinishReason.TOOL_CALLS


def test_a_line_that_holds_error_and_is_no_json_is_malformed() -> None:
    with pytest.raises(MalformedAnswer):
        LinePassage(META).forward(b'"error" <html>\n', 0.0)


def test_a_line_that_never_ends_is_refused() -> None:
    with pytest.raises(MalformedAnswer):
        LinePassage(META).forward(b"x" * (LONGEST_LINE_BYTES + 1), 0.0)


def test_of_a_long_answer_the_end_is_kept_and_the_text_is_estimated() -> None:
    watch = LinePassage(META)
    words = 2 * passages.KEPT_BYTES // len(said("twelve bytes"))
    for _ in range(words):
        watch.forward(said("twelve bytes"), 0.0)
    watch.forward(line(response="", **LAST), 0.0)
    watch.end(0.0)
    account = watch.account()
    assert account.usage == Usage(26, 9)
    assert account.text_bytes == pytest.approx(12 * words, rel=0.05)


def test_a_last_line_longer_than_what_is_kept_of_the_end_is_kept_whole() -> None:
    watch = LinePassage(META)
    last = line(response="", context=list(range(200_000)), **LAST)
    watch.forward(said("a") + last[:9], 0.0)
    watch.forward(last[9:], 0.0)
    watch.end(0.0)
    assert watch.account().usage == Usage(26, 9)


def test_a_whole_answer_passes_and_is_counted() -> None:
    watch = LinePassage(META)
    body = line(response="hi", **LAST)[:-1]
    assert watch.whole(body, 0.0) is body
    assert watch.account() == Account(Usage(26, 9), Timings(load_s=0.5), FinishReason.STOP, 2)


def test_a_whole_answer_over_several_lines_is_renamed_too() -> None:
    body = json.dumps({"model": "other", "response": "hi", **LAST}, indent=1).encode()
    assert json.loads(LinePassage(META).whole(body, 0.0)) == {"model": "llama3.2", "response": "hi", **LAST}


@pytest.mark.parametrize(("reason", "finish"), [("load", FinishReason.LOAD), ("unload", FinishReason.UNLOAD)])
def test_a_load_passes_like_any_whole_answer(reason: str, finish: FinishReason) -> None:
    watch = LinePassage(META)
    watch.whole(line(response="", done=True, done_reason=reason), 0.0)
    assert watch.account() == Account(finish=finish)


@pytest.mark.parametrize(
    ("body", "error"),
    [(b'{"error":"x"}', NodeFailed), (line(response="a", done=False), MalformedAnswer), (b"<html>", MalformedAnswer)],
)
def test_what_is_no_whole_answer_is_raised(body: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        LinePassage(META).whole(body, 0.0)


def test_errors_of_ours_are_ollamas_lines() -> None:
    for watch in (LinePassage(META), EmbedPassage(META)):
        assert watch.fail(NodeFailed("broke"), "req") == b'{"error":"broke"}\n'
        assert watch.keep_alive == b""
        assert watch.stream_type == "application/x-ndjson"


# --- vectors ----------------------------------------------------------------------------------------------------------


def test_vectors_pass_unread_and_their_cost_is_noted() -> None:
    watch: Passage = EmbedPassage(META)
    body = b'{"model":"llama3.2","embeddings":[[1,2]],"prompt_eval_count":4}'
    assert watch.account() == Account()
    assert watch.whole(body, 0.0) is body
    assert watch.account() == Account(usage=Usage(prompt=4))
    assert EmbedPassage(META).whole(body.replace(b"llama3.2", b"other"), 0.0) == body


def test_the_old_route_names_no_model_and_its_cost_is_estimated() -> None:
    watch = EmbedPassage(replace(META, prompt_tokens=3))
    body = b'{"embedding":[1.0,2]}'
    assert watch.whole(body, 0.0) == body
    assert watch.account() == Account(usage=Usage(prompt=3, estimated=True))


@pytest.mark.parametrize(
    ("body", "error"), [(b'{"error":"x"}', NodeFailed), (b"{}", MalformedAnswer), (b"x", MalformedAnswer)]
)
def test_what_holds_no_vectors_is_raised(body: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        EmbedPassage(META).whole(body, 0.0)


def test_vectors_that_somebody_streams_go_on_as_they_come() -> None:
    watch = EmbedPassage(META)
    assert watch.open() + watch.forward(b"abc", 0.0) + watch.end(0.0) == b"abc"

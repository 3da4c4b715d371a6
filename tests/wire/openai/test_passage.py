"""An engine's own bytes reach the client as they are, but for what only we asked for and what went wrong."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from potluck.core.answer import FinishReason, Timings, Usage
from potluck.core.errors import MalformedAnswer, NodeFailed, PotluckError
from potluck.wire.openai.passage import AnswerPassage, Kind, WholePassage
from potluck.wire.port import Account, AnswerMeta
from tests.wire.openai.streams import CUTS, pieces, sse

META = AnswerMeta(id="ID", model="m", created_s=1700000000.9, prompt_tokens=11)


def chunk(text: str, finish: str = "null") -> str:
    return (
        '{"id":"c-1","object":"chat.completion.chunk","created":5,"model":"q","choices":'
        f'[{{"index":0,"delta":{{"content":"{text}"}},"finish_reason":{finish}}}]}}'
    )


TEXT = sse(chunk("Grüße 🍲 \u2028"), chunk("b"), chunk("", '"stop"'))
USAGE = sse(
    '{"id":"c-1","created":5,"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2},'
    '"timings":{"prompt_ms":500,"predicted_ms":1000}}'
)
DONE = b"data: [DONE]\n\n"
SPENT = Usage(prompt=3, completion=2)


def passage(*, include_usage: bool = False, kind: Kind = Kind.CHAT, keep_bytes: int = 1 << 20) -> AnswerPassage:
    return AnswerPassage(META, kind, include_usage=include_usage, keep_bytes=keep_bytes)


def whole_passage(kind: Kind = Kind.CHAT) -> WholePassage:
    return WholePassage(META, kind)


def run(through: AnswerPassage, *data: bytes) -> bytes:
    return through.open() + b"".join(through.forward(piece, 0.0) for piece in data) + through.end(0.0)


@given(CUTS, st.booleans())
@example(list(range(1000)), True)
@example(list(range(1000)), False)
def test_cutting_the_stream_anywhere_sends_the_same_bytes(cuts: list[int], include_usage: bool) -> None:
    through = passage(include_usage=include_usage)
    sent = run(through, *pieces(TEXT + USAGE + DONE, cuts))
    assert sent == TEXT + (USAGE if include_usage else b"") + DONE
    assert through.account() == Account(SPENT, Timings(prefill_s=0.5, decode_s=1.0), FinishReason.STOP, 0)


@given(CUTS)
def test_only_whole_events_are_sent(cuts: list[int]) -> None:
    through = passage()
    for piece in pieces(TEXT, cuts):
        assert through.forward(piece, 0.0)[-2:] in {b"", b"\n\n"}


def test_a_piece_of_whole_events_is_the_very_piece() -> None:
    through = passage()
    assert through.forward(TEXT, 0.0) is TEXT
    assert through.stream_type == "text/event-stream"
    assert through.keep_alive == b": ping\n\n"


def test_words_that_look_like_trouble_are_passed_on() -> None:
    odd = (
        sse(chunk("error"), chunk("[]"), chunk("[DONE]"), '{"error":null,"choices":[]}', "no JSON [] \\") + b": []\n\n"
    )
    for include_usage in (False, True):
        assert run(passage(include_usage=include_usage), odd + TEXT + USAGE + DONE).startswith(odd + TEXT)


def test_chunks_without_choices_that_are_not_the_usage_are_kept() -> None:
    filters = sse('{"choices":[],"prompt_filter_results":[]}', '{"choices": [], "usage": null}')
    assert run(passage(), filters + TEXT + DONE) == filters + TEXT + DONE


def test_usage_beside_text_is_left_where_it_is() -> None:
    last = sse('{"choices":[{"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2}}')
    for include_usage in (False, True):
        through = passage(include_usage=include_usage)
        assert run(through, last + DONE) == last + DONE
        assert through.account().usage == SPENT


def test_done_is_added_where_the_engine_leaves_it_out() -> None:
    assert run(passage(), TEXT) == TEXT + DONE
    assert run(passage(include_usage=True), TEXT + USAGE) == TEXT + USAGE + DONE


@pytest.mark.parametrize("ending", [DONE, b"", b"data: [DONE]", b"data:[DONE]\n"])
def test_usage_is_estimated_where_the_engine_tells_none(ending: bytes) -> None:
    through = passage(include_usage=True)
    sent = run(through, TEXT + ending)
    assert sent.startswith(TEXT)
    assert sent.endswith(b"\n\n" + DONE)
    told = json.loads(sent[len(TEXT) + len("data: ") : -len(DONE)])
    # "Grüße 🍲 " and U+2028 and "b": 17 bytes
    assert told == {
        "id": "c-1",
        "object": "chat.completion.chunk",
        "created": 5,
        "model": "q",
        "choices": [],
        "usage": {
            "prompt_tokens": 11,
            "completion_tokens": 5,
            "total_tokens": 16,
            "prompt_tokens_details": {"cached_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0},
        },
    }
    assert through.account() == Account(Usage(11, 5, estimated=True), None, FinishReason.STOP, 17)


def test_the_estimate_of_a_stream_without_ids_takes_ours() -> None:
    anonymous = sse('{"choices":[{"text":"a","finish_reason":"stop"}]}')
    told = json.loads(run(passage(include_usage=True, kind=Kind.COMPLETION), anonymous).split(b"data: ")[2])
    assert (told["id"], told["object"], told["created"], told["model"]) == (
        "cmpl-ID",
        "text_completion",
        1700000000,
        "m",
    )
    told = json.loads(run(passage(include_usage=True), anonymous).split(b"data: ")[2])
    assert told["id"] == "chatcmpl-ID"


@pytest.mark.parametrize("ending", [b"", b"data: [DO", b'data: {"choices":[]', b"<html>"])
@pytest.mark.parametrize("include_usage", [False, True])
def test_a_stream_that_breaks_off_is_malformed_and_still_accounted(ending: bytes, include_usage: bool) -> None:
    through = passage(include_usage=include_usage)
    half = sse(chunk("abcd"))
    assert through.forward(half + ending, 0.0) == half
    with pytest.raises(MalformedAnswer):
        through.end(0.0)
    assert through.account() == Account(None, None, None, 4)


def test_half_an_event_behind_the_finish_is_malformed_too() -> None:
    through = passage()
    through.forward(TEXT + b'data: {"cho', 0.0)
    with pytest.raises(MalformedAnswer):
        through.end(0.0)


def test_a_comment_at_the_end_is_no_half_event() -> None:
    assert run(passage(), TEXT + DONE + b": bye") == TEXT + DONE + b": bye\n\n"


def test_an_answer_without_any_event_is_malformed() -> None:
    with pytest.raises(MalformedAnswer):
        run(passage(), b"")


@given(CUTS)
@example([])
@example(list(range(1000)))
def test_an_error_in_band_is_raised_after_what_came_before_it(cuts: list[int]) -> None:
    through = passage()
    good = sse(chunk("a"), chunk("b"))
    sent = b""
    raised: PotluckError | None = None
    try:
        for piece in pieces(good + sse('{"error": {"message":"boom"}}') + TEXT, cuts):
            sent += through.forward(piece, 0.0)
        through.end(0.0)
    except NodeFailed as exc:
        raised = exc
    assert sent == good
    assert isinstance(raised, NodeFailed)
    assert "boom" in raised.detail
    with pytest.raises(NodeFailed):
        through.forward(b"", 0.0)
    with pytest.raises(NodeFailed):
        through.end(0.0)


def test_an_error_as_the_last_half_event_is_raised() -> None:
    through = passage()
    through.forward(TEXT + b'data: {"error":"boom"}', 0.0)
    with pytest.raises(NodeFailed):
        through.end(0.0)


def test_failing_writes_the_dialects_error() -> None:
    assert passage().fail(NodeFailed("broken"), "r").startswith(b'data: {"error":{"message":"broken"')


@pytest.mark.parametrize("told", [False, True])
def test_of_a_long_stream_the_end_is_kept(told: bool) -> None:
    through = passage(keep_bytes=100_000)
    for _ in range(3000):
        through.forward(sse(chunk("x" * 20)), 0.0)
    through.forward(sse(chunk("", '"length"')), 0.0)
    if told:
        through.forward(USAGE, 0.0)
    through.end(0.0)
    account = through.account()
    assert account.finish is FinishReason.LENGTH
    if told:
        assert account.usage == SPENT
    else:
        assert abs(account.text_bytes - 60_000) < 1000


def test_one_piece_over_the_limit_is_kept_whole() -> None:
    through = passage(keep_bytes=1000)
    through.forward(sse(*[chunk("x" * 20)] * 1000), 0.0)
    assert through.account().text_bytes == 20_000


# --- Whole answers -------------------------------------------------------------------------------------------------

CHAT = (
    b'{"choices":[{"message":{"content":"abcd"},"finish_reason":"stop"}],'
    b'"usage":{"prompt_tokens":3,"completion_tokens":2}}'
)
EMBEDDING = b'{"object":"list","data":[{"embedding":[1]}],"usage":{"prompt_tokens":3,"total_tokens":3}}'


def test_a_whole_answer_is_the_very_body() -> None:
    through = whole_passage()
    assert (through.open(), through.account()) == (b"", Account())
    assert through.whole(CHAT, 0.0) is CHAT
    assert through.account() == Account(SPENT, None, FinishReason.STOP)
    vectors = whole_passage(Kind.EMBEDDING)
    assert vectors.whole(EMBEDDING, 0.0) is EMBEDDING
    assert vectors.account() == Account(Usage(prompt=3))


def test_a_whole_answer_without_usage_gets_one() -> None:
    through = whole_passage()
    body = b'{"x":1,"choices":[{"text":"abcd","finish_reason":null}]}'
    written = json.loads(through.whole(body, 0.0))
    assert list(written) == ["x", "choices", "usage"]
    assert written["usage"]["total_tokens"] == 12
    assert through.account() == Account(Usage(11, 1, estimated=True), None, None, 4)


def test_a_whole_answer_with_timings_alone_is_no_guess() -> None:
    through = whole_passage()
    through.whole(b'{"choices":[],"timings":{"prompt_n":4,"predicted_n":3,"prompt_ms":1000}}', 0.0)
    assert through.account() == Account(Usage(4, 3), Timings(prefill_s=1.0, read_tokens=4))


@pytest.mark.parametrize("body", [b"<html>login</html>", b"", b"{}", b'{"data":[]}', b"[]", b'{"choices":null}'])
def test_what_is_no_answer_never_reaches_a_client(body: bytes) -> None:
    with pytest.raises(MalformedAnswer):
        whole_passage().whole(body, 0.0)


def test_what_is_no_embedding_never_reaches_a_client() -> None:
    with pytest.raises(MalformedAnswer):
        whole_passage(Kind.EMBEDDING).whole(CHAT, 0.0)


def test_an_error_with_status_200_is_raised() -> None:
    with pytest.raises(NodeFailed):
        whole_passage().whole(b'{"error":{"message":"boom"}}', 0.0)


@pytest.mark.parametrize("fed", [lambda through: through.forward(TEXT, 0.0), lambda through: through.end(0.0)])
def test_a_whole_answer_is_not_fed_in_pieces(fed: Callable[[WholePassage], bytes]) -> None:
    with pytest.raises(AssertionError):
        fed(whole_passage())


PROGRESS = sse(
    '{"id":"c-1","choices":[{"index":0,"delta":{"role":"assistant"}}],"prompt_progress":{"total":9,"processed":4}}'
)


@given(CUTS)
def test_lines_of_progress_that_only_we_asked_for_are_not_shown(cuts: list[int]) -> None:
    assert run(passage(), *pieces(PROGRESS + PROGRESS + TEXT + DONE, cuts)) == TEXT + DONE


@given(CUTS)
def test_a_client_that_asked_for_progress_sees_it(cuts: list[int]) -> None:
    through = AnswerPassage(META, Kind.CHAT, progress=True)
    assert run(through, *pieces(PROGRESS + TEXT + DONE, cuts)) == PROGRESS + TEXT + DONE

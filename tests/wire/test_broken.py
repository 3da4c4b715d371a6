"""A stream that broke anywhere goes on in the same stream: the text exactly once, under one name, with one end."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core.answer import Finish, FinishReason, Text, Usage, collect
from potluck.core.errors import MalformedAnswer, NodeFailed
from potluck.core.rescue import Told, Way
from potluck.core.seam import Seam
from potluck.wire.code.infill import InfillWriter
from potluck.wire.code.infill_engine import InfillPassage, InfillReader
from potluck.wire.filtered import FilteredReader
from potluck.wire.ollama.passage import EmbedPassage, LinePassage
from potluck.wire.ollama.readers import LineReader
from potluck.wire.ollama.writers import ChatWriter as OllamaChatWriter
from potluck.wire.ollama.writers import GenerateWriter
from potluck.wire.openai.passage import AnswerPassage, Kind, WholePassage
from potluck.wire.openai.readers import ChatReader, CompletionReader
from potluck.wire.openai.writers import ChatWriter, CompletionWriter
from potluck.wire.port import AnswerMeta, AnswerReader, AnswerWriter, Passage
from potluck.wire.translation import Translation, interrupted

META = AnswerMeta("I" * 24, "asked", 1_700_000_000.5, prompt_tokens=11)
PIECES = ["  ", "grüße", ", 日本語 ", "🙂", "\n```\n", ' "so"', "\\n"]
TEXT = "".join(PIECES)
_PIECES_AS_SENT = [json.dumps(piece, ensure_ascii=escaped).encode() for piece in PIECES for escaped in (True, False)]


def sse(*payloads: object) -> bytes:
    return b"".join(b"data: %b\n\n" % json.dumps(each, ensure_ascii=False).encode() for each in payloads)


def chat_stream(number: int) -> bytes:
    def chunk(delta: object, finish: str | None = None) -> object:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return {"id": f"c{number}", "created": number, "model": "m", "choices": [choice]}

    said = [chunk({"role": "assistant", "content": ""}), *(chunk({"content": piece}) for piece in PIECES)]
    usage = {"id": f"c{number}", "created": number, "model": "m", "choices": [], "usage": {"prompt_tokens": 3}}
    return sse(*said, chunk({}, "stop"), usage) + b"data: [DONE]\n\n"


def completion_stream(number: int) -> bytes:
    def chunk(text: str, finish: str | None = None) -> object:
        choice = {"index": 0, "text": text, "finish_reason": finish}
        return {"id": f"c{number}", "created": number, "model": "m", "choices": [choice]}

    return sse(*map(chunk, PIECES), chunk("", "stop")) + b"data: [DONE]\n\n"


def lines(*payloads: object) -> bytes:
    return b"".join(json.dumps({"model": "asked", **each}).encode() + b"\n" for each in payloads)  # type: ignore[dict-item]


def ollama_chat_stream(number: int) -> bytes:
    said = [{"created_at": str(number), "message": {"role": "assistant", "content": piece}} for piece in PIECES]
    return lines(*said, {"message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "stop"})


def ollama_generate_stream(number: int) -> bytes:
    return lines(*({"response": piece} for piece in PIECES), {"response": "", "done": True, "done_reason": "stop"})


def infill_stream(number: int) -> bytes:
    return sse(*({"content": piece, "stop": False} for piece in PIECES), {"content": "", "stop": True})


@dataclass(frozen=True)
class Dialect:
    stream: Callable[[int], bytes]
    passage: Callable[[], Passage]
    reader: Callable[[], AnswerReader]
    writer: Callable[[], AnswerWriter]


DIALECTS = {
    "chat": Dialect(chat_stream, lambda: AnswerPassage(META, Kind.CHAT), ChatReader, lambda: ChatWriter(META)),
    "chat with usage": Dialect(
        chat_stream,
        lambda: AnswerPassage(META, Kind.CHAT, include_usage=True),
        ChatReader,
        lambda: ChatWriter(META, include_usage=True),
    ),
    "completion": Dialect(
        completion_stream,
        lambda: AnswerPassage(META, Kind.COMPLETION),
        CompletionReader,
        lambda: CompletionWriter(META),
    ),
    "ollama chat": Dialect(ollama_chat_stream, lambda: LinePassage(META), LineReader, lambda: OllamaChatWriter(META)),
    "ollama generate": Dialect(
        ollama_generate_stream, lambda: LinePassage(META), LineReader, lambda: GenerateWriter(META)
    ),
    "infill": Dialect(infill_stream, lambda: InfillPassage(META), InfillReader, lambda: InfillWriter(META)),
}

each_dialect = pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)


@each_dialect
@given(st.data())
def test_wherever_a_stream_breaks_the_client_reads_one_answer(dialect: Dialect, data: st.DataObject) -> None:
    first, second = dialect.stream(1), dialect.stream(2)
    cut = data.draw(st.integers(0, len(first) - 1))
    passage = dialect.passage()
    sent = passage.open() + passage.forward(first[:cut], 0.0)
    broken = passage.broken(dialect.writer)
    assert broken is not None
    told = broken.told
    assert TEXT.startswith(told.text)
    try:
        sent += passage.end(0.0)
    except MalformedAnswer:
        reader = FilteredReader(dialect.reader(), Seam(told, Way.REPLAY))
        goes_on = Translation(reader, broken.writer, prompt_tokens=11, told=told)
        assert goes_on.open() == b""
        size = data.draw(st.integers(1, 400))
        for at in range(0, len(second), size):
            sent += goes_on.forward(second[at : at + size], META.created_s + 1)
        sent += goes_on.end(META.created_s + 2)
        assert goes_on.account().finish is FinishReason.STOP
    client = dialect.reader()
    answer = collect([*client.feed(sent), *client.end()])
    assert answer.choices[0].text == TEXT
    assert answer.choices[0].finish is FinishReason.STOP
    if b'"created"' in sent:
        events = [json.loads(line[6:]) for line in sent.decode().split("\n") if line.startswith("data: {")]
        assert len({(event["id"], event["created"], event["model"]) for event in events}) == 1
        roles = [choice.get("delta", {}).get("role") for event in events for choice in event["choices"]]
        assert roles.count("assistant") <= 1


def odd(dialect: Dialect) -> bytes:
    """A piece of a stream that has the dialect's form and no meaning."""
    said = {"model": "asked", "choices": 5, "response": 5, "content": 5}
    return sse(said) if b"data:" in dialect.stream(1) else lines(said)


def unended(dialect: Dialect, number: int) -> bytes:
    """A stream without its end."""
    between = b"\n\n" if b"data:" in dialect.stream(1) else b"\n"
    pieces = dialect.stream(number).split(between)
    return b"".join(piece + between for piece in pieces if any(word in piece for word in _PIECES_AS_SENT))


@each_dialect
def test_what_nobody_can_read_does_not_go_on(dialect: Dialect) -> None:
    unread = dialect.passage()
    unread.forward(odd(dialect), 0.0)
    assert unread.broken(dialect.writer) is None


_KEPT = 80_000
LONG = {
    "chat": lambda: AnswerPassage(META, Kind.CHAT, keep_bytes=_KEPT),
    "completion": lambda: AnswerPassage(META, Kind.COMPLETION, keep_bytes=_KEPT),
    "ollama chat": lambda: LinePassage(META, keep_bytes=_KEPT),
    "ollama generate": lambda: LinePassage(META, keep_bytes=_KEPT),
}


@pytest.mark.parametrize("name", LONG)
def test_a_stream_too_long_to_be_kept_goes_on_all_the_same(name: str) -> None:
    dialect, passage = DIALECTS[name], LONG[name]()
    block = unended(dialect, 1)
    times = 3 * _KEPT // len(block)
    for _ in range(times):
        passage.forward(block, 0.0)
    for _ in range(2):  # asking changes nothing
        broken = passage.broken(dialect.writer)
        assert broken is not None
        assert broken.told.text == TEXT * times
        assert broken.told.pieces == len(PIECES) * times
    assert b'"role":"assistant","content":""' not in broken.writer.write([Text("!")], 0.0)
    passage.forward(odd(dialect), 0.0)
    assert passage.broken(dialect.writer) is None
    for _ in range(times):
        passage.forward(block, 0.0)
    assert passage.broken(dialect.writer) is None, "it lies far back, and is not forgotten"


def test_tool_calls_that_began_long_ago_are_known_to_who_goes_on() -> None:
    passage = AnswerPassage(META, Kind.CHAT, keep_bytes=_KEPT)
    function = {"name": "look", "arguments": '{"at":"'}
    passage.forward(sse({"choices": [{"delta": {"tool_calls": [{"index": 0, "id": "t", "function": function}]}}]}), 0.0)
    piece = sse({"choices": [{"delta": {"tool_calls": [{"index": 0, "function": {"arguments": "x" * 40}}]}}]})
    for _ in range(3 * _KEPT // len(piece)):
        passage.forward(piece, 0.0)
    broken = passage.broken(lambda: ChatWriter(META))
    assert broken is not None
    assert broken.told.tools[0].name == "look"
    assert b'"finish_reason":"tool_calls"' in broken.writer.write([Finish(FinishReason.STOP)], 0.0)


def test_of_a_megabyte_of_code_to_fill_in_nobody_remembers_the_beginning() -> None:
    passage = InfillPassage(META)
    for _ in range(2):
        passage.forward(unended(DIALECTS["infill"], 1) * 3000, 0.0)
    assert passage.broken(lambda: InfillWriter(META)) is None


def test_an_answer_without_a_frame_goes_on_under_the_name_we_give() -> None:
    passage = AnswerPassage(META, Kind.CHAT)
    passage.forward(sse({"choices": [{"index": 0, "delta": {"content": "a"}}]}), 0.0)
    broken = passage.broken(lambda: ChatWriter(META))
    assert broken is not None
    assert b'"id":"chatcmpl-%b"' % META.id.encode() in broken.writer.write([Text("b")], 0.0)
    assert b'"role"' not in broken.writer.write([Text("b")], 0.0)


def test_a_writer_of_another_family_cannot_go_on_with_chunks() -> None:
    passage = AnswerPassage(META, Kind.CHAT)
    assert passage.broken(lambda: InfillWriter(META)) is None


def test_of_what_comes_whole_nothing_was_sent() -> None:
    assert WholePassage(META, Kind.CHAT).broken(lambda: ChatWriter(META)) is None
    assert EmbedPassage(META).broken(lambda: OllamaChatWriter(META)) is None


def test_a_translation_goes_on_with_the_writer_that_it_has() -> None:
    writer = ChatWriter(META)
    first = Translation(LineReader(), writer)
    first.open()
    sent = first.forward(ollama_chat_stream(1)[:200], 0.0)
    broken = first.broken(lambda: pytest.fail("a second writer"))
    assert broken.writer is writer
    second = Translation(FilteredReader(LineReader(), Seam(broken.told, Way.PREFILL)), writer, told=broken.told)
    assert second.open() == b""
    sent += second.forward(lines({"message": {"content": "!"}}, {"done": True}), 0.0) + second.end(0.0)
    client = ChatReader()
    assert collect([*client.feed(sent), *client.end()]).choices[0].text == broken.told.text + "!"
    assert second.account().text_bytes == len((broken.told.text + "!").encode())
    assert second.broken(lambda: writer).told.text == broken.told.text + "!"


def test_an_answer_that_waits_for_another_engine_can_fail_and_tell_its_account() -> None:
    told = Told.of([Text("abcd")])
    first = Translation(LineReader(), ChatWriter(META), told=told)
    waiting = interrupted(first.broken(lambda: ChatWriter(META)), prompt_tokens=11)
    assert waiting.forward(b"more", 0.0) == b""
    for ends in (lambda: waiting.end(0.0), lambda: waiting.whole(b"", 0.0)):
        with pytest.raises(MalformedAnswer):
            ends()
    assert waiting.account().text_bytes == 4
    assert b"boom" in waiting.fail(NodeFailed("boom"), "r")


def test_usage_is_told_once_over_two_engines() -> None:
    passage = AnswerPassage(META, Kind.CHAT, include_usage=True)
    passage.forward(chat_stream(1)[:600], 0.0)
    broken = passage.broken(lambda: ChatWriter(META, include_usage=True))
    assert broken is not None
    told = broken.told
    rest: list[object] = [Text("!"), Finish(FinishReason.STOP), Usage(prompt=20, completion=3)]
    events = Seam(told, Way.PREFILL).feed(rest)  # type: ignore[arg-type]
    out = broken.writer.write(events, 0.0) + broken.writer.close(0.0)
    usage = json.loads(out.split(b"data: ")[-2])["usage"]
    assert usage["prompt_tokens"] == 20 - told.tokens
    assert usage["completion_tokens"] == 3 + told.tokens

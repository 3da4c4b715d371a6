"""Writing OpenAI-shaped answers: one writer for all that have `/v1`; their differences are the fields of `Style`."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

import msgspec

from potluck_fake_engine.answers import Answer, Kind
from potluck_fake_engine.engine import Turn
from potluck_fake_engine.http import SSE, Headers, Reply

_encode = msgspec.json.encode
_SSE_HEADERS: Headers = (("Cache-Control", "no-cache"),)


@dataclass(frozen=True, slots=True)
class Style:
    """How one server writes. ``opening`` is the first delta of a chat stream, None where there is no such chunk.

    The fields from ``no_usage`` on are the quirks of further servers (API-CONTRACTS.md 5).
    """

    fingerprint: str | None = "fp_fake"
    choices_first: bool = False
    opening: bytes | None = b'{"role":"assistant","content":"","refusal":null}'
    logprobs_key: bool = True
    reasoning: str = "reasoning_content"
    call_id: str = "call_"
    call_id_chars: int = 24
    whole_calls: bool = False
    timings: bool = False
    usage_null: bool = True
    cached_details: bool = True
    echo_prefix: bool = False
    completion_id: str = "cmpl-"
    headers: Headers = _SSE_HEADERS
    role_every_delta: bool = False
    no_usage: bool = False
    finish_with_content: bool = False
    extra_after_finish: bool = False
    no_space: bool = False
    comments: bool = False
    no_done: bool = False
    crlf: bool = False


def usage(turn: Turn, completion_tokens: int, style: Style) -> dict[str, Any]:
    prompt = turn.slot.prompt_tokens
    counted: dict[str, Any] = {
        "prompt_tokens": prompt,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt + completion_tokens,
    }
    if style.cached_details:
        counted["prompt_tokens_details"] = {"cached_tokens": turn.slot.cached}
    return counted


def timings(turn: Turn, predicted: int) -> dict[str, Any]:
    """llama.cpp's `timings`, from the time that really passed."""
    # A microsecond at least: nobody has to divide by zero.
    prompt_ms = max(turn.prompt_s * 1000, 0.001)
    predicted_ms = max((turn.engine.now() - turn.started - turn.prompt_s) * 1000, 0.001)
    fresh = turn.fresh_tokens
    # The first token belongs to the prompt's time.
    timed = predicted - 1
    return {
        "cache_n": turn.slot.cached,
        "prompt_n": fresh,
        "prompt_ms": prompt_ms,
        "prompt_per_token_ms": prompt_ms / max(fresh, 1),
        "prompt_per_second": fresh / prompt_ms * 1000,
        "predicted_n": predicted,
        "predicted_ms": predicted_ms,
        "predicted_per_token_ms": predicted_ms / timed if timed > 0 else 0.0,
        "predicted_per_second": timed / predicted_ms * 1000 if timed > 0 else 0.0,
    }


class Writer:
    """The chunks of one answer. ``what`` is ``chat.completion`` or ``text_completion``."""

    def __init__(self, style: Style, what: str, model: str, *, stream: bool) -> None:
        self.style = style
        self.chat = what == "chat.completion"
        self.id = ("chatcmpl-" if self.chat else style.completion_id) + token_hex(12)
        self.created = int(time.time())
        self.what = f"{what}.chunk" if stream and self.chat else what
        self.model = model
        self.feed = b"\r\n\r\n" if style.crlf else b"\n\n"
        self._data = b"data:" if style.no_space else b"data: "
        names = {"id": self.id, "object": self.what, "created": self.created, "model": model}
        if style.fingerprint is not None:
            names["system_fingerprint"] = style.fingerprint
        inner = _encode(names)[1:-1]
        self._open = self._data + (b'{"choices":[' if style.choices_first else b"{" + inner + b',"choices":[')
        self._shut = b"]," + inner if style.choices_first else b"]"
        self._text_key = b'"content":'
        if style.role_every_delta:
            self._text_key = b'"role":"assistant","content":'

    def envelope(self) -> dict[str, Any]:
        """The fields of a whole answer, without choices and usage."""
        names: dict[str, Any] = {"id": self.id, "object": self.what, "created": self.created, "model": self.model}
        if self.style.fingerprint is not None:
            names["system_fingerprint"] = self.style.fingerprint
        return names

    def event(self, data: bytes) -> bytes:
        return self._data + data + self.feed

    def chunk(self, choice: bytes, tail: bytes = b"") -> bytes:
        """One event; `tail` are further top-level fields with a comma before each."""
        return self._open + choice + self._shut + tail + b"}" + self.feed

    def choice(self, index: int, inner: bytes, finish: bytes = b"null") -> bytes:
        """`inner` is a delta of a chat, or the text of a completion, as JSON."""
        if not self.chat:
            return b'{"text":%b,"index":%d,"logprobs":null,"finish_reason":%b}' % (inner, index, finish)
        if self.style.choices_first:
            return b'{"finish_reason":%b,"index":%d,"delta":%b}' % (finish, index, inner)
        logprobs = b',"logprobs":null' if self.style.logprobs_key else b""
        return b'{"index":%d,"delta":%b%b,"finish_reason":%b}' % (index, inner, logprobs, finish)

    def around(self, index: int, kind: Kind, tail: bytes) -> tuple[bytes, bytes]:
        """What stands before and after the text of a content or reasoning chunk."""
        if not self.chat:
            inner = b"\x00"
        elif kind is Kind.THINK:
            key = self._text_key.replace(b"content", self.style.reasoning.encode())
            if self.style.role_every_delta:
                key = b'"role":"assistant","content":"","%b":' % self.style.reasoning.encode()
            inner = b"{" + key + b"\x00}"
        else:
            inner = b"{" + self._text_key + b"\x00}"
        before, _, after = self.chunk(self.choice(index, inner), tail).partition(b"\x00")
        return before, after

    def new_call_id(self) -> str:
        return self.style.call_id + token_hex(self.style.call_id_chars)[: self.style.call_id_chars]

    def calls(self, pieces: Sequence[tuple[int, str, str, str]]) -> bytes:
        """A delta with pieces of calls: (index, id, name, arguments); later pieces have neither id nor name."""
        items: list[dict[str, Any]] = []
        for index, call_id, name, arguments in pieces:
            if name:
                function = {"name": name, "arguments": arguments}
                items.append({"index": index, "id": call_id, "type": "function", "function": function})
            else:
                items.append({"index": index, "function": {"arguments": arguments}})
        head = b'{"role":"assistant","content":"","tool_calls":' if self.style.role_every_delta else b'{"tool_calls":'
        return head + _encode(items) + b"}"


async def stream(writer: Writer, turn: Turn, reply: Reply, answers: Sequence[Answer], *, wants_usage: bool) -> None:
    """The whole streamed answer, several choices one after the other."""
    style = writer.style
    null_usage = b',"usage":null' if wants_usage and style.usage_null else b""
    await reply.start(SSE, style.headers)
    if style.comments:
        await reply.send(b": connected" + writer.feed)
    if writer.chat and style.opening is not None:
        for index in range(len(answers)):
            await reply.send(writer.chunk(writer.choice(index, style.opening), null_usage))
    for index, said in enumerate(answers):
        async for data in _choice(writer, turn, index, said, null_usage):
            await reply.send(data)
        counted = b"" if writer.chat and wants_usage else _counts(writer, turn, said)
        await reply.send(writer.chunk(_final_choice(writer, index, said), null_usage + counted))
    await _end(writer, turn, reply, answers, wants_usage=wants_usage)


async def _choice(writer: Writer, turn: Turn, index: int, said: Answer, tail: bytes) -> AsyncIterator[bytes]:
    """The chunks of one choice, each at its time, but for the one with the finish reason."""
    style = writer.style
    before, after = writer.around(index, Kind.TEXT, tail)
    think_before, think_after = writer.around(index, Kind.THINK, tail)
    pieces = said.pieces
    if _last_text(style, said):
        pieces = pieces[:-1]
    number = -1
    whole: list[str] = []
    for kind, text in pieces:
        await turn.beat()
        if kind is Kind.TEXT:
            yield before + _encode(text) + after
        elif kind is Kind.THINK:
            yield think_before + _encode(text) + think_after
        elif style.whole_calls:
            whole.append(text)
        elif kind is Kind.CALL:
            number += 1
            delta = writer.calls([(number, writer.new_call_id(), text, "")])
            yield writer.chunk(writer.choice(index, delta), tail)
        else:
            yield writer.chunk(writer.choice(index, writer.calls([(number, "", "", text)])), tail)
    if whole and said.finish == "tool_calls":
        calls = [(i, writer.new_call_id(), name, args) for i, (name, args) in enumerate(said.calls())]
        yield writer.chunk(writer.choice(index, writer.calls(calls)), tail)
    if len(pieces) < len(said.pieces):
        await turn.beat()


def _last_text(style: Style, said: Answer) -> str:
    """The text that goes with the finish reason, where a server does so."""
    if not style.finish_with_content or not said.pieces or said.pieces[-1].kind is not Kind.TEXT:
        return ""
    return said.pieces[-1].text


def _final_choice(writer: Writer, index: int, said: Answer) -> bytes:
    reason = _encode(said.finish)
    text = _last_text(writer.style, said)
    if not writer.chat:
        return writer.choice(index, _encode(text), reason)
    if text or writer.style.role_every_delta:
        role = b'"role":"assistant",' if writer.style.role_every_delta else b""
        return writer.choice(index, b'{%b"content":%b}' % (role, _encode(text)), reason)
    return writer.choice(index, b"{}", reason)


def _counts(writer: Writer, turn: Turn, said: Answer) -> bytes:
    """llama.cpp's last completion chunk carries the usage always, its last chat chunk the timings at least."""
    if not writer.style.timings:
        return b""
    counted = b""
    if not writer.chat:
        counted = b',"usage":' + _encode(usage(turn, len(said.pieces), writer.style))
    return counted + b',"timings":' + _encode(timings(turn, len(said.pieces)))


async def _end(writer: Writer, turn: Turn, reply: Reply, answers: Sequence[Answer], *, wants_usage: bool) -> None:
    style = writer.style
    if style.extra_after_finish:
        await reply.send(writer.chunk(writer.choice(0, b'{"content":""}' if writer.chat else b'""')))
    if wants_usage and not style.no_usage and (writer.chat or not style.timings):
        number = sum(len(said.pieces) for said in answers)
        tail = b',"usage":' + _encode(usage(turn, number, style))
        if style.timings:
            tail += b',"timings":' + _encode(timings(turn, number))
        await reply.send(writer.chunk(b"", tail))
    if not style.no_done:
        await reply.send(writer.event(b"[DONE]"))
    await reply.finish()


def whole(writer: Writer, turn: Turn, answers: Sequence[Answer], echoes: Sequence[str] = ()) -> bytes:
    """The answer in one piece. `echoes` are put before each completion's text."""
    style = writer.style
    choices: list[dict[str, Any]] = []
    for index, said in enumerate(answers):
        if writer.chat:
            choice: dict[str, Any] = {"index": index, "message": _message(writer, said), "finish_reason": said.finish}
            if style.logprobs_key:
                choice["logprobs"] = None
        else:
            text = (echoes[index] if echoes else "") + said.text()
            choice = {"text": text, "index": index, "logprobs": None, "finish_reason": said.finish}
        choices.append(choice)
    body = {**writer.envelope(), "choices": choices}
    number = len(answers[0].pieces) if style.timings else sum(len(said.pieces) for said in answers)
    if not style.no_usage:
        body["usage"] = usage(turn, number, style)
    if style.timings:
        body["timings"] = timings(turn, number)
    return _encode(body)


def _message(writer: Writer, said: Answer) -> dict[str, Any]:
    style = writer.style
    text = (said.prefix if style.echo_prefix else "") + said.text()
    message: dict[str, Any] = {"role": "assistant", "content": text}
    if thoughts := said.text(Kind.THINK):
        message[style.reasoning] = thoughts
    if said.finish == "tool_calls":
        message["content"] = "" if style.role_every_delta else None
        message["tool_calls"] = [
            {"id": writer.new_call_id(), "type": "function", "function": {"name": name, "arguments": arguments}}
            for name, arguments in said.calls()
        ]
    return message

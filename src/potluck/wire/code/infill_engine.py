"""llama.cpp as an engine for ``POST /infill``: requests, answers read, and answers let through to its own clients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct

from potluck.core.answer import Event, Failed, Finish, FinishReason, Text, Timings, Usage
from potluck.core.call import InfillCall
from potluck.core.errors import MalformedAnswer, NodeFailed, PotluckError
from potluck.core.model import Json
from potluck.core.rescue import Told
from potluck.wire.code.errors import write_llamacpp_error
from potluck.wire.port import Account, AnswerMeta, AnswerWriter, Broken
from potluck.wire.sse import PING, STREAM_TYPE, EventCutter, SseReader, data_event, parse_events, split_events

PATH = "/infill"

KEPT_BYTES = 1024 * 1024
"""More than any completion; of a longer answer only the last piece is kept, which has the counts."""


class _Timings(Struct):
    cache_n: int | None = None
    prompt_n: int | None = None
    prompt_ms: float | None = None
    predicted_ms: float | None = None


class _Reply(Struct):
    content: str = ""
    stop: bool = False
    stop_type: str | None = None
    stopping_word: str | None = None
    tokens_predicted: int | None = None
    tokens_evaluated: int | None = None
    timings: _Timings | None = None
    error: Any = None


_REPLY = msgspec.json.Decoder(_Reply)


def encode_infill(call: InfillCall, model: str, *, stream: bool) -> bytes:
    """``POST /infill``. Unknown fields of the client's own request go along; language and path have no place."""
    sampling = call.sampling
    said: dict[str, Json] = {
        "n_predict": sampling.max_tokens,
        "temperature": sampling.temperature,
        "top_k": sampling.top_k,
        "top_p": sampling.top_p,
        "min_p": sampling.min_p,
        "seed": sampling.seed,
        "stop": list[Json](sampling.stop) or None,
        "presence_penalty": sampling.presence_penalty,
        "frequency_penalty": sampling.frequency_penalty,
        "repeat_penalty": sampling.repeat_penalty,
    }
    return msgspec.json.encode(
        {
            "cache_prompt": True,
            **call.hints.extra,
            "model": model,
            "input_prefix": call.prefix,
            "input_suffix": call.suffix,
            "input_extra": [{"filename": snippet.path, "text": snippet.text} for snippet in call.snippets],
            "prompt": call.prompt,
            **{name: value for name, value in said.items() if value is not None},
            "stream": stream,
        }
    )


class InfillReader:
    """Reads llama.cpp's answers, streamed or whole. Marker tokens that it leaves in are an `InfillCleaner`'s."""

    def __init__(self) -> None:
        self._sse = SseReader()
        self._done = False

    def feed(self, data: bytes) -> list[Event]:
        return [event for one in self._sse.feed(data) for event in self._read(one.data)]

    def end(self) -> list[Event]:
        events = [event for one in self._sse.end() for event in self._read(one.data)]
        if not self._done:
            raise MalformedAnswer("The engine's answer broke off.")
        return events

    def whole(self, body: bytes) -> list[Event]:
        events = self._read(body)
        if not self._done:
            raise MalformedAnswer("The engine's answer is not whole.")
        return events

    def _read(self, data: bytes) -> list[Event]:
        if self._done or data == b"[DONE]":
            return []
        reply = _decoded(data)
        if reply.error is not None:
            self._done = True
            return [Failed(_in_band(reply.error))]
        events: list[Event] = [Text(reply.content)] if reply.content else []
        if reply.stop:
            self._done = True
            account = _account(reply)
            events.append(Finish(_finish(reply), stop_sequence=reply.stopping_word or ""))
            events += [one for one in (account.usage, account.timings) if one is not None]
        return events


class InfillPassage:
    """llama.cpp's answer to its own clients: whole events, byte for byte."""

    stream_type = STREAM_TYPE
    keep_alive = PING

    def __init__(self, meta: AnswerMeta) -> None:
        self._cutter = EventCutter()
        self._kept: list[bytes] = []
        self._created_s = meta.created_s
        self._kept_bytes = 0
        self._shortened = False
        self._whole: _Reply | None = None
        self._failed: NodeFailed | None = None

    def open(self) -> bytes:
        return b""

    def forward(self, data: bytes, now_s: float) -> bytes:
        """Raises `NodeFailed` for an error inside the answer, once everything before it has been handed out."""
        if self._failed is not None:
            raise self._failed
        block = self._cutter.cut(data)
        if b'"error"' in block:
            block = self._up_to_error(block)
        if block:
            self._keep(block)
        return block

    def end(self, now_s: float) -> bytes:
        """Raises `MalformedAnswer` if no event said ``stop``."""
        if self._failed is not None:
            raise self._failed
        if not any(reply.stop for reply in self._replies()):
            raise MalformedAnswer("The engine's answer broke off.")
        return b""

    def fail(self, error: PotluckError, request_id: str) -> bytes:
        return data_event(write_llamacpp_error(error, request_id).body)

    def whole(self, body: bytes, now_s: float) -> bytes:
        """Raises `NodeFailed` for an error, `MalformedAnswer` for what is no answer."""
        reply = _decoded(body)
        if reply.error is not None:
            raise _in_band(reply.error)
        self._whole = reply
        return body

    def account(self) -> Account:
        if self._whole is not None:
            return _account(self._whole)
        replies = self._replies()
        text_bytes = sum(len(reply.content.encode()) for reply in replies)
        last = next((reply for reply in replies if reply.stop), None)
        if last is None:
            return Account(text_bytes=text_bytes)
        found = _account(last)
        return Account(found.usage, found.timings, found.finish, text_bytes)

    def broken(self, fresh: Callable[[], AnswerWriter]) -> Broken | None:
        """None for what has grown too long to be kept."""
        if self._shortened:
            return None
        writer = fresh()
        try:
            events = InfillReader().feed(b"".join(self._kept))
        except MalformedAnswer:
            return None
        writer.write(events, self._created_s)  # it has been sent: the writer only learns of it
        return Broken(Told.of(events), writer)

    def _up_to_error(self, block: bytes) -> bytes:
        passed: list[bytes] = []
        for event in split_events(block):
            for one in parse_events(event):
                if (error := _decoded(one.data).error) is not None:
                    self._failed = _in_band(error)
                    if not passed:
                        raise self._failed
                    return b"".join(passed)
            passed.append(event)
        return block

    def _keep(self, block: bytes) -> None:
        self._kept.append(block)
        self._kept_bytes += len(block)
        if self._kept_bytes > KEPT_BYTES:
            self._kept, self._kept_bytes = [block], len(block)
            self._shortened = True

    def _replies(self) -> list[_Reply]:
        return [_decoded(one.data) for one in parse_events(b"".join(self._kept)) if one.data != b"[DONE]"]


def _decoded(data: bytes) -> _Reply:
    try:
        return _REPLY.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise MalformedAnswer("The engine's completion cannot be read.") from exc


def _in_band(error: Any) -> NodeFailed:
    return NodeFailed("The engine failed while it was answering.", detail=str(error)[:2000])


def _finish(reply: _Reply) -> FinishReason:
    return FinishReason.LENGTH if reply.stop_type == "limit" else FinishReason.STOP


def _account(reply: _Reply) -> Account:
    times = reply.timings
    usage = None
    if reply.tokens_evaluated is not None or reply.tokens_predicted is not None:
        cached = (times.cache_n or 0) if times else 0
        usage = Usage(reply.tokens_evaluated or 0, reply.tokens_predicted or 0, cached)
    timings = None
    if times is not None:
        timings = Timings(0.0, (times.prompt_ms or 0) / 1000, (times.predicted_ms or 0) / 1000, times.prompt_n)
    return Account(usage, timings, _finish(reply) if reply.stop else None, len(reply.content.encode()))

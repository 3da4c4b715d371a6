"""The pass-through: an engine's own bytes to a client of the same dialect, watched but not parsed.

`AnswerPassage.forward` is the hot path of PERFORMANCE.md: each piece is cut behind its last event, searched for a few
words, kept aside and handed on. Only a piece with one of the words is parsed: it may hold an error, the usage that only
we asked for, or the end. What the answer cost is read from the kept bytes when it is over.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any

import msgspec

from potluck.core.answer import FinishReason, Timings, Usage
from potluck.core.errors import MalformedAnswer, PotluckError
from potluck.wire.estimates import estimate
from potluck.wire.openai.chunks import CHUNK, FINISH, Chunk, decode_answer, excerpt, written_bytes
from potluck.wire.openai.errors import error_event, read_in_band_error
from potluck.wire.openai.kept import KEEP_BYTES, KeptAnswer
from potluck.wire.openai.readers import ChatReader, CompletionReader
from potluck.wire.openai.usage import written
from potluck.wire.openai.writers import CHAT_ID, COMPLETION_ID, StreamWriter, chunk_frame, usage_event
from potluck.wire.port import Account, AnswerMeta, AnswerWriter, Broken
from potluck.wire.sse import DONE, PING, STREAM_TYPE, EventCutter, parse_events, split_events


class Kind(StrEnum):
    """Which answer passes; the value is its ``object`` in a stream."""

    CHAT = "chat.completion.chunk"
    COMPLETION = "text_completion"
    EMBEDDING = "list"


class _Watched(msgspec.Struct):
    """The fields of an event that decide what becomes of it."""

    choices: list[msgspec.Raw] | None = None
    usage: dict[str, Any] | None = None
    error: Any = None
    prompt_progress: Any = None


class _Whole(Chunk):
    data: list[msgspec.Raw] | None = None


_WATCHED = msgspec.json.Decoder(_Watched)
_WHOLE = msgspec.json.Decoder(_Whole)

# Looked up once: up to Python 3.11 a member costs as much as a call.
_CHAT, _EMBEDDING, _STOP = Kind.CHAT, Kind.EMBEDDING, FinishReason.STOP

_DONE_WORD = b"[DONE]"
# A quotation mark in a text is escaped, so this is found where ``error`` is a key, or all of a text.
_ERROR_WORD = b'"error"'
# The chunk that holds only the usage has no choices.
_EMPTY_LIST = b"[]"
# llama.cpp's line for each batch of the prompt that it has read.
_PROGRESS_WORD = b'"prompt_progress"'


class WholePassage:
    """Watches one answer that is not streamed. Implements `wire.port.Passage`."""

    stream_type = STREAM_TYPE
    keep_alive = PING

    def __init__(self, meta: AnswerMeta, kind: Kind) -> None:
        self._meta = meta
        self._kind = kind
        self._account: Account | None = None

    def open(self) -> bytes:
        return b""

    def forward(self, data: bytes, now_s: float) -> bytes:
        raise AssertionError("this answer is not streamed")

    def end(self, now_s: float) -> bytes:
        raise AssertionError("this answer is not streamed")

    def fail(self, error: PotluckError, request_id: str) -> bytes:
        return error_event(error)

    def whole(self, body: bytes, now_s: float) -> bytes:
        """``body`` itself, once it is seen to be an answer; usage is added to one that has none.

        Raises `MalformedAnswer` for anything else, such as the login page of a proxy, and the engine's own error.
        """
        answer = decode_answer(body, _WHOLE)
        if answer.error is not None:
            raise read_in_band_error(body)
        if (answer.data if self._kind is _EMBEDDING else answer.choices) is None:
            raise MalformedAnswer("The engine's answer is not what its dialect says.", detail=excerpt(body))
        if answer.usage is not None:
            self._account = Account(answer.usage.usage(), _timings(answer), _finish(answer))
            return body
        text_bytes = written_bytes(answer)
        usage = answer.timings.usage() if answer.timings else None
        usage = usage or estimate(text_bytes, self._meta.prompt_tokens)
        self._account = Account(usage, _timings(answer), _finish(answer), text_bytes)
        return _with_usage(body, usage)

    def account(self) -> Account:
        """What it cost; nothing before it came."""
        return self._account or Account()

    def broken(self, fresh: Callable[[], AnswerWriter]) -> Broken | None:
        """None: of an answer that comes whole nothing was sent."""
        return None


class AnswerPassage(WholePassage):
    """Watches one answer. ``include_usage`` says that the client wants the usage of its stream, ``progress`` that it
    wants to see llama.cpp read its prompt.

    An in-band error is not passed on: what came before it is returned, and the next `forward` or `end` raises it. If
    nothing came before it in the same piece, it is raised at once.

    Where the client wants the usage, ``[DONE]`` is held until `end`, since the usage may have to be put before it.
    """

    def __init__(
        self,
        meta: AnswerMeta,
        kind: Kind,
        *,
        include_usage: bool = False,
        progress: bool = False,
        keep_bytes: int = KEEP_BYTES,
    ) -> None:
        super().__init__(meta, kind)
        self._include_usage = include_usage
        self._hides_progress = not progress
        self._cutter = EventCutter()
        self._kept = KeptAnswer(ChatReader if kind is _CHAT else CompletionReader, keep_bytes)
        self._trouble: PotluckError | None = None
        self._done = False

    def forward(self, data: bytes, now_s: float) -> bytes:
        """Whole events; the very ``data`` if it is some. Raises what the engine said in-band, and `MalformedAnswer`
        for what is no stream of events."""
        if self._trouble is not None:
            raise self._trouble
        events = self._cutter.cut(data)
        if not events:
            return events
        if self._must_look(events):
            events = self._sift(events)
        self._kept.add(events)
        return events

    def _must_look(self, events: bytes) -> bool:
        if _ERROR_WORD in events:
            return True
        if self._hides_progress:
            if _PROGRESS_WORD in events:
                return True
            self._hides_progress = False  # the prompt is read: there will be no more of it
        if self._include_usage:
            return _DONE_WORD in events
        return _EMPTY_LIST in events

    def _sift(self, block: bytes) -> bytes:
        """The events of a block that the client is sent, up to an error."""
        passed: list[bytes] = []
        for event in split_events(block):
            if self._passes(event):
                passed.append(event)
            if self._trouble is not None:
                if not any(event.data for event in parse_events(b"".join(passed))):
                    raise self._trouble
                break
        return b"".join(passed)

    def _passes(self, event: bytes) -> bool:
        for _, data in parse_events(event):
            if data.strip() == _DONE_WORD:
                self._done = True
                return not self._include_usage
            try:
                watched = _WATCHED.decode(data)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                continue
            if watched.error is not None:
                self._trouble = read_in_band_error(data)
                return False
            if watched.prompt_progress is not None and self._hides_progress:
                return False
            if watched.choices == [] and watched.usage is not None and not self._include_usage:
                self._kept.set_aside(event)
                return False
        return True

    def end(self, now_s: float) -> bytes:
        """What is left: an event whose blank line never came, the usage if the engine told none, ``[DONE]``.

        Raises `MalformedAnswer` if neither a finish reason nor ``[DONE]`` came, or an event broke off.
        """
        if self._trouble is not None:
            raise self._trouble
        rest = self._last_event()
        reading = self._kept.read()
        done = reading.done or self._done
        if reading.finish is None and not done:
            raise MalformedAnswer("The engine's answer broke off.", detail="no finish reason and no [DONE]")
        usage = reading.usage or estimate(reading.text_bytes, self._meta.prompt_tokens)
        self._account = Account(usage, reading.timings, reading.finish, reading.text_bytes)
        if not self._include_usage:
            return rest if done else rest + DONE
        if reading.usage is not None:
            return rest + DONE
        frame = chunk_frame(self._kind, *(reading.frame or self._invented))
        return rest + usage_event(frame, usage) + DONE

    def _last_event(self) -> bytes:
        tail = self._cutter.tail.strip()
        if not tail:
            return b""
        block = tail + b"\n\n"
        for _, data in parse_events(block):
            if data.strip() != _DONE_WORD:
                decode_answer(data, _WATCHED)
        rest = self._sift(block)
        self._kept.add(rest)
        return rest

    def account(self) -> Account:
        """What it cost. Of an answer that broke off, what came of it."""
        if self._account is not None:
            return self._account
        reading = self._kept.read()
        return Account(reading.usage, reading.timings, reading.finish, reading.text_bytes)

    def broken(self, fresh: Callable[[], AnswerWriter]) -> Broken | None:
        """The writer goes on under the names of the engine's own chunks. None for what is passed on but not
        understood."""
        writer, found = fresh(), self._kept.told()
        if found is None or not isinstance(writer, StreamWriter):
            return None
        told, events, rest = found
        writer.go_on(*(self._kept.read().frame or self._invented), {0} if _begins(rest) else ())
        writer.write(events, self._meta.created_s)  # it has been sent: the writer only learns of it
        return Broken(told, writer)

    @property
    def _invented(self) -> tuple[str, int, str]:
        """A frame for an engine that gives its chunks none."""
        prefix = CHAT_ID if self._kind is Kind.CHAT else COMPLETION_ID
        return prefix + self._meta.id, int(self._meta.created_s), self._meta.model


def _begins(sent: bytes) -> bool:
    """Whether a choice has begun in what was understood: engines may begin with chunks that have none."""
    payloads = (event.data for event in parse_events(sent) if event.data.strip() != _DONE_WORD)
    return any(CHUNK.decode(payload).choices for payload in payloads)


def _finish(answer: Chunk) -> FinishReason | None:
    for choice in answer.choices or ():
        if choice.finish_reason:
            return FINISH.get(choice.finish_reason, _STOP)
    return None


def _timings(answer: Chunk) -> Timings | None:
    return answer.timings.timings() if answer.timings else None


def _with_usage(body: bytes, usage: Usage) -> bytes:
    """``body`` with the usage that the dialect promises, every other field kept."""
    raw: dict[str, msgspec.Raw] = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    return msgspec.json.encode({**raw, "usage": written(usage)})

"""An Ollama engine's answer on its way to an Ollama client: the same bytes, watched (PERFORMANCE.md).

Whole lines go on at once. Nothing is parsed on the way but a line that may hold an error; counts and durations are
read at the end, from the bytes that were kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from potluck.core.answer import Usage
from potluck.core.errors import ContextOverflow, MalformedAnswer, NodeFailed, PotluckError
from potluck.wire.ndjson import LONGEST_LINE_BYTES, whole_lines
from potluck.wire.ollama.errors import error_line, in_band
from potluck.wire.ollama.readers import LineReader
from potluck.wire.ollama.statistics import finish_of, timings_of, usage_of
from potluck.wire.ollama.structs import AnswerLine, EmbedHead
from potluck.wire.ollama.writers import STREAM_TYPE
from potluck.wire.past import Past
from potluck.wire.port import Account, AnswerMeta, AnswerWriter, Broken

# A megabyte holds some five thousand lines, a long answer. The beginning of longer ones is kept by what it said, and
# read so much at once: more would hold up other streams.
KEPT_BYTES = 1024 * 1024
SLICE_BYTES = 64 * 1024

_LINE = msgspec.json.Decoder(AnswerLine)
_NAMED = b'{"model":'
_EMBED = msgspec.json.Decoder(EmbedHead)


class Renamed:
    """Puts the client's name of the model in the place of the engine's, if the two differ.

    Every answer of Ollama begins with the name, and no line end stands inside JSON, so bytes are exchanged without
    parsing. What begins otherwise comes from a server that only resembles Ollama, and is parsed.
    """

    __slots__ = ("_new", "_old", "_wanted")

    def __init__(self, wanted: str) -> None:
        self._wanted = wanted
        self._new = _NAMED + msgspec.json.encode(wanted)
        self._old = b""

    def lines(self, data: bytes) -> bytes:
        """``data`` is whole lines."""
        if not self._old:
            self._old = self._begins(data)
        if self._old == self._new:
            return data
        if not self._old:
            return b"".join(self._parsed(line) + b"\n" for line in data.split(b"\n") if line.strip())
        if data.startswith(self._old):
            data = self._new + data[len(self._old) :]
        return data.replace(b"\n" + self._old, b"\n" + self._new)

    def body(self, data: bytes) -> bytes:
        """``data`` is one whole answer, spread over lines or not. One that names no model stays as it is."""
        return self.lines(data) if data.startswith(_NAMED) else self._parsed(data)

    def _begins(self, data: bytes) -> bytes:
        """``{"model":"name"`` as the engine wrote it, or nothing if it begins otherwise."""
        if not data.startswith(_NAMED + b'"'):
            return b""
        end = data.find(b'"', len(_NAMED) + 1)
        begins = data[: end + 1]
        return b"" if b"\\" in begins else begins

    def _parsed(self, line: bytes) -> bytes:
        try:
            fields: dict[str, Any] = msgspec.json.decode(line, type=dict[str, msgspec.Raw])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
            raise MalformedAnswer("The engine sent a line that is not JSON.") from exc
        if "model" not in fields:
            return line
        return msgspec.json.encode(fields | {"model": self._wanted})


class LinePassage:
    """A chat's or a generation's answer, streamed or whole."""

    stream_type = STREAM_TYPE
    keep_alive = b""

    def __init__(self, meta: AnswerMeta, *, keep_bytes: int = KEPT_BYTES) -> None:
        self._renamed = Renamed(meta.model)
        self._created_s = meta.created_s
        self._keep_bytes = keep_bytes
        self._held = b""
        self._kept: list[bytes] = []
        self._kept_bytes = 0
        self._past: Past | None = None
        self._sent_bytes = 0
        self._failed: NodeFailed | ContextOverflow | None = None

    def open(self) -> bytes:
        return b""

    def forward(self, data: bytes, now_s: float) -> bytes:
        """Raises `NodeFailed` for an error inside the answer, once everything before it has been handed out."""
        if self._failed is not None:
            raise self._failed
        whole, self._held = whole_lines(self._held + data if self._held else data)
        if len(self._held) > LONGEST_LINE_BYTES:
            raise MalformedAnswer("The engine sent a line that does not end.")
        if not whole:
            return b""
        if b'"error"' in whole:
            whole = self._up_to_error(whole)
        sent = self._renamed.lines(whole)
        self._keep(sent)
        return sent

    def end(self, now_s: float) -> bytes:
        """Raises `MalformedAnswer` if no line said ``done``, `NodeFailed` if one said ``error``."""
        rest = b""
        if self._held.strip():
            _decoded(self._held)  # half a line is not sent
            rest = self.forward(b"\n", now_s)
        if self._failed is not None:
            raise self._failed
        if (last := self._last()) is None or not last.done:
            raise MalformedAnswer("The engine's answer broke off.")
        return rest

    def fail(self, error: PotluckError, request_id: str) -> bytes:
        return error_line(error)

    def whole(self, body: bytes, now_s: float) -> bytes:
        """Raises `NodeFailed` or `MalformedAnswer` like a stream of one line."""
        line = _decoded(body)
        if line.error is not None:
            raise in_band(line.error)
        if not line.done:
            raise MalformedAnswer("The engine's answer is not whole.")
        self._keep(body)
        return self._renamed.body(body)

    def account(self) -> Account:
        last = self._last()
        text_bytes, called = self._text()
        if last is None or not last.done:
            return Account(text_bytes=text_bytes)
        return Account(usage_of(last), timings_of(last), finish_of(last, called=called), text_bytes)

    def broken(self, fresh: Callable[[], AnswerWriter]) -> Broken | None:
        """None for what is passed on but not understood."""
        found = (self._past or Past(LineReader())).with_rest(b"".join(self._kept))
        if found is None:
            return None
        told, events = found
        writer = fresh()
        writer.write(events, self._created_s)  # it has been sent: the writer only learns of it
        return Broken(told, writer)

    def _up_to_error(self, whole: bytes) -> bytes:
        """The lines before one that says ``error``; the error is raised next time, or now if nothing precedes it."""
        start = 0
        while start < len(whole):
            end = whole.index(b"\n", start) + 1
            line = whole[start:end]
            if b'"error"' in line and (error := _decoded(line).error) is not None:
                self._failed = in_band(error)
                self._held = b""
                if start == 0:
                    raise self._failed
                return whole[:start]
            start = end
        return whole

    def _keep(self, data: bytes) -> None:
        self._kept.append(data)
        self._kept_bytes += len(data)
        self._sent_bytes += len(data)
        if self._kept_bytes > self._keep_bytes:
            kept = b"".join(self._kept)
            # Whole lines, and never the last one: with a `context` of thousands of tokens it may be longer than that.
            last = kept.rfind(b"\n", 0, -1) + 1
            cut = min(last, kept.find(b"\n", SLICE_BYTES) + 1)
            self._past = self._past or Past(LineReader())
            self._past.take(kept[:cut])
            self._kept, self._kept_bytes = [kept[cut:]], len(kept) - cut

    def _last(self) -> AnswerLine | None:
        """The last whole line; None before the first, and for what is none of Ollama's."""
        kept = b"".join(self._kept).rstrip()
        try:
            return _LINE.decode(kept[kept.rfind(b"\n") + 1 :])
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None

    def _text(self) -> tuple[int, bool]:
        """Bytes of text and thinking sent, and whether tools were called; of what is kept, scaled to what was sent."""
        text_bytes, called = 0, False
        for line in self._lines():
            message = line.message
            pieces = (line.response, line.thinking, message and message.content, message and message.thinking)
            text_bytes += sum(len(piece.encode("utf-8", "surrogatepass")) for piece in pieces if piece)
            called = called or bool(line.tool_calls or (message and message.tool_calls))
        return round(text_bytes * self._sent_bytes / max(1, self._kept_bytes)), called

    def _lines(self) -> Iterator[AnswerLine]:
        for piece in b"".join(self._kept).split(b"\n"):
            try:
                yield _LINE.decode(piece)
            except (msgspec.DecodeError, UnicodeDecodeError):
                continue


def _decoded(line: bytes) -> AnswerLine:
    try:
        return _LINE.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise MalformedAnswer("The engine sent a line that is not Ollama's.") from exc


class EmbedPassage:
    """Vectors of ``/api/embed`` or the old ``/api/embeddings``: never a stream. The numbers are not looked at."""

    stream_type = STREAM_TYPE
    keep_alive = b""

    def __init__(self, meta: AnswerMeta) -> None:
        self._renamed = Renamed(meta.model)
        self._estimate = Usage(prompt=meta.prompt_tokens, estimated=True)
        self._usage: Usage | None = None

    def open(self) -> bytes:
        return b""

    def forward(self, data: bytes, now_s: float) -> bytes:
        """Not called for answers that are never streamed; what comes goes on."""
        return data

    def end(self, now_s: float) -> bytes:
        return b""

    def fail(self, error: PotluckError, request_id: str) -> bytes:
        return error_line(error)

    def whole(self, body: bytes, now_s: float) -> bytes:
        """Raises `NodeFailed` for an error in the body, `MalformedAnswer` if it holds no vectors."""
        try:
            head = _EMBED.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError) as exc:
            raise MalformedAnswer("The engine's vectors cannot be read.") from exc
        if head.error is not None:
            raise in_band(head.error)
        if not (head.embeddings or head.embedding):
            raise MalformedAnswer("The engine's answer holds no vectors.")
        # The old route counts nothing.
        self._usage = self._estimate if head.prompt_eval_count is None else Usage(prompt=head.prompt_eval_count)
        return self._renamed.body(body)

    def account(self) -> Account:
        return Account(usage=self._usage)

    def broken(self, fresh: Callable[[], AnswerWriter]) -> Broken | None:
        """None: vectors are never a stream."""
        return None

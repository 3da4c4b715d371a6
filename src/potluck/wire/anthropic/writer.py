"""Anthropic's answer: one message as a stream of events or as one object (API-CONTRACTS.md 3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import assert_never

import msgspec

from potluck.core.answer import (
    Answer,
    Choice,
    Event,
    Failed,
    Finish,
    FinishReason,
    Logprobs,
    Reasoning,
    Text,
    Timings,
    ToolArguments,
    ToolStart,
    Usage,
    Vector,
)
from potluck.core.errors import PotluckError
from potluck.wire import sse
from potluck.wire.anthropic.errors import error_body
from potluck.wire.blocks import Block, BlockKind, BlockRow, Closed, Grew, Opened, Step, blocks_of, is_json_object
from potluck.wire.port import AnswerMeta

# Clients hand thinking back with its signature and some refuse an empty one. This is base64 for "unsigned".
SIGNATURE = "dW5zaWduZWQ="

# A plain stop is decided by `_stop`.
_REASONS = {
    FinishReason.LENGTH: "max_tokens",
    FinishReason.TOOL_CALLS: "tool_use",
    FinishReason.CONTENT_FILTER: "refusal",
}


class MessageWriter:
    """Writes one message. Only the first choice is written: Anthropic's clients cannot ask for more.

    ``show_thinking`` false leaves reasoning out. A `Failed` event is raised as its error: who runs the stream decides
    between another attempt and `fail`.
    """

    stream_type = sse.STREAM_TYPE
    keep_alive = b'event: ping\ndata: {"type":"ping"}\n\n'

    def __init__(self, meta: AnswerMeta, *, show_thinking: bool = True) -> None:
        self._meta = meta
        self._show_thinking = show_thinking
        self._row = BlockRow()
        self._called = False
        self._finish: Finish | None = None
        self._usage: Usage | None = None

    def open(self) -> bytes:
        usage = {**self._usage_out(None), "output_tokens": 1}
        return _event({"type": "message_start", "message": self._message([], None, None, usage)})

    def write(self, events: Sequence[Event], now_s: float) -> bytes:
        return b"".join([self._write(event) for event in events])

    def _write(self, event: Event) -> bytes:
        match event:
            case Text() | ToolArguments() if event.choice == 0:
                return self._steps(event)
            case Reasoning() if event.choice == 0 and self._show_thinking:
                return self._steps(event)
            case ToolStart() if event.choice == 0:
                self._called = True
                return self._steps(event)
            case Finish() if event.choice == 0:
                self._finish = event
                return b"".join([_step(step) for step in self._row.end()])
            case Usage():
                self._usage = event
            case Failed():
                raise event.error
            case Text() | Reasoning() | ToolStart() | ToolArguments() | Finish():
                pass  # of another choice, or thinking that nobody asked for
            case Logprobs() | Timings() | Vector():
                pass  # this dialect has no place for them
            case _:
                assert_never(event)
        return b""

    def close(self, now_s: float) -> bytes:
        last = b"".join([_step(step) for step in self._row.end()])
        reason, sequence = _stop(self._finish, called=self._called)
        delta = {"stop_reason": reason, "stop_sequence": sequence}
        end = _event({"type": "message_delta", "delta": delta, "usage": self._usage_out(self._usage)})
        return last + end + _event({"type": "message_stop"})

    def fail(self, error: PotluckError, request_id: str) -> bytes:
        return sse.named_event("error", error_body(error, request_id))

    def whole(self, answer: Answer, now_s: float) -> bytes:
        choice = answer.choices[0] if answer.choices else Choice()
        blocks = [
            _whole_block(block)
            for block in blocks_of(choice)
            if self._show_thinking or block.kind is not BlockKind.REASONING
        ]
        finish = Finish(choice.finish, stop_sequence=choice.stop_sequence) if choice.finish else None
        reason, sequence = _stop(finish, called=bool(choice.tool_calls))
        return msgspec.json.encode(self._message(blocks, reason, sequence, self._usage_out(answer.usage)))

    def _steps(self, event: Text | Reasoning | ToolStart | ToolArguments) -> bytes:
        return b"".join([_step(step) for step in self._row.take(event)])

    def _message(
        self,
        content: Sequence[Mapping[str, object]],
        stop_reason: str | None,
        stop_sequence: str | None,
        usage: Mapping[str, int],
    ) -> dict[str, object]:
        return {
            "id": f"msg_{self._meta.id}",
            "type": "message",
            "role": "assistant",
            "model": self._meta.model,
            "content": content,
            "stop_reason": stop_reason,
            "stop_sequence": stop_sequence,
            "usage": usage,
        }

    def _usage_out(self, usage: Usage | None) -> dict[str, int]:
        """Anthropic's ``input_tokens`` leaves out what came from the cache; ours counts it. Unknown: the estimate."""
        usage = usage or Usage(prompt=self._meta.prompt_tokens)
        return {
            "input_tokens": max(usage.prompt - usage.cached, 0),
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": usage.cached,
            "output_tokens": usage.completion,
        }


def _event(payload: Mapping[str, object]) -> bytes:
    return sse.named_event(str(payload["type"]), msgspec.json.encode(payload))


def _step(step: Step) -> bytes:
    index = step.block.index
    match step:
        case Opened():
            return _event({"type": "content_block_start", "index": index, "content_block": _empty_block(step.block)})
        case Grew():
            return _delta(index, _grown(step.block.kind, step.piece))
        case Closed():
            signed = step.block.kind is BlockKind.REASONING
            signature = _delta(index, {"type": "signature_delta", "signature": SIGNATURE}) if signed else b""
            return signature + _event({"type": "content_block_stop", "index": index})
        case _:
            assert_never(step)


def _delta(index: int, delta: Mapping[str, object]) -> bytes:
    return _event({"type": "content_block_delta", "index": index, "delta": delta})


def _empty_block(block: Block) -> dict[str, object]:
    match block.kind:
        case BlockKind.TEXT:
            return {"type": "text", "text": ""}
        case BlockKind.REASONING:
            return {"type": "thinking", "thinking": "", "signature": ""}
        case BlockKind.TOOL:
            return {"type": "tool_use", "id": block.call_id, "name": block.name, "input": {}}
        case _:
            assert_never(block.kind)


def _grown(kind: BlockKind, piece: str) -> dict[str, object]:
    match kind:
        case BlockKind.TEXT:
            return {"type": "text_delta", "text": piece}
        case BlockKind.REASONING:
            return {"type": "thinking_delta", "thinking": piece}
        case BlockKind.TOOL:
            return {"type": "input_json_delta", "partial_json": piece}
        case _:
            assert_never(kind)


def _whole_block(block: Block) -> dict[str, object]:
    match block.kind:
        case BlockKind.TEXT:
            return {"type": "text", "text": block.text}
        case BlockKind.REASONING:
            return {"type": "thinking", "thinking": block.text, "signature": SIGNATURE}
        case BlockKind.TOOL:
            return {"type": "tool_use", "id": block.call_id, "name": block.name, "input": _input(block.text)}
        case _:
            assert_never(block.kind)


def _input(arguments: str) -> object:
    """A tool's input must be an object. Arguments that are none are shown as they are, under the key that Anthropic's
    own guide to streamed tool calls uses for such text."""
    if not arguments.strip():
        return {}
    return msgspec.Raw(arguments.encode()) if is_json_object(arguments) else {"INVALID_JSON": arguments}


def _stop(finish: Finish | None, *, called: bool) -> tuple[str, str | None]:
    """``stop_reason`` and ``stop_sequence``. Engines may end a turn of tool calls with a plain stop."""
    if finish is None or finish.reason is FinishReason.STOP:
        if called:
            return "tool_use", None
        if finish and finish.stop_sequence:
            return "stop_sequence", finish.stop_sequence
        return "end_turn", None
    return _REASONS.get(finish.reason, "end_turn"), None

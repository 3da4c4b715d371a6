"""OpenAI's Responses answer: a stream of numbered events or one object (API-CONTRACTS.md 1.7)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
from potluck.core.errors import BadRequest, ContextOverflow, PotluckError, RateLimited
from potluck.wire import sse
from potluck.wire.blocks import Block, BlockKind, BlockRow, Closed, Grew, Opened, Step, blocks_of
from potluck.wire.port import AnswerMeta
from potluck.wire.responses.body import Echo
from potluck.wire.responses.output import OutputItem, Payload, Status
from potluck.wire.responses.tools import Toolbox

_INCOMPLETE = {FinishReason.LENGTH: "max_output_tokens", FinishReason.CONTENT_FILTER: "content_filter"}


class ResponseWriter:
    """Writes one response. Only the first choice is written: clients of this dialect cannot ask for more.

    Items come one after the other, each done before the next is added, as OpenAI's own service sends them. A `Failed`
    event is raised as its error: who runs the stream decides between another attempt and `fail`.
    """

    stream_type = sse.STREAM_TYPE
    keep_alive = sse.PING

    def __init__(self, meta: AnswerMeta, echo: Echo, box: Toolbox) -> None:
        self._meta = meta
        self._echo = _without_nulls(echo)
        self._box = box
        self._row = BlockRow()
        self._number = 0
        self._output: list[Payload] = []
        self._reason: FinishReason | None = None
        self._usage: Usage | None = None

    def open(self) -> bytes:
        response = self._response("in_progress", ())
        return self._events(
            {"type": kind, "response": response} for kind in ("response.created", "response.in_progress")
        )

    def write(self, events: Sequence[Event], now_s: float) -> bytes:
        return b"".join([self._write(event) for event in events])

    def _write(self, event: Event) -> bytes:
        match event:
            case Text() | Reasoning() | ToolStart() | ToolArguments() if event.choice == 0:
                return b"".join([self._step(step) for step in self._row.take(event)])
            case Finish() if event.choice == 0:
                self._reason = event.reason
                return self._end_row()
            case Usage():
                self._usage = event
            case Failed():
                raise event.error
            case Text() | Reasoning() | ToolStart() | ToolArguments() | Finish():
                pass  # of another choice
            case Logprobs() | Timings() | Vector():
                pass  # this dialect has no place for them, or we did not ask
            case _:
                assert_never(event)
        return b""

    def close(self, now_s: float) -> bytes:
        last = self._end_row()
        response = self._ended(self._reason, self._output, self._usage, now_s)
        return last + self._events([{"type": f"response.{response['status']}", "response": response}])

    def fail(self, error: PotluckError, request_id: str) -> bytes:
        """``response.failed`` with what was written so far. The request's id has no field here: it is in the header."""
        unfinished = [self._item(block).item("incomplete")] if (block := self._row.open_block) else []
        failure: Payload = {"code": _code(error), "message": str(error)}
        response = self._response("failed", [*self._output, *unfinished], error=failure, usage=self._usage)
        return self._events([{"type": "response.failed", "response": response}])

    def whole(self, answer: Answer, now_s: float) -> bytes:
        choice = answer.choices[0] if answer.choices else Choice()
        blocks = blocks_of(choice)
        cut = choice.finish is FinishReason.LENGTH
        output = [self._item(block).item(_status(block, cut=cut, last=block is blocks[-1])) for block in blocks]
        return msgspec.json.encode(self._ended(choice.finish, output, answer.usage, now_s))

    def _step(self, step: Step, status: Status = "completed") -> bytes:
        item = self._item(step.block)
        match step:
            case Opened():
                return self._events(item.opened())
            case Grew():
                return self._events(item.grew(step.piece))
            case Closed():
                self._output.append(item.item(status))
                return self._events(item.closed(status))
            case _:
                assert_never(step)

    def _end_row(self) -> bytes:
        steps = list(self._row.end())
        cut = self._reason is FinishReason.LENGTH
        return b"".join([self._step(step, _status(step.block, cut=cut, last=step is steps[-1])) for step in steps])

    def _item(self, block: Block) -> OutputItem:
        return OutputItem(block, self._meta.id, self._box.origin(block.name))

    def _events(self, payloads: Iterable[Payload]) -> bytes:
        written: list[bytes] = []
        for payload in payloads:
            numbered = {**payload, "sequence_number": self._number}
            self._number += 1
            written.append(sse.named_event(str(payload["type"]), msgspec.json.encode(numbered)))
        return b"".join(written)

    def _ended(
        self, reason: FinishReason | None, output: Sequence[Payload], usage: Usage | None, now_s: float
    ) -> Payload:
        """An answer that says not why it ended is taken as complete: a broken one goes to `fail`."""
        why = _INCOMPLETE.get(reason) if reason else None
        if why is not None:
            return self._response("incomplete", output, incomplete={"reason": why}, usage=usage)
        return self._response("completed", output, usage=usage, completed_at=int(now_s))

    def _response(
        self,
        status: str,
        output: Sequence[Payload],
        *,
        error: Payload | None = None,
        incomplete: Payload | None = None,
        usage: Usage | None = None,
        completed_at: int | None = None,
    ) -> Payload:
        return {
            "id": f"resp_{self._meta.id}",
            "object": "response",
            "created_at": int(self._meta.created_s),
            "completed_at": completed_at,
            "status": status,
            "error": error,
            "incomplete_details": incomplete,
            "model": self._meta.model,
            "output": output,
            "usage": _usage(usage) if usage else None,
            **self._echo,
            "background": False,
            "previous_response_id": None,
            "service_tier": "default",
            "store": False,
            "top_logprobs": 0,
        }


def _without_nulls(echo: Echo) -> dict[str, msgspec.Raw]:
    """What the request said, and the defaults for what it left out or set to null: SDKs parse some as never null."""
    default = Echo()
    values = {name: (getattr(echo, name), getattr(default, name)) for name in Echo.__struct_fields__}
    return {name: given if bytes(given) != b"null" else instead for name, (given, instead) in values.items()}


def _status(block: Block, *, cut: bool, last: bool) -> Status:
    """Whether an answer that was cut off at its length cut this block: a whole call, or earlier prose, it did not."""
    whole = block.complete if block.kind is BlockKind.TOOL else not last
    return "incomplete" if cut and not whole else "completed"


def _usage(usage: Usage) -> Payload:
    return {
        "input_tokens": usage.prompt,
        "input_tokens_details": {"cached_tokens": usage.cached, "cache_write_tokens": 0},
        "output_tokens": usage.completion,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.prompt + usage.completion,
    }


def _code(error: PotluckError) -> str:
    """Clients know few codes in-band. ``context_length_exceeded`` and ``rate_limit_exceeded`` are those that agents
    act on; everything else is ``server_error``, which they try again."""
    match error:
        case ContextOverflow():
            return "context_length_exceeded"
        case BadRequest():
            return "invalid_prompt"
        case RateLimited():
            return "rate_limit_exceeded"
        case _:
            return "server_error"

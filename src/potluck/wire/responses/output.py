"""A block of the answer as a Responses output item, and the events of its life (API-CONTRACTS.md 1.7)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TypeAlias, assert_never

import msgspec

from potluck.wire.blocks import Block, BlockKind
from potluck.wire.responses.tools import ClientTool, custom_input

Status: TypeAlias = Literal["in_progress", "completed", "incomplete"]
Payload: TypeAlias = dict[str, object]


class OutputItem(msgspec.Struct, frozen=True):
    """Writes one item. ``answer_id`` makes its id; ``tool`` is what the client calls a tool call's function."""

    block: Block
    answer_id: str
    tool: ClientTool

    @property
    def id(self) -> str:
        match self.block.kind:
            case BlockKind.TEXT:
                prefix = "msg"
            case BlockKind.REASONING:
                prefix = "rs"
            case BlockKind.TOOL:
                prefix = "ctc" if self.tool.custom else "fc"
            case _:
                assert_never(self.block.kind)
        return f"{prefix}_{self.answer_id}_{self.block.index}"

    def item(self, status: Status) -> Payload:
        """The item as it stands; ``in_progress`` shows it empty, as it is when it is announced."""
        text = "" if status == "in_progress" else self.block.text
        match self.block.kind:
            case BlockKind.TEXT:
                content = [] if status == "in_progress" else [_output_text(text)]
                return {"id": self.id, "type": "message", "status": status, "role": "assistant", "content": content}
            case BlockKind.REASONING:
                summary = [] if status == "in_progress" else [_summary_text(text)]
                return {"id": self.id, "type": "reasoning", "status": status, "summary": summary}
            case BlockKind.TOOL:
                return self._call(text, status)
            case _:
                assert_never(self.block.kind)

    def _call(self, arguments: str, status: Status) -> Payload:
        item: Payload = {"id": self.id, "status": status, "call_id": self.block.call_id, "name": self.tool.name}
        if self.tool.namespace:
            item["namespace"] = self.tool.namespace
        if self.tool.custom:
            return {"type": "custom_tool_call", **item, "input": custom_input(arguments)}
        # Clients parse the arguments of a call that is done; those of a call without any must parse too.
        return {"type": "function_call", **item, "arguments": arguments or ("" if status == "in_progress" else "{}")}

    def opened(self) -> Iterator[Payload]:
        yield {"type": "response.output_item.added", **self._index, "item": self.item("in_progress")}
        match self.block.kind:
            case BlockKind.TEXT:
                yield {"type": "response.content_part.added", **self._part, "part": _output_text("")}
            case BlockKind.REASONING:
                yield {"type": "response.reasoning_summary_part.added", **self._summary, "part": _summary_text("")}
            case BlockKind.TOOL:
                pass
            case _:
                assert_never(self.block.kind)

    def grew(self, piece: str) -> Iterator[Payload]:
        match self.block.kind:
            case BlockKind.TEXT:
                yield {"type": "response.output_text.delta", **self._part, "delta": piece, "logprobs": []}
            case BlockKind.REASONING:
                yield {"type": "response.reasoning_summary_text.delta", **self._summary, "delta": piece}
            case BlockKind.TOOL:
                # A custom tool's input stands inside the JSON of its function: it is told once that is whole.
                if not self.tool.custom:
                    yield {"type": "response.function_call_arguments.delta", **self._place, "delta": piece}
            case _:
                assert_never(self.block.kind)

    def closed(self, status: Status) -> Iterator[Payload]:
        text = self.block.text
        match self.block.kind:
            case BlockKind.TEXT:
                yield {"type": "response.output_text.done", **self._part, "text": text, "logprobs": []}
                yield {"type": "response.content_part.done", **self._part, "part": _output_text(text)}
            case BlockKind.REASONING:
                yield {"type": "response.reasoning_summary_text.done", **self._summary, "text": text}
                yield {"type": "response.reasoning_summary_part.done", **self._summary, "part": _summary_text(text)}
            case BlockKind.TOOL:
                yield from self._call_done(text)
            case _:
                assert_never(self.block.kind)
        yield {"type": "response.output_item.done", **self._index, "item": self.item(status)}

    def _call_done(self, arguments: str) -> Iterator[Payload]:
        if self.tool.custom:
            text = custom_input(arguments)
            yield {"type": "response.custom_tool_call_input.delta", **self._place, "delta": text}
            yield {"type": "response.custom_tool_call_input.done", **self._place, "input": text}
            return
        if not arguments:
            yield from self.grew("{}")
        done = {"arguments": arguments or "{}", "name": self.tool.name}
        yield {"type": "response.function_call_arguments.done", **self._place, **done}

    @property
    def _index(self) -> Payload:
        return {"output_index": self.block.index}

    @property
    def _place(self) -> Payload:
        return {"item_id": self.id, "output_index": self.block.index}

    @property
    def _part(self) -> Payload:
        return {**self._place, "content_index": 0}

    @property
    def _summary(self) -> Payload:
        return {**self._place, "summary_index": 0}


def _output_text(text: str) -> Payload:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _summary_text(text: str) -> Payload:
    return {"type": "summary_text", "text": text}

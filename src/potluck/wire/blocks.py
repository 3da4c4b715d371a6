"""One answer as a row of blocks: text, reasoning and tool calls, one open at a time.

Engines may weave the arguments of parallel tool calls into each other. Anthropic's clients refuse that, and OpenAI's
own service never does it in Responses, so both dialects are written from the row that this module makes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from enum import StrEnum
from typing import TypeAlias, assert_never

import msgspec

from potluck.core.answer import Choice, Reasoning, Text, ToolArguments, ToolStart


class BlockKind(StrEnum):
    TEXT = "text"
    REASONING = "reasoning"
    TOOL = "tool"


class Block(msgspec.Struct):
    """One block. ``index`` counts the blocks that were opened, from 0; -1 until then.

    ``call_id`` and ``name`` are a tool call's. A tool's text is the JSON text of its arguments.
    """

    kind: BlockKind
    call_id: str = ""
    name: str = ""
    index: int = -1
    pieces: list[str] = msgspec.field(default_factory=list[str])

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    @property
    def complete(self) -> bool:
        """Whether nothing more can belong to it: arguments end with their closing brace, prose may end anywhere."""
        return self.kind is not BlockKind.TOOL or is_json_object(self.text)


class Opened(msgspec.Struct, frozen=True):
    block: Block


class Grew(msgspec.Struct, frozen=True):
    """``piece`` came to the open block; it is in ``block.pieces`` already."""

    block: Block
    piece: str


class Closed(msgspec.Struct, frozen=True):
    block: Block


Step: TypeAlias = Opened | Grew | Closed


class BlockRow:
    """Puts the deltas of one choice in a row: every block is opened, grows and is closed before the next one opens.

    While a tool call's arguments are not yet a whole JSON object, what belongs to other blocks waits. Arguments that
    never become one are written as they came; then the others wait until `end`.
    """

    def __init__(self) -> None:
        self._opened = 0
        self._open: Block | None = None
        self._waiting: deque[Block] = deque()
        self._tools: dict[int, Block] = {}

    @property
    def open_block(self) -> Block | None:
        return self._open

    def take(self, event: Text | Reasoning | ToolStart | ToolArguments) -> Iterator[Step]:
        match event:
            case Text():
                yield from self._prose(BlockKind.TEXT, event.text)
            case Reasoning():
                yield from self._prose(BlockKind.REASONING, event.text)
            case ToolStart():
                block = self._tools[event.index] = Block(BlockKind.TOOL, event.id, event.name)
                self._waiting.append(block)
                yield from self._advance()
            case ToolArguments():
                yield from self._arguments(self._tools[event.index], event.fragment)
            case _:
                assert_never(event)

    def end(self) -> Iterator[Step]:
        """Nothing more will come: write what waits, close what is open."""
        while self._waiting:
            yield from self._turn()
        if self._open is not None:
            yield Closed(self._open)
            self._open = None

    def _prose(self, kind: BlockKind, text: str) -> Iterator[Step]:
        if not text:
            return
        last = self._waiting[-1] if self._waiting else self._open
        if last is None or last.kind is not kind:
            self._waiting.append(Block(kind, pieces=[text]))
            yield from self._advance()
            return
        last.pieces.append(text)
        if last is self._open:
            yield Grew(last, text)

    def _arguments(self, block: Block, fragment: str) -> Iterator[Step]:
        # After the closing brace only white space is legal, and that says nothing: a block that was closed stays so.
        closed = block is not self._open and block.index >= 0
        if not fragment or closed:
            return
        block.pieces.append(fragment)
        if block is self._open:
            yield Grew(block, fragment)
            if "}" in fragment:
                yield from self._advance()

    def _advance(self) -> Iterator[Step]:
        while self._waiting and (self._open is None or self._open.complete):
            yield from self._turn()

    def _turn(self) -> Iterator[Step]:
        if self._open is not None:
            yield Closed(self._open)
        block = self._open = self._waiting.popleft()
        block.index = self._opened
        self._opened += 1
        yield Opened(block)
        if block.pieces:
            yield Grew(block, block.text)


def blocks_of(choice: Choice) -> list[Block]:
    """A whole answer as the same row: reasoning, text, tool calls."""
    blocks: list[Block] = []
    if choice.reasoning:
        blocks.append(Block(BlockKind.REASONING, pieces=[choice.reasoning]))
    if choice.text:
        blocks.append(Block(BlockKind.TEXT, pieces=[choice.text]))
    blocks.extend(Block(BlockKind.TOOL, call.id, call.name, pieces=[call.arguments]) for call in choice.tool_calls)
    for index, block in enumerate(blocks):
        block.index = index
    return blocks


_OBJECT: msgspec.json.Decoder[dict[str, msgspec.Raw]] = msgspec.json.Decoder(dict[str, msgspec.Raw])


def is_json_object(text: str) -> bool:
    """Whether ``text`` is one whole JSON object."""
    try:
        _OBJECT.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return False
    return True

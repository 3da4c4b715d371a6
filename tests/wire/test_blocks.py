"""Blocks stand in a row: nothing is open beside another, nothing is lost, nothing waits longer than it must."""

from __future__ import annotations

from hypothesis import given

from potluck.core.answer import (
    Choice,
    Event,
    Finish,
    FinishReason,
    Reasoning,
    Text,
    ToolArguments,
    ToolStart,
    Usage,
    collect,
)
from potluck.core.call import ToolCall
from potluck.wire.blocks import Block, BlockKind, BlockRow, Closed, Grew, Opened, Step, blocks_of
from tests.wire.legal_events import legal_events


def steps_of(events: list[Event]) -> list[Step]:
    row = BlockRow()
    steps: list[Step] = []
    for event in events:
        if isinstance(event, Text | Reasoning | ToolStart | ToolArguments):
            steps.extend(row.take(event))
        elif isinstance(event, Finish):
            steps.extend(row.end())
    return steps


def told(steps: list[Step]) -> list[str]:
    """Steps in short: `+0 text`, `0:piece`, `-0`."""
    short: list[str] = []
    for step in steps:
        match step:
            case Opened(block):
                short.append(f"+{block.index} {block.kind}{block.call_id}")
            case Grew(block, piece):
                short.append(f"{block.index}:{piece}")
            case Closed(block):
                short.append(f"-{block.index}")
    return short


def run(*events: Event) -> list[str]:
    return told(steps_of(list(events)))


def test_prose_of_one_kind_stays_one_block_and_another_kind_closes_it() -> None:
    row = BlockRow()
    assert told(list(row.take(Reasoning("hm")))) == ["+0 reasoning", "0:hm"]
    assert told(list(row.take(Text("Hi")))) == ["-0", "+1 text", "1:Hi"]
    assert told(list(row.take(Text(" you")))) == ["1: you"]
    assert [block and block.text for block in [row.open_block]] == ["Hi you"]
    assert told(list(row.end())) == ["-1"]
    assert [block and block.text for block in [row.open_block]] == [None]
    assert told(list(row.end())) == []


def test_empty_prose_and_empty_arguments_say_nothing() -> None:
    row = BlockRow()
    assert list(row.take(Text(""))) == []
    assert told(list(row.take(ToolStart(0, "a", "f")))) == ["+0 toola"]
    assert list(row.take(ToolArguments(0, ""))) == []


def test_a_second_call_opens_at_once_when_the_first_ones_arguments_are_whole() -> None:
    row = BlockRow()
    list(row.take(ToolStart(0, "a", "f")))
    list(row.take(ToolArguments(0, '{"x":{}}')))
    assert told(list(row.take(ToolStart(1, "b", "f")))) == ["-0", "+1 toolb"]


def test_woven_arguments_wait_until_the_open_call_is_whole() -> None:
    row = BlockRow()
    list(row.take(ToolStart(0, "a", "f")))
    list(row.take(ToolArguments(0, '{"x":')))
    assert list(row.take(ToolStart(1, "b", "f"))) == []
    assert list(row.take(ToolArguments(1, '{"y":'))) == []
    assert list(row.take(Text("so"))) == []
    assert list(row.take(Text("..."))) == []
    assert told(list(row.take(ToolArguments(0, "1}")))) == ["0:1}", "-0", "+1 toolb", '1:{"y":']
    assert told(list(row.take(ToolArguments(1, "2}")))) == ["1:2}", "-1", "+2 text", "2:so..."]
    assert told(list(row.take(Text("!")))) == ["2:!"]


def test_white_space_after_a_closed_call_is_forgotten() -> None:
    row = BlockRow()
    for event in (ToolStart(0, "a", "f"), ToolArguments(0, "{}"), ToolStart(1, "b", "f")):
        list(row.take(event))
    assert list(row.take(ToolArguments(0, "\n"))) == []


def test_arguments_that_never_become_whole_are_written_as_they_came() -> None:
    steps = run(
        ToolStart(0, "a", "f"),
        ToolArguments(0, "no}"),
        ToolStart(1, "b", "f"),
        ToolArguments(1, "{}"),
        Finish(FinishReason.STOP),
    )
    assert steps == ["+0 toola", "0:no}", "-0", "+1 toolb", "1:{}", "-1"]


def test_a_whole_answer_is_the_same_row() -> None:
    choice = Choice("Hi", "hm", (ToolCall("a", "f", "{}"),))
    blocks = blocks_of(choice)
    assert [(block.index, block.kind, block.text) for block in blocks] == [
        (0, BlockKind.REASONING, "hm"),
        (1, BlockKind.TEXT, "Hi"),
        (2, BlockKind.TOOL, "{}"),
    ]
    assert blocks_of(Choice()) == []


def test_lone_surrogates_and_deep_nesting_are_no_json_object() -> None:
    assert not Block(BlockKind.TOOL, pieces=['{"a":"\ud800"}']).complete
    assert not Block(BlockKind.TOOL, pieces=['{"a":' + "[" * 100_000]).complete


@given(legal_events())
def test_blocks_never_overlap_and_nothing_is_lost(events: list[Event]) -> None:
    open_index: int | None = None
    opened = 0
    texts: dict[int, str] = {}
    blocks: list[Block] = []
    for step in steps_of(events):
        match step:
            case Opened(block):
                assert open_index is None
                assert block.index == opened
                open_index, opened = block.index, opened + 1
                texts[block.index] = ""
                blocks.append(block)
            case Grew(block, piece):
                assert block.index == open_index
                assert piece
                texts[block.index] += piece
            case Closed(block):
                assert block.index == open_index
                assert block.text == texts[block.index]
                open_index = None
    assert open_index is None
    answer = collect(event for event in events if not isinstance(event, Usage))
    choice = answer.choices[0]
    for kind, whole in ((BlockKind.TEXT, choice.text), (BlockKind.REASONING, choice.reasoning)):
        assert "".join(block.text for block in blocks if block.kind is kind) == whole
    calls = {block.call_id: block.text for block in blocks if block.kind is BlockKind.TOOL}
    # Only what comes after a closing brace can be dropped, and only behind another block.
    assert all(call.arguments.startswith(calls[call.id]) for call in choice.tool_calls)
    assert len(calls) == len(choice.tool_calls)

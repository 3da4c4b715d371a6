"""What every `GenerationLogs` promises."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from potluck.core.answer import FinishReason, Timings, Usage
from potluck.core.call import ChatCall, ImagePart, Message, Role, Sampling, TextPart, Thinking
from potluck.core.errors import Conflict, NotFound
from potluck.core.model import KeyId, ModelId, NodeId, RequestId, UserId
from potluck.core.scheduling.classes import Kind
from potluck.storage.generation_files import GenerationFiles
from potluck.storage.generations import (
    Began,
    Done,
    Entry,
    Failure,
    GenerationHead,
    GenerationId,
    GenerationLogs,
    InLine,
    KeptCall,
    Outcome,
    Rescued,
    Resumed,
    Said,
    Seated,
    Stopped,
    Thought,
)
from potluck.storage.records import ConversationId, MessageId, MessageState
from tests.storage.generation_memory import MemoryGenerations

LOGS: Mapping[str, Callable[[Path], GenerationLogs]] = {
    "files": lambda folder: GenerationFiles(folder / "generations"),
    "memory": lambda folder: MemoryGenerations(),
}

CALL = ChatCall(
    "llama3.2",
    (
        Message(Role.SYSTEM, (TextPart("Be brief."),)),
        Message(Role.USER, (TextPart("What\nis \u2028 this?"), ImagePart("aGk=", "image/png"))),
    ),
    thinking=Thinking(enabled=False),
    sampling=Sampling(max_tokens=9, temperature=0.5, seed=3, stop=("END",)),
)
ONE, TWO = GenerationId("one"), GenerationId("two")
ENTRIES = (
    Entry(1, InLine(2, 3.5)),
    Entry(2, Seated(NodeId("a"), 1)),
    Entry(3, Began(RequestId("r"), NodeId("a"), ModelId("m"), 1, 0.5, {"x-potluck-model": "m"})),
    Entry(4, Thought("hm", 2)),
    Entry(5, Said("Hel\nlo \u2028 \U0001f600", 3)),
    Entry(0, Resumed(7.0)),
    Entry(6, Rescued(NodeId("b"), 2, "replay")),
    Entry(0, Outcome(MessageState.COMPLETE, Done(FinishReason.STOP, Usage(3, 4), Timings(0.1, 0.2, 0.3)))),
    Entry(7, Failure("node_failed", "It failed.", "Try again.")),
    Entry(8, Stopped("client")),
    Entry(9, Done()),
)


def head(generation: GenerationId = ONE) -> GenerationHead:
    return GenerationHead(
        generation, KeyId("k"), UserId("u"), RequestId("r"), ConversationId("c"), MessageId("u"),
        KeptCall.of(CALL), 5.0,
        first=True, whole=True, goes_on=False, kind=Kind.BATCH,
    )  # fmt: skip


@pytest.fixture(params=sorted(LOGS))
def logs(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[GenerationLogs]:
    made = LOGS[request.param](tmp_path)
    yield made
    if isinstance(made, GenerationFiles):
        made.close()


async def test_all_that_was_written_is_read_again(logs: GenerationLogs) -> None:
    await logs.begin(head())
    await logs.append(ONE, ENTRIES[:4])
    await logs.append(ONE, ENTRIES[4:])
    kept = await logs.read(ONE)
    assert (kept.head, kept.entries) == (head(), ENTRIES)
    assert kept.head.call.call() == CALL
    assert kept.size_bytes > 0


async def test_an_id_is_taken_once(logs: GenerationLogs) -> None:
    await logs.begin(head())
    with pytest.raises(Conflict):
        await logs.begin(head())


async def test_what_has_come_to_its_end_is_not_unfinished_and_stays_readable(logs: GenerationLogs) -> None:
    await logs.begin(head())
    await logs.begin(head(TWO))
    assert await logs.unfinished() == (ONE, TWO)
    await logs.append(ONE, ENTRIES)
    await logs.finish(ONE)
    await logs.finish(ONE)
    assert (await logs.unfinished(), await logs.finished()) == ((TWO,), (ONE,))
    assert (await logs.read(ONE)).entries == ENTRIES


async def test_what_is_forgotten_was_never_there(logs: GenerationLogs) -> None:
    await logs.begin(head())
    await logs.begin(head(TWO))
    await logs.finish(TWO)
    for each in (ONE, TWO, TWO):
        await logs.forget(each)
    assert (await logs.unfinished(), await logs.finished()) == ((), ())
    with pytest.raises(NotFound):
        await logs.read(ONE)
    with pytest.raises(NotFound):
        await logs.append(ONE, ENTRIES)


async def test_nothing_is_there_at_first(logs: GenerationLogs) -> None:
    assert (await logs.unfinished(), await logs.finished()) == ((), ())
    with pytest.raises(NotFound):
        await logs.read(ONE)

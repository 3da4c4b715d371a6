"""Titles made in the background."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from potluck.core.answer import Text
from potluck.core.call import Message, Role, TextPart
from potluck.core.errors import NodeFailed
from potluck.core.model import RequestId
from potluck.core.scheduling.classes import Kind
from potluck.gateway.announcements import Announcements
from potluck.gateway.tasks import Tasks
from potluck.gateway.titling import Titles
from potluck.storage.conversation_records import ConversationChange, Titled
from potluck.storage.generations import GenerationHead, GenerationId, KeptCall
from potluck.storage.records import Conversation, ConversationId, MessageId, MessageState, NewMessage
from potluck.storage.shared.memory import MemoryBus
from tests.surfaces.v1.world import AGX0, ANNA, CODER, FakeCalls, MemoryConversations, says

ONE = ConversationId("one")


class House:
    def __init__(self, *answer: Any, state: MessageState = MessageState.COMPLETE) -> None:
        self.conversations = MemoryConversations()
        self.calls = FakeCalls(lambda call: answer)
        self.state = state
        self.wanted = True
        self.engines = [AGX0]

    async def made(self, **more: Any) -> Conversation:
        """After the first answer."""
        await self.conversations.create(Conversation(ONE, ANNA.user, "Where do", 1.0, 1.0))
        said = [
            NewMessage(MessageId("q"), Message(Role.USER, (TextPart("Where do geese fly?"),))),
            NewMessage(MessageId("a"), Message(Role.ASSISTANT, (TextPart("South."),)), self.state),
        ]
        await self.conversations.append(ONE, ANNA.user, said, 1.0)
        if "change" in more:
            await self.conversations.change(ONE, ANNA.user, more.pop("change"), 2.0)
        first: dict[str, Any] = {"first": True, **more}
        kept = KeptCall("m", (), None, None)  # type: ignore[arg-type]
        head = GenerationHead(
            GenerationId("a"), ANNA.key, ANNA.user, RequestId("r"), ONE, MessageId("q"), kept, 1.0, **first
        )
        async with Tasks() as tasks:
            titles = Titles(
                self.conversations, self.calls, tasks, Announcements(MemoryBus()),
                engines=lambda: self.engines, caller_of=lambda key: ANNA, clock=lambda: 9.0, wanted=self.wanted,
            )  # fmt: skip
            titles.kept(head)
            for _ in range(50):
                await asyncio.sleep(0)
        return (await self.conversations.get(ONE, ANNA.user)).conversation


async def test_a_title_and_tags_are_made_by_a_model_in_memory_at_its_node() -> None:
    house = House(*says("Title: Where geese fly\n", "Tags: birds"))
    found = await house.made()
    assert (found.title, found.titled, found.tags) == ("Where geese fly", Titled.MODEL, ("birds",))
    assert found.updated_s == 1.0, "nothing moves to the front by it"
    assert (house.calls.kinds, house.calls.nodes) == ([Kind.BACKGROUND], ["agx0"])
    assert house.calls.calls[0].model == CODER.id


async def test_a_persons_title_and_tags_stay() -> None:
    found = await House(*says("Title: x")).made(change=ConversationChange(title="Mine"))
    assert found.title == "Mine"
    found = await House(*says("Title: Geese\nTags: x")).made(change=ConversationChange(tags=("own",)))
    assert (found.title, found.tags) == ("Geese", ("own",))


@pytest.mark.parametrize(
    ("house", "more"),
    [
        (House(NodeFailed("gone")), {}),
        (House(Text("word " * 99)), {}),
        (House(*says("Title: x"), state=MessageState.FAILED), {}),
        (House(*says("Title: x")), {"first": False}),
    ],
)
async def test_without_one_its_first_words_stay(house: House, more: Any) -> None:
    assert (await house.made(**more)).title == "Where do"


async def test_none_is_made_where_the_owner_wants_none_or_nothing_is_in_memory() -> None:
    off = House(*says("Title: x"))
    off.wanted = False
    cold = House(*says("Title: x"))
    cold.engines = [replace(AGX0, models={CODER.id: replace(CODER, resident=False)})]
    for house in (off, cold):
        assert (await house.made()).title == "Where do"
        assert house.calls.calls == []

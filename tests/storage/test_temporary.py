"""What is kept of temporary conversations, and for how long; the rest is in tests/surfaces/v1/test_temporary.py."""

from __future__ import annotations

import pytest

from potluck.core.call import Message, Role, TextPart
from potluck.core.errors import Conflict, NotFound
from potluck.core.model import UserId
from potluck.storage.records import Conversation, MessageId, NewMessage, StoredMessage
from potluck.storage.temporary import KEPT_S, WithTemporary, is_temporary, temporary_id
from tests.surfaces.v1.world import MemoryConversations

ANNA = UserId("anna")


class House:
    def __init__(self) -> None:
        self.now = 0.0
        self.kept = MemoryConversations()
        self.store = WithTemporary(self.kept, lambda: self.now)

    async def say(self, name: str, text: str, user: UserId = ANNA) -> None:
        """Begin a temporary conversation with ``text``; a second passes."""
        self.now += 1
        made = temporary_id(name)
        await self.store.create(Conversation(made, user, "Title", self.now, self.now))
        message = NewMessage(MessageId(f"m-{name}"), Message(Role.USER, (TextPart(text),)))
        await self.store.append(made, user, [message], self.now)

    async def there(self, *names: str, user: UserId = ANNA) -> str:
        found = ""
        for name in names:
            try:
                await self.store.get(temporary_id(name), user)
            except NotFound:
                continue
            found += name
        return found


async def test_the_oldest_of_who_says_too_much_go_and_nobody_elses() -> None:
    house, bert = House(), UserId("bert")
    await house.say("x", "short", bert)
    for name in "abc":
        await house.say(name, "t" * 7_000_000)
    assert await house.there(*"abc") == "bc"
    assert await house.there("x", user=bert) == "x"


async def test_the_oldest_of_all_go_where_all_say_too_much() -> None:
    house = House()
    for name in "abc":
        await house.say(name, "t" * 12_000_000, UserId(name))
    assert [await house.there(name, user=UserId(name)) for name in "abc"] == ["", "b", "c"]


async def test_what_is_gone_on_with_stays() -> None:
    house = House()
    await house.say("a", "Hi")
    house.now += KEPT_S - 1
    again = NewMessage(MessageId("again"), Message(Role.USER, (TextPart("Still there?"),)))
    await house.store.append(temporary_id("a"), ANNA, [again], house.now)
    house.now += KEPT_S - 1
    assert await house.there("a") == "a"
    with pytest.raises(Conflict):
        await house.store.append(temporary_id("a"), ANNA, [again], house.now)


async def test_one_that_comes_back_as_an_export_is_kept_under_an_id_of_its_own() -> None:
    house, taken = House(), list[tuple[Conversation, tuple[StoredMessage, ...]]]()

    class Taking(MemoryConversations):
        async def take_in(self, conversation: Conversation, messages: object) -> int:
            taken.append((conversation, tuple(messages)))  # type: ignore[arg-type]
            return 1

    await house.say("a", "Hi")
    thread = await house.store.get(temporary_id("a"), ANNA)
    await WithTemporary(Taking(), lambda: 0.0).take_in(thread.conversation, thread.messages)
    ((conversation, messages),) = taken
    assert not is_temporary(conversation.id)
    assert {each.conversation for each in messages} == {conversation.id}

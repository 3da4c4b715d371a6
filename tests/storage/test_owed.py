"""Conversations while their database is away: what is said then is kept, in order, and handed over once."""

from __future__ import annotations

import itertools
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from potluck.core.call import ImagePart, Message, Role, TextPart
from potluck.core.errors import NotFound, OperatorError, StorageAway
from potluck.core.model import ModelId, UserId
from potluck.core.people import Role as Rank
from potluck.storage.conversation_ports import ConversationStore
from potluck.storage.conversation_records import ConversationChange
from potluck.storage.journal import Journal
from potluck.storage.open import open_storage, sqlite_url
from potluck.storage.owed import OwedConversations
from potluck.storage.ports import Storage
from potluck.storage.records import (
    Conversation,
    ConversationId,
    MessageId,
    MessageState,
    NewMessage,
    Place,
    UserRecord,
)

ANNA = UserId("anna")
ONE = ConversationId("one")
TWO = ConversationId("two")


class Away:
    """A store whose server can be taken away; ``deaf``: it does what it is asked and its answer is lost."""

    def __init__(self, store: ConversationStore) -> None:
        self._store = store
        self.away = False
        self.deaf = False
        self.after = 10**9

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)

        async def call(*args: Any, **named: Any) -> Any:
            self.after -= 1
            if self.away or self.after < 0:
                raise StorageAway("The database is away.", retry_after_s=1.0)
            answer = await method(*args, **named)
            if self.deaf:
                raise StorageAway("The connection broke.", retry_after_s=1.0)
            return answer

        return call


class House:
    def __init__(self, storage: Storage, folder: Path) -> None:
        self.real = storage.conversations
        self.server = Away(storage.conversations)
        self.folder = folder
        self.store = self.started()
        self._times = itertools.count(1)

    def started(self, most_bytes: int = 100_000, remembered: int = 2) -> OwedConversations:
        """As after a crash: what was in memory is gone."""
        journal = Journal(self.folder, synced=False, most_bytes=most_bytes)
        self.store = OwedConversations(self.server, journal, remembered=remembered)  # type: ignore[arg-type]
        return self.store

    async def create(self, conversation: ConversationId = ONE) -> None:
        now = float(next(self._times))
        await self.store.create(Conversation(conversation, ANNA, "Title", now, now))

    async def say(
        self, text: str, after: MessageId | Place = Place.END, conversation: ConversationId = ONE, user: UserId = ANNA
    ) -> int:
        """The number that the message has in its conversation."""
        new = NewMessage(MessageId(text), Message(Role.USER, (TextPart(text),)))
        stored = await self.store.append(conversation, user, [new], float(next(self._times)), after=after)
        return stored[0].seq

    async def said(self, conversation: ConversationId = ONE) -> list[tuple[str, str | None]]:
        """What the database has: each message with the one it follows."""
        return [(each.id, each.parent) for each in (await self.real.get(conversation, ANNA)).messages]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with AsyncExitStack() as stack:
        storage = await stack.enter_async_context(open_storage(sqlite_url(tmp_path / "db"), clock=time.monotonic))
        await storage.users.add(UserRecord(ANNA, "Anna", Rank.MEMBER, 0.0))
        yield House(storage, tmp_path / "journal")


async def test_with_the_database_there_nothing_is_owed(house: House) -> None:
    await house.create()
    assert await house.say("a") == 1
    assert not house.store.owes
    assert not house.folder.exists()


async def test_what_is_said_meanwhile_is_there_in_order_afterwards(house: House) -> None:
    await house.create()
    await house.say("a")
    house.server.away = True
    assert await house.say("b") == 2
    await house.create(TWO)
    await house.say("c", Place.START, TWO)
    await house.say("d", MessageId("b"))
    await house.say("e")
    house.server.away = False
    assert await house.say("f") == 5
    assert await house.said() == [("a", None), ("b", "a"), ("d", "b"), ("e", "d"), ("f", "e")]
    assert await house.said(TWO) == [("c", None)]
    assert not house.store.owes


async def test_it_can_be_read_meanwhile(house: House) -> None:
    await house.create()
    await house.say("a")
    house.server.away = True
    await house.say("b")
    thread = await house.store.get(ONE, ANNA)
    assert [each.id for each in thread.branch()] == ["a", "b"]
    assert thread.conversation.messages == 2
    with pytest.raises(StorageAway):
        await house.store.get(ONE, UserId("eve"))
    with pytest.raises(NotFound):
        await house.say("x", user=UserId("eve"))
    for asked in (
        house.store.get(TWO, ANNA),
        house.store.list(ANNA, limit=9),
        house.store.search(ANNA, "a", limit=9),
        house.store.change(ONE, ANNA, ConversationChange(title="New"), 0.0),
        house.store.delete(ONE, ANNA),
    ):
        with pytest.raises(StorageAway):
            await asked


async def test_only_the_conversations_used_last_can_be_gone_on_with(house: House) -> None:
    for name in "123":
        await house.create(ConversationId(name))
        await house.say(f"in {name}", conversation=ConversationId(name))
    await house.store.get(ConversationId("2"), ANNA)
    house.server.away = True
    assert await house.say("more", conversation=ConversationId("2")) == 2
    with pytest.raises(StorageAway):
        await house.say("more", conversation=ConversationId("1"))


async def test_a_changed_conversation_can_be_gone_on_with(house: House) -> None:
    """Titles are made after first answers: at the very time at which a database may go away."""
    await house.create()
    await house.say("a")
    await house.store.change(ONE, ANNA, ConversationChange(title="New"), 9.0)
    house.server.away = True
    assert await house.say("b") == 2
    thread = await house.store.get(ONE, ANNA)
    assert (thread.conversation.title, [each.id for each in thread.branch()]) == ("New", ["a", "b"])


async def test_a_long_conversation_is_not_remembered(house: House) -> None:
    await house.create()
    picture = NewMessage(MessageId("p"), Message(Role.USER, (ImagePart("A" * 300_000, "image/png"),)))
    await house.store.append(ONE, ANNA, [picture], 1.0)
    house.server.away = True
    with pytest.raises(StorageAway):
        await house.store.get(ONE, ANNA)


async def test_all_of_a_message_is_handed_over(house: House) -> None:
    await house.create()
    house.server.away = True
    answer = NewMessage(
        MessageId("a"),
        Message(Role.ASSISTANT, (TextPart("Grüße"),), reasoning="hm"),
        MessageState.INTERRUPTED,
        model=ModelId("m"),
        prompt_tokens=3,
        error="It broke.",
    )
    await house.store.append(ONE, ANNA, [answer], 7.0, after=Place.START, model="m")
    house.server.away = False
    thread = await house.store.get(ONE, ANNA)
    assert (thread.messages[0].new, thread.messages[0].created_s) == (answer, 7.0)
    assert (thread.conversation.model, thread.conversation.updated_s) == ("m", 7.0)


async def test_a_crash_while_it_is_away_loses_nothing(house: House) -> None:
    house.server.away = True
    await house.create()
    await house.say("a")
    house.started()
    assert house.store.owes
    house.server.away = False
    await house.store.list(ANNA, limit=1)
    assert await house.said() == [("a", None)]


@pytest.mark.parametrize("handed", range(4))
async def test_handing_over_is_gone_on_with_where_it_broke_off(house: House, handed: int) -> None:
    house.server.away = True
    await house.create()
    for text in "abc":
        await house.say(text)
    house.server.away = False
    house.server.after = handed
    with pytest.raises(StorageAway):
        await house.store.list(ANNA, limit=1)
    await house.say("d")  # it is still away
    house.server.after = 10**9
    if handed % 2:
        house.started()
    await house.store.list(ANNA, limit=1)
    assert await house.said() == [("a", None), ("b", "a"), ("c", "b"), ("d", "c")]


async def test_what_was_written_and_never_answered_is_not_written_twice(house: House) -> None:
    house.server.deaf = True
    await house.create()
    await house.say("a")
    house.server.deaf = False
    assert await house.say("b") == 2
    assert await house.said() == [("a", None), ("b", "a")]


async def test_what_belongs_to_a_conversation_that_is_gone_is_let_go(house: House) -> None:
    await house.create()
    house.server.away = True
    await house.say("a")
    house.server.away = False
    await house.real.delete(ONE, ANNA)
    assert (await house.store.list(ANNA, limit=9)).conversations == ()
    assert not house.store.owes


async def test_what_cannot_be_kept_is_refused(house: House) -> None:
    await house.create()
    await house.say("a")
    house.server.away = True
    house.started(most_bytes=20)
    await house.create(TWO)  # the first entry has room whatever it is
    with pytest.raises(StorageAway):
        await house.say("b", MessageId("a"))
    house.server.away = False
    await house.store.list(ANNA, limit=1)
    assert await house.said() == [("a", None)]


async def test_a_broken_entry_does_not_stand_in_the_way(house: House) -> None:
    house.server.away = True
    await house.create()
    (file,) = house.folder.iterdir()
    file.write_bytes(b"nonsense\n" + file.read_bytes())
    house.started()
    house.server.away = False
    assert len((await house.store.list(ANNA, limit=9)).conversations) == 1


async def test_it_is_handed_over_without_being_asked(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.server.away = True
    await house.create()
    pauses = 0

    async def pause(_: float) -> None:
        nonlocal pauses
        pauses += 1
        house.server.away = pauses < 3
        if pauses == 5:
            raise OperatorError("enough")

    monkeypatch.setattr("potluck.storage.owed.asyncio.sleep", pause)
    with pytest.raises(OperatorError, match="enough"):
        await house.store.handing_over()
    assert await house.said() == []
    assert not house.store.owes

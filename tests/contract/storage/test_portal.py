"""Shares, prompts and preferences."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from potluck.core.call import Message, Role, TextPart
from potluck.core.errors import ClientError, NotFound
from potluck.core.model import UserId
from potluck.core.people import Role as Rank
from potluck.storage.conversation_records import Folder, Prompt, PromptChange, Share
from potluck.storage.ports import Storage
from potluck.storage.records import Conversation, ConversationId, MessageId, NewMessage, UserRecord

ANNA, BERT = UserId("anna"), UserId("bert")
ONE = ConversationId("one")


async def begun(storage: Storage) -> None:
    await storage.conversations.create(Conversation(ONE, ANNA, "Title", 1.0, 1.0))
    said = [NewMessage(MessageId(name), Message(Role.USER, (TextPart(name),))) for name in ("q", "a", "q2")]
    await storage.conversations.append(ONE, ANNA, said, 1.0)


async def test_a_share_shows_a_branch_as_far_as_it_was_shared(storage: Storage) -> None:
    await begun(storage)
    share = Share("s1", ANNA, ONE, "a", 2.0, expires_s=10.0)
    await storage.shares.add(share)
    found, thread = await storage.shares.open("s1", 9.0)
    assert (found, [each.id for each in thread.messages]) == (share, ["q", "a"])
    for name, now in (("s1", 10.0), ("none", 9.0)):
        with pytest.raises(NotFound):
            await storage.shares.open(name, now)
    await storage.shares.add(replace(share, id="s2", created_s=3.0, expires_s=None, public=True))
    assert [each.id for each in await storage.shares.all(ANNA)] == ["s2", "s1"]
    assert [each.id for each in await storage.shares.all(ANNA, ConversationId("two"))] == []
    assert await storage.shares.all(BERT) == ()


async def test_a_name_that_cannot_be_one_is_the_callers_mistake(
    storage: Storage,
) -> None:
    with pytest.raises(ClientError):
        await storage.shares.open("a\0b", 9.0)
    with pytest.raises(ClientError):
        await storage.conversations.get(ConversationId("\0"), ANNA)


async def test_only_ones_own_is_shared_and_withdrawn(storage: Storage) -> None:
    await begun(storage)
    for share in (
        Share("s", BERT, ONE, "a", 2.0),
        Share("s", ANNA, ONE, "none", 2.0),
        Share("s", ANNA, "two", "a", 2.0),
    ):
        with pytest.raises(NotFound):
            await storage.shares.add(share)
    await storage.shares.add(Share("s", ANNA, ONE, "a", 2.0))
    with pytest.raises(NotFound):
        await storage.shares.remove("s", BERT)
    await storage.shares.remove("s", ANNA)
    with pytest.raises(NotFound):
        await storage.shares.open("s", 3.0)


async def test_a_share_of_what_was_deleted_shows_nothing(storage: Storage) -> None:
    await begun(storage)
    await storage.shares.add(Share("s", ANNA, ONE, "a", 2.0))
    await storage.conversations.delete_messages(ONE, ANNA, MessageId("a"))
    with pytest.raises(NotFound):
        await storage.shares.open("s", 3.0)
    await storage.conversations.delete(ONE, ANNA)
    assert await storage.shares.all(ANNA) == ()


async def test_prompts_are_seen_by_who_may_use_them_and_changed_by_whose_they_are(storage: Storage) -> None:
    own = Prompt("p1", ANNA, "B own", "Say {{what}}", 1.0, 1.0)
    shared = Prompt("p2", BERT, "A shared", "x", 2.0, 2.0, shared=True)
    for prompt in (own, shared, Prompt("p3", BERT, "C his", "x", 3.0, 3.0)):
        await storage.prompts.add(prompt)
    assert await storage.prompts.visible(ANNA) == (shared, own)
    changed = await storage.prompts.change("p1", ANNA, PromptChange(text="new", shared=True), 5.0)
    assert changed == replace(own, text="new", shared=True, updated_s=5.0)
    assert (await storage.prompts.change("p1", None, PromptChange(name="Z"), 6.0)).name == "Z"
    for attempt in (
        storage.prompts.change("p2", ANNA, PromptChange(name="mine"), 5.0),
        storage.prompts.change("p3", None, PromptChange(name="mine"), 5.0),
        storage.prompts.remove("p2", ANNA),
        storage.prompts.remove("p3", None),
    ):
        with pytest.raises(NotFound):
            await attempt
    await storage.prompts.remove("p2", None)
    await storage.prompts.remove("p1", ANNA)
    assert await storage.prompts.visible(ANNA) == ()


async def test_preferences_are_each_users_own(storage: Storage) -> None:
    assert await storage.preferences.get(ANNA) is None
    await storage.preferences.set(ANNA, '{"theme":"dark"}', 1.0)
    await storage.preferences.set(ANNA, '{"theme":"light"}', 2.0)
    assert await storage.preferences.get(ANNA) == '{"theme":"light"}'
    assert await storage.preferences.get(BERT) is None


async def test_all_of_it_goes_with_its_user(storage: Storage) -> None:
    await storage.users.add(UserRecord(ANNA, "Anna", Rank.MEMBER, 1.0))
    await begun(storage)
    await storage.shares.add(Share("s", ANNA, ONE, "a", 2.0))
    await storage.folders.add(Folder("f", ANNA, "Work", 1.0))
    await storage.prompts.add(Prompt("p", ANNA, "n", "x", 1.0, 1.0, shared=True))
    await storage.preferences.set(ANNA, "{}", 1.0)
    await storage.users.remove(ANNA)
    assert await storage.preferences.get(ANNA) is None
    assert (await storage.prompts.visible(BERT), await storage.folders.all(ANNA)) == ((), ())
    assert (await storage.shares.all(ANNA), (await storage.conversations.search(ANNA, "q", limit=9)).hits) == ((), ())

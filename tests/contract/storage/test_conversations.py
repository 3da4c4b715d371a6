import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from potluck.core.answer import FinishReason
from potluck.core.call import AudioPart, ImagePart, Message, Role, TextPart, ToolCall
from potluck.core.errors import BadRequest, Conflict, NotFound
from potluck.core.model import ModelId, NodeId, RequestId, UserId
from potluck.core.searching import Piece
from potluck.storage.conversation_records import (
    Attachment,
    ChatParams,
    ConversationChange,
    ConversationFilter,
    Folder,
    MessageDetails,
    RescueNote,
    Titled,
)
from potluck.storage.ports import Storage
from potluck.storage.records import (
    Conversation,
    ConversationId,
    MessageId,
    MessageState,
    NewMessage,
    Place,
    StoredMessage,
)

ANNA, BERT = UserId("anna"), UserId("bert")
ONE = ConversationId("one")


def conversation(id: str = "one", *, user: UserId = ANNA, title: str = "Title", at: float = 1.0) -> Conversation:
    return Conversation(ConversationId(id), user, title, created_s=at, updated_s=at)


def said(id: str, text: str = "", role: Role = Role.USER) -> NewMessage:
    return NewMessage(MessageId(id), Message(role, (TextPart(text or id),)))


async def test_a_conversation_comes_back_with_every_kind_of_content(storage: Storage) -> None:
    await storage.conversations.create(conversation(title="Grüße 🌍"))
    question = NewMessage(
        MessageId("q"),
        Message(Role.USER, (TextPart("what is ‘this’?\n"), ImagePart(data_b64="aGk=", media_type="image/png"),
                            ImagePart(url="https://example.org/a.png"), AudioPart("aGk=", "wav"))),
    )  # fmt: skip
    answer = NewMessage(
        MessageId("a"),
        Message(Role.ASSISTANT, (TextPart(""),), reasoning="hm", tool_calls=(ToolCall("t1", "look", '{"x": '),)),
        state=MessageState.INTERRUPTED,
        model=ModelId("llama3.2:latest"),
        node=NodeId("agx0"),
        request=RequestId("r1"),
        finish=FinishReason.LENGTH,
        prompt_tokens=7,
        completion_tokens=0,
        error="Node agx0 went away.",
        details=MessageDetails(
            first_token_s=0.25,
            tokens_per_s=31.5,
            rescues=(RescueNote(NodeId("orin0"), "prefill"),),
            attachments=(Attachment("f1", "a.png", "image/png", 7),),
            failure="node_error",
            hint="Try again.",
        ),
    )
    result = NewMessage(MessageId("t"), Message(Role.TOOL, (TextPart("3"),), tool_call_id="t1", name="look"))
    await storage.conversations.append(ONE, ANNA, [question], 2.0, model="llama3.2")
    await storage.conversations.append(ONE, ANNA, [answer, result], 3.5)
    thread = await storage.conversations.get(ONE, ANNA)
    assert thread.conversation == replace(
        conversation(title="Grüße 🌍"), updated_s=3.5, model="llama3.2", messages=3, leaf=MessageId("t")
    )
    assert [each.new for each in thread.messages] == [question, answer, result]
    assert [(each.seq, each.parent, each.created_s) for each in thread.messages] == [
        (1, None, 2.0), (2, "q", 3.5), (3, "a", 3.5),
    ]  # fmt: skip


async def test_what_a_database_cannot_hold_is_left_out_and_the_rest_kept(storage: Storage) -> None:
    await storage.conversations.create(conversation(title="a\0b\ud800"))
    await storage.conversations.append(ONE, ANNA, [said("m", "x\0y\udfff")], 2.0)
    thread = await storage.conversations.get(ONE, ANNA)
    assert thread.conversation.title == "ab?"
    assert thread.messages[0].message.text == "xy?"


async def test_an_id_is_taken_once(storage: Storage) -> None:
    await storage.conversations.create(conversation())
    with pytest.raises(Conflict):
        await storage.conversations.create(conversation(user=BERT))


async def test_nobody_sees_or_touches_anothers_conversation(storage: Storage) -> None:
    await storage.conversations.create(conversation())
    await storage.conversations.append(ONE, ANNA, [said("m", "secret")], 2.0)
    before = await storage.conversations.get(ONE, ANNA)
    for attempt in (
        storage.conversations.get(ONE, BERT),
        storage.conversations.change(ONE, BERT, ConversationChange(title="mine"), 9.0),
        storage.conversations.delete(ONE, BERT),
        storage.conversations.append(ONE, BERT, [said("n")], 9.0),
        storage.conversations.get(ConversationId("none"), ANNA),
    ):
        with pytest.raises(NotFound):
            await attempt
    assert (await storage.conversations.list(BERT, limit=9)).conversations == ()
    assert await found(storage, "secret", BERT) == []
    assert await storage.conversations.get(ONE, ANNA) == before


async def test_pages_go_from_the_newest_to_the_oldest_and_miss_none(storage: Storage) -> None:
    for number in range(7):
        await storage.conversations.create(conversation(str(number), at=number // 2 + 0.1))  # pairs of equal times
    seen: list[str] = []
    cursor, pages = None, 0
    while pages == 0 or cursor is not None:
        page = await storage.conversations.list(ANNA, limit=3, cursor=cursor)
        seen += [each.id for each in page.conversations]
        cursor, pages = page.next, pages + 1
    assert (seen, pages) == (["6", "5", "4", "3", "2", "1", "0"], 3)


async def test_a_page_that_is_just_full_is_the_last(storage: Storage) -> None:
    await storage.conversations.create(conversation())
    assert (await storage.conversations.list(ANNA, limit=1)).next is None


async def test_one_that_moves_to_the_front_does_not_come_twice(storage: Storage) -> None:
    for number in range(4):
        await storage.conversations.create(conversation(str(number), at=number))
    first = await storage.conversations.list(ANNA, limit=2)
    await storage.conversations.append(ConversationId("3"), ANNA, [said("m")], 9.0)
    second = await storage.conversations.list(ANNA, limit=2, cursor=first.next)
    assert [each.id for each in (*first.conversations, *second.conversations)] == ["3", "2", "1", "0"]


@pytest.mark.parametrize("cursor", ["", "x", "!!!", "MS4wIGE", "bmFuYQ==", "8J-YgA=="])
async def test_a_cursor_of_somebody_elses_making_is_refused(storage: Storage, cursor: str) -> None:
    with pytest.raises(BadRequest) as caught:
        await storage.conversations.list(ANNA, limit=1, cursor=cursor)
    assert caught.value.param == "cursor"


async def test_a_new_title_counts_as_a_change(storage: Storage) -> None:
    await storage.conversations.create(conversation())
    renamed = await storage.conversations.change(ONE, ANNA, ConversationChange(title="New"), 8.0)
    assert (renamed.title, renamed.updated_s) == ("New", 8.0)
    assert (await storage.conversations.get(ONE, ANNA)).conversation == renamed


async def test_what_is_deleted_is_gone_with_its_messages(storage: Storage) -> None:
    await storage.conversations.create(conversation())
    await storage.conversations.append(ONE, ANNA, [said("m", "needle")], 2.0)
    await storage.conversations.delete(ONE, ANNA)
    with pytest.raises(NotFound):
        await storage.conversations.get(ONE, ANNA)
    with pytest.raises(NotFound):
        await storage.conversations.append(ONE, ANNA, [said("n")], 2.0)
    await storage.conversations.create(conversation())
    assert (await storage.conversations.get(ONE, ANNA)).messages == ()
    await storage.conversations.append(ONE, ANNA, [said("m")], 3.0)  # the id is free again, so the row was removed


async def test_branches_grow_where_they_are_told_to(storage: Storage) -> None:
    await storage.conversations.create(conversation())
    await storage.conversations.append(ONE, ANNA, [said("q1"), said("a1")], 1.0)
    await storage.conversations.append(ONE, ANNA, [said("a2")], 2.0, after=MessageId("q1"))
    await storage.conversations.append(ONE, ANNA, [said("q2")], 3.0, after=Place.START)
    await storage.conversations.append(ONE, ANNA, [said("a3")], 4.0)
    thread = await storage.conversations.get(ONE, ANNA)
    assert {each.id: each.parent for each in thread.messages} == {
        "q1": None, "a1": "q1", "a2": "q1", "q2": None, "a3": "q2",
    }  # fmt: skip
    assert [each.id for each in thread.branch()] == ["q2", "a3"]
    assert [each.id for each in thread.branch(MessageId("a2"))] == ["q1", "a2"]
    assert thread.branch(MessageId("none")) == ()


async def test_a_message_cannot_follow_one_of_another_conversation(storage: Storage) -> None:
    await storage.conversations.create(conversation())
    await storage.conversations.create(conversation("two"))
    await storage.conversations.append(ConversationId("two"), ANNA, [said("theirs")], 1.0)
    with pytest.raises(NotFound):
        await storage.conversations.append(ONE, ANNA, [said("m")], 1.0, after=MessageId("theirs"))
    assert (await storage.conversations.get(ONE, ANNA)).conversation == conversation()


async def test_an_append_is_whole_or_not_at_all(storage: Storage) -> None:
    await storage.conversations.create(conversation())
    await storage.conversations.append(ONE, ANNA, [said("m")], 2.0)
    before = await storage.conversations.get(ONE, ANNA)
    with pytest.raises(Conflict):
        await storage.conversations.append(ONE, ANNA, [said("n"), said("m")], 3.0, model="x")
    assert await storage.conversations.get(ONE, ANNA) == before
    assert await storage.conversations.append(ONE, ANNA, [], 9.0) == ()
    assert await storage.conversations.get(ONE, ANNA) == before


async def test_appends_at_once_get_numbers_in_a_row_without_gaps(storage: Storage) -> None:
    await storage.conversations.create(conversation())
    pairs = [(said(f"q{number}"), said(f"a{number}")) for number in range(20)]
    stored = await asyncio.gather(*(storage.conversations.append(ONE, ANNA, pair, 2.0) for pair in pairs))
    assert all(second.seq == first.seq + 1 and second.parent == first.id for first, second in stored)
    thread = await storage.conversations.get(ONE, ANNA)
    assert [each.seq for each in thread.messages] == list(range(1, 41))
    assert len(thread.branch()) == 40, "each pair follows the pair before it"
    assert sorted((each for pair in stored for each in pair), key=lambda each: each.seq) == list(thread.messages)


async def test_a_caller_who_leaves_leaves_a_whole_append_or_none(storage: Storage) -> None:
    await storage.conversations.create(conversation())
    for number in range(12):
        task = asyncio.ensure_future(
            storage.conversations.append(ONE, ANNA, [said(f"q{number}"), said(f"a{number}")], 2.0)
        )
        for _ in range(number):  # leave a little later each time
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await storage.conversations.append(ONE, ANNA, [said("last")], 3.0)
    thread = await storage.conversations.get(ONE, ANNA)
    assert [each.seq for each in thread.messages] == list(range(1, len(thread.messages) + 1))
    assert len(thread.messages) % 2 == 1
    # Where several write at once, an append whose caller has left may come after the one that follows.
    assert "last" in {each.id for each in thread.messages}


# --- searches ---------------------------------------------------------------------------------------------------------


async def found(storage: Storage, text: str, user: UserId = ANNA) -> list[str]:
    return [hit.conversation.id for hit in (await storage.conversations.search(user, text, limit=9)).hits]


def line(pieces: Sequence[Piece]) -> str:
    return "".join(f"[{piece.text}]" if piece.found else piece.text for piece in pieces)


async def test_a_search_finds_titles_and_texts_whatever_their_case(storage: Storage) -> None:
    await storage.conversations.create(conversation("1", title="Über ÄPFEL", at=1.0))
    await storage.conversations.create(conversation("2", title="x", at=2.0))
    await storage.conversations.append(
        ConversationId("2"), ANNA, [said("m1", "äpfel?"), said("m2", "Viele Äpfel!"), said("m3", "nein")], 2.0
    )
    await storage.conversations.create(conversation("3", title="Birnen", at=3.0))
    hits = (await storage.conversations.search(ANNA, " äPFEL ", limit=9)).hits
    assert [(each.conversation.id, each.message, line(each.snippet)) for each in hits] == [
        ("2", "m2", "Viele [Äpfel]!"),
        ("1", None, "Über [ÄPFEL]"),
    ]
    await storage.conversations.change(ConversationId("3"), ANNA, ConversationChange(title="Äpfel"), 4.0)
    assert await found(storage, "äpfel") == ["3", "2", "1"]


async def test_all_that_is_asked_for_must_stand_in_one_place(storage: Storage) -> None:
    await storage.conversations.create(conversation("1", title="Plan", at=1.0))
    await storage.conversations.append(ConversationId("1"), ANNA, [said("m1", "big cat"), said("m2", "cat, big")], 1.0)
    await storage.conversations.create(conversation("2", title="Big plan", at=2.0))
    await storage.conversations.append(ConversationId("2"), ANNA, [said("m3", "big"), said("m4", "cat")], 2.0)
    assert await found(storage, "big cat") == ["1"]
    assert await found(storage, '"big cat"') == ["1"]
    (hit,) = (await storage.conversations.search(ANNA, '"big cat"', limit=9)).hits
    assert hit.message == "m1"
    assert await found(storage, "plan big") == ["2"]
    assert await found(storage, "plan dog") == []


async def test_words_are_found_by_their_beginnings_and_else_inside(storage: Storage) -> None:
    await storage.conversations.create(conversation("1", at=1.0))
    await storage.conversations.append(ConversationId("1"), ANNA, [said("m1", "Dampfschiff")], 1.0)
    await storage.conversations.create(conversation("2", at=2.0))
    await storage.conversations.append(ConversationId("2"), ANNA, [said("m2", "Donaudampfschiff")], 2.0)
    assert await found(storage, "dampf") == ["1"]
    assert await found(storage, "schiff") == ["2", "1"]


@pytest.mark.parametrize("text", ["100%", "a_b", "c\\d", "e/f", "'; --", '"quoted"', "line\nbreak", "1.5e3", "a@b.org"])
async def test_a_search_takes_every_character_as_it_is(storage: Storage, text: str) -> None:
    await storage.conversations.create(conversation(at=1.0))
    await storage.conversations.append(ONE, ANNA, [said("m", f"before {text} after")], 2.0)
    assert await found(storage, text) == ["one"]
    await storage.conversations.create(conversation("two", title="1000 aXb c-d e-f 15e3 a-b-org", at=3.0))
    await storage.conversations.append(ConversationId("two"), ANNA, [said("n", "1000 aXb c-d e-f 15e3 a-b-org")], 3.0)
    assert await found(storage, text) == ["one"]


@pytest.mark.parametrize(
    "text",
    [
        *("\U0001d400\U0001d7d8 \u0967\u0968 x\u00b2", "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35", "日本語の文"),
        *("a" * 5000, "' OR 1=1", "x* OR y", "NEAR(x)"),
    ],
)
async def test_whatever_is_said_is_found_by_it(storage: Storage, text: str) -> None:
    await storage.conversations.create(conversation())
    await storage.conversations.append(ONE, ANNA, [said("m", text)], 2.0)
    assert await found(storage, text[:200]) == ["one"]


async def test_a_search_does_not_look_into_pictures(storage: Storage) -> None:
    await storage.conversations.create(conversation())
    message = NewMessage(MessageId("m"), Message(Role.USER, (ImagePart(data_b64="needle"),)))
    await storage.conversations.append(ONE, ANNA, [message], 2.0)
    assert await found(storage, "needle") == []


async def test_a_snippet_is_a_line_around_the_match(storage: Storage) -> None:
    await storage.conversations.create(conversation())
    await storage.conversations.append(ONE, ANNA, [said("m", "x " * 100 + "the\nneedle " + "y " * 100)], 2.0)
    (hit,) = (await storage.conversations.search(ANNA, "NEEDLE", limit=9)).hits
    assert "the [needle] y" in line(hit.snippet)
    assert line(hit.snippet).startswith("…")
    assert line(hit.snippet).endswith("…")


async def test_pages_of_a_search_go_on_where_they_were(storage: Storage) -> None:
    for number in range(5):
        await storage.conversations.create(conversation(str(number), title="needle", at=number))
    seen: list[str] = []
    cursor, pages = None, 0
    while pages == 0 or cursor is not None:
        page = await storage.conversations.search(ANNA, "needle", limit=2, cursor=cursor)
        seen += [each.conversation.id for each in page.hits]
        cursor, pages = page.next, pages + 1
    assert (seen, pages) == (["4", "3", "2", "1", "0"], 3)


async def test_what_was_deleted_is_found_no_more(storage: Storage) -> None:
    await storage.conversations.create(conversation())
    await storage.conversations.append(ONE, ANNA, [said("q", "needle"), said("a", "pin")], 1.0)
    await storage.conversations.append(
        ONE, ANNA, [said("b", "thread")], 2.0, after=MessageId("q"), replaces=MessageId("a")
    )
    assert await found(storage, "pin") == []
    await storage.conversations.delete_messages(ONE, ANNA, MessageId("b"))
    assert await found(storage, "thread") == []
    await storage.conversations.delete(ONE, ANNA)
    assert await found(storage, "needle") == []
    await storage.conversations.create(conversation())
    await storage.conversations.append(ONE, ANNA, [said("q", "needle")], 1.0)
    assert await found(storage, "needle") == ["one"]


@pytest.mark.parametrize("text", ["", "  ", "x" * 201])
async def test_a_search_wants_a_text(storage: Storage, text: str) -> None:
    with pytest.raises(BadRequest):
        await storage.conversations.search(ANNA, text, limit=9)
    assert await found(storage, '""') == []


# --- folders, and what is listed --------------------------------------------------------------------------------------


async def listed(storage: Storage, **where: Any) -> list[str]:
    page = await storage.conversations.list(ANNA, limit=9, where=ConversationFilter(**where))
    return [each.id for each in page.conversations]


async def test_conversations_are_listed_by_what_they_are_shown_by(storage: Storage) -> None:
    await storage.folders.add(Folder("f1", ANNA, "Work", 1.0))
    for number in range(4):
        await storage.conversations.create(conversation(str(number), at=number))
    changes = {
        "0": ConversationChange(folder="f1", tags=("a", 'b"c')),
        "1": ConversationChange(pinned_s=5.0, tags=("ab",)),
        "2": ConversationChange(archived_s=6.0),
    }
    for name, change in changes.items():
        await storage.conversations.change(ConversationId(name), ANNA, change, 9.0)
    assert await listed(storage) == ["3", "2", "1", "0"]
    assert await listed(storage, folder="f1") == ["0"]
    assert await listed(storage, folder=None, archived=False) == ["3", "1"]
    assert await listed(storage, pinned=True) == ["1"]
    assert await listed(storage, archived=True) == ["2"]
    assert await listed(storage, tag="a") == ["0"]
    assert await listed(storage, tag='b"c') == ["0"]


async def test_a_folder_has_a_name_of_its_own_and_lets_go_of_what_is_in_it(storage: Storage) -> None:
    await storage.conversations.create(conversation())
    await storage.folders.add(Folder("f2", ANNA, "Work", 1.0))
    await storage.folders.add(Folder("f1", ANNA, "Home", 2.0))
    await storage.folders.add(Folder("f3", BERT, "Work", 2.0))
    with pytest.raises(Conflict):
        await storage.folders.add(Folder("f4", ANNA, "Work", 3.0))
    with pytest.raises(Conflict):
        await storage.folders.rename("f1", ANNA, "Work")
    await storage.conversations.change(ONE, ANNA, ConversationChange(folder="f1"), 4.0)
    with pytest.raises(NotFound):
        await storage.conversations.change(ONE, ANNA, ConversationChange(folder="f3"), 4.0)
    renamed = await storage.folders.rename("f1", ANNA, "Garden")
    assert [*(await storage.folders.all(ANNA))] == [renamed, Folder("f2", ANNA, "Work", 1.0)]
    assert renamed == Folder("f1", ANNA, "Garden", 2.0, conversations=1)
    for attempt in (storage.folders.rename("f1", BERT, "x"), storage.folders.remove("f1", BERT)):
        with pytest.raises(NotFound):
            await attempt
    await storage.folders.remove("f1", ANNA)
    assert (await storage.conversations.get(ONE, ANNA)).conversation.folder is None


# --- from elsewhere ---------------------------------------------------------------------------------------------------


def kept(id: str, parent: str | None, at: float) -> StoredMessage:
    return StoredMessage(ONE, 0, MessageId(parent) if parent else None, at, said(id))


async def test_what_comes_from_elsewhere_is_kept_once_and_what_is_new_of_it_is_added(storage: Storage) -> None:
    tree = [kept("q", None, 1.0), kept("a", "q", 2.0), kept("b", "q", 3.0)]
    about = replace(conversation(title="Old"), updated_s=3.0, leaf=MessageId("a"), tags=("x",))
    assert await storage.conversations.take_in(about, tree) == 3
    thread = await storage.conversations.get(ONE, ANNA)
    assert [(each.id, each.seq, each.parent, each.created_s) for each in thread.messages] == [
        ("q", 1, None, 1.0), ("a", 2, "q", 2.0), ("b", 3, "q", 3.0),
    ]  # fmt: skip
    assert thread.conversation == replace(about, messages=3)
    assert await storage.conversations.take_in(about, tree) == 0
    assert await storage.conversations.take_in(about, [*tree, kept("c", "a", 4.0)]) == 1
    assert [each.seq for each in (await storage.conversations.get(ONE, ANNA)).messages] == [1, 2, 3, 4]
    assert await found(storage, "c") == ["one"]
    with pytest.raises(Conflict):
        await storage.conversations.take_in(conversation(user=BERT), [kept("d", None, 1.0)])
    with pytest.raises(Conflict):
        other = replace(conversation("two"), user=BERT)
        await storage.conversations.take_in(other, [replace(kept("q", None, 1.0), conversation=ConversationId("two"))])


# --- trees ------------------------------------------------------------------------------------------------------------


async def leaf(storage: Storage) -> str | None:
    return (await storage.conversations.get(ONE, ANNA)).conversation.leaf


async def test_the_leaf_is_what_was_said_last_and_goes_where_it_is_put(storage: Storage) -> None:
    await storage.conversations.create(conversation())
    await storage.conversations.append(ONE, ANNA, [said("q1"), said("a1")], 1.0)
    assert await leaf(storage) == "a1"
    await storage.conversations.append(ONE, ANNA, [said("q2")], 2.0, after=Place.START)
    assert await leaf(storage) == "q2"
    changed = await storage.conversations.change(ONE, ANNA, ConversationChange(leaf="a1"), 3.0)
    assert (changed.leaf, changed.updated_s) == ("a1", 2.0)
    assert [each.id for each in (await storage.conversations.get(ONE, ANNA)).branch()] == ["q1", "a1"]
    with pytest.raises(NotFound):
        await storage.conversations.change(ONE, ANNA, ConversationChange(leaf="none"), 3.0)


async def test_an_answer_takes_the_leaf_along_only_where_somebody_waits_for_it(storage: Storage) -> None:
    await storage.conversations.create(conversation())
    await storage.conversations.append(ONE, ANNA, [said("q")], 1.0)
    await storage.conversations.append(ONE, ANNA, [said("a1")], 2.0, after=MessageId("q"), follows=True)
    assert await leaf(storage) == "a1"
    await storage.conversations.append(ONE, ANNA, [said("a2")], 3.0, after=MessageId("q"), follows=True)
    assert await leaf(storage) == "a1", "a second answer beside it"


async def test_a_message_that_is_replaced_is_gone_unless_something_follows_it(storage: Storage) -> None:
    await storage.conversations.create(conversation())
    await storage.conversations.append(ONE, ANNA, [said("q"), said("a1")], 1.0)
    q, a1, a2 = MessageId("q"), MessageId("a1"), MessageId("a2")
    await storage.conversations.append(ONE, ANNA, [said("a2")], 2.0, after=q, follows=True, replaces=a1)
    thread = await storage.conversations.get(ONE, ANNA)
    assert ([each.id for each in thread.messages], thread.conversation.leaf) == (["q", "a2"], "a2")
    assert thread.conversation.messages == 2
    await storage.conversations.append(ONE, ANNA, [said("q2")], 3.0, after=a2)
    await storage.conversations.append(ONE, ANNA, [said("a3")], 4.0, after=q, follows=True, replaces=a2)
    thread = await storage.conversations.get(ONE, ANNA)
    assert ([each.id for each in thread.messages], thread.conversation.leaf) == (["q", "a2", "q2", "a3"], "q2")


async def test_a_message_is_deleted_with_all_that_follows_it(storage: Storage) -> None:
    await storage.conversations.create(conversation())
    await storage.conversations.append(ONE, ANNA, [said("q1"), said("a1"), said("q2"), said("a2")], 1.0)
    await storage.conversations.append(ONE, ANNA, [said("b1")], 2.0, after=MessageId("q1"))
    await storage.conversations.change(ONE, ANNA, ConversationChange(leaf="a2"), 3.0)
    left, gone = await storage.conversations.delete_messages(ONE, ANNA, MessageId("a1"))
    assert gone == {"a1", "q2", "a2"}
    assert (left.leaf, left.messages, left.updated_s) == ("b1", 2, 2.0)
    thread = await storage.conversations.get(ONE, ANNA)
    assert [(each.id, each.seq) for each in thread.messages] == [("q1", 1), ("b1", 5)]
    (more,) = await storage.conversations.append(ONE, ANNA, [said("q3")], 4.0, after=MessageId("b1"))
    assert more.seq == 6, "numbers are not used again"
    await storage.conversations.delete_messages(ONE, ANNA, MessageId("q1"))
    thread = await storage.conversations.get(ONE, ANNA)
    assert (thread.messages, thread.conversation.leaf, thread.branch()) == ((), None, ())
    for attempt in (
        storage.conversations.delete_messages(ONE, ANNA, MessageId("q1")),
        storage.conversations.delete_messages(ONE, BERT, MessageId("q3")),
    ):
        with pytest.raises(NotFound):
            await attempt


async def test_many_messages_are_deleted_at_once(storage: Storage) -> None:
    await storage.conversations.create(conversation())
    await storage.conversations.append(ONE, ANNA, [said(f"m{number}") for number in range(1200)], 1.0)
    _, gone = await storage.conversations.delete_messages(ONE, ANNA, MessageId("m1"))
    assert len(gone) == 1199
    assert [each.id for each in (await storage.conversations.get(ONE, ANNA)).messages] == ["m0"]


async def test_what_a_conversation_is_shown_by_is_changed_piece_by_piece(storage: Storage) -> None:
    await storage.conversations.create(conversation())
    params = ChatParams(temperature=0.5, stop=("END",), think=False)
    change = ConversationChange(pinned_s=5.0, archived_s=6.0, tags=("a", "ä"), system="Be brief.", params=params)
    await storage.conversations.change(ONE, ANNA, change, 7.0)
    found = (await storage.conversations.get(ONE, ANNA)).conversation
    assert found == replace(
        conversation(), pinned_s=5.0, archived_s=6.0, tags=("a", "ä"), system="Be brief.", params=params
    )
    found = await storage.conversations.change(ONE, ANNA, ConversationChange(pinned_s=None, params=ChatParams()), 8.0)
    assert (found.pinned_s, found.archived_s, found.params, found.updated_s) == (None, 6.0, ChatParams(), 1.0)
    assert await storage.conversations.change(ONE, ANNA, ConversationChange(), 9.0) == found


async def test_a_models_title_never_takes_the_place_of_a_persons(storage: Storage) -> None:
    await storage.conversations.create(conversation(title="First words"))
    made = ConversationChange(title="Made", titled=Titled.MODEL, tags=("x",))
    found = await storage.conversations.change(ONE, ANNA, made, 2.0)
    assert (found.title, found.titled, found.updated_s) == ("Made", Titled.MODEL, 1.0)
    await storage.conversations.change(ONE, ANNA, ConversationChange(title="Mine"), 3.0)
    found = await storage.conversations.change(ONE, ANNA, ConversationChange(title="No", titled=Titled.MODEL), 4.0)
    assert (found.title, found.titled, found.updated_s) == ("Mine", Titled.PERSON, 3.0)

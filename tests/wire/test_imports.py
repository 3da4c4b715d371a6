"""Exports of other programs, and our own, as conversations."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from potluck.core.call import Role
from potluck.core.errors import BadRequest
from potluck.wire.imports import chatgpt, port, reading
from potluck.wire.imports import own as own_export
from potluck.wire.imports.port import ForeignMessage, ForeignThread, Unreadable, seconds


def read(value: Any) -> ForeignThread:
    return reading.read(json.dumps(value).encode())


def tree(thread: ForeignThread) -> list[tuple[str, str | None, str, str]]:
    return [(each.id, each.parent, each.role.value, each.text) for each in thread.messages]


# --- Open WebUI -------------------------------------------------------------------------------------------------------


def webui(messages: dict[str, Any], **more: Any) -> Any:
    chat = {"title": "Geese", "models": ["llama3"], "history": {"messages": messages, "currentId": "b"}}
    return {
        "id": "c1",
        "title": "Geese",
        "chat": chat,
        "created_at": 1_700_000_000,
        "updated_at": 1_700_000_100,
        **more,
    }


def test_open_webuis_chats_keep_their_tree() -> None:
    folded = '<details type="reasoning" done="true">\n<summary>Thought</summary>\n&gt; a &lt; b\n</details>\nNorth.'
    messages = {
        "q": {
            "id": "q",
            "parentId": None,
            "childrenIds": ["a", "b"],
            "role": "user",
            "content": "Where?",
            "files": [1],
        },
        "a": {"parentId": "q", "role": "assistant", "content": "South.", "model": "llama3", "timestamp": 1_700_000_001},
        "b": {
            "parentId": "q",
            "role": "assistant",
            "content": folded.replace("&gt;", ">"),
            "timestamp": 1_700_000_002_000,
        },
        "s": {"parentId": "b", "role": "system", "content": [{"type": "text", "text": "x"}, {"type": "image_url"}]},
        "t": {"parentId": "b", "role": "tool", "content": "x"},
        "odd": {"parentId": 7},
    }
    thread = read(webui(messages, pinned=True, archived=True, meta={"tags": ["birds", {"name": "north"}, 7]}))
    assert tree(thread) == [
        ("q", None, "user", "Where?"),
        ("a", "q", "assistant", "South."),
        ("b", "q", "assistant", "North."),
        ("s", "b", "system", "x"),
    ]
    assert thread.messages[2].reasoning == "a < b"
    assert [each.created_s for each in thread.messages] == [0.0, 1_700_000_001.0, 1_700_000_002.0, 0.0]
    assert (thread.title, thread.leaf, thread.model, thread.tags) == ("Geese", "b", "llama3", ("birds", "north"))
    assert (thread.pinned, thread.archived, thread.created_s) == (True, True, 1_700_000_000.0)
    assert dict(thread.left_out) == {
        "files": 1,
        "images": 1,
        "messages of other roles": 1,
        "messages that cannot be read": 1,
    }


def test_open_webuis_chats_are_read_with_little_in_them() -> None:
    tools = '<details type="tool_calls" done="true">x</details>Done.'
    chat = {"history": {"messages": {"q": {"role": "user", "content": tools, "timestamp": 5}}, "currentId": "gone"}}
    thread = read({"chat": {**chat, "params": {"system": "Be brief."}}})
    assert (thread.messages[0].text, thread.system, thread.leaf) == ("Done.", "Be brief.", None)
    assert (thread.created_s, thread.updated_s, thread.id) == (5.0, 5.0, " q")
    assert dict(thread.left_out) == {"tool calls": 1}
    thread = read(
        {"chat": {"system": "Old.", "history": {"messages": {"q": {"role": "user"}}}, "tags": []}, "meta": {}}
    )
    assert (thread.system, thread.messages[0].text) == ("Old.", "")
    with pytest.raises(Unreadable, match="no messages"):
        read({"title": "Empty", "chat": {}})


# --- ChatGPT ----------------------------------------------------------------------------------------------------------


def said(role: str, content: Any, **more: Any) -> Any:
    content = content if isinstance(content, dict) else {"content_type": "text", "parts": [content]}
    return {"author": {"role": role}, "content": content, "create_time": 1_700_000_000.5, **more}


def test_chatgpts_nodes_become_a_tree_of_what_was_said() -> None:
    thoughts = {"content_type": "thoughts", "thoughts": [{"summary": "Hm", "content": "south?"}, 7]}
    code = {"content_type": "code", "language": "python", "text": "1"}
    seen = {"content_type": "multimodal_text", "parts": [{"x": 1}, {"text": "t"}, "u", 7]}
    hidden = {"is_visually_hidden_from_conversation": True}
    mapping = {
        "root": {"message": None, "parent": None, "children": ["sys"]},
        "sys": {"message": said("system", ""), "parent": "root"},
        "q": {"message": said("user", "Where?"), "parent": "sys"},
        "think": {"message": said("assistant", thoughts), "parent": "q"},
        "recap": {"message": said("assistant", {"content_type": "reasoning_recap"}), "parent": "think"},
        "a": {"message": said("assistant", "South.", metadata={"model_slug": "gpt-5"}), "parent": "recap"},
        "b": {"message": said("assistant", "North."), "parent": "q"},
        "code": {"message": said("assistant", code), "parent": "b"},
        "out": {"message": said("tool", {"content_type": "execution_output", "text": "1"}), "parent": "code"},
        "img": {"message": said("user", seen), "parent": "out"},
        "quote": {"message": said("assistant", {"content_type": "tether_quote", "text": "q"}), "parent": "img"},
        "hid": {"message": said("user", "no", metadata=hidden), "parent": "quote"},
        "odd": {"message": 5, "parent": "quote"},
        "who": {"message": said("stranger", "x"), "parent": "quote"},
        "void": {"message": said("assistant", {"content_type": "code"}), "parent": "quote"},
    }  # fmt: skip
    about = {"title": "Geese", "id": "c1", "create_time": 1.0, "update_time": 2.0, "current_node": "hid"}
    thread = read({**about, "mapping": mapping, "is_archived": True, "is_starred": True, "default_model_slug": "gpt-5"})
    assert tree(thread) == [
        ("q", None, "user", "Where?"),
        ("a", "q", "assistant", "South."),
        ("b", "q", "assistant", "North."),
        ("code", "b", "assistant", "```python\n1\n```"),
        ("img", "code", "user", "t\nu"),
        ("quote", "img", "assistant", "q"),
    ]
    assert thread.messages[1].reasoning == "Hm\nsouth?"
    assert (thread.messages[1].model, thread.messages[1].created_s) == ("gpt-5", 1_700_000_000.5)
    assert (thread.leaf, thread.pinned, thread.archived, thread.model) == ("quote", True, True, "gpt-5")
    assert dict(thread.left_out) == {
        "outputs of tools": 1,
        "images and sounds": 1,
        "'tether_quote'": 1,
        "messages that cannot be read": 1,
        "messages of other roles": 1,
    }


def test_only_so_many_thoughts_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chatgpt, "_MOST_THOUGHTS", 1)
    thoughts = [{"content_type": "thoughts", "thoughts": [{"content": str(at)}]} for at in range(3)]
    mapping = {
        f"t{at}": {"message": said("assistant", each), "parent": f"t{at - 1}"} for at, each in enumerate(thoughts)
    }
    mapping["a"] = {"message": said("assistant", "A"), "parent": "t2"}
    assert read({"mapping": mapping}).messages[0].reasoning == "2"


def test_chatgpts_circles_and_gaps_end() -> None:
    mapping = {
        "x": {"message": None, "parent": "y"},
        "y": {"message": None, "parent": "x"},
        "a": {"message": said("user", "A"), "parent": "x"},
        "b": {"message": said("user", "B"), "parent": "gone"},
        "c": {"message": said("user", "C"), "parent": "x"},
    }
    thread = read({"mapping": mapping, "current_node": "x"})
    assert tree(thread) == [("a", None, "user", "A"), ("b", None, "user", "B"), ("c", None, "user", "C")]
    assert (thread.leaf, thread.id, thread.created_s, thread.updated_s) == (None, "a", 1_700_000_000.5, 1_700_000_000.5)
    thread = read({"mapping": {"a": {"message": said("user", "A")}}, "current_node": "a"})
    assert thread.leaf == "a"
    with pytest.raises(Unreadable, match="no messages"):
        read({"mapping": {}, "title": "Empty"})


# --- our own ----------------------------------------------------------------------------------------------------------


def own(messages: list[Any], **more: Any) -> Any:
    times = {"created_at": "2026-01-01T00:00:00.000Z", "updated_at": "2026-01-02T00:00:00Z"}
    return {"id": "c1", "title": "Geese", **times, "messages": messages, **more}


def test_our_own_come_back() -> None:
    at = {"created_at": "2026-01-01T00:00:01Z"}
    messages = [
        {"id": "q", "role": "user", "text": "Where?", "images": 1, "attachments": [{}, {}], **at},
        {"id": "a", "parent": "q", "role": "assistant", "text": "South.", "reasoning": "hm", "model": "llama3", **at},
        {"id": "t", "parent": "a", "role": "tool", "text": "x", **at},
    ]
    thread = read(own(messages, leaf="a", tags=["x"], pinned=True, system="Be brief.", model="llama3"))
    assert tree(thread) == [("q", None, "user", "Where?"), ("a", "q", "assistant", "South.")]
    assert (thread.leaf, thread.tags, thread.system, thread.pinned) == ("a", ("x",), "Be brief.", True)
    assert thread.messages[1].reasoning == "hm"
    assert dict(thread.left_out) == {"messages of other roles": 1, "images": 1, "files": 2}
    assert read(own(messages[:1], leaf="gone")).leaf is None
    with pytest.raises(Unreadable, match="no messages"):
        read(own([]))


# --- files ------------------------------------------------------------------------------------------------------------


def titles(content: bytes) -> list[str]:
    return [
        f"not {each.title}: {each.why}" if isinstance(each, Unreadable) else each.title
        for each in reading.threads(content)
    ]


QUESTION = {"id": "q", "role": "user", "text": "?", "created_at": "2026-01-01T00:00:01Z"}


def test_a_file_of_many_tells_which_cannot_be_read() -> None:
    many = [
        own([QUESTION]),
        webui({"q": {"role": "user", "content": "x"}}),
        {"title": "Odd"},
        7,
        {"title": 7, "mapping": 5},
    ]
    found = titles(json.dumps(many).encode())
    assert found[:2] == ["Geese", "Geese"]
    assert found[2] == "not Odd: It is no conversation of a program that is known here."
    assert found[3] == "not : It is no conversation."
    assert found[4].startswith("not : It cannot be read: Expected `str | null`")
    assert titles(json.dumps({"format": own_export.FORMAT, "conversations": many[:1]}).encode()) == ["Geese"]
    assert titles(json.dumps(many[0]).encode()) == ["Geese"]
    assert titles(b'{"title":"x"}') == ["not x: It is no conversation of a program that is known here."]


def zipped(name: str, content: bytes, **more: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("chat.html", "x")
        for each, held in {name: content, **more}.items():
            archive.writestr(each, held)
    return out.getvalue()


def test_chatgpts_zip_is_opened() -> None:
    geese = json.dumps([own([QUESTION])]).encode()
    assert titles(zipped("export/conversations.json", geese)) == ["Geese"]
    # A large one has its conversations in several files, and others beside them.
    beside = {"shared_conversations.json": geese, "conversations.json.index": b"x", "export_manifest.json": b"{}"}
    ducks = geese.replace(b"Geese", b"Ducks")
    assert titles(zipped("conversations-001.json", ducks, **{"conversations-000.json": geese, **beside})) == [
        "Geese",
        "Ducks",
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no export"),
        (b"<html>", "no export"),
        (b"\xff\xfe", "no export"),
        (b"5", "no export"),
        (b'{"title":' + b"[" * 5000 + b"]" * 5000 + b"}", "no export"),
        (zipped("other.json", b"[]"), "has no conversations.json"),
        (zipped("conversations.json", b"[" * 1000)[:-40], "damaged"),
    ],
)
def test_what_is_no_export_is_refused(content: bytes, words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        reading.conversations_of(content)


def test_a_zip_that_swells_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_BYTES", 1000)
    with pytest.raises(BadRequest, match="more than"):
        reading.conversations_of(zipped("conversations.json", b" " * 2000))
    with pytest.raises(BadRequest, match="more than"):
        half = b"[" + b" " * 600 + b"]"
        reading.conversations_of(zipped("conversations-000.json", half, **{"conversations-001.json": half}))


# --- trees ------------------------------------------------------------------------------------------------------------


def test_bounds_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(port, "TEXT_CHARS", 2)
    thread = read(own([{**QUESTION, "text": "long"}]))
    assert (thread.messages[0].text, dict(thread.left_out)) == ("lo", {"ends of long messages": 1})
    monkeypatch.setattr(port, "MOST_MESSAGES", 0)
    with pytest.raises(Unreadable, match="more than 0 messages"):
        read(own([QUESTION]))


def test_what_follows_itself_is_left_out() -> None:
    circle = [{**QUESTION, "id": "a", "parent": "b"}, {**QUESTION, "id": "b", "parent": "a"}, QUESTION]
    thread = read(own(circle))
    assert [each.id for each in thread.messages] == ["q"]
    assert dict(thread.left_out) == {"messages that follow themselves": 2}


@pytest.mark.parametrize(
    ("told", "meant"),
    [
        (None, 0.0),
        (-1, 0.0),
        (1e21, 0.0),
        (5.5, 5.5),
        (1.7e9, 1.7e9),
        (1.7e12, 1.7e9),
        (1.7e15, 1.7e9),
        (1.7e18, 1.7e9),
    ],
)
def test_a_time_is_seconds_whatever_it_was_told_in(told: float | None, meant: float) -> None:
    assert seconds(told) == pytest.approx(meant)


IDS = st.sampled_from("abcdef")


@given(st.lists(st.tuples(IDS, st.none() | IDS), max_size=8, unique_by=lambda each: each[0]))
def test_every_message_comes_behind_the_one_that_it_follows(nodes: list[tuple[str, str | None]]) -> None:
    messages = [ForeignMessage(name, parent, Role.USER, "x") for name, parent in nodes]
    seen: set[str | None] = {None}
    for each in port.ordered(messages, port.Counter()):
        assert each.parent in seen
        seen.add(each.id)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["mapping", "chat", "messages", "message", "content", "parts", "history", "parent", "role", "a"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=60)
@given(JSON)
def test_any_json_is_read_or_refused(value: Any) -> None:
    try:
        for each in reading.threads(json.dumps(value).encode()):
            assert isinstance(each, ForeignThread | Unreadable)
    except BadRequest:
        pass

from __future__ import annotations

import json
from typing import Any

import pytest

from potluck.core.answer import Answer, Choice, Text
from potluck.core.call import InfillCall, Sampling, Snippet
from potluck.core.errors import BadRequest, NodeFailed
from potluck.wire.code.tabby import (
    MAX_TOKENS,
    TabbyWriter,
    health_body,
    is_tabby,
    models_body,
    read_tabby,
    server_setting_body,
)
from potluck.wire.port import AnswerMeta, Ask, Shape

META = AnswerMeta("abc", "coder", 0.0)
# As Tabby's agent sends it.
SENT: dict[str, Any] = {
    "language": "python",
    "segments": {
        "prefix": "def f():\n    ",
        "suffix": "\n",
        "filepath": "a.py",
        "git_url": "https://example.org/r.git",
        "declarations": [{"filepath": "b.py", "body": "def g(): ..."}, {"filepath": "c.py", "body": ""}],
        "relevant_snippets_from_changed_files": [{"filepath": "d.py", "body": "D", "score": 0.5}],
        "relevant_snippets_from_recently_opened_files": None,
        "clipboard": "copied",
    },
    "temperature": 0.1,
    "seed": 7,
    "user": "u",
}


@pytest.mark.parametrize(
    ("body", "tabby"),
    [
        (json.dumps(SENT).encode(), True),
        (b'{"segments":{}}', True),
        (b'{"prompt":"a"}', False),
        (b'{"prompt":"a","segments":{}}', False),
        (b'{"prompt":"\\"segments\\""}', False),
        (b'{"nested":{"segments":1}}', False),
        (b'{"segments"', False),
        (b'["segments"]', False),
        (b"", False),
    ],
)
def test_tabbys_requests_are_told_from_openais(body: bytes, tabby: bool) -> None:
    assert is_tabby(body) is tabby


def test_a_request_of_tabbys_agent_becomes_a_call() -> None:
    ask: Ask = read_tabby(json.dumps(SENT).encode())
    call = InfillCall(
        "",
        "def f():\n    ",
        "\n",
        language="python",
        path="a.py",
        snippets=(Snippet("b.py", "def g(): ..."), Snippet("d.py", "D"), Snippet("clipboard", "copied")),
        sampling=Sampling(max_tokens=MAX_TOKENS, temperature=0.1, seed=7),
    )
    assert ask.call() == call
    assert ask.needs == call.needs
    assert (ask.shape, ask.stream, ask.untouchable) == (Shape.TABBY, False, False)
    assert isinstance(ask.writer(META), TabbyWriter)
    with pytest.raises(AssertionError):
        ask.passage(META)


def test_segments_may_be_almost_empty_but_not_missing() -> None:
    bare = InfillCall("", "", "", sampling=Sampling(max_tokens=MAX_TOKENS))
    assert read_tabby(b'{"segments":{"prefix":null}}').call() == bare
    with pytest.raises(BadRequest) as caught:
        read_tabby(b'{"segments":null}')
    assert caught.value.param == "segments"


def test_the_answer_is_one_object_that_keeps_every_space() -> None:
    whole = TabbyWriter(META).whole(Answer((Choice("\n  x\n"),)), 0.0)
    assert whole == b'{"id":"cmpl-abc","choices":[{"index":0,"text":"\\n  x\\n"}],"mode":"standard"}'
    assert json.loads(TabbyWriter(META).whole(Answer(), 0.0))["choices"] == [{"index": 0, "text": ""}]


def test_nothing_is_ever_streamed() -> None:
    writer = TabbyWriter(META)
    assert writer.open() + writer.write([Text("a")], 0.0) + writer.close(0.0) == b""
    assert writer.fail(NodeFailed("broke"), "req") == b""


def test_what_clients_ask_at_start_is_answered() -> None:
    health = json.loads(health_body("coder:7b", "", "v0.1.0"))
    assert (health["model"], health["chat_model"]) == ("coder:7b", None)
    assert health["version"]["git_describe"] == "v0.1.0"
    assert models_body(["a"], ["b", "c"]) == b'{"completion":["a"],"chat":["b","c"]}'
    assert server_setting_body() == b'{"disable_client_side_telemetry":true}'

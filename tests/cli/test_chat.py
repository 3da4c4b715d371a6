"""``potluck chat`` with a question: what is sent, what is printed where."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.fake_service import FakeService, Stream, Whole, event, refusal
from tests.cli.test_talk import DONE, META

CHAT = "POST /api/v1/chat"
REPLY = {**META, **DONE, "text": "Hello.", "reasoning": "", "generation": "g1"}


@pytest.fixture(autouse=True)
def answering(service: FakeService) -> None:
    pieces = [("meta", META), ("reasoning", {"text": "hm"}), ("delta", {"text": "Hel"}), ("delta", {"text": "lo."})]
    service.on(CHAT, Stream(tuple(event(*piece) for piece in [*pieces, ("done", DONE)])))


def test_a_question_is_answered_in_plain_text(service: FakeService, ask: Run) -> None:
    result = ask("chat", "how", "are", "you?")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "Hello.\n", "")
    assert service.bodies(CHAT) == [{"message": "how are you?", "stream": True}]


def test_what_is_piped_in_goes_along_and_its_at_signs_mean_nothing(service: FakeService, ask: Run) -> None:
    assert ask("chat", "explain", stdin="+@app.command()\n").exit_code == 0
    assert service.bodies(CHAT)[0]["message"] == "explain\n\n+@app.command()"


def test_a_pipe_alone_is_a_question(service: FakeService, ask: Run) -> None:
    assert ask("chat", stdin="hi").exit_code == 0
    assert service.bodies(CHAT)[0]["message"] == "hi"


def test_bytes_that_are_no_text_do_not_stop_it(service: FakeService, ask: Run) -> None:
    assert ask("chat", stdin=b"a\xffb").exit_code == 0
    assert service.bodies(CHAT)[0]["message"] == "a\ufffdb"


def test_model_system_and_conversation_are_passed_on(service: FakeService, ask: Run) -> None:
    found = {"id": "c9", "title": "T", "model": "old", "message_count": 2, "created_at": "", "updated_at": ""}
    service.on("GET /api/v1/conversations", Whole({"conversations": [found]}))
    assert ask("chat", "-m", "llama", "-s", "be brief", "-c", "last", "go on").exit_code == 0
    assert service.bodies(CHAT) == [
        {"message": "go on", "stream": True, "model": "llama", "system": "be brief", "conversation": "c9"}
    ]


def test_what_is_to_be_kept_nowhere_is_asked_for_so_and_begins_anew(service: FakeService, ask: Run) -> None:
    assert ask("chat", "--temporary", "hi").exit_code == 0
    assert service.bodies(CHAT) == [{"message": "hi", "stream": True, "temporary": True}]
    refused = ask("chat", "--temporary", "-c", "last", "hi")
    assert (refused.exit_code, len(service.bodies(CHAT))) == (2, 1)


def test_an_image_is_sent_as_a_part(service: FakeService, ask: Run, tmp_path: Path) -> None:
    image = tmp_path / "a.png"
    image.write_bytes(b"\x89PNG\r\n\x1a\n")
    assert ask("chat", f"what is @{image}").exit_code == 0
    kinds = [part["type"] for part in service.bodies(CHAT)[0]["message"]]
    assert kinds == ["text", "image"]


def test_json_is_the_whole_reply(service: FakeService, ask: Run) -> None:
    service.on(CHAT, Whole(REPLY))
    result = ask("chat", "hi", "--json")
    assert json.loads(result.stdout) == REPLY
    assert service.bodies(CHAT)[0]["stream"] is False


def test_without_a_stream_the_answer_is_the_same(service: FakeService, ask: Run) -> None:
    service.on(CHAT, Whole(REPLY))
    assert ask("chat", "hi", "--no-stream").stdout == "Hello.\n"


def test_no_question_is_wrong_usage(ask: Run) -> None:
    result = ask("chat", stdin="")
    assert result.exit_code == 2
    assert "There is no question." in result.stderr


def test_a_refusal_is_one_line_on_stderr(service: FakeService, ask: Run) -> None:
    service.on(CHAT, refusal("model 'lama' not found", "Did you mean llama?", 404))
    result = ask("chat", "hi", "-m", "lama")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr == "Error: model 'lama' not found. Did you mean llama?\n"


def test_a_broken_answer_keeps_what_came_and_fails(service: FakeService, ask: Run) -> None:
    service.on(CHAT, Stream((event("meta", META), event("delta", {"text": "Hel"}))))
    result = ask("chat", "hi")
    assert (result.exit_code, result.stdout) == (1, "Hel\n")
    assert "broke off" in result.stderr


def test_without_a_service_the_user_is_told_how_to_start_one(run: Run) -> None:
    result = run("chat", "hi", "--url", "http://127.0.0.1:1")
    assert result.exit_code == 1
    assert result.stderr == "Error: No Potluck answers at http://127.0.0.1:1; start it with 'potluck up'.\n"

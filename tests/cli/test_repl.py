"""The talk: each command by itself, and a whole talk on a real terminal."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from potluck.cli.client import Client
from potluck.cli.repl import Repl, paths_beginning
from potluck.cli.service import Service
from potluck.cli.talk import Talk
from tests.cli.fake_service import DEADLINE_S, HOLD, FakeService, Stream, Whole, event, refusal
from tests.cli.test_chat import CHAT
from tests.cli.test_talk import DONE, META

CONVERSATION = {
    "id": "c9",
    "title": "Old one",
    "model": "llama",
    "message_count": 2,
    "created_at": "",
    "updated_at": "",
}
MODEL = {
    "id": "llama",
    "ready": True,
    "capabilities": ["completion"],
    "context": None,
    "size_bytes": None,
    "family": None,
    "parameter_size": None,
    "quantization": None,
    "engines": [],
}


def answer(*pieces: str, end: bool = True) -> Stream:
    deltas = [event("delta", {"text": piece}) for piece in pieces]
    return Stream((event("meta", META), *deltas, event("done", DONE) if end else HOLD))


@pytest.fixture(autouse=True)
def answering(service: FakeService) -> None:
    service.on(CHAT, answer("Hel", "lo."))
    service.on("GET /api/v1/models", Whole({"models": [MODEL]}))
    service.on("GET /api/v1/conversations", Whole({"conversations": [CONVERSATION]}))
    said = {"id": "m", "role": "user", "text": "Hi", "state": "complete", "created_at": ""}
    service.on("GET /api/v1/conversations/c1", Whole({**CONVERSATION, "id": "c1", "messages": [said]}))
    service.on("GET /api/v1/conversations/c9", Whole({**CONVERSATION, "messages": []}))


@pytest.fixture
def repl(service: FakeService) -> Repl:
    return Repl(Talk(Client(Service(service.url))))


def test_a_talk_stays_in_its_conversation_until_a_new_one(service: FakeService, repl: Repl) -> None:
    for line in ("hello", "again", "/new", "afresh"):
        assert repl.take(line)
    assert [body.get("conversation") for body in service.bodies(CHAT)] == [None, "c1", None]


def test_an_answer_names_who_gave_it(repl: Repl, capsys: pytest.CaptureFixture[str]) -> None:
    repl.take("hello")
    assert capsys.readouterr().out == "Hello.\nx on n\n"


def test_model_and_system_hold_from_now_on(service: FakeService, repl: Repl) -> None:
    for line in ("/model llama", "/system be brief", "hello"):
        repl.take(line)
    body = service.bodies(CHAT)[0]
    assert (body["model"], body["system"]) == ("llama", "be brief")


def test_a_model_that_nobody_lists_is_pointed_out(repl: Repl, capsys: pytest.CaptureFixture[str]) -> None:
    repl.take("/model lama")
    assert "No engine lists 'lama' now. Known: llama." in capsys.readouterr().err
    repl.take("/model Llama:latest")
    assert capsys.readouterr().err == ""


def test_retry_asks_the_same_again(service: FakeService, repl: Repl, capsys: pytest.CaptureFixture[str]) -> None:
    repl.take("/retry")
    assert "Nothing was asked yet" in capsys.readouterr().err
    repl.take("hello")
    repl.take("/retry")
    assert [body["message"] for body in service.bodies(CHAT)] == ["hello", "hello"]


@pytest.mark.parametrize("line", ["/open c9", "/open last", "/open"])
def test_an_earlier_conversation_goes_on_with_its_model(service: FakeService, repl: Repl, line: str) -> None:
    repl.take(line)
    repl.take("more")
    body = service.bodies(CHAT)[0]
    assert (body["conversation"], body["model"]) == ("c9", "llama")


def test_history_lists_and_searches(service: FakeService, repl: Repl, capsys: pytest.CaptureFixture[str]) -> None:
    repl.take("/history old words")
    assert "Old one" in capsys.readouterr().out
    assert service.asked[-1].query["q"] == "old words"


def test_a_conversation_is_saved_but_over_nothing(
    repl: Repl, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "talk.md"
    repl.take(f"/save {file}")
    assert "nothing to save" in capsys.readouterr().err
    repl.take("hello")
    repl.take(f"/save {file}")
    assert file.read_text() == "# Old one\n\n## User\n\nHi\n"
    repl.take(f"/save {file}")
    assert "exists already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("/modle", "Did you mean /model"),
        ("/xyzzy", "Try /help."),
        ("see @gone.py", "no file 'gone.py'"),
        ("/save", "Name a file"),
    ],
)
def test_what_cannot_be_done_is_said_and_the_talk_goes_on(
    repl: Repl, capsys: pytest.CaptureFixture[str], line: str, words: str
) -> None:
    assert repl.take(line)
    assert words in capsys.readouterr().err


def test_an_error_of_the_service_does_not_end_the_talk(
    service: FakeService, repl: Repl, capsys: pytest.CaptureFixture[str]
) -> None:
    service.on(CHAT, refusal("No engine is up.", status=503))
    assert repl.take("hello")
    assert "No engine is up." in capsys.readouterr().err


def test_exit_ends_it(repl: Repl) -> None:
    assert not repl.take("/exit")


def test_paths_complete_like_in_a_shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a.py").write_text("")
    (tmp_path / "setup.py").write_text("")
    (tmp_path / ".env").write_text("")
    assert paths_beginning("s") == ["setup.py", "src/"]
    assert paths_beginning("src/") == ["src/a.py"]
    assert paths_beginning("") == ["setup.py", "src/"]
    assert paths_beginning(".e") == [".env"]
    assert paths_beginning("gone/") == []


# --- On a terminal -------------------------------------------------------------------------------------------------

# Makes the terminal the process's own, so that Ctrl-C reaches it as it does from a keyboard.
PROGRAM = "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); from potluck.cli import main; main()"
ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[A-Za-z]|\][^\x07]*\x07|[=>()][0-9A-B]?)|\r")


@dataclass
class Terminal:
    """What a person sees and types."""

    handle: int
    process: subprocess.Popen[bytes]
    raw: str = ""
    seen: int = 0

    def type(self, text: str) -> None:
        os.write(self.handle, text.encode())

    @property
    def screen(self) -> str:
        return ESCAPES.sub("", self.raw)

    def expect(self, text: str) -> None:
        """Wait until the text appears below what was expected before."""
        deadline = time.monotonic() + DEADLINE_S
        while (place := self.screen.find(text, self.seen)) < 0:
            if not self.read(deadline):
                pytest.fail(f"{text!r} did not appear in {self.screen[self.seen :]!r}")
        self.seen = place + len(text)

    def read(self, deadline: float) -> bool:
        """Read what there is; False at the deadline and at the end."""
        readable, _, _ = select.select([self.handle], [], [], max(0.0, deadline - time.monotonic()))
        try:
            piece = os.read(self.handle, 65536) if readable else b""
        except OSError:  # Linux says so when the last program on the terminal is gone
            piece = b""
        self.raw += piece.decode("utf-8", "replace")
        return bool(piece)

    def end(self) -> int:
        """Wait for the program's end; its exit code."""
        deadline = time.monotonic() + DEADLINE_S
        while self.read(deadline):
            pass
        return self.process.wait(DEADLINE_S)


@contextmanager
def terminal(*arguments: str, term: str = "xterm") -> Iterator[Terminal]:
    ours, theirs = pty.openpty()
    clean = {name: value for name, value in os.environ.items() if not name.startswith("POTLUCK_")}
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        # This terminal does not answer when it is asked where its cursor is.
        env={**clean, "TERM": term, "PROMPT_TOOLKIT_NO_CPR": "1", "COLUMNS": "80", "LINES": "24"},
    )
    os.close(theirs)
    try:
        yield Terminal(ours, process)
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def test_a_whole_talk_on_a_terminal(service: FakeService, tmp_path: Path) -> None:
    with terminal("chat", "--url", service.url, "--key", "k", "--data", str(tmp_path)) as screen:
        screen.expect("/help shows the commands")
        screen.expect(">")

        service.on(CHAT, answer("**Hel", "lo.**\n\nBye", "."))
        screen.type("hello\r")
        screen.expect("Hello.")
        screen.expect("Bye.")
        screen.expect("x on n")
        screen.expect(">")
        assert "**" not in screen.screen.rpartition("Hello.")[2]

        service.on(CHAT, answer("Once upon", end=False))
        screen.type("a story\r")
        screen.expect("Once upon")
        screen.type("\x03")
        screen.expect("(stopped)")
        assert service.left.wait(DEADLINE_S)

        screen.expect(">")
        screen.type("half a line\x03")
        screen.expect(">")
        screen.type("/model\r")
        screen.expect("Model: chosen by Potluck")

        screen.expect(">")
        screen.type("\x04")
        assert screen.end() == 0
    assert "Traceback" not in screen.screen
    history = tmp_path / "chat_history"
    assert "+a story" in history.read_text()
    assert history.stat().st_mode & 0o777 == 0o600


def test_a_dumb_terminal_gets_plain_text(service: FakeService) -> None:
    service.on(CHAT, answer("**Hi** \x1b]0;title\x07there"))
    with terminal("chat", "hello", "--url", service.url, "--key", "k", term="dumb") as screen:
        assert screen.end() == 0
    assert screen.raw == "**Hi** ]0;titlethere\r\n"


def test_a_models_text_cannot_command_the_terminal(service: FakeService) -> None:
    service.on(CHAT, answer("a\x1b]0;owned\x07b\n\n`\x1b[2J`\n"))
    with terminal("chat", "hello", "--url", service.url, "--key", "k") as screen:
        assert screen.end() == 0
    assert "\x1b]0;" not in screen.raw
    assert "\x1b[2J" not in screen.raw


def test_ctrl_c_stops_a_single_question_cleanly(service: FakeService) -> None:
    service.on(CHAT, answer("Once upon", end=False))
    process = subprocess.Popen(
        [sys.executable, "-m", "potluck.cli", "chat", "hello", "--url", service.url, "--key", "k"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.read(9) == b"Once upon"
    process.send_signal(signal.SIGINT)
    rest, errors = process.communicate(timeout=DEADLINE_S)
    assert (process.returncode, rest, errors) == (130, b"\n", b"")
    assert service.left.wait(DEADLINE_S)

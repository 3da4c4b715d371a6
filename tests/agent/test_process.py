"""The agent as a process on this very machine: it starts, answers, guards itself and ends."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from potluck.core.reading import impossible
from potluck.wire.agent import read_reading
from tests.agent.process import agent

KEY = "0123456789abcdef0123456789abcdef"


def get(url: str, key: str = "") -> bytes:
    request = Request(url, headers={"authorization": f"Bearer {key}"} if key else {})
    with urlopen(request, timeout=20) as reply:
        return reply.read()


def refused(*arguments: str, key: str = "") -> tuple[int, str]:
    ended = subprocess.run(
        [sys.executable, "-m", "potluck.cli", "agent", "--port", "0", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "POTLUCK_AGENT_KEY": key},
    )
    assert ended.stdout == ""
    return ended.returncode, ended.stderr


def test_it_tells_of_this_machine_and_ends_when_told() -> None:
    with agent() as url:
        reading = read_reading(get(f"{url}/reading"))
        assert get(f"{url}/metrics").startswith(b"# HELP potluck_agent_")
    assert impossible(reading) == ""
    assert reading.memory.total_bytes
    assert reading.cpu.cores
    assert reading.disks


def test_a_key_is_needed_to_listen_to_other_machines(tmp_path: Path) -> None:
    code, why = refused("--host", "0.0.0.0")
    assert code == 1
    assert "needs a key" in why
    file = tmp_path / "agent.key"
    file.write_text(KEY + "\n")
    with agent("--host", "0.0.0.0", "--key-file", str(file)) as url:
        here = url.replace("0.0.0.0", "127.0.0.1")
        with pytest.raises(HTTPError, match="401"):
            get(f"{here}/reading")
        assert json.loads(get(f"{here}/reading", KEY))["memory"]


def test_the_key_may_stand_in_the_environment() -> None:
    with agent(key=KEY) as url, pytest.raises(HTTPError, match="401"):
        get(f"{url}/reading", "another-key-of-some-length")


@pytest.mark.parametrize(
    ("arguments", "key", "words"),
    [
        ((), "short", "at least 16"),
        ((), "with spaces in between", "without spaces"),
        (("--key-file", "/nowhere/agent.key"), "", "cannot be read"),
        (("--key-file", "/dev/null"), "", "needs a key"),
        (("--host", "192.0.2.1"), KEY, "Cannot listen on 192.0.2.1"),
        (("--host", "no.such.host.invalid"), KEY, "no such address"),
    ],
)
def test_what_cannot_be_is_said_in_a_line(arguments: tuple[str, ...], key: str, words: str) -> None:
    code, why = refused(*arguments, key=key)
    assert code == 1
    assert words in why
    assert why.count("\n") == 1
    assert key == "" or key not in why


def test_who_says_nothing_or_too_much_holds_nobody_up() -> None:
    with agent() as url:
        host, port = url.removeprefix("http://").split(":")
        with (
            socket.create_connection((host, int(port)), timeout=20) as silent,
            socket.create_connection((host, int(port)), timeout=20) as loud,
        ):
            silent.sendall(b"GET /rea")
            loud.sendall(b"GET / HTTP/1.1\r\nx: " + b"y" * 60_000)
            assert get(f"{url}/healthz") == b'{"status": "ok"}'


def test_it_pays_for_no_gateway() -> None:
    code = "import sys, potluck.cli.agentline, potluck.cli.agenting; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    own = {name for name in modules if name.startswith("potluck.")}
    assert own <= {
        *("potluck.agent", "potluck.cli", "potluck.core"),
        *(
            f"potluck.agent.{name}"
            for name in ("announce", "exposition", "files", "gpus", "http", "main", "nvml", "options")
        ),
        *(f"potluck.agent.{name}" for name in ("parse", "reader", "sampler", "sensors")),
        *(f"potluck.cli.{name}" for name in ("agenting", "agentline", "failure", "quick")),
        *(f"potluck.core.{name}" for name in ("errors", "model", "proving", "reading")),
    }
    assert not {"aiohttp", "typer", "msgspec", "http.server", "zeroconf"} & set(modules)

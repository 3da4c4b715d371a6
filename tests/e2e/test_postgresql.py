"""The service with its state in PostgreSQL, which goes away and comes back."""

from __future__ import annotations

import json
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.processes import Service, fake, service
from tests.servers.postgresql import postgres

CONFIG = """
local: false
discovery: {{mdns: false}}
portal: {{titles: false}}
storage: {{database: "{database}"}}
nodes: {{a: {{address: 127.0.0.1, engines: [{{kind: openai, port: {port}}}]}}}}
"""


def ask(running: Service, path: str, body: dict[str, Any]) -> Any:
    request = urllib.request.Request(
        running.url + path, json.dumps(body).encode(), {"authorization": f"Bearer {running.key}"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def test_inference_and_chats_go_on_while_postgresql_is_away_and_nothing_is_forgotten(tmp_path: Path) -> None:
    openai = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}
    chat = {"message": "hello", "model": "m", "stream": False}
    with postgres("postgresql-newest") as server, fake("--dialect", "openai", "--model", "m") as engine:
        config = tmp_path / "potluck.yaml"
        config.write_text(CONFIG.format(database=server.new_database(), port=engine.port))
        with service(tmp_path, "--config", str(config)) as running:
            before = ask(running, "/api/v1/chat", chat)["conversation"]
            assert not (running.data / "potluck.db").exists()

            server.stop(signal.SIGKILL)
            answers = [ask(running, "/v1/chat/completions", openai)["id"] for _ in range(3)]
            assert len(set(answers)) == 3
            assert ask(running, "/api/v1/chat", {**chat, "conversation": before})["conversation"] == before
            during = ask(running, "/api/v1/chat", chat)["conversation"]
            with pytest.raises(urllib.error.HTTPError) as refused:  # only the database knows these
                running.get("/api/v1/conversations")
            assert refused.value.code == 503
            assert refused.value.headers["retry-after"]
            assert "PostgreSQL" in json.load(refused.value)["error"]["message"]

            server.start()
            come(lambda: kept_of(running, before))
            server.stop(signal.SIGKILL)
            last = ask(running, "/api/v1/chat", {**chat, "conversation": during})["conversation"]
            running.process.kill()
            running.process.wait()

        server.start()
        with service(tmp_path, "--config", str(config)) as running:
            pair = ["user", "assistant"]
            for conversation in (before, last):
                come(lambda asked=conversation: kept_of(running, asked))
                kept = kept_of(running, conversation)["messages"]
                assert [each["role"] for each in kept] == pair * 2
                assert [each["parent"] for each in kept] == [None, *(each["id"] for each in kept[:-1])]
            asked = [each["id"] for each in running.get("/api/v1/requests?limit=100")["requests"]]
            assert len(asked) == len(set(asked)) == 7


def kept_of(running: Service, conversation: str) -> Any:
    try:
        return running.get(f"/api/v1/conversations/{conversation}")
    except urllib.error.HTTPError:
        return None


def come(look: Callable[[], Any]) -> Any:
    """What a look finds, once it finds something."""
    ends = time.monotonic() + 60
    while time.monotonic() < ends:
        if found := look():
            return found
        time.sleep(0.1)
    raise AssertionError("it never came")

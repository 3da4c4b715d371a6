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
storage: {{database: "{database}"}}
nodes: {{a: {{address: 127.0.0.1, engines: [{{kind: openai, port: {port}}}]}}}}
"""


def ask(running: Service, path: str, body: dict[str, Any]) -> Any:
    request = urllib.request.Request(
        running.url + path, json.dumps(body).encode(), {"authorization": f"Bearer {running.key}"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def test_inference_goes_on_while_postgresql_is_away_and_nothing_of_it_is_forgotten(tmp_path: Path) -> None:
    openai = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}
    with postgres("postgresql-newest") as server, fake("--dialect", "openai", "--model", "m") as engine:
        config = tmp_path / "potluck.yaml"
        config.write_text(CONFIG.format(database=server.new_database(), port=engine.port))
        with service(tmp_path, "--config", str(config)) as running:
            told = ask(running, "/api/v1/chat", {"message": "hello", "model": "m", "stream": False})
            assert not (running.data / "potluck.db").exists()

            server.stop(signal.SIGKILL)
            answers = [ask(running, "/v1/chat/completions", openai)["id"] for _ in range(3)]
            assert len(set(answers)) == 3
            with pytest.raises(urllib.error.HTTPError) as refused:  # a chat that cannot be kept is not taken
                ask(running, "/api/v1/chat", {"message": "again", "model": "m", "stream": False})
            assert refused.value.code == 503
            assert refused.value.headers["retry-after"]
            assert "PostgreSQL" in json.load(refused.value)["error"]["message"]

            server.start()
            kept = come(lambda: kept_of(running, told["conversation"]))
            assert [each["role"] for each in kept["messages"]] == ["user", "assistant"]
            come(lambda: len(running.get("/api/v1/requests")["requests"]) >= 4)


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

"""Records what Open WebUI sends: ``python -m tests.e2e.record_open_webui PROGRAM``.

Not among the clients that are installed on demand: with its dependencies it has gigabytes. ``PROGRAM`` is the
``open-webui`` of an environment of its own; what is recorded comes from version 0.12.4.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError

from tests.e2e.outside import Outside, refusing
from tests.e2e.processes import OLLAMA_MODEL, OPENAI_MODEL, Service, fronted
from tests.e2e.record import RECORDED, cleaner, fixtures
from tests.e2e.scenarios import PNG
from tests.e2e.tap import Tap, tapping

START_S = 240


def main(program: str) -> None:
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        outside = stack.enter_context(refusing())
        service = stack.enter_context(fronted(directory)).service
        tap = stack.enter_context(tapping(service.url))
        address = stack.enter_context(serving(program, directory, tap, service, outside))
        use(address)
        made = fixtures("open-webui", tap.exchanges, cleaner(tap, service.key, directory), set())
        print(outside.wanted or "nothing was asked of the outside")
    for old in RECORDED.glob("open-webui-*.json"):
        old.unlink()
    for name, fixture in made.items():
        (RECORDED / name).write_text(json.dumps(fixture, indent=1, ensure_ascii=False) + "\n")
    print(f"open-webui: {len(made)}")


@contextmanager
def serving(program: str, directory: Path, tap: Tap, service: Service, outside: Outside) -> Iterator[str]:
    """Open WebUI without a login, set up as the guide says; gives its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (directory / "webui").mkdir()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(directory),
        "DATA_DIR": str(directory / "webui"),
        "OPENAI_API_BASE_URLS": f"{tap.url}/v1",
        "OPENAI_API_KEYS": service.key,
        "OLLAMA_BASE_URLS": tap.url,
        "OLLAMA_API_CONFIGS": json.dumps({"0": {"enable": True, "key": service.key}}),
        "WEBUI_AUTH": "False",
        "WEBUI_SECRET_KEY": "tests",
        "OFFLINE_MODE": "true",
        "RAG_EMBEDDING_ENGINE": "ollama",
        "ENABLE_VERSION_UPDATE_CHECK": "false",
        **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), outside.url),
        **dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1,localhost"),
    }
    command = [program, "serve", "--host", "127.0.0.1", "--port", str(port)]
    with (directory / "webui.log").open("w") as log:
        process = subprocess.Popen(command, env=environment, cwd=directory, stdout=log, stderr=log)
        try:
            wait_for(f"http://127.0.0.1:{port}")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(30)


def wait_for(address: str) -> None:
    until = time.monotonic() + START_S
    while True:
        try:
            call(address, "/health")
        except (URLError, ConnectionError):
            if time.monotonic() > until:
                raise
            time.sleep(1)
        else:
            return


def use(address: str) -> None:
    """Load the page, chat both ways with models of both kinds, let it make titles and tags, show it an image."""
    token = call(address, "/api/v1/auths/signin", {"email": "", "password": ""})["token"]
    call(address, "/api/models", token=token)
    for path in ("/ollama/api/ps", "/ollama/api/version", "/ollama/api/tags"):
        call(address, path, token=token)
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
    talk = [{"role": "user", "content": "soup?"}, {"role": "assistant", "content": "bread"}]
    params = {"temperature": 0.5, "max_tokens": 50}
    for model in (OLLAMA_MODEL, OPENAI_MODEL):
        for stream in (True, False):
            asked = {"model": model, "stream": stream, "messages": talk[:1], "params": params}
            call(address, "/api/chat/completions", asked, token)
        for task in ("title", "tags"):
            call(address, f"/api/v1/tasks/{task}/completions", {"model": model, "messages": talk}, token)
        seen = {"role": "user", "content": [{"type": "text", "text": "What is this?"}, image]}
        call(address, "/api/chat/completions", {"model": model, "stream": False, "messages": [seen]}, token)


def call(address: str, path: str, body: Any = None, token: str = "") -> Any:
    data = None if body is None else json.dumps(body).encode()
    headers = {"content-type": "application/json", "authorization": f"Bearer {token}"}
    with urllib.request.urlopen(urllib.request.Request(address + path, data, headers), timeout=60) as answer:
        text = answer.read()
    return json.loads(text) if text.startswith((b"{", b"[")) else text


if __name__ == "__main__":
    main(sys.argv[1])

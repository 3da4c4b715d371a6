"""A real OpenID Connect provider for tests, and somebody who signs in there in a browser."""

from __future__ import annotations

import html
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.servers.canaille_process import PASSWORD

_ROOT = Path(__file__).parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def provider(port: int, redirect_uri: str) -> Iterator[str]:
    """Canaille on ``port``, with a client that may be sent back to ``redirect_uri``; its issuer."""
    command = [sys.executable, "-m", "tests.servers.canaille_process", str(port), redirect_uri]
    with subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n", "the provider did not start"
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def consented(browser: httpx.Client, page: httpx.Response, name: str, *, answer: str = "accept") -> httpx.Response:
    """Go through the provider's forms as ``name`` until it sends the browser back: that answer, not followed."""
    fields = {"login": name, "password": PASSWORD, "answer": answer}
    for _ in range(20):
        if page.is_redirect:
            where = page.url.join(page.headers["location"])
            if where.path.endswith("/oidc/callback"):
                return page
            page = browser.get(where)
            continue
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)
        token = {"csrf_token": html.unescape(found[1])} if found else {}
        known = {field: value for field, value in fields.items() if f'name="{field}"' in page.text}
        assert known, f"no form that is known: {page.status_code} {page.url} {page.text[:2000]}"
        page = browser.post(page.url, data={**token, **known})
    raise AssertionError("the provider asks for ever")

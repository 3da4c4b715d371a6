"""The portal in a real Chromium, in front of a running Potluck with two fake engines that have the same models.

One browser and one service are there for the whole folder: to start them costs more than most tests do. So no test may
take for granted that it is the first, or that it is not.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.e2e.processes import Fake, Service, fake, service

MODEL = "llama3.2:3b"
SEES = "qwen-vl:3b"
QUICK = "quick:1b"
"""Both engines have these. They write as fast as somebody reads, so that there is a middle of an answer; the second one
takes pictures, the third one writes at once."""

DRAWS = "sd_v1-5"
"""What the image engine draws with: slowly enough that there is a middle of a picture."""

PHONE: Mapping[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}

_DIST = Path(__file__).parents[3] / "src" / "potluck" / "portal" / "dist"
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
# What a browser says of a request that was meant to fail, or of a network that was taken away.
_EXPECTED = re.compile(
    r"Failed to load resource|ERR_INTERNET_DISCONNECTED|ERR_CONNECTION_REFUSED|Service Worker registration blocked"
)


# CI's machine is slow: what is not there by then is not coming.
expect.set_options(timeout=20_000)


@dataclass(frozen=True, slots=True)
class Portal:
    """A running service with a built portal. ``engines`` that write, by the names of their nodes; one that draws."""

    service: Service
    engines: Mapping[str, Fake]
    draws: Fake

    @property
    def url(self) -> str:
        return self.service.url

    def asked(self, text: str) -> list[dict[str, Any]]:
        """The chat requests whose last message has a text in it, of all engines."""
        found = []
        for engine in self.engines.values():
            for request in engine.requests():
                body = json.loads(request.get("body") or "null") if request["path"] == "/api/chat" else None
                if body and text in body["messages"][-1]["content"]:
                    found.append(body)
        return found

    def busy_at(self, engine: Fake) -> int:
        return sum(model["busy"] for model in engine.control("GET", "/fake/state")["models"].values())

    def busy(self) -> int:
        return sum(self.busy_at(engine) for engine in self.engines.values())


def _chromium() -> str | None:
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def _missing(what: str) -> None:
    """At home these tests are left out, loudly; in CI they are had."""
    if os.environ.get("CI"):
        pytest.fail(f"THE PORTAL IS NOT TESTED: {what}")
    pytest.skip(f"THE PORTAL IS NOT TESTED: {what}")


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """For this folder alone: as long as it is there Playwright's event loop runs in this thread, and other tests could
    have none of their own."""
    program = _chromium()
    if program is None:
        _missing("there is no Chromium (apt install chromium)")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=program, headless=True, args=_FLAGS)
        yield launched
        launched.close()


@contextmanager
def portal_at(home: Path, models: Sequence[str]) -> Iterator[Portal]:
    """A service in front of two fake Ollamas, ``agx0`` and ``orin0``, that both have all ``models``, and of a fake
    ComfyUI, ``desk``."""
    if not (_DIST / "files.json").is_file():
        _missing("it is not built (make web)")
    arguments = [word for model in models for word in ("--model", model)]
    with ExitStack() as stack:
        engines = {name: stack.enter_context(fake("--dialect", "ollama", *arguments)) for name in ("agx0", "orin0")}
        draws = stack.enter_context(fake("--dialect", "comfyui", "--model", f"{DRAWS}.safetensors,step_s=0.4"))
        lines = [
            f"  {name}: {{address: 127.0.0.1, engines: [{{kind: ollama, port: {engine.port}, slots: 2}}]}}"
            for name, engine in engines.items()
        ]
        lines += [
            f"  desk: {{address: 127.0.0.1, engines: [{{kind: comfyui, port: {draws.port}}}]}}",
            "local: false",
            "discovery: {mdns: false}",
            "portal: {titles: false}",
        ]
        config = home / "potluck.yaml"
        config.write_text("\n".join(["nodes:", *lines]) + "\n")
        yield Portal(stack.enter_context(service(home, "--config", str(config))), engines, draws)


@pytest.fixture(scope="package")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    able = "resident=true,prefill=0,context=32768"
    models = (
        f"{MODEL},{able},decode=60,capabilities=completion+tools",
        f"{SEES},{able},decode=60,capabilities=completion+vision",
        f"{QUICK},{able},decode=600,capabilities=completion+tools+insert",
    )
    with portal_at(tmp_path_factory.mktemp("portal"), models) as running:
        yield running


@dataclass(frozen=True, slots=True)
class Console:
    """What a context's pages complain of."""

    complaints: list[str]

    def silent(self) -> None:
        assert [each for each in self.complaints if not _EXPECTED.search(each)] == []


@contextmanager
def signed_in(browser: Browser, portal: Portal, **options: Any) -> Iterator[BrowserContext]:
    """A browser's context with the owner's session. What its pages complain of in the console is a failure."""
    context = browser.new_context(**{"base_url": portal.url, "service_workers": "block", **options})
    console = listening(context)
    try:
        answer = context.request.post("/api/v1/sessions", headers={"authorization": f"Bearer {portal.service.key}"})
        assert answer.ok, answer.text()
        yield context
    finally:
        context.close()
    console.silent()


def listening(context: BrowserContext) -> Console:
    console = Console([])
    context.on(
        "console", lambda said: console.complaints.append(said.text) if said.type in {"error", "warning"} else None
    )
    context.on("weberror", lambda error: console.complaints.append(f"{error.error.message}\n{error.error.stack}"))
    return console


@pytest.fixture(scope="module")
def context(browser: Browser, portal: Portal) -> Iterator[BrowserContext]:
    """One for the tests of a file: its pages find the portal's files in its cache."""
    with signed_in(browser, portal, viewport={"width": 1280, "height": 800}) as made:
        yield made


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    console = listening(context)
    made = context.new_page()
    made.set_default_timeout(20_000)
    yield made
    context.set_offline(False)
    made.close()
    console.silent()

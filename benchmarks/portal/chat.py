"""The portal's chat view in front of Potluck and the fake engine, which says what it is told at a steady rate."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from benchmarks.portal.answer import answer
from playwright.async_api import BrowserContext, Page
from tests.e2e.processes import Fake, Service, fake, service

_MODEL = "talker:8b"


@dataclass(frozen=True, slots=True)
class House:
    """A service, its process, and the engine behind it."""

    service: Service
    process: psutil.Process
    engine: Fake

    @property
    def url(self) -> str:
        return self.service.url

    def cpu_s(self) -> float:
        spent = self.process.cpu_times()
        return spent.user + spent.system

    def busy(self) -> bool:
        """Whether the engine works on anything."""
        return any(model["busy"] for model in self.engine.control("GET", "/fake/state")["models"].values())


@contextmanager
def house(home: Path, rate: int) -> Iterator[House]:
    """Potluck with one engine that says ``rate`` tokens a second."""
    with ExitStack() as stack:
        able = f"{_MODEL},context=65536,capabilities=completion,decode={rate}"
        engine = stack.enter_context(fake("--dialect", "ollama", "--num-ctx", "65536", "--model", able))
        home.mkdir(parents=True)
        config = home / "potluck.yaml"
        config.write_text(
            "nodes:\n"
            f"  one: {{address: 127.0.0.1, engines: [{{kind: ollama, port: {engine.port}, slots: 4}}]}}\n"
            "local: false\n"
            "discovery: {mdns: false}\n"
        )
        running = stack.enter_context(service(home, "--config", str(config)))
        yield House(running, psutil.Process(running.process.pid), engine)


async def signed_in(context: BrowserContext, running: Service) -> None:
    """Give a browser the owner's session."""
    asked = await context.request.post(
        f"{running.url}/api/v1/sessions",
        headers={"authorization": f"Bearer {running.key}", "origin": running.url},
    )
    assert asked.ok, await asked.text()


async def ready(page: Page, running: Service, tokens: int) -> None:
    """The answer has begun: the fake engine says what follows ``say:``."""
    await page.goto(f"{running.url}/chat")
    composer = page.locator("textarea").first
    await composer.fill(f"say: {answer(tokens)}")
    await composer.press("Enter")
    await page.wait_for_selector("article[aria-busy=true] .markdown", timeout=60_000)


async def play(page: Page, wait_ms: float) -> None:
    """Wait until all is there."""
    await page.wait_for_selector("article[aria-busy=true]", state="detached", timeout=wait_ms)


def warm(running: Service) -> None:
    """One short answer, so that the model is in memory."""
    body = f'{{"model": "{_MODEL}", "messages": [{{"role": "user", "content": "say: hello"}}]}}'.encode()
    request = urllib.request.Request(
        f"{running.url}/v1/chat/completions",
        data=body,
        headers={"authorization": f"Bearer {running.key}", "content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as reply:
        reply.read()

"""What opening the portal's chat costs a browser, and how it answers to keys: each load in a browser of its own."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from statistics import median
from typing import Any
from urllib.parse import urlsplit

from benchmarks.portal import chat
from benchmarks.portal.answer import answer
from playwright.async_api import Browser, BrowserContext, Page

_DESK: Any = {"viewport": {"width": 1280, "height": 800}}
_PHONE: Any = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
_LOADS = 3
_PATIENCE_MS = 60_000

# Ready: the composer takes keys, and the models that can be asked are known.
_WATCH = """
(() => {
  const seen = (window.__load = { ready: 0, blocked: 0, longest: 0, said: 0, told: 0 });
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) {
      seen.blocked += duration - 50;
      seen.longest = Math.max(seen.longest, duration);
    }
  }).observe({ type: "longtask", buffered: true });
  const look = () => {
    const field = document.querySelector("main textarea:enabled");
    if (field && document.querySelector("main button[aria-label^='Model:']")) seen.ready ||= performance.now();
    const answers = document.querySelectorAll("article .markdown");
    if (seen.said && answers.length && answers[answers.length - 1].textContent !== "") seen.told ||= performance.now();
    if (!seen.ready || (seen.said && !seen.told)) requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
  addEventListener("keydown", ({ key }) => {
    if (key !== "Enter" || seen.said) return;
    seen.said = performance.now();
    requestAnimationFrame(look);
  }, true);
})();
"""
_PAINTED = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0"
_ELEMENTS = "() => document.querySelectorAll('*').length"
_FOCUSED = "() => document.activeElement?.tagName === 'TEXTAREA'"
_MOVING = "() => document.getAnimations().filter((each) => each.playState === 'running').length"
# A field is as large as its label around it; a link in a sentence is as high as its line (WCAG 2.2, 2.5.8).
_SMALL = """
() => [...document.querySelectorAll("a[href], button, input, select, textarea, [role=button], [role=tab]")]
  .filter((each) => {
    if (!each.checkVisibility({ visibilityProperty: true })) return false;
    if (each.matches("a") && getComputedStyle(each).display === "inline") return false;
    const { width, height } = (each.closest("label") ?? each).getBoundingClientRect();
    return Math.min(width, height) > 1 && Math.min(width, height) < 24;
  }).length
"""
_HEADERS = ("content-security-policy", "x-content-type-options", "x-frame-options", "referrer-policy")
_PHONE_VIEWS = ("/", "/chat", "/code", "/images", "/nodes", "/admin/people", "/admin/settings", "/settings/account")


class Network:
    """What a page asks for and what comes, by kind. What the browser has kept is not asked for."""

    def __init__(self) -> None:
        self.asked: dict[str, tuple[str, str]] = {}
        self.kept: set[str] = set()
        self.wire: Counter[str] = Counter()
        self.decoded: Counter[str] = Counter()

    def begun(self, event: Mapping[str, Any]) -> None:
        self.asked[event["requestId"]] = (event.get("type", "Other"), event["request"]["url"])

    def cached(self, event: Mapping[str, Any]) -> None:
        self.kept.add(event["requestId"])

    def answered(self, event: Mapping[str, Any]) -> None:
        reply = event["response"]
        if reply.get("fromDiskCache") or reply.get("fromPrefetchCache"):
            self.kept.add(event["requestId"])
        self.wire[event["requestId"]] += int(reply.get("encodedDataLength") or 0)  # the headers

    def data(self, event: Mapping[str, Any]) -> None:
        self.wire[event["requestId"]] += int(event.get("encodedDataLength") or 0)
        self.decoded[event["requestId"]] += int(event.get("dataLength") or 0)

    def told(self) -> dict[str, Any]:
        """Kilobytes are of 1,000 bytes, headers of answers among them."""
        asked = {
            each: said for each, said in self.asked.items() if each not in self.kept and said[1].startswith("http")
        }

        def kb(counted: Counter[str], kind: str = "") -> float:
            return round(sum(counted[each] for each in asked if not kind or asked[each][0] == kind) / 1000, 1)

        return {
            "wire_kb": kb(self.wire),
            "decoded_kb": kb(self.decoded),
            "js_wire_kb": kb(self.wire, "Script"),
            "js_decoded_kb": kb(self.decoded, "Script"),
            # The first styles come in the page itself.
            "css_wire_kb": round(kb(self.wire, "Stylesheet") + kb(self.wire, "Document"), 1),
            "font_wire_kb": kb(self.wire, "Font"),
            "requests": len(asked),
            "hosts": sorted({urlsplit(url).netloc for _, url in asked.values()}),
        }


async def loading(browser: Browser, house: chat.House) -> dict[str, Any]:
    """Everything that is told of a load. The house is warm."""
    found: dict[str, Any] = {}
    for slow in (1, 4):
        loads = [await _load(browser, house, slow) for _ in range(_LOADS)]
        for name in ("fcp_ms", "ready_ms", "blocked_ms", "longest_ms", "heap_mb", "warm_ready_ms", "first_token_ms"):
            found[f"{name}_{slow}x"] = round(median(each[name] for each in loads), 1)
        found |= {name: loads[-1][name] for name in ("cold", "warm", "nodes", "focused", "headers")}
    found["keys"] = await _keys(browser, house)
    found["phone"] = await _phone(browser, house)
    return found


async def _context(browser: Browser, house: chat.House, options: Any) -> BrowserContext:
    # Without the worker that keeps the portal for days without a network: what the network costs is asked.
    context = await browser.new_context(base_url=house.url, service_workers="block", **options)
    await chat.signed_in(context, house.service)
    await context.add_init_script(_WATCH)
    return context


async def _load(browser: Browser, house: chat.House, slow: int) -> dict[str, Any]:
    """A first load, an answer in it, and another load with what the browser has kept."""
    context = await _context(browser, house, _DESK)
    try:
        page = await context.new_page()
        session = await context.new_cdp_session(page)
        await session.send("Network.enable")
        await session.send("Performance.enable")
        await session.send("Emulation.setCPUThrottlingRate", {"rate": slow})

        async def opened() -> tuple[Network, Any, dict[str, str]]:
            network = Network()
            hears = {
                "Network.requestWillBeSent": network.begun,
                "Network.requestServedFromCache": network.cached,
                "Network.responseReceived": network.answered,
                "Network.dataReceived": network.data,
            }
            for event, heard in hears.items():
                session.on(event, heard)
            reply = await page.goto("/chat", wait_until="load")
            assert reply is not None
            while not (seen := await page.evaluate("() => __load"))["ready"]:
                await asyncio.sleep(0.25)  # to be asked takes the page time, too
            await asyncio.sleep(1.0)  # what comes after it counts too
            for event, heard in hears.items():
                session.remove_listener(event, heard)
            return network, {**(await page.evaluate("() => __load")), "ready": seen["ready"]}, await reply.all_headers()

        network, seen, headers = await opened()
        painted = await page.evaluate(_PAINTED)
        await session.send("HeapProfiler.collectGarbage")
        metrics = {each["name"]: each["value"] for each in (await session.send("Performance.getMetrics"))["metrics"]}
        found = {
            "fcp_ms": painted,
            "ready_ms": seen["ready"],
            "blocked_ms": seen["blocked"],
            "longest_ms": seen["longest"],
            "nodes": await page.evaluate(_ELEMENTS),
            "heap_mb": metrics["JSHeapUsedSize"] / 1e6,
            "focused": await page.evaluate(_FOCUSED),
            "headers": [name for name in _HEADERS if headers.get(name)],
            "cold": network.told(),
        }
        found["first_token_ms"] = await _first_token(page)
        network, seen, _ = await opened()
        return {**found, "warm": network.told(), "warm_ready_ms": seen["ready"]}
    finally:
        await context.close()


async def _first_token(page: Page) -> float:
    await page.locator("main textarea").first.fill("say: hello")
    await page.keyboard.press("Enter")
    while not (seen := await page.evaluate("() => __load"))["told"]:
        await asyncio.sleep(0.25)
    await page.goto("/chat")
    return float(seen["told"] - seen["said"])


async def _keys(browser: Browser, house: chat.House) -> dict[str, Any]:
    """Who has no mouse, and who wants nothing to move."""
    context = await _context(browser, house, {**_DESK, "reduced_motion": "reduce"})
    try:
        page = await context.new_page()
        await chat.ready(page, house.service, 2000)
        moving = 0
        for _ in range(10):
            moving = max(moving, await page.evaluate(_MOVING))
            await asyncio.sleep(0.1)
        kept = await page.evaluate(_FOCUSED)
        began = time.monotonic()
        await page.keyboard.press("Escape")
        while house.busy():
            await asyncio.sleep(0.01)
        stopped_ms = (time.monotonic() - began) * 1000
        await page.wait_for_selector("article[aria-busy=true]", state="detached", timeout=_PATIENCE_MS)
        whole = len(answer(2000))
        shown = len(await page.locator("article .markdown").last.inner_text())
        return {"moving": moving, "kept_after_send": kept, "stopped": shown < whole / 2, "stop_ms": round(stopped_ms)}
    finally:
        await context.close()


async def _phone(browser: Browser, house: chat.House) -> dict[str, int]:
    """Targets of less than 24 pixels in each view."""
    context = await _context(browser, house, _PHONE)
    try:
        page = await context.new_page()
        found = {}
        for path in _PHONE_VIEWS:
            await page.goto(path)
            await page.wait_for_selector("main h1")
            await asyncio.sleep(1.0)
            found[path] = await page.evaluate(_SMALL)
        return found
    finally:
        await context.close()

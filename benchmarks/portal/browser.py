"""Chromium, and what it tells of a page while an answer comes: work of its main thread, shifts, frames, nodes, heap."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from playwright.async_api import Browser, CDPSession, Page, async_playwright

_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# Watches before anything else runs. Frames are counted from one to the next, as somebody who looks would see them.
_WATCH = """
(() => {
  const seen = (window.__seen = { refused: 0 });
  window.__watch = () => {
    Object.assign(seen, { shift: 0, shifts: 0, moved: [], tasks: 0, blocked: 0, longest: 0, frame: 0 });
    last = 0;
    requestAnimationFrame(frame);
  };
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) {
      seen.shift += entry.value;
      seen.shifts += 1;
      seen.moved.push(...entry.sources.map((each) => each.node?.className || each.node?.nodeName));
    }
  }).observe({ type: "layout-shift", buffered: true });
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      seen.tasks += 1;
      seen.blocked += entry.duration - 50;
      seen.longest = Math.max(seen.longest, entry.duration);
    }
  }).observe({ type: "longtask", buffered: true });
  let last = 0;
  const frame = (now) => {
    if (last) seen.frame = Math.max(seen.frame, now - last);
    last = now;
    requestAnimationFrame(frame);
  };
  document.addEventListener("securitypolicyviolation", () => { seen.refused += 1; });
})();
"""


@asynccontextmanager
async def chromium(executable: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable, headless=True, args=_ARGUMENTS)
        try:
            yield browser
        finally:
            await browser.close()


class Wire:
    """Bytes of the streams that a page reads."""

    def __init__(self) -> None:
        self.received = 0
        self._streams: set[str] = set()

    def begun(self, event: dict[str, Any]) -> None:
        # The page's own pieces come once, whatever is streamed: they are counted by `npm run budget`.
        if event["response"]["mimeType"] in ("text/event-stream", "text/plain"):
            self._streams.add(event["requestId"])

    def data(self, event: dict[str, Any]) -> None:
        if event["requestId"] in self._streams:
            self.received += int(event.get("encodedDataLength") or event.get("dataLength") or 0)


async def watched(page: Page) -> tuple[CDPSession, Wire]:
    """Have a page watched from its beginning."""
    await page.add_init_script(_WATCH)
    session, wire = await page.context.new_cdp_session(page), Wire()
    session.on("Network.responseReceived", wire.begun)
    session.on("Network.dataReceived", wire.data)
    await session.send("Network.enable")
    return session, wire


async def measured(
    page: Page, watch: tuple[CDPSession, Wire], slow: int, tokens: int, play: Callable[[], Awaitable[None]]
) -> dict[str, Any]:
    """What ``play`` costs the page, at a ``slow``-fold processor; figures of time are for 1,000 tokens."""
    session, wire = watch
    # Seconds of the thread, not of the wall: what else the machine does must not count.
    await session.send("Performance.setTimeDomain", {"timeDomain": "threadTicks"})
    await session.send("Performance.enable")
    await session.send("Emulation.setCPUThrottlingRate", {"rate": slow})
    await page.evaluate("() => __watch()")
    before = await _metrics(session)
    await play()
    after = await _metrics(session)
    seen = await page.evaluate("() => __seen")
    await session.send("Emulation.setCPUThrottlingRate", {"rate": 1})
    await session.send("HeapProfiler.collectGarbage")
    heap = (await _metrics(session))["JSHeapUsedSize"]
    nodes = await page.evaluate("() => document.querySelectorAll('*').length")
    each = 1000 / tokens
    return {
        "cpu_s": round((after["TaskDuration"] - before["TaskDuration"]) * each, 2),
        "script_s": round((after["ScriptDuration"] - before["ScriptDuration"]) * each, 2),
        "layout_s": round((after["LayoutDuration"] - before["LayoutDuration"]) * each, 2),
        "style_s": round((after["RecalcStyleDuration"] - before["RecalcStyleDuration"]) * each, 2),
        "shift": round(seen["shift"], 4),
        "shifts": seen["shifts"],
        "moved": sorted({str(each) for each in seen["moved"]}),
        "long_tasks": seen["tasks"],
        "blocked_ms": round(seen["blocked"]),
        "longest_ms": round(seen["longest"]),
        "worst_frame_ms": round(seen["frame"]),
        "refused": seen["refused"],
        "nodes": nodes,
        "heap_mb": round(heap / 1e6, 1),
        "bytes_per_token": round(wire.received / tokens, 1),
    }


async def _metrics(session: CDPSession) -> dict[str, float]:
    return {each["name"]: each["value"] for each in (await session.send("Performance.getMetrics"))["metrics"]}

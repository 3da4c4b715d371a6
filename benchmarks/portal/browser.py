"""Chromium, and what it tells of a page while an answer comes: work of its main thread, shifts, frames, nodes, heap."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from playwright.async_api import Browser, Page, async_playwright

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
  const seen = (window.__seen = { shift: 0, shifts: 0, tasks: 0, blocked: 0, longest: 0, frame: 0, refused: 0 });
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) { seen.shift += entry.value; seen.shifts += 1; }
  }).observe({ type: "layout-shift", buffered: true });
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      seen.tasks += 1;
      seen.blocked += entry.duration - 50;
      seen.longest = Math.max(seen.longest, entry.duration);
    }
  }).observe({ type: "longtask", buffered: true });
  let last = 0;
  const frame = (now) => { if (last) seen.frame = Math.max(seen.frame, now - last); last = now; requestAnimationFrame(frame); };
  window.__watchFrames = () => { last = 0; seen.frame = 0; requestAnimationFrame(frame); };
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


async def watched(page: Page) -> None:
    """Have a page watched from its beginning."""
    await page.add_init_script(_WATCH)


async def measured(page: Page, slow: int, tokens: int, play: Callable[[], Awaitable[None]]) -> dict[str, float]:
    """What ``play`` costs the page, at a ``slow``-fold processor; figures of time are for 1,000 tokens."""
    session = await page.context.new_cdp_session(page)
    await session.send("Performance.enable")
    await session.send("Network.enable")
    received = 0

    def data(event: dict[str, Any]) -> None:
        nonlocal received
        received += int(event.get("encodedDataLength") or event.get("dataLength") or 0)

    session.on("Network.dataReceived", data)
    await session.send("Emulation.setCPUThrottlingRate", {"rate": slow})
    await page.evaluate("() => { Object.assign(__seen, {shift: 0, shifts: 0, tasks: 0, blocked: 0, longest: 0}); __watchFrames(); }")
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
        "task_s": round((after["TaskDuration"] - before["TaskDuration"]) * each, 2),
        "script_s": round((after["ScriptDuration"] - before["ScriptDuration"]) * each, 2),
        "layout_s": round((after["LayoutDuration"] - before["LayoutDuration"]) * each, 2),
        "style_s": round((after["RecalcStyleDuration"] - before["RecalcStyleDuration"]) * each, 2),
        "shift": round(seen["shift"], 4),
        "shifts": seen["shifts"],
        "long_tasks": seen["tasks"],
        "blocked_ms": round(seen["blocked"]),
        "longest_ms": round(seen["longest"]),
        "worst_frame_ms": round(seen["frame"]),
        "refused": seen["refused"],
        "nodes": nodes,
        "heap_mb": round(heap / 1e6, 1),
        "bytes_per_token": round(received / tokens, 1),
    }


async def _metrics(session: Any) -> dict[str, float]:
    return {each["name"]: each["value"] for each in (await session.send("Performance.getMetrics"))["metrics"]}

"""What the portal costs the browser: ``python -m benchmarks.portal``.

``--load`` opens the chat, cold and warm, and tries its keys. ``--page harness`` streams an answer to the renderer
alone, ``--page chat`` to the portal's chat view in front of Potluck and the fake engine, ``--page none`` not at all.
Each rate and each slow-down of the processor is played on the floor page too, in the same run: compare with that, for
the figures of one machine say nothing of another's.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.circumstances import circumstances
from benchmarks.portal import bars, chat, harness, loading
from benchmarks.portal.browser import chromium, measured, watched
from playwright.async_api import Browser, Page, ViewportSize

_DOCS = Path(__file__).parents[2] / "docs" / "reference" / "portal.md"
_VIEWPORT: ViewportSize = {"width": 1280, "height": 800}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--page", choices=("harness", "chat", "none"), default="harness")
    parser.add_argument("--load", action="store_true", help="how it loads, too")
    parser.add_argument("--docs", action="store_true", help="put all into docs/reference/portal.md")
    parser.add_argument("--tokens", type=int, default=2000)
    parser.add_argument("--rates", type=int, nargs="+", default=[100, 200], help="tokens a second")
    parser.add_argument("--slow", type=int, nargs="+", default=[1, 4], help="by how much the processor is slowed down")
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument("--built", type=Path, help="a harness that is built already")
    parser.add_argument("--shot", type=Path, help="where to put a picture of the end")
    options = parser.parse_args()
    around = circumstances()
    load = asyncio.run(loaded(options)) if options.load else None
    rows = asyncio.run(played(options)) if options.page != "none" else []
    told = {**around, "tokens": options.tokens, "load": load, "runs": rows}
    sys.stdout.write(json.dumps(told, indent=2) + "\n")
    if options.docs:
        kept = _DOCS.read_text(encoding="utf-8").partition(bars.END)[2]
        _DOCS.write_text(bars.markdown(around, bars.rows(load, rows), kept), encoding="utf-8")
    return 0


async def loaded(options: argparse.Namespace) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder, chat.house(Path(folder) / "load", 100) as house:
        chat.warm(house.service)
        async with chromium(options.chromium) as browser:
            return await loading.loading(browser, house)


async def played(options: argparse.Namespace) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        out = options.built or home / "harness"
        if options.built is None:
            harness.build(out)
        async with harness.served(out) as url, chromium(options.chromium) as browser:
            for rate in options.rates:
                for slow in options.slow:
                    for page in ("floor", "portal"):
                        if page == "portal" and options.page == "chat":
                            told = await chat_played(browser, home / f"{rate}-{slow}", rate, slow, options)
                        else:
                            told = await harness_played(browser, url, page, rate, slow, options)
                        rows.append({"page": page, "rate": rate, "slow": slow, **told})
                        sys.stderr.write(json.dumps(rows[-1]) + "\n")
    return rows


def patience_ms(rate: int, options: argparse.Namespace) -> float:
    """A slow machine plays a stream in three times its time at most."""
    return float(options.tokens) / rate * 1000 * 3 + 60_000


async def harness_played(
    browser: Browser, url: str, name: str, rate: int, slow: int, options: argparse.Namespace
) -> dict[str, Any]:
    page = await browser.new_page(viewport=_VIEWPORT)
    try:
        watch = await watched(page)

        async def play() -> None:
            # Not by a function: the page's policy lets nobody evaluate text.
            await page.wait_for_selector("html[data-done=true]", timeout=patience_ms(rate, options))

        await page.goto(f"{url}/?page={name}&rate={rate}&tokens={options.tokens}", wait_until="commit")
        found = await measured(page, watch, slow, options.tokens, play)
        await shot(page, f"{name}-{rate}-{slow}", options)
        return found
    finally:
        await page.close()


async def chat_played(
    browser: Browser, home: Path, rate: int, slow: int, options: argparse.Namespace
) -> dict[str, Any]:
    with chat.house(home, rate) as house:
        chat.warm(house.service)
        context = await browser.new_context(viewport=_VIEWPORT)
        try:
            await chat.signed_in(context, house.service)
            page = await context.new_page()
            watch = await watched(page)
            await chat.ready(page, house.service, options.tokens)
            spent = house.cpu_s()

            async def play() -> None:
                await chat.play(page, patience_ms(rate, options))

            found = await measured(page, watch, slow, options.tokens, play)
            found["server_s"] = round((house.cpu_s() - spent) * 1000 / options.tokens, 2)
            await shot(page, f"chat-{rate}-{slow}", options)
            return found
        finally:
            await context.close()


async def shot(page: Page, name: str, options: argparse.Namespace) -> None:
    if options.shot:
        await page.screenshot(path=options.shot / f"{name}.png")


if __name__ == "__main__":
    sys.exit(main())

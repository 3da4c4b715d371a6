"""What a streamed answer costs the browser, beside a page of plain text: ``python -m benchmarks.portal``.

``--page harness`` is the renderer alone, ``--page chat`` the portal's chat view in front of Potluck and the fake
engine. Each rate and each slow-down of the processor is played on the floor page too, in the same run: compare with
that, for the figures of one machine say nothing of another's.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.async_api import Browser

from benchmarks.circumstances import circumstances
from benchmarks.portal import harness
from benchmarks.portal.browser import chromium, measured, watched

_VIEWPORT = {"width": 1280, "height": 800}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--page", choices=("harness", "chat"), default="harness")
    parser.add_argument("--tokens", type=int, default=2000)
    parser.add_argument("--rates", type=int, nargs="+", default=[100, 200], help="tokens a second")
    parser.add_argument("--slow", type=int, nargs="+", default=[1, 4], help="by how much the processor is slowed down")
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument("--built", type=Path, help="a harness that is built already")
    parser.add_argument("--shot", type=Path, help="where to put a picture of the end")
    options = parser.parse_args()
    rows = asyncio.run(played(options))
    sys.stdout.write(json.dumps({**circumstances(), "tokens": options.tokens, "runs": rows}, indent=2) + "\n")
    return 0


async def played(options: argparse.Namespace) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        out = options.built or Path(folder)
        if options.built is None:
            harness.build(out)
        rows: list[dict[str, Any]] = []
        async with harness.served(out) as url, chromium(options.chromium) as browser:
            for rate in options.rates:
                for slow in options.slow:
                    for page in ("floor", "portal"):
                        told = await answer_played(browser, url, page, rate, slow, options)
                        rows.append({"page": page, "rate": rate, "slow": slow, **told})
                        sys.stderr.write(json.dumps(rows[-1]) + "\n")
        return rows


async def answer_played(
    browser: Browser, url: str, name: str, rate: int, slow: int, options: argparse.Namespace
) -> dict[str, float]:
    page = await browser.new_page(viewport=_VIEWPORT)  # pyright: ignore[reportArgumentType]
    try:
        await watched(page)
        wait_ms = options.tokens / rate * 1000 * 3 + 30_000

        async def play() -> None:
            await page.wait_for_selector("html[data-done=true]", timeout=wait_ms)

        await page.goto(f"{url}/?page={name}&rate={rate}&tokens={options.tokens}", wait_until="commit")
        found = await measured(page, slow, options.tokens, play)
        if options.shot and name == "portal":
            await page.screenshot(path=options.shot / f"{name}-{rate}-{slow}.png")
        return found
    finally:
        await page.close()


if __name__ == "__main__":
    sys.exit(main())

"""The renderer alone: a page with one answer (web/harness), under the portal's policy, fed at a steady rate."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web
from benchmarks.portal.answer import answer

from potluck.portal.policy import FRAME_POLICY, WORKER_POLICY, page_policy
from potluck_fake_engine import tokens

_ROOT = Path(__file__).resolve().parents[2]
# As Potluck batches what it sends (PORTAL: 30 to 50 ms).
_BATCH_S = 0.04


def build(out: Path) -> None:
    """The harness, built. Needs the packages of web/ (`make web` installs them)."""
    subprocess.run(
        ["npx", "vite", "build", "-c", "harness/vite.config.ts", "--logLevel", "error"],
        cwd=_ROOT / "web",
        env={**os.environ, "HARNESS_OUT": str(out)},
        check=True,
    )


@asynccontextmanager
async def served(out: Path) -> AsyncIterator[str]:
    """The address of the built harness."""

    async def file(request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"] or "harness/index.html"
        path = (out / name).resolve()
        if not path.is_relative_to(out.resolve()) or not path.is_file():
            raise web.HTTPNotFound
        policy = page_policy(())
        if name.startswith("frames/"):
            policy = FRAME_POLICY
        elif name.startswith("assets/worker-"):
            policy = WORKER_POLICY
        said = {"content-security-policy": policy, "access-control-allow-origin": "*"}
        return web.FileResponse(path, headers=said)

    application = web.Application()
    application.router.add_get("/stream", _stream)
    application.router.add_get("/{name:.*}", file)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def _stream(request: web.Request) -> web.StreamResponse:
    """``tokens`` of them, ``rate`` a second."""
    rate = float(request.query.get("rate", "100"))
    pieces = tokens.pieces(answer(int(request.query.get("tokens", "2000"))))
    reply = web.StreamResponse(headers={"content-type": "text/plain; charset=utf-8", "cache-control": "no-store"})
    await reply.prepare(request)
    loop = asyncio.get_running_loop()
    begin, sent = loop.time(), 0
    while sent < len(pieces):
        await asyncio.sleep(_BATCH_S)
        due = min(len(pieces), int((loop.time() - begin) * rate))
        if due > sent:
            await reply.write("".join(pieces[sent:due]).encode())
            sent = due
    await reply.write_eof()
    return reply

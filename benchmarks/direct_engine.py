"""The embedded engine without Potluck in front: prints its address and key, and serves until it is ended."""

from __future__ import annotations

import asyncio
import random
import secrets
import sys
import time
from pathlib import Path

from potluck import logs
from potluck.backends.http import AiohttpEngine, open_engine_session
from potluck.backends.local.engine import LocalEngine, LocalSettings
from potluck.backends.local.library import Library, shipped_weights
from potluck.backends.local.threads import physical_cores
from potluck.config.model import LocalConfig


async def main() -> None:
    logs.configure("warning", "text")
    config = LocalConfig()
    async with open_engine_session() as session:
        engine = LocalEngine(
            Library(Path(sys.argv[1]), shipped=shipped_weights()),
            LocalSettings(slots=config.slots, context=config.context, threads=physical_cores()),
            http_for=lambda address: AiohttpEngine(session, address),
            clock=time.monotonic,
            wall_clock=time.time,
            chance=random.Random(),
            new_key=lambda: secrets.token_urlsafe(24),
        )
        try:
            model = (await engine.probe(None)).models[0]  # type: ignore[arg-type]  # it asks its children itself
            await engine.prepare(model)
            address = engine.address(model)
            assert address is not None
            print(f"http://{address.host}:{address.port}", address.headers[0][1].removeprefix("Bearer "), flush=True)
            await asyncio.Event().wait()
        finally:
            await engine.aclose()


if __name__ == "__main__":
    asyncio.run(main())

"""What a token of the native chat costs, in frames and with a log, beside the same token passed through OpenAI's door.

``python -m benchmarks.native_frames [--streams 8] [--tokens 600] [--rates 20,60,200]``. Bytes are those of the body
that a client reads, processor time is the service's own, from the first token to the last.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path
from typing import Any

import aiohttp
import psutil
from benchmarks.circumstances import circumstances
from tests.e2e import processes

PATHS = {"openai": "/v1/chat/completions", "native": "/api/v1/chat"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--streams", type=int, default=8, help="at the same time")
    parser.add_argument("--tokens", type=int, default=600, help="of each answer")
    parser.add_argument("--rates", default="20,60,200", help="tokens a second of one answer, with commas between")
    options = parser.parse_args()
    around = circumstances()
    print(f"{around['machine']}, Python {around['python']}, commit {around['commit']}, load {around['load_average']}")
    for rate in map(int, options.rates.split(",")):
        model = f"m,decode={rate},context=32768,resident=true"
        with (
            tempfile.TemporaryDirectory() as home,
            processes.fake("--dialect", "openai", "--model", model, "--slots", str(options.streams)) as engine,
            _service(Path(home), engine.port, options.streams) as running,
        ):
            for name, path in PATHS.items():
                spent_s, sizes = asyncio.run(_measured(running, path, options.streams, options.tokens))
                tokens = options.streams * options.tokens
                cpu_us = spent_s / tokens * 1e6
                print(f"{rate:4} tokens/s  {name:6}  {sum(sizes) / tokens:6.1f} bytes/token  {cpu_us:6.1f} us/token")


def _service(home: Path, port: int, slots: int) -> Any:
    config = home / "potluck.yaml"
    config.write_text(
        "local: false\nnodes:\n"
        f"  one: {{address: 127.0.0.1, engines: [{{kind: openai, port: {port}, slots: {slots}}}]}}\n"
    )
    return processes.service(home, "--config", str(config))


def _cpu_s(running: processes.Service) -> float:
    times = psutil.Process(running.process.pid).cpu_times()
    return float(times.user + times.system)


async def _measured(running: processes.Service, path: str, streams: int, tokens: int) -> tuple[float, list[int]]:
    """Processor seconds, and the bytes of each answer."""
    async with aiohttp.ClientSession(running.url, headers={"authorization": f"Bearer {running.key}"}) as session:
        await _read(session, path, 5)  # what is done once is done
        before = _cpu_s(running)
        sizes = await asyncio.gather(*(_read(session, path, tokens) for _ in range(streams)))
        return _cpu_s(running) - before, list(sizes)


async def _read(session: aiohttp.ClientSession, path: str, tokens: int) -> int:
    said = f"repeat {tokens}"
    asked = {"messages": [{"role": "user", "content": said}]} if path == PATHS["openai"] else {"message": said}
    async with session.post(path, json={"model": "m", "stream": True, **asked}) as reply:
        reply.raise_for_status()
        return len(await reply.read())


if __name__ == "__main__":
    main()

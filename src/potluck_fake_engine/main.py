"""The program `potluck-fake-engine`."""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import signal
import sys
from collections.abc import Callable, Sequence

from potluck_fake_engine.dialects import DIALECTS, WRITING, a1111, openai
from potluck_fake_engine.server import serving
from potluck_fake_engine.settings import CAPABILITIES, USUAL_FILES, BadSetting, Settings, parse_model, parse_size

_QUIRKS = (*openai.QUIRKS, *sorted(a1111.QUIRKS))
_EPILOG = f"""
A model is NAME[,key=value...], for example
  --model llama3.2:3b,context=8192,size=2GB,load_s=3,prefill=500,decode=40,capabilities=completion+tools
keys: context (tokens), capabilities ({"+".join(CAPABILITIES)}), size, memory (when loaded), load_s
(seconds), prefill and decode (tokens/s, 0 = as fast as possible), batching (with --shared), dims (of
embeddings), family, parameter_size, quantization, resident (true or false), slots.

A line of the last user message commands the answer: `say: TEXT`, `repeat N`, `echo-request`,
`call TOOL {{"json": "arguments"}}`, `think: TEXT`.

At run time: POST /fake/faults, /fake/models, /fake/settings, /fake/reset; GET /fake/state, /fake/requests, /fake/turns.
docs/reference/fake-engine.md tells all of it.
"""


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(
        prog="potluck-fake-engine",
        description="A fake inference engine: speaks real engines' dialects, answers predictably, breaks on command.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument(
        "--dialect",
        default="all",
        help=f"{', '.join(DIALECTS)}, several with commas, or all (those that write; default)",
    )
    p.add_argument("--model", action="append", default=[], metavar="NAME[,k=v...]", help="repeatable; see below")
    p.add_argument("--host", default="127.0.0.1")
    p.add_argument("--port", type=int, default=0, help="0 (default) = one that is free")
    p.add_argument(
        "--memory", metavar="SIZE", help="memory for models, such as 8GB; idle ones are evicted (default: no limit)"
    )
    p.add_argument("--max-loaded", type=int, metavar="N", help="models in memory at most")
    p.add_argument("--slots", type=int, default=4, metavar="N", help="concurrent generations per model (default 4)")
    p.add_argument("--max-queue", type=int, default=512, metavar="N", help="calls waiting for a load (default 512)")
    p.add_argument("--speed", type=float, default=1.0, metavar="X", help="simulated durations are divided by this")
    p.add_argument("--shared", action="store_true", help="calls share one processor: the more there are, the slower")
    p.add_argument("--api-key", metavar="K", help="demand this key (401 otherwise)")
    p.add_argument("--num-ctx", type=int, default=4096, metavar="N", help="Ollama's default context (default 4096)")
    p.add_argument("--keep-alive", type=float, default=300.0, metavar="S", help="Ollama's default (default 300 s)")
    p.add_argument("--remote", action="append", metavar="NAME", help="a model that /api/pull finds; repeatable")
    p.add_argument("--pull-s", type=float, default=0.0, metavar="S", help="how long a pull takes (default 0)")
    p.add_argument("--idle-s", type=float, metavar="S", help="close connections idle for so long (default: never)")
    p.add_argument(
        "--file", action="append", metavar="FOLDER/NAME", help="beside checkpoints: loras/x.safetensors; repeatable"
    )
    p.add_argument(
        "--without", action="append", default=[], metavar="NODE", help="a node that ComfyUI lacks; repeatable"
    )
    p.add_argument("--quirks", default="", metavar="A,B", help=f"{', '.join(_QUIRKS)}")
    return p


def settings_of(arguments: argparse.Namespace) -> Settings:
    """Settings from a parsed command line.

    Raises:
        BadSetting: with what is wrong.
    """
    dialects = WRITING if arguments.dialect == "all" else tuple(arguments.dialect.split(","))
    if strange := set(dialects) - set(DIALECTS):
        raise BadSetting(f"no such dialect: {', '.join(sorted(strange))}; there are {', '.join(DIALECTS)}")
    quirks = frozenset(quirk for quirk in str(arguments.quirks).split(",") if quirk)
    if unknown := quirks - set(_QUIRKS):
        raise BadSetting(f"no such quirk: {', '.join(sorted(unknown))}; there are {', '.join(_QUIRKS)}")
    models = tuple(parse_model(text) for text in arguments.model or ["fake-model"])
    return Settings(
        dialects=dialects,
        models=models,
        memory=parse_size(arguments.memory) if arguments.memory else None,
        max_loaded=arguments.max_loaded,
        slots=arguments.slots,
        max_queue=arguments.max_queue,
        speed=arguments.speed,
        shared=arguments.shared,
        api_key=arguments.api_key,
        num_ctx=arguments.num_ctx,
        keep_alive_s=arguments.keep_alive,
        quirks=quirks,
        remote=tuple(arguments.remote or ["remote-model"]),
        pull_s=arguments.pull_s,
        idle_s=arguments.idle_s,
        files=tuple(arguments.file) if arguments.file else USUAL_FILES,
        without=frozenset(arguments.without),
    )


async def _serve(settings: Settings, host: str, port: int) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with serving(settings, host, port) as site:
        print(f"ready {site.url}", flush=True)
        await stop.wait()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """uvloop where it can be had: it streams some three times as much."""
    if importlib.util.find_spec("uvloop") is None:
        return asyncio.new_event_loop
    factory: Callable[[], asyncio.AbstractEventLoop] = importlib.import_module("uvloop").new_event_loop
    return factory


def main(argv: Sequence[str] | None = None) -> None:
    """Serve until SIGTERM or SIGINT, then exit with 0; with 2 for bad arguments, 1 for a port that is taken."""
    arguments = parser().parse_args(argv)
    try:
        settings = settings_of(arguments)
    except BadSetting as exc:
        print(f"potluck-fake-engine: {exc}", file=sys.stderr)
        sys.exit(2)
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_serve(settings, arguments.host, arguments.port))
    except OSError as exc:
        print(f"potluck-fake-engine: cannot listen on {arguments.host}:{arguments.port}: {exc}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()

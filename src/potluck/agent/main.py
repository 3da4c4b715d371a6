"""The agent as a process: what it needs to know, where it listens, how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import re
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from potluck.agent.announce import Announcement, Announcer, ZeroconfAnnouncer, addresses_of, announcing
from potluck.agent.files import Files
from potluck.agent.http import answer, read_head
from potluck.agent.nvml import Nvml
from potluck.agent.options import KEY_VARIABLE, AgentOptions
from potluck.agent.reader import Reader, model_folders
from potluck.agent.sampler import Sampler
from potluck.core.errors import OperatorError

# Sixteen letters and digits are beyond guessing over a network.
_SHORTEST_KEY: Final = 16
_LONGEST_HEAD_BYTES: Final = 16 * 1024
# Who has not said within this what it wants, or has not taken its answer, is not a reader of ours.
_PATIENCE_S: Final = 10.0
_MOST_CLIENTS: Final = 64


def reader(disks: tuple[str, ...], environment: Mapping[str, str]) -> Reader:
    """For this machine as it is."""
    library = Nvml.open()
    folders = tuple(Path(os.path.expanduser(disk)) for disk in disks) or model_folders(environment)
    return Reader(Files(Path("/")), folders, library.gpus if library is not None else tuple)


def find_key(options: AgentOptions, environment: Mapping[str, str]) -> str:
    """The key that readers must show; empty if none is needed, because only this machine can ask.

    Raises `OperatorError` for one that is missing or of no use.
    """
    key = environment.get(KEY_VARIABLE, "").strip()
    if options.key_file:
        try:
            key = Path(options.key_file).expanduser().read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not text"
            hint = "Check the path given with --key-file, and who may read it."
            raise OperatorError(f"The key file {options.key_file} cannot be read: {why}.", hint=hint) from error
    if not key and (options.key_file or not _loopback(options.host)):
        hint = f"Put one into a file for --key-file, or into {KEY_VARIABLE}: 'openssl rand -hex 24' makes one."
        raise OperatorError(f"To listen on {options.host} the agent needs a key.", hint=hint)
    if key and not re.fullmatch(rf"[\x21-\x7e]{{{_SHORTEST_KEY},}}", key):
        hint = "'openssl rand -hex 24' makes one."
        raise OperatorError(
            f"The agent's key must have at least {_SHORTEST_KEY} printable characters without spaces.", hint=hint
        )
    return key


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def serve(options: AgentOptions, environment: Mapping[str, str], clock: Callable[[], float]) -> int:
    """Answer until SIGTERM or SIGINT; the exit code. Raises `OperatorError` for what the owner must mend."""
    key = find_key(options, environment)
    announcer = _announcer(options) if options.announce else None
    with Sampler(reader(options.disks, environment).read, clock, options.interval_s) as sampler:
        asyncio.run(_serve(options, key, sampler, announcer))
    return 0


def _announcer(options: AgentOptions) -> Announcer:
    if _loopback(options.host):
        hint = "Choose an address of the network with --host, or leave --announce out."
        raise OperatorError(f"There is nobody to announce {options.host} to.", hint=hint)
    return ZeroconfAnnouncer.open()


async def _serve(options: AgentOptions, key: str, sampler: Sampler, announcer: Announcer | None) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    clients = asyncio.Semaphore(_MOST_CLIENTS)

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with clients:
            await _answer(reader, writer, key, sampler)

    try:
        server = await asyncio.start_server(client, options.host, options.port, limit=_LONGEST_HEAD_BYTES)
    except OSError as error:
        why = os.strerror(error.errno) if error.errno and error.errno > 0 else "this machine has no such address"
        hint = "Choose another with --host or --port."
        raise OperatorError(f"Cannot listen on {options.host} port {options.port}: {why}.", hint=hint) from error
    async with server, asyncio.TaskGroup() as tasks:
        host, port = server.sockets[0].getsockname()[:2]
        where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        sys.stdout.write(f"agent ready http://{where}\n")
        sys.stdout.flush()
        known = tasks.create_task(_announce(options.host, port, sampler, announcer)) if announcer else None
        await stop.wait()
        if known is not None:
            known.cancel()


async def _announce(host: str, port: int, sampler: Sampler, announcer: Announcer) -> None:
    announcement = Announcement(sampler.latest().identity, port)
    await announcing(announcement, lambda: addresses_of(host, announcer.addresses()), announcer)


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, key: str, sampler: Sampler) -> None:
    """One request, one answer. What goes wrong on the way is the client's affair alone."""
    with contextlib.suppress(OSError, TimeoutError, EOFError):
        async with asyncio.timeout(_PATIENCE_S):
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except asyncio.LimitOverrunError:
                head = b""
            writer.write(answer(read_head(head), key, sampler.latest))
            await writer.drain()
            writer.close()
            await writer.wait_closed()
    writer.close()

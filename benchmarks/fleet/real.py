"""The scenario in real time: `potluck up` before a fake engine for each machine, and callers with keys of their own."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import aiohttp
from tests.e2e import processes
from tests.e2e.test_service import until
from tests.sim.reference import MEMORY_GB, REFERENCE, Machine
from tests.sim.workload import USERS, Demand

from .scenario import Kind, Lived, fleet

# The longest conversation of the workload, and its answer.
_CONTEXT = 16_384
# Everybody is there before the first call comes.
_SETTLE_S = 2.0
# A model that takes no time: what is left is the way there and back.
_WAY = "nothing"
_WAY_CALLS = 30


def play(home: Path, calls: Sequence[Demand], speed: float) -> tuple[list[Lived], int, float]:
    """What became of each call, how many models were loaded, and the seconds of a call without any work.

    The machines are speeded up, the way to them is not: what it takes is measured before, and taken off.
    """
    machines = fleet(speed)
    with ExitStack() as stack:
        fakes = {machine.name: stack.enter_context(_engine(machine)) for machine in machines}
        config = home / "potluck.yaml"
        config.write_text(_config(machines, fakes))
        service = stack.enter_context(processes.service(home, "--config", str(config)))
        until(lambda: _all_up(service), 60.0)
        keys = [_new_key(service, f"user{number}") for number in range(USERS)]
        way_s = asyncio.run(_way_s(service.url, keys[0]))
        lived = asyncio.run(_callers(service.url, keys, calls, speed))
        states = [fake.control("GET", "/fake/state") for fake in fakes.values()]
    loads = sum(state["counters"]["loads"] for state in states) - 1
    return [_less(each, way_s * speed) for each in lived], loads, way_s


def _less(lived: Lived, way_s: float) -> Lived:
    return replace(lived, first_s=lived.first_s and lived.first_s - way_s, end_s=lived.end_s and lived.end_s - way_s)


def _engine(machine: Machine) -> Any:
    (server,) = machine.servers
    models = [
        f"{name},size={MEMORY_GB[name]}GB,context={_CONTEXT},prefill={speed.prefill_tps},decode={speed.decode_tps},"
        f"batching={speed.batching},load_s={speed.load_s},capabilities=completion+tools+insert"
        for name, speed in server.models.items()
    ]
    if machine.name == REFERENCE[0].name:
        models.append(f"{_WAY},size=1MB")
    told = [word for model in models for word in ("--model", model)]
    size = ["--memory", f"{machine.memory_gb}GB", "--slots", str(server.slots), "--num-ctx", str(_CONTEXT)]
    return processes.fake("--dialect", "ollama", "--shared", "--keep-alive", "1000000", *size, *told)


def _config(machines: Sequence[Machine], fakes: Mapping[str, processes.Fake]) -> str:
    nodes = [
        f"  {each.name}: {{address: 127.0.0.1, memory: {each.memory_gb}GB,"
        f" engines: [{{kind: ollama, port: {fakes[each.name].port}, slots: {each.servers[0].slots}}}]}}\n"
        for each in machines
    ]
    return f"local: false\nnodes:\n{''.join(nodes)}"


def _all_up(service: processes.Service) -> bool:
    nodes = service.get("/api/v1/nodes")["nodes"]
    return all(engine["health"] == "up" for node in nodes for engine in node["engines"])


def _new_key(service: processes.Service, name: str) -> str:
    headers = {"authorization": f"Bearer {service.key}", "content-type": "application/json"}
    body = json.dumps({"name": name}).encode()
    request = urllib.request.Request(f"{service.url}/api/v1/keys", body, headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return str(json.load(answer)["key"])


async def _way_s(url: str, key: str) -> float:
    """The median of a short answer's time to its first token, over calls that come one after the other."""
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    body = {"model": _WAY, "stream": True, "messages": [{"role": "user", "content": "repeat 2"}]}
    times: list[float] = []
    async with aiohttp.ClientSession(url) as session:
        for _ in range(_WAY_CALLS):
            began = time.monotonic()
            first, _ = await _streamed(session, "/v1/chat/completions", json.dumps(body).encode(), headers, 1)
            assert first is not None, "the service does not answer"
            times.append(first - began)
            await asyncio.sleep(0.05)
    return median(times)


async def _callers(url: str, keys: Sequence[str], calls: Sequence[Demand], speed: float) -> list[Lived]:
    bodies = Bodies()
    made = [bodies.of(call) for call in calls]
    begins = time.monotonic() + _SETTLE_S
    async with aiohttp.ClientSession(url, connector=aiohttp.TCPConnector(limit=0)) as session:

        async def one(call: Demand, path: str, body: bytes) -> Lived:
            due = begins + call.at_s / speed
            await asyncio.sleep(due - time.monotonic())
            headers = {"authorization": f"Bearer {keys[call.user]}", "content-type": "application/json"}
            first, end = await _streamed(session, path, body, headers, call.answer)
            return Lived(call.kind, first and (first - due) * speed, end and (end - due) * speed)

        return await asyncio.gather(*(one(call, *each) for call, each in zip(calls, made, strict=True)))


async def _streamed(
    session: aiohttp.ClientSession, path: str, body: bytes, headers: Mapping[str, str], tokens: int
) -> tuple[float | None, float | None]:
    """When the first text was there, and the whole answer; None for what never came."""
    first = None
    last = b""
    timeout = aiohttp.ClientTimeout(total=None)
    async with session.post(path, data=body, headers=headers, timeout=timeout) as answer:
        if answer.status != 200:
            return None, None
        async for line in answer.content:
            if b'"content":"' in line and b'"content":""' not in line:
                first = first or time.monotonic()
                last = line
    # A stream that broke off, or somebody else's answer, is none.
    return (first, time.monotonic()) if b"w%d" % (tokens + 1) in last else (first, None)


class Bodies:
    """Requests whose prompts have the demanded lengths, and share with earlier ones what the demand says."""

    def __init__(self) -> None:
        self._said: dict[str, list[dict[str, str]]] = {}
        self._number = 0

    def of(self, call: Demand) -> tuple[str, bytes]:
        """The path and the body. One token more is asked for: the fake's first one comes with the prompt's end."""
        self._number += 1
        command = f"\nrepeat {call.answer + 1}"
        if call.kind is Kind.COMPLETION:
            kept = _filler(call.conversation, call.prefix)
            prompt = kept + _filler(f"{call.conversation} {self._number}", call.prompt - call.prefix) + command
            body: dict[str, Any] = {"prompt": prompt, "suffix": "end"}
            return "/v1/fim/completions", _encoded(call, body)
        earlier = self._said.setdefault(call.conversation, []) if call.conversation else []
        new = _filler(f"{call.conversation} {self._number}", call.prompt - (call.prefix if earlier else 0))
        asked = {"role": "user", "content": new + command}
        body = {"messages": [*earlier, asked]}
        answer = " ".join(f"w{number}" for number in range(1, call.answer + 2))
        earlier += [asked, {"role": "assistant", "content": answer}]
        return "/v1/chat/completions", _encoded(call, body)


def _encoded(call: Demand, body: Mapping[str, Any]) -> bytes:
    return json.dumps({"model": call.model, "stream": True, **body}).encode()


def _filler(of: str, tokens: int) -> str:
    """Words of one token and four bytes each, as text has them; other ones for each ``of``."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    start = sum(ord(char) * (place + 1) for place, char in enumerate(of))
    numbers = ((start + word * 7) * 2654435761 % 17576 for word in range(max(1, tokens)))
    return "".join(f" {letters[n // 676]}{letters[n // 26 % 26]}{letters[n % 26]}" for n in numbers)

"""The scenario in real time: `potluck up` before a fake engine for each machine, and callers with keys of their own."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.request
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import aiohttp
from tests.e2e import processes
from tests.e2e.test_service import until
from tests.sim.reference import MEMORY_BY_SIZE, MEMORY_GB, Machine
from tests.sim.workload import USERS, Demand

from potluck.core.scheduling.classes import Kind

from .bodies import Bodies, number_of
from .scenario import Lived, fleet

# The longest conversation of the workload, and its answer.
_CONTEXT = 16_384
# Everybody is there before the first call comes.
_SETTLE_S = 2.0
# A model that takes no time: what is left is the way there and back.
_WAY = "nothing"
_WAY_CALLS = 30


@dataclass(frozen=True, slots=True)
class _Answer:
    """What its caller saw of a call, in seconds since it was sent; None for what never came."""

    request: str = ""
    first_s: float | None = None
    end_s: float | None = None


def play(home: Path, calls: Sequence[Demand], speed: float) -> tuple[list[Lived], int, float]:
    """What became of each call, how many models were loaded, and the seconds of a call without any work.

    The machines are speeded up, the way to them is not: what it takes is measured before, and taken off.
    """
    machines = fleet(speed)
    with ExitStack() as stack:
        fakes = {machine.name: stack.enter_context(_engine(machine)) for machine in machines}
        # On a node of its own: what is learned of an engine is also a guess at its models that nobody used yet.
        nothing = stack.enter_context(processes.fake("--dialect", "ollama", "--model", f"{_WAY},size=1MB"))
        config = home / "potluck.yaml"
        config.write_text(_config(machines, fakes, nothing))
        service = stack.enter_context(processes.service(home, "--config", str(config)))
        until(lambda: _all_up(service), 60.0)
        keys = [_new_key(service, f"user{number}") for number in range(USERS)]
        way_s = asyncio.run(_way_s(service.url, keys[0]))
        answers = asyncio.run(_callers(service.url, keys, calls, speed))
        turns = _turns(fakes.values())
        lived = [
            _lived(call, answer, service, turns.get(number), way_s, speed)
            for number, (call, answer) in enumerate(zip(calls, answers, strict=True))
        ]
        states = [fake.control("GET", "/fake/state") for fake in fakes.values()]
    return lived, sum(state["counters"]["loads"] for state in states), way_s


def _turns(fakes: Iterable[processes.Fake]) -> dict[int, dict[str, Any]]:
    """The engines' own account of the calls, by number; of more than one attempt the last."""
    turns = [turn for fake in fakes for turn in fake.control("GET", "/fake/turns")["turns"]]
    numbered = ((number_of(turn["tail"]), turn) for turn in turns)
    return {number: turn for number, turn in numbered if number is not None}


def _lived(
    call: Demand,
    answer: _Answer,
    service: processes.Service,
    turn: Mapping[str, Any] | None,
    way_s: float,
    speed: float,
) -> Lived:
    if turn is None or answer.first_s is None:
        return Lived(call.kind)
    told = service.get(f"/api/v1/requests/{answer.request}")
    worked_s = told["queue_s"] + turn["load_s"] + turn["prompt_s"]

    def scenario_s(since_s: float | None) -> float | None:
        return since_s and (since_s - way_s) * speed

    return Lived(
        call.kind,
        told["node"],
        told["queue_s"] * speed,
        turn["load_s"] * speed,
        turn["prompt_tokens"] - turn["cached"],
        scenario_s(answer.first_s),
        scenario_s(answer.end_s),
        (answer.first_s - way_s - worked_s) * speed,
    )


def _engine(machine: Machine) -> Any:
    (server,) = machine.servers
    models = [
        f"{name},size={MEMORY_GB[name] / MEMORY_BY_SIZE}GB,memory={MEMORY_GB[name]}GB,load_s={speed.load_s},"
        f"context={_CONTEXT},prefill={speed.prefill_tps},decode={speed.decode_tps},batching={speed.batching},"
        "capabilities=completion+tools+insert"
        for name, speed in server.models.items()
    ]
    told = [word for model in models for word in ("--model", model)]
    size = ["--memory", f"{machine.memory_gb}GB", "--slots", str(server.slots), "--num-ctx", str(_CONTEXT)]
    return processes.fake("--dialect", "ollama", "--shared", "--keep-alive", "1000000", *size, *told)


def _config(machines: Sequence[Machine], fakes: Mapping[str, processes.Fake], nothing: processes.Fake) -> str:
    nodes = [
        f"  {each.name}: {{address: 127.0.0.1, memory: {each.memory_gb}GB,"
        f" engines: [{{kind: ollama, port: {fakes[each.name].port}, slots: {each.servers[0].slots}}}]}}\n"
        for each in machines
    ]
    nodes.append(f"  {_WAY}: {{address: 127.0.0.1, engines: [{{kind: ollama, port: {nothing.port}}}]}}\n")
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
    body = {"model": _WAY, "stream": True, "messages": [{"role": "user", "content": "repeat 1"}]}
    # Of a class that no other call has: how long its answers are is learned too.
    headers = _headers(key, Kind.BACKGROUND)
    times: list[float] = []
    async with aiohttp.ClientSession(url) as session:
        for _ in range(_WAY_CALLS):
            answer = await _streamed(session, "/v1/chat/completions", json.dumps(body).encode(), headers, 1)
            assert answer.first_s is not None, "the service does not answer"
            times.append(answer.first_s)
            await asyncio.sleep(0.05)
    return median(times)


async def _callers(url: str, keys: Sequence[str], calls: Sequence[Demand], speed: float) -> list[_Answer]:
    bodies = Bodies()
    made = [bodies.of(number, call) for number, call in enumerate(calls)]
    begins = time.monotonic() + _SETTLE_S
    async with aiohttp.ClientSession(url, connector=aiohttp.TCPConnector(limit=0)) as session:

        async def one(call: Demand, path: str, body: bytes) -> _Answer:
            await asyncio.sleep(begins + call.at_s / speed - time.monotonic())
            return await _streamed(session, path, body, _headers(keys[call.user]), call.answer)

        return await asyncio.gather(*(one(call, *each) for call, each in zip(calls, made, strict=True)))


def _headers(key: str, kind: Kind | None = None) -> dict[str, str]:
    told = {} if kind is None else {"x-potluck-class": kind.value}
    return {"authorization": f"Bearer {key}", "content-type": "application/json", **told}


async def _streamed(
    session: aiohttp.ClientSession, path: str, body: bytes, headers: Mapping[str, str], tokens: int
) -> _Answer:
    """A stream that broke off, or somebody else's answer, has no end."""
    began = time.monotonic()
    first_s = None
    last = b""
    timeout = aiohttp.ClientTimeout(total=None)
    async with session.post(path, data=body, headers=headers, timeout=timeout) as answer:
        request = answer.headers.get("x-potluck-request-id", "")
        if answer.status != 200:
            return _Answer(request)
        async for line in answer.content:
            if b'"content":"' in line and b'"content":""' not in line:
                first_s = first_s or time.monotonic() - began
                last = line
    whole = b"w%d" % tokens in last
    return _Answer(request, first_s, time.monotonic() - began if whole else None)

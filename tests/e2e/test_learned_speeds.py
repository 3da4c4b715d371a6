"""Three real llama.cpp servers of different speed behind the service: it learns how fast each is, and shares by that.

They differ in threads, and the two with one thread share a core and run for a part of the time only, as weaker machines
would: on CI's two cores the number of threads alone would make too little difference. Which of them is fastest is not
known beforehand (on a crowded machine two threads wait for each other, and are slower than one): it is measured in the
same calls, and what the service learned is compared with that.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import msgspec
import pytest

from potluck.backends.local.child import Task
from potluck.backends.local.library import shipped_weights
from tests.e2e import processes

MODEL = "smol"
KEY = "a-key-of-the-test"
_PERIOD_S = 0.1
# Six callers for three slots: there is always one who could go anywhere.
CALLERS = 6
CALLS = 24
ANSWER_TOKENS = 10
# Speeds that differ by less are not told apart: what else the machine does moves them as much.
CLEARLY = 1.5


@dataclass(frozen=True, slots=True)
class Server:
    """``share`` of the time it may run."""

    threads: int
    share: float


SERVERS = {"two-threads": Server(2, 1.0), "one-thread": Server(1, 0.35), "weak": Server(1, 0.12)}


@dataclass(frozen=True, slots=True)
class Answer:
    """``took_s`` is without the time in line."""

    node: str
    took_s: float


@pytest.mark.model
@pytest.mark.timeout(300, func_only=True)
def test_three_servers_of_different_speed_are_learned_and_share_the_load(tmp_path: Path) -> None:
    with ExitStack() as stack:
        ports = {name: stack.enter_context(running(server)) for name, server in SERVERS.items()}
        config = tmp_path / "potluck.yaml"
        config.write_text(
            "local: false\nnodes:\n"
            + "".join(
                f"  {name}: {{address: 127.0.0.1, engines: [{{kind: llamacpp, port: {port}, api_key: {KEY}}}]}}\n"
                for name, port in ports.items()
            )
        )
        with processes.service(tmp_path, "--config", str(config)) as service, ThreadPoolExecutor(CALLERS) as threads:
            answers = list(threads.map(lambda number: asked(service, number), range(CALLS)))
            tokens = metered(service)
        learned = decode_rates(tmp_path / "data" / "potluck.db")
    calls = Counter(answer.node for answer in answers)
    speeds = {name: 1 / median(each.took_s for each in answers if each.node == name) for name in calls}
    print(f"speeds {speeds}\nlearned {learned}\ncalls {calls}")
    assert set(calls) == set(SERVERS), "each of them is of use"
    assert tokens == {name: calls[name] * ANSWER_TOKENS for name in SERVERS}
    told_apart = [(one, two) for one in SERVERS for two in SERVERS if speeds[one] >= CLEARLY * speeds[two]]
    assert told_apart, f"they should not be equally fast: {speeds}"
    for faster, slower in told_apart:
        assert learned[faster] > learned[slower], f"learned {learned}, they were {speeds}"
        assert calls[faster] >= calls[slower], f"shared {calls}, they were {speeds}"
    assert calls[max(speeds, key=speeds.__getitem__)] > calls[min(speeds, key=speeds.__getitem__)]


@contextmanager
def running(server: Server) -> Iterator[int]:
    """A llama.cpp server on the shipped weights; its port."""
    weights = shipped_weights()
    assert weights is not None
    task = Task(
        path=str(weights), alias=MODEL, key=KEY, embedding=False, context=512, slots=1, batch=256,
        threads=server.threads, parent=os.getpid(),
    )  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "potluck.backends.local.child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    stop = threading.Event()
    throttle = threading.Thread(target=throttled, args=(process.pid, server.share, stop))
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(msgspec.json.encode(task) + b"\n")
        process.stdin.flush()
        port = int(process.stdout.readline())
        if server.share < 1.0:
            os.sched_setaffinity(process.pid, {min(os.sched_getaffinity(0))})
        throttle.start()
        yield port
    finally:
        stop.set()
        if throttle.is_alive():
            throttle.join()
        process.kill()
        process.communicate()


def throttled(pid: int, share: float, stop: threading.Event) -> None:
    """Let a process run for a part of the time, until told otherwise."""
    while share < 1.0 and not stop.is_set():
        os.kill(pid, signal.SIGSTOP)
        stop.wait(_PERIOD_S * (1 - share))
        os.kill(pid, signal.SIGCONT)
        stop.wait(_PERIOD_S * share)


def asked(service: processes.Service, number: int) -> Answer:
    """An answer of a known length: a small model left to itself may end at once."""
    say = f"Tell caller number {number} of the sea."
    limits = {"max_tokens": ANSWER_TOKENS, "ignore_eos": True, "temperature": 0}
    body = {"model": MODEL, "messages": [{"role": "user", "content": say}], **limits}
    headers = {"authorization": f"Bearer {service.key}", "content-type": "application/json"}
    request = urllib.request.Request(f"{service.url}/v1/chat/completions", json.dumps(body).encode(), headers)
    began = time.monotonic()
    with urllib.request.urlopen(request, timeout=250) as reply:
        assert json.load(reply)["usage"]["completion_tokens"] == ANSWER_TOKENS
        queued_s = int(reply.headers["x-potluck-queue-ms"]) / 1000
        return Answer(str(reply.headers["x-potluck-node"]), time.monotonic() - began - queued_s)


def metered(service: processes.Service) -> dict[str, int]:
    """Tokens by node, as Prometheus would read them."""
    request = urllib.request.Request(f"{service.url}/metrics", headers={"authorization": f"Bearer {service.key}"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    told = [line for line in lines if line.startswith("potluck_completion_tokens_total{")]
    return {line.split('node="')[1].split('"')[0]: int(float(line.split()[-1])) for line in told}


def decode_rates(database: Path) -> dict[str, float]:
    """What the service knows after its end, and will begin with the next time."""
    with closing(sqlite3.connect(database)) as connection:
        ((value,),) = connection.execute("select value from settings where name = 'learned rates'").fetchall()
    return {row["engine"].split("/")[0]: float(row["figures"]["decode_tps"]) for row in json.loads(value)}

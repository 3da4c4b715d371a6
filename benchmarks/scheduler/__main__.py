"""What a decision costs: one call on a quiet fleet, and any event of a large fleet with a long queue.

``python benchmarks/scheduler [--rounds N]``. Prints machine, commit and spread; compare runs of one machine only.
"""

from __future__ import annotations

import argparse
import gc
import platform
import random
import statistics
import subprocess
import time
from collections.abc import Callable

from potluck.core.model import Engine, EngineId, EngineKind, Health, Model, ModelId, NodeId, RequestId, UserId
from potluck.core.scheduling.asks import Ask, Place, Target
from potluck.core.scheduling.classes import Kind
from potluck.core.scheduling.decisions import Start
from potluck.core.scheduling.explain import explain
from potluck.core.scheduling.rates import Timing
from potluck.core.scheduling.scheduler import Scheduler

ONE_MS = 1000.0


def engine(number: int, models: int, slots: int, resident: int) -> Engine:
    """A node of 64 GB with one engine; of its models the first few are loaded."""
    known = {
        ModelId(f"model{index}"): Model(
            ModelId(f"model{index}"), resident=index < resident, size_bytes=(2 + index) * 1_000_000_000
        )
        for index in range(models)
    }
    name = f"node{number}"
    return Engine(
        EngineId(f"{name}/ollama"),
        NodeId(name),
        EngineKind.OLLAMA,
        Health.UP,
        slots,
        models=known,
        memory_bytes=64_000_000_000,
    )


def fleet(nodes: int, models: int, slots: int, resident: int, depth: int) -> Scheduler:
    scheduler = Scheduler(depth=depth)
    engines = [engine(number, models, slots, resident) for number in range(nodes)]
    for one in engines:
        scheduler.engine(one, 0.0)
    names = [ModelId(f"model{index}") for index in range(models)]
    scheduler.declare([Target(name, tuple(Place(one.id, name) for one in engines)) for name in names], 0.0)
    return scheduler


def quiet(candidates: int, *, running: int, timing: Timing | None, first: bool) -> Callable[[], float]:
    """µs for each arrive + finish on a fleet where every candidate has the model and free slots."""
    scheduler = fleet(candidates, 1, 64, 1, 512)
    user = UserId("anna")
    for number in range(running):
        scheduler.arrive(Ask(RequestId(f"r{number}"), user, "model0", Kind.CHAT, 300), 0.0)
    ids = [RequestId(f"q{number}") for number in range(5000)]

    def measure() -> float:
        begun = time.process_time()
        now = 1.0
        for request in ids:
            now += 0.001
            scheduler.arrive(Ask(request, user, "model0", Kind.CHAT, 300), now)
            if first:
                scheduler.first(request, now)
            scheduler.finish(request, now, timing)
        return (time.process_time() - begun) / len(ids) * 1e6

    return measure


class Busy:
    """400 nodes with every slot taken, 2,000 waiting; each event is timed by itself."""

    def __init__(self, nodes: int, queued: int) -> None:
        self.scheduler = fleet(nodes, 12, 4, 3, queued + 100)
        self.random = random.Random(1)
        self.running: list[RequestId] = []
        self.number = 0
        self.now = 0.0
        self.times: dict[str, list[float]] = {"arrive": [], "finish": [], "tick": [], "leave": []}
        while self.scheduler.waiting < queued:
            self.arrive()
        self.times["arrive"].clear()

    def arrive(self) -> None:
        self.number += 1
        request = RequestId(f"r{self.number}")
        kind = self.random.choice((Kind.CHAT, Kind.CHAT, Kind.COMPLETION, Kind.REVIEW, Kind.BATCH))
        ask = Ask(request, UserId(f"u{self.random.randrange(50)}"), f"model{self.random.randrange(12)}", kind, 500)
        self._timed("arrive", lambda: self.scheduler.arrive(ask, self.now))

    def _timed(self, what: str, act: Callable[[], object]) -> None:
        begun = time.process_time()
        decisions = act()
        self.times[what].append((time.process_time() - begun) * 1e6)
        for decision in decisions if isinstance(decisions, list | tuple) else ():
            if isinstance(decision, Start):
                self.running.append(decision.request)
                if decision.loads:
                    self.scheduler.loaded(decision.engine, decision.model, self.now)

    def step(self) -> None:
        self.now += 0.02
        request = self.running.pop(self.random.randrange(len(self.running)))
        self._timed("finish", lambda: self.scheduler.finish(request, self.now))
        self.arrive()
        if self.number % 50 == 0:
            self._timed("tick", lambda: self.scheduler.tick(self.now))


def explained() -> float:
    scheduler = fleet(4, 1, 64, 1, 512)
    (start,) = scheduler.arrive(Ask(RequestId("r"), UserId("anna"), "model0", Kind.CHAT, 300), 0.0)
    assert isinstance(start, Start)
    begun = time.process_time()
    for _ in range(1000):
        explain(start)
    return (time.process_time() - begun) * 1e3


def spread(values: list[float]) -> str:
    ordered = sorted(values)
    return f"{statistics.median(ordered):8.2f}  [{ordered[0]:.2f} .. {ordered[-1]:.2f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds: int = parser.parse_args().rounds
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    print(
        f"{platform.machine()}, CPython {platform.python_version()}, commit {commit}, {rounds} rounds, median [spread]"
    )
    timing = Timing(300, 0.5, 210, 5.0)
    cases = {
        "1 candidate": quiet(1, running=0, timing=None, first=False),
        "4 candidates": quiet(4, running=0, timing=None, first=False),
        "4 candidates, 64 running": quiet(4, running=64, timing=None, first=False),
        "4 candidates, first token too": quiet(4, running=8, timing=None, first=True),
        "4 candidates, timing learned": quiet(4, running=8, timing=timing, first=True),
    }
    results: dict[str, list[float]] = {name: [] for name in cases}
    gc.disable()
    for _ in range(rounds):
        for name, measure in cases.items():
            results[name].append(measure())
    gc.enable()
    print("\narrive + finish, µs for each pair")
    for name, values in results.items():
        print(f"  {name:32} {spread(values)}")
    print(f"  {'explain, when asked for':32} {spread([explained() for _ in range(rounds)])}")
    print("\n400 nodes, 2,000 waiting, µs for each event")
    busy = Busy(400, 2000)
    for _ in range(150 * rounds):
        busy.step()
    for what, values in busy.times.items():
        if values:
            ordered = sorted(values)
            p99 = ordered[int(0.99 * (len(ordered) - 1))]
            print(
                f"  {what:32} {statistics.median(ordered):8.2f}  p99 {p99:.2f}  max {ordered[-1]:.2f}  n {len(values)}"
            )


if __name__ == "__main__":
    main()

"""How long a call takes while the gateway that leads is killed, or stopped: asked of the one that stands by.

``python -m benchmarks.takeover [--times 5] [--json]``. Two gateways on one PostgreSQL and one engine, eight callers.
Exit code 1: a call was refused, or the engine had more calls than it has slots for.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.circumstances import circumstances
from tests.e2e.processes import OLLAMA_MODEL, Fake, Service, fake, service
from tests.servers.postgresql import postgres

SLOTS = 4
CALLERS = 8
BODY = {"model": OLLAMA_MODEL, "messages": [{"role": "user", "content": "hi"}], "max_tokens": 4}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--times", type=int, default=5, help="for each way to go")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home, ExitStack() as stack:
        database = stack.enter_context(postgres("postgresql-newest")).new_database()
        engine = stack.enter_context(fake("--dialect", "ollama", "--model", f"{OLLAMA_MODEL},capabilities=completion"))
        took = {
            how.name: waits(Path(home), database, engine, how, options.times)
            for how in (signal.SIGKILL, signal.SIGTERM)
        }
        refused = sum(each.count(float("inf")) for each in took.values())
        most = max(model["most_busy"] for model in engine.control("GET", "/fake/state")["models"].values())
    result: dict[str, Any] = {
        **circumstances(),
        "longest_s": {
            how: {"median": round(median(each), 2), "most": round(max(each), 2)} for how, each in took.items()
        },
        "refused": refused,
        "most_at_once": most,
        "slots": SLOTS,
    }
    sys.stdout.write(json.dumps(result, indent=None if options.json else 2) + "\n")
    return 1 if refused or most > SLOTS else 0


def waits(home: Path, database: str, engine: Fake, how: signal.Signals, times: int) -> list[float]:
    """The longest call of each time, in seconds; infinite where one was refused."""
    found: list[float] = []
    for number in range(times):
        with ExitStack() as stack:
            a, b = (
                stack.enter_context(gateway(home / f"{how.name}-{number}-{name}", database, engine)) for name in "ab"
            )
            with asking(b) as longest:
                time.sleep(1.0)
                a.process.send_signal(how)
                a.process.wait(60)
                time.sleep(6.0 if how is signal.SIGKILL else 2.0)
            found.append(max(longest))
    return found


@contextmanager
def gateway(home: Path, database: str, engine: Fake) -> Iterator[Service]:
    home.mkdir()
    config = home / "potluck.yaml"
    engines = f"[{{kind: ollama, port: {engine.port}, slots: {SLOTS}}}]"
    config.write_text(
        f"nodes: {{one: {{address: 127.0.0.1, engines: {engines}}}}}\n"
        f'storage: {{database: "{database}"}}\nlocal: false\ndiscovery: {{mdns: false}}\n'
    )
    with service(home, "--config", str(config)) as running:
        yield running


@contextmanager
def asking(running: Service) -> Iterator[list[float]]:
    """Calls without a pause, and how long each took, complete at the end of the block."""
    took: list[float] = []
    stop = threading.Event()

    def caller() -> None:
        while not stop.is_set():
            began_s = time.monotonic()
            headers = {"authorization": f"Bearer {running.key}"}
            request = urllib.request.Request(f"{running.url}/v1/chat/completions", json.dumps(BODY).encode(), headers)
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    answer.read()
            except OSError:
                took.append(float("inf"))
            else:
                took.append(time.monotonic() - began_s)

    callers = [threading.Thread(target=caller) for _ in range(CALLERS)]
    for each in callers:
        each.start()
    try:
        yield took
    finally:
        stop.set()
        for each in callers:
            each.join()


if __name__ == "__main__":
    sys.exit(main())

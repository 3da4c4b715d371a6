"""Two gateways on one PostgreSQL: one leads, the other one takes over, and nobody who asks either of them notices."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from potluck.core.leadership import LEASE_S
from tests.e2e.processes import OLLAMA_MODEL, Fake, Service, fake, service
from tests.e2e.test_coming_back import asked, events, said
from tests.e2e.test_leaving import becomes
from tests.servers.missing import missing
from tests.servers.postgresql import Postgres, postgres
from tests.servers.rooms import free_port

ROOT = Path(__file__).parents[2]
SLOTS = 2
# On an engine of its own: what is handed over leaves one seat and takes another, and the engine sees that in its time.
NATIVE = "native:1b"
QUESTION = {"message": "repeat 40", "model": NATIVE, "temperature": 0}
SHORT = {"model": OLLAMA_MODEL, "messages": [{"role": "user", "content": "hi"}], "max_tokens": 4}
LONG = {"model": OLLAMA_MODEL, "messages": [{"role": "user", "content": "repeat 40"}], "temperature": 0}


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with postgres("postgresql-newest") as running:
        yield running


@pytest.fixture
def engines() -> Iterator[tuple[Fake, Fake]]:
    with ExitStack() as stack:
        made: list[Fake] = []
        for model in (OLLAMA_MODEL, NATIVE):
            each = stack.enter_context(fake("--dialect", "ollama", "--model", f"{model},capabilities=completion"))
            each.control("POST", "/fake/models", {"name": model, "decode": 40})
            made.append(each)
        yield made[0], made[1]


@dataclass
class House:
    """A database and two engines, and gateways as they come."""

    home: Path
    database: str
    engines: tuple[Fake, Fake]
    drain: str = "20s"

    @contextmanager
    def gateway(self, name: str, port: int = 0) -> Iterator[Service]:
        home = self.home / name
        home.mkdir(exist_ok=True)
        config = home / "potluck.yaml"
        nodes = [
            f"{node}: {{address: 127.0.0.1, engines: [{{kind: ollama, port: {each.port}, slots: {SLOTS}}}]}}"
            for node, each in zip(("one", "two"), self.engines, strict=True)
        ]
        config.write_text(
            f"nodes: {{{', '.join(nodes)}}}\n"
            f'storage: {{database: "{self.database}"}}\n'
            f"local: false\ndiscovery: {{mdns: false}}\nserver: {{drain: {self.drain}}}\ngateway: {{name: {name}}}\n"
        )
        with service(home, "--config", str(config), "--port", str(port)) as running:
            yield running


@pytest.fixture
def house(tmp_path: Path, server: Postgres, engines: tuple[Fake, Fake]) -> House:
    return House(tmp_path, server.new_database(), engines)


def ask(running: Service, path: str, body: Any = None, key: str = "", method: str = "") -> Any:
    request = urllib.request.Request(
        running.url + path,
        None if body is None else json.dumps(body).encode(),
        {"authorization": f"Bearer {key or running.key}"},
        method=method or None,
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        data = answer.read()
        return json.loads(data) if data else None


def status(running: Service, path: str, key: str = "") -> int:
    try:
        ask(running, path, key=key)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    return 200


def most_at_once(engine: Fake) -> int:
    """How many calls the engine has worked on at the same time at most."""
    return max((model["most_busy"] for model in engine.control("GET", "/fake/state")["models"].values()), default=0)


def answer_alike(a: Service, b: Service) -> None:
    """One leads, and the other one answers as it does."""
    for each in (a, b):
        assert ask(each, "/v1/chat/completions", SHORT)["choices"][0]["message"]["content"]
    made = ask(b, "/api/v1/keys", {"name": "laptop"})
    assert status(a, "/v1/models", made["key"]) == 200
    ask(a, f"/api/v1/keys/{made['id']}", method="DELETE")
    assert [status(each, "/v1/models", made["key"]) for each in (a, b)] == [401, 401]


def test_a_killed_leader_is_replaced_under_load_and_its_native_answer_goes_on(house: House) -> None:
    with house.gateway("a") as a, house.gateway("b") as b:
        answer_alike(a, b)
        wanted = whole(b)
        answers: list[str] = []
        stop = threading.Event()

        def client() -> None:
            while not stop.is_set():
                answers.append(ask(b, "/v1/chat/completions", SHORT)["choices"][0]["message"]["content"])

        clients = [threading.Thread(target=client) for _ in range(3)]
        with asked(b, "POST", "/api/v1/chat", QUESTION) as answer:
            told = [next(events(answer)) for _ in range(12)]
            for each in clients:
                each.start()
            a.process.kill()
            killed_s, before = time.monotonic(), len(answers)
            told += events(answer)  # the stream of its client never broke
        assert [number for number, _, _ in told] == list(range(1, len(told) + 1))
        assert (said(told), told[-1][1]) == (wanted, "done")
        took_s = time.monotonic() - killed_s
        stop.set()
        for each in clients:
            each.join()
        assert len(answers) > before
        assert len(set(answers)) == 1
        assert took_s < 30  # five on a quiet machine


def test_a_leader_that_is_stopped_hands_over_at_once_and_nobody_is_refused(house: House) -> None:
    """Streams end where they are, whoever waits in line moves, and the engine never has more than it has slots for."""
    with house.gateway("a") as a, house.gateway("b") as b:
        wanted, native = ask(b, "/v1/chat/completions", LONG)["choices"][0]["message"]["content"], whole(b)
        answers: list[tuple[str, str]] = []

        def client(running: Service, body: Any) -> None:
            for _ in range(2):
                try:
                    told = ask(running, "/v1/chat/completions", body)["choices"][0]["message"]["content"]
                except OSError:  # it was stopped, and takes no connection any more
                    return
                answers.append((running.data.parent.name, told))

        clients = [threading.Thread(target=client, args=(each, LONG)) for each in (a, a, a, a, b, b)]
        with asked(b, "POST", "/api/v1/chat", QUESTION) as answer:
            told = [next(events(answer)) for _ in range(4)]
            for each in clients:
                each.start()
            time.sleep(0.5)
            a.process.terminate()
            told += events(answer)
        assert a.process.wait(30) == 0
        for each in clients:
            each.join()
        assert [number for number, _, _ in told] == list(range(1, len(told) + 1))
        assert (said(told), told[-1][1]) == (native, "done")
        assert {text for _, text in answers} == {wanted}
        names = [name for name, _ in answers]
        assert names.count("b") == 4
        assert names.count("a") >= 4
        assert most_at_once(house.engines[0]) == SLOTS


def test_without_the_database_all_goes_on_and_a_gateway_that_was_suspended_stands_by(
    house: House, server: Postgres
) -> None:
    with house.gateway("a") as a, house.gateway("b") as b:
        server.stop(signal.SIGKILL)
        ends = time.monotonic() + 1.5 * LEASE_S
        while time.monotonic() < ends:
            for each in (a, b):
                assert ask(each, "/v1/chat/completions", SHORT)["choices"]
        server.start()
        a.process.send_signal(signal.SIGSTOP)
        assert ask(b, "/v1/chat/completions", SHORT)["choices"]  # waits for the lease to be over
        a.process.send_signal(signal.SIGCONT)
        for each in (a, b):
            assert ask(each, "/v1/chat/completions", SHORT)["choices"]
        a.process.kill()  # it is not needed any more
        assert ask(b, "/v1/chat/completions", SHORT)["choices"]


def test_behind_nginx_both_are_updated_without_a_refused_request(house: House, tmp_path: Path) -> None:
    ports = free_port(), free_port(), free_port()
    failures: list[object] = []
    answers: list[str] = []
    stop = threading.Event()

    def client(key: str) -> None:
        front = f"http://127.0.0.1:{ports[0]}"
        while not stop.is_set():
            request = urllib.request.Request(
                f"{front}/v1/chat/completions", json.dumps(SHORT).encode(), {"authorization": f"Bearer {key}"}
            )
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    answers.append(json.load(answer)["choices"][0]["message"]["content"])
            except OSError as error:
                failures.append(error)

    with ExitStack() as stack:
        running = [stack.enter_context(ExitStack()) for _ in range(2)]
        a, _ = (
            each.enter_context(house.gateway(name, port))
            for each, name, port in zip(running, "ab", ports[1:], strict=True)
        )
        stack.enter_context(nginx(tmp_path, ports))
        clients = [threading.Thread(target=client, args=(a.key,)) for _ in range(3)]
        for each in clients:
            each.start()
        for each, name, port in zip(running, "ab", ports[1:], strict=True):
            time.sleep(0.3)
            each.close()
            each.enter_context(house.gateway(name, port))
        stop.set()
        for each in clients:
            each.join()
    assert failures == []
    assert len(set(answers)) == 1


@contextmanager
def nginx(folder: Path, ports: tuple[int, int, int]) -> Iterator[None]:
    """nginx with the configuration of docs/guides/two-gateways.md, on other addresses."""
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        missing("nginx", "apt-get install nginx-light")
    guide = (ROOT / "docs/guides/two-gateways.md").read_text()
    config = guide.partition("```nginx\n")[2].partition("```")[0]
    for theirs, ours in (
        ("192.168.1.20:8420", f"127.0.0.1:{ports[1]}"),
        ("192.168.1.21:8420", f"127.0.0.1:{ports[2]}"),
        ("listen 80", f"listen 127.0.0.1:{ports[0]}"),
    ):
        assert theirs in config
        config = config.replace(theirs, ours)
    file = folder / "nginx.conf"
    temporary = "".join(
        f"{what}_temp_path {folder}/{what};" for what in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    file.write_text(
        f"{'user root; ' if os.getuid() == 0 else ''}daemon off; pid {folder}/nginx.pid;\n"
        f"error_log {folder}/nginx.log; events {{}}\n"
        f"http {{ access_log off; {temporary}\n{config} }}\n"
    )
    process = subprocess.Popen([program, "-p", folder, "-c", file], stderr=subprocess.DEVNULL)
    try:
        assert becomes(True, lambda: listens(ports[0]), 20.0), (folder / "nginx.log").read_text()
        yield
    finally:
        process.terminate()
        process.wait(20)


def listens(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


def whole(running: Service) -> str:
    with asked(running, "POST", "/api/v1/chat", QUESTION) as answer:
        return said(list(events(answer)))

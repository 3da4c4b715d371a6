"""Bad cables and what they may cost, which is time: run by `test_bad_network`, behind its walls.

The tests are one story and come in their order. Nobody is told of what gets lost: no connection is reset or closed.
"""

from __future__ import annotations

import json
import random
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from tests.e2e import processes
from tests.e2e.cable import BAD, SILENT, WELL, Condition
from tests.e2e.lan import Host, Lan, lan
from tests.e2e.stories import end_with_who_started_it
from tests.e2e.test_service import until

GATEWAY = "192.168.1.10"
ADDRESSES = {"ollama": "192.168.1.21", "llamacpp": "192.168.1.22"}
PORT = 11434
MODEL = "m"
DECODE_TPS = 40
# A probe that gets no answer is given up after ten seconds; CI's machine is slow.
PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Answer:
    text: str
    ended: bool
    node: str
    attempts: int


@dataclass(frozen=True, slots=True)
class House:
    """Two machines of which each has the model, and the gateway."""

    hosts: Mapping[str, Host]
    service: processes.Service

    def post(self, say: str, *, stream: bool) -> Any:
        headers = {"authorization": f"Bearer {self.service.key}", "content-type": "application/json"}
        body = {"model": MODEL, "stream": stream, "max_tokens": 120, "messages": [{"role": "user", "content": say}]}
        request = urllib.request.Request(f"{self.service.url}/v1/chat/completions", json.dumps(body).encode(), headers)
        return urllib.request.urlopen(request, timeout=PATIENCE_S)

    def ask(self, say: str) -> Answer:
        with self.post(say, stream=False) as answer:
            choice = json.load(answer)["choices"][0]
            node, attempts = answer.headers["x-potluck-node"], int(answer.headers["x-potluck-attempts"])
        return Answer(choice["message"]["content"], choice["finish_reason"] == "stop", node, attempts)

    def streamed(self, say: str) -> Answer:
        with self.post(say, stream=True) as answer:
            return read(answer)

    def health(self, name: str) -> str:
        nodes = self.service.get("/api/v1/nodes")["nodes"]
        return next(str(engine["health"]) for node in nodes if node["id"] == name for engine in node["engines"])

    def condition(self, name: str, condition: Condition) -> None:
        cable = self.hosts[name].cable
        assert cable is not None
        cable.condition = condition

    def all_up(self) -> bool:
        return all(self.health(name) == "up" for name in self.hosts)

    def all_back(self) -> bool:
        """One whose calls failed shows by a call that it is well again, and gets one when the others have some."""
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(self.ask, ["repeat 5"] * 4))
        return self.all_up()


def read(answer: Any) -> Answer:
    """A stream's rest."""
    text, ended = "", False
    for line in answer:
        if line.startswith(b"data: {"):
            chunk = json.loads(line[6:])
            assert "error" not in chunk, chunk
            text += "".join(choice["delta"].get("content") or "" for choice in chunk["choices"])
        ended = ended or line == b"data: [DONE]\n"
    return Answer(text, ended, answer.headers["x-potluck-node"], int(answer.headers["x-potluck-attempts"]))


def words(number: int) -> str:
    return " ".join(f"w{each}" for each in range(1, number + 1))


@pytest.fixture(scope="module", autouse=True)
def _ends_with_who_started_it() -> None:
    end_with_who_started_it()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    home = tmp_path_factory.mktemp("house")
    config = home / "potluck.yaml"
    nodes = "".join(
        f"  {kind}: {{address: {address}, engines: [{{kind: {kind}, port: {PORT}, slots: 8}}]}}\n"
        for kind, address in ADDRESSES.items()
    )
    config.write_text(f"local: false\nhealth: {{interval: 1s}}\nrescue: {{silence: 1s}}\nnodes:\n{nodes}")
    with lan(home, GATEWAY) as network:
        hosts = {kind: built(network, kind) for kind in ADDRESSES}
        with processes.service(home, "--config", str(config)) as service:
            house = House(hosts, service)
            until(house.all_back, PATIENCE_S)
            yield house


def built(network: Lan, kind: str) -> Host:
    host = network.host(kind, ADDRESSES[kind], chance=random.Random(kind))
    started(host)
    return host


def started(host: Host) -> None:
    engine = [sys.executable, "-m", "potluck_fake_engine.main", "--dialect", host.name, "--host", "0.0.0.0"]
    host.start(*engine, "--port", str(PORT), "--slots", "8", "--model", f"{MODEL},decode={DECODE_TPS},resident=true")


def test_lost_and_late_frames_cost_no_answer(house: House) -> None:
    for name in house.hosts:
        house.condition(name, BAD)
    with ThreadPoolExecutor(16) as threads:
        whole = [threads.submit(house.ask, "repeat 30") for _ in range(8)]
        streams = [threads.submit(house.streamed, "repeat 30") for _ in range(8)]
        answers = [each.result() for each in whole + streams]
    lost = {name: host.cable.lost for name, host in house.hosts.items() if host.cable}
    print(f"frames lost {lost}, attempts {[answer.attempts for answer in answers]}")
    for name in house.hosts:
        house.condition(name, WELL)
    assert {(answer.text, answer.ended) for answer in answers} == {(words(30), True)}
    assert sum(lost.values()) > 0
    until(house.all_back, PATIENCE_S)


@dataclass(frozen=True, slots=True)
class _Behind:
    """A stream of which a line was read already."""

    line: bytes
    stream: Any

    @property
    def headers(self) -> Any:
        return self.stream.headers

    def __iter__(self) -> Iterator[bytes]:
        yield self.line
        yield from self.stream


def test_a_partition_costs_no_answer_and_heals_by_itself(house: House) -> None:
    """Half-open connections: neither end is told, and the kernels would wait for a quarter of an hour."""
    with house.post("repeat 100", stream=True) as stream, ThreadPoolExecutor(8) as threads:
        away = stream.headers["x-potluck-node"]
        (here,) = house.hosts.keys() - {away}
        begun = stream.readline()
        asked = [threads.submit(house.streamed, "repeat 50") for _ in range(4)]
        until(lambda: house.service.busy() == 5, PATIENCE_S)
        house.condition(away, SILENT)
        fell_silent = time.monotonic()
        asked += [threads.submit(house.streamed, "repeat 20") for _ in range(4)]
        answer = read(_Behind(begun, stream))
        print(f"{away} fell silent; the live stream was whole {time.monotonic() - fell_silent:.1f} s later")
        answers = [each.result() for each in asked]
    assert (answer.text, answer.ended) == (words(100), True)
    assert [each.text for each in answers] == [words(50)] * 4 + [words(20)] * 4
    assert all(each.ended for each in answers)
    until(lambda: house.health(away) != "up", PATIENCE_S)
    # Nobody waits for it any more.
    assert {(each.node, each.attempts) for each in [house.ask("say: x") for _ in range(4)]} == {(here, 1)}
    house.condition(away, WELL)
    until(house.all_back, PATIENCE_S)


def test_a_machine_that_hears_and_is_not_heard_costs_no_answer(house: House) -> None:
    with house.post("repeat 60", stream=True) as stream:
        begun = stream.readline()
        mute = stream.headers["x-potluck-node"]
        house.condition(mute, Condition(mute=True))
        answer = read(_Behind(begun, stream))
    assert (answer.text, answer.ended) == (words(60), True)
    # The other one, which was away before, is as good as ever.
    assert house.ask("say: back").node != mute
    house.condition(mute, WELL)
    until(house.all_back, PATIENCE_S)


def test_kept_connections_to_a_machine_that_lost_its_power_cost_no_answer(house: House) -> None:
    """Nothing said goodbye: the gateway takes them for open, and the machine that comes back knows nothing of them."""
    with ThreadPoolExecutor(8) as threads:
        assert {each.text for each in threads.map(house.ask, ["repeat 20"] * 8)} == {words(20)}
        for name, host in house.hosts.items():
            house.condition(name, SILENT)
            host.kill()
            # As after a boot: what the kernel still wants to say of the old connections is not heard.
            started(host)
            house.condition(name, WELL)
            answers = list(threads.map(house.ask, ["repeat 20"] * 8))
            assert {(answer.text, answer.ended) for answer in answers} == {(words(20), True)}
            until(house.all_back, PATIENCE_S)

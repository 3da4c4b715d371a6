"""Seven machines, the gateway's beside them, and what happens in a house: run by `test_seven_hosts`, behind its walls.

The tests are one story and come in their order. Each machine has a network, a name and an identity of its own.
"""

from __future__ import annotations

import json
import sys
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from tests.e2e import processes
from tests.e2e.lan import Host, Lan, lan
from tests.e2e.stories import end_with_who_started_it
from tests.e2e.test_discovery import potluck
from tests.e2e.test_service import until

GATEWAY = "192.168.1.10"
KEY = "a key of this house, made for a test".replace(" ", "-")
# A probe that gets no answer is given up after ten seconds, and it takes two of them; CI's machine is slow.
PATIENCE_S = 90.0

SMALL, MIDDLE, BIG, ONLY = "llama3.2:3b", "llama3.1:8b", "gpt-oss:20b", "coder:3b"
_SMALL = f"{SMALL},size=3GB,prefill=2000,decode=40"
_MIDDLE = f"{MIDDLE},size=6.5GB,prefill=2000,decode=30"
_BIG = f"{BIG},size=15GB,prefill=2000,decode=30"


@dataclass(frozen=True, slots=True)
class Machine:
    """What stands in the house: an engine on its usual port, and on most a node agent that announces itself."""

    address: str
    models: Sequence[str]
    memory: str
    slots: int = 1
    agent: bool = True


# DESIGN.md 2's addresses, and the rest of the reference fleet beside them. The last one is not what it says.
HOUSE: Mapping[str, Machine] = {
    "agx0": Machine("192.168.1.154", (_SMALL, _MIDDLE, _BIG), "56GB", slots=4),
    "orin0": Machine("192.168.1.157", (_SMALL, _MIDDLE, ONLY), "14GB", slots=2),
    "nano0": Machine("192.168.1.158", (_SMALL,), "7GB"),
    "nano1": Machine("192.168.1.159", (_SMALL,), "7GB"),
    "pi0": Machine("192.168.1.160", (_SMALL,), "6GB", agent=False),
    "pi1": Machine("192.168.1.161", (_SMALL,), "6GB", agent=False),
    "liar": Machine("192.168.1.162", (_BIG,), "64GB", slots=4),
}
ELSEWHERE = "192.168.1.171"
PORT = 11434


@dataclass(frozen=True, slots=True)
class Answer:
    text: str
    node: str
    attempts: int


@dataclass(frozen=True, slots=True)
class House:
    hosts: Mapping[str, Host]
    service: processes.Service

    def post(self, path: str, body: Mapping[str, Any]) -> tuple[Any, Mapping[str, str]]:
        headers = {"authorization": f"Bearer {self.service.key}", "content-type": "application/json"}
        request = urllib.request.Request(self.service.url + path, json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            return json.load(answer), answer.headers

    def ask(self, model: str, say: str) -> Answer:
        body = {"model": model, "messages": [{"role": "user", "content": say}]}
        answer, headers = self.post("/v1/chat/completions", body)
        text = answer["choices"][0]["message"]["content"]
        return Answer(text, headers["x-potluck-node"], int(headers["x-potluck-attempts"]))

    def ask_at_once(self, model: str, calls: int) -> list[Answer]:
        """So many calls, each of which must get its own answer."""
        with ThreadPoolExecutor(calls) as threads:
            answers = list(threads.map(lambda number: self.ask(model, f"say: number {number}"), range(calls)))
        assert [answer.text for answer in answers] == [f"number {number}" for number in range(calls)]
        return answers

    def proposals(self) -> dict[str, dict[str, Any]]:
        """What was found, by address."""
        return {each["address"]: each for each in self.service.get("/api/v1/discovery")["proposals"]}

    def node(self, name: str) -> dict[str, Any]:
        (found,) = [each for each in self.service.get("/api/v1/nodes")["nodes"] if each["id"] == name]
        return dict(found)

    def engine(self, name: str) -> dict[str, Any]:
        (found,) = self.node(name)["engines"]
        return dict(found)

    def until_health(self, name: str, health: str) -> None:
        until(lambda: self.engine(name)["health"] == health, PATIENCE_S)

    def fake(self, name: str) -> processes.Fake:
        return processes.Fake(f"http://{self.hosts[name].address}:{PORT}", PORT)


@pytest.fixture(scope="module", autouse=True)
def _ends_with_who_started_it() -> None:
    end_with_who_started_it()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    home = tmp_path_factory.mktemp("house")
    (home / "agents.key").write_text(KEY)
    config = home / "potluck.yaml"
    config.write_text(
        "local: false\n"
        "health: {interval: 1s}\n"
        "discovery: {mdns: true, scan: [192.168.1.0/24], agent_key: file:agents.key}\n"
    )
    with lan(home, GATEWAY) as network, ThreadPoolExecutor(len(HOUSE)) as threads:
        hosts = dict(zip(HOUSE, threads.map(lambda name: built(network, name), HOUSE), strict=True))
        with processes.service(home, "--config", str(config)) as service:
            yield House(hosts, service)


def built(network: Lan, name: str) -> Host:
    host = network.host(name, HOUSE[name].address)
    started(host)
    return host


def started(host: Host) -> None:
    """What a machine's boot starts."""
    machine = HOUSE[host.name]
    models = [word for model in machine.models for word in ("--model", model)]
    engine = [sys.executable, "-m", "potluck_fake_engine.main", "--dialect", "ollama", "--host", "0.0.0.0"]
    size = ["--memory", machine.memory, "--slots", str(machine.slots)]
    host.start(*engine, "--port", str(PORT), *size, *models)
    if machine.agent:
        agent = [sys.executable, "-m", "potluck.cli", "agent", "--host", "0.0.0.0", "--announce"]
        host.start(*agent, environment={"POTLUCK_AGENT_KEY": KEY})


def test_all_seven_are_found_and_proposed_and_none_is_taken(house: House) -> None:
    """Most by their agents' announcements; the Pis, which have none, by the scan of the network."""
    until(lambda: len(house.proposals()) == len(HOUSE), PATIENCE_S)
    found = house.proposals()
    assert {address: each["state"] for address, each in found.items()} == dict.fromkeys(found, "new")
    told = {machine.address: "proven" if machine.agent else "weak" for machine in HOUSE.values()}
    assert {address: each["identity"] for address, each in found.items()} == told
    assert [found[HOUSE[name].address]["name"] for name in ("agx0", "pi0")] == ["agx0", "ollama-192-168-1-160"]
    assert house.service.get("/api/v1/nodes")["nodes"] == []


def test_what_the_owner_accepts_is_served(house: House) -> None:
    found = {name: house.proposals()[machine.address]["id"] for name, machine in HOUSE.items()}
    potluck(house.service, "nodes", "accept", found.pop("agx0"), "--slots", "4")
    for name, proposal in found.items():
        house.post(f"/api/v1/discovery/{proposal}/accept", {"name": name, "slots": HOUSE[name].slots})
    for name in HOUSE:
        house.until_health(name, "up")
    assert len({answer.node for answer in house.ask_at_once(SMALL, 14)}) >= 3, "one or two machines did it all"
    assert house.ask(ONLY, "say: here") == Answer("here", "orin0", 1)


LIES: Mapping[str, Mapping[str, Any]] = {
    "it has a model that it has not": {"kind": "status", "status": 404, "body": '{"error":"model not found"}'},
    "it is well, and fails": {"kind": "status", "status": 500, "body": '{"error":"CUDA error: out of memory"}'},
    "it answers, in half a line of JSON": {"kind": "malformed"},
    "it answers, with a page to log in": {"kind": "login-page"},
    "it answers, with nothing": {"kind": "empty"},
    "it answers, and hangs up": {"kind": "reset"},
}


@pytest.mark.parametrize("lie", LIES)
def test_a_node_that_lies_costs_no_answer_and_is_avoided(lie: str, house: House) -> None:
    liar = house.fake("liar")
    liar.control("POST", "/fake/reset")
    liar.control("POST", "/fake/faults", {**LIES[lie], "times": None})
    answers = house.ask_at_once(BIG, 6)
    # By then everybody knows: of calls that come one after the other at most one goes to look whether it still lies.
    later = [house.ask(BIG, "say: right") for _ in range(6)]
    liar.control("POST", "/fake/reset")
    for word in ("drain", "resume"):  # the owner has mended it: what failed before is forgotten
        potluck(house.service, "nodes", word, "liar")
    assert {answer.node for answer in answers} == {"agx0"}
    assert {(answer.text, answer.node) for answer in later} == {("right", "agx0")}
    assert sum(answer.attempts - 1 for answer in later) <= 1


NONSENSE = {
    "more memory than there is": {"size": 10**18, "size_vram": 10**18, "context_length": 4096},
    "less than none": {"size": -1, "size_vram": -(10**15), "context_length": -5},
    "words for numbers": {"size": "much", "size_vram": None, "context_length": "long"},
}


@pytest.mark.parametrize("nonsense", NONSENSE)
def test_a_node_that_tells_nonsense_of_its_memory_harms_nobody(nonsense: str, house: House) -> None:
    liar = house.fake("liar")
    told = {"name": BIG, "model": BIG, "digest": "0" * 64, "expires_at": "yesterday", **NONSENSE[nonsense]}
    body = json.dumps({"models": [told]})
    looks = {"kind": "status", "status": 200, "body": body, "path": "/api/ps", "method": "GET", "times": None}
    liar.control("POST", "/fake/faults", looks)
    before = len(liar.requests())
    until(lambda: len([each for each in liar.requests()[before:] if each["path"] == "/api/ps"]) >= 2, PATIENCE_S)
    answers = house.ask_at_once(BIG, 6)
    assert {answer.node for answer in answers} <= {"agx0", "liar"}
    assert house.engine("agx0")["health"] == "up"
    liar.control("POST", "/fake/reset")
    house.until_health("liar", "up")


def test_a_cut_cable_loses_no_call_that_had_no_byte_yet(house: House) -> None:
    with ThreadPoolExecutor(8) as threads:
        # Whole answers of three seconds: none has a byte when the cable is cut.
        asked = [threads.submit(house.ask, MIDDLE, "repeat 100") for _ in range(4)]
        until(lambda: house.engine("agx0")["busy"] > 0, PATIENCE_S)
        house.hosts["agx0"].cut()
        answers = [each.result() for each in asked]
    assert {answer.text for answer in answers} == {" ".join(f"w{number}" for number in range(1, 101))}
    assert max(answer.attempts for answer in answers) == 2
    house.until_health("agx0", "down")
    assert house.engine("agx0")["why"]
    # Nobody waits for it any more.
    assert {answer.node for answer in house.ask_at_once(MIDDLE, 2)} == {"orin0"}
    house.hosts["agx0"].mend()
    house.until_health("agx0", "up")
    house.hosts["orin0"].cut()
    house.hosts["orin0"].mend()  # a plug that was loose for a moment is no news
    assert house.ask(MIDDLE, "say: back").text == "back"


def test_a_machine_that_comes_back_under_another_address_is_followed(house: House) -> None:
    orin0 = house.hosts["orin0"]
    orin0.kill()
    orin0.cut()
    house.until_health("orin0", "down")
    orin0.move(ELSEWHERE)
    orin0.mend()
    started(orin0)
    until(lambda: ELSEWHERE in house.node("orin0")["why"], PATIENCE_S)
    house.until_health("orin0", "up")
    assert house.ask(ONLY, "say: here again") == Answer("here again", "orin0", 1)
    moved = f"It was at {HOUSE['orin0'].address} and is at {ELSEWHERE} now: it was known by its identity."
    assert moved in potluck(house.service, "nodes", "ls")


def test_no_key_was_told_to_the_log(house: House) -> None:
    told = house.service.log.read_text()
    assert KEY not in told
    assert house.service.key not in told

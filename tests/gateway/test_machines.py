"""What is known of machines: while their agents speak, when they fall silent, and when the owner changes them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from potluck.backends.agent import HttpAgent
from potluck.backends.port import HttpReply
from potluck.core.errors import MalformedAnswer, NodeFailed, NodeUnreachable
from potluck.core.model import NodeId, NodeReading
from potluck.core.reading import Disk, Gpu, Memory, Power, Reading, Temperature
from potluck.gateway.agents import AgentWatch
from potluck.gateway.exposition import Exposition
from potluck.gateway.machines import Machine, Machines, MachineSetup
from potluck.gateway.metrics import Metrics
from potluck.gateway.tasks import Tasks

NODE, OTHER = NodeId("agx0"), NodeId("pi3")
READING = Reading(
    age_s=2.0,
    memory=Memory(64, 40),
    gpus=(Gpu("g", True, 0.5),),
    temperatures=(Temperature("t", 61.0),),
    disks=(Disk("/", 100, 60), Disk("/models", 50, 20)),
)


@dataclass
class FakeAgent:
    """Says what it is told to; an empty list of answers is silence."""

    answers: list[Reading | NodeFailed] = field(default_factory=list)
    asked: int = 0

    async def reading(self) -> Reading:
        self.asked += 1
        answer = self.answers.pop(0) if self.answers else NodeUnreachable("The agent refuses connections.")
        if isinstance(answer, Exception):
            raise answer
        return answer


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


def one(machines: Machines) -> Machine:
    (machine,) = machines.snapshot()
    return machine


def watched(agent: FakeAgent, clock: Clock) -> Machines:
    machines = Machines(clock, interval_s=30)
    machines.configure([MachineSetup(NODE, 60, agent)])
    return machines


def test_a_machine_without_an_agent_is_what_its_owner_says() -> None:
    machines = Machines(Clock(), 30)
    machines.configure([MachineSetup(NODE, 64_000_000_000), MachineSetup(OTHER)])
    assert machines.known() == {NODE: NodeReading(NODE, 64_000_000_000), OTHER: NodeReading(OTHER)}
    assert machines.agents() == {}


def test_a_reading_is_as_old_as_the_agent_says_and_grows_older() -> None:
    clock, agent = Clock(), FakeAgent()
    machines = watched(agent, clock)
    machines.heard(NODE, agent, READING)
    assert one(machines).age_s == 2.0
    clock.now += 10
    assert (one(machines).age_s, one(machines).known.available_bytes, one(machines).known.age_s) == (12.0, 40, 12.0)


def test_a_silent_agent_is_said_to_be_and_its_old_figures_are_not_planned_with() -> None:
    clock, agent = Clock(), FakeAgent()
    machines = watched(agent, clock)
    assert one(machines).silent_s is None
    machines.heard(NODE, agent, READING)
    clock.now += 38
    assert machines.missed(NODE, agent, "gone")
    assert not machines.missed(NODE, agent, "still gone")
    found = one(machines)
    assert (found.silent_s, found.why, found.reading) == (40.0, "still gone", READING)
    assert found.known.available_bytes == 40
    clock.now += 60
    assert one(machines).known == NodeReading(NODE, 60)
    assert machines.heard(NODE, agent, READING)
    assert (one(machines).silent_s, one(machines).why) == (None, "")


def test_what_a_machine_draws_is_known_while_its_reading_is_fresh() -> None:
    clock, agent = Clock(), FakeAgent()
    machines = watched(agent, clock)
    assert machines.watts(NODE) is None
    machines.heard(NODE, agent, replace(READING, power=(Power("VDD_IN", 21.5),)))
    assert machines.watts(NODE) == 21.5
    assert machines.watts(OTHER) is None
    clock.now += 120
    assert machines.watts(NODE) is None


def test_one_that_never_answered_is_silent_since_it_was_first_asked() -> None:
    clock, agent = Clock(), FakeAgent()
    machines = watched(agent, clock)
    machines.missed(NODE, agent, "gone")
    clock.now += 40
    assert one(machines).silent_s == 40.0


def test_a_changed_configuration_keeps_what_stays_and_hears_nobody_else() -> None:
    agent, stranger = FakeAgent(), FakeAgent()
    machines = watched(agent, Clock())
    machines.heard(NODE, agent, READING)
    machines.configure([MachineSetup(NODE, 50, agent)])
    assert (one(machines).reading, one(machines).known.memory_bytes) == (READING, 50)
    machines.configure([MachineSetup(NODE, 50, stranger)])
    assert one(machines).reading is None
    assert not machines.heard(NODE, agent, READING)
    assert not machines.missed(NODE, agent, "gone")
    assert not machines.missed(OTHER, agent, "gone")
    assert (one(machines).reading, one(machines).silent_s) == (None, None)


async def test_every_agent_is_asked_again_and_again_until_it_is_taken_out() -> None:
    agent = FakeAgent([READING, NodeFailed("odd"), READING])
    machines = watched(agent, Clock())
    async with Tasks() as tasks:
        watch = AgentWatch(machines, tasks, interval_s=0.001)
        watch.begin()
        watch.begin()
        while agent.asked < 5:
            await asyncio.sleep(0.001)
        assert len(tasks) == 1
        assert one(machines).reading == READING
        machines.configure([])
        while len(tasks):
            await asyncio.sleep(0.001)
        machines.configure([MachineSetup(NODE, agent=agent)])
        watch.begin()
        assert len(tasks) == 1


@dataclass
class FakeHttp:
    status: int
    body: bytes
    asked: list[tuple[str, str]] = field(default_factory=list)

    async def request(self, method: str, path: str, body: bytes | None = None, *, timeout_s: float = 10.0) -> HttpReply:
        self.asked.append((method, path))
        return HttpReply(self.status, self.body)

    def stream(self, method: str, path: str, body: object = None) -> None:  # type: ignore[override]
        raise NotImplementedError


async def test_an_agent_is_asked_for_its_reading() -> None:
    http = FakeHttp(200, b'{"memory": {"total_bytes": 5}}')
    assert (await HttpAgent(http).reading()).memory.total_bytes == 5  # type: ignore[arg-type]
    assert http.asked == [("GET", "/reading")]


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (401, b"{}", NodeFailed, "another key"),
        (404, b"{}", NodeFailed, "status 404"),
        (302, b"", NodeFailed, "status 302"),
        (200, b"Ollama is running", MalformedAnswer, "no agent of Potluck"),
    ],
)
async def test_what_an_agent_refuses_is_said_in_words_for_the_owner(
    status: int, body: bytes, kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=words):
        await HttpAgent(FakeHttp(status, body)).reading()  # type: ignore[arg-type]


def gauges(machines: Machines) -> dict[str, list[tuple[dict[str, str], float]]]:
    text = Exposition(Metrics(), machines=machines.snapshot()).text().decode()
    return {
        family.name: [(sample.labels, sample.value) for sample in family.samples]
        for family in text_string_to_metric_families(text)
        if family.name.startswith("potluck_node_")
    }


def test_metrics_tell_of_nodes_by_name_alone_and_repeat_no_old_figure() -> None:
    clock, agent = Clock(), FakeAgent()
    machines = watched(agent, clock)
    machines.configure([MachineSetup(NODE, 60, agent), MachineSetup(OTHER)])
    machines.heard(NODE, agent, READING)
    shown = gauges(machines)
    assert shown["potluck_node_memory_available_bytes"] == [({"node": "agx0"}, 40.0)]
    assert shown["potluck_node_memory_limit_bytes"] == [({"node": "agx0"}, 60.0)]
    assert shown["potluck_node_temperature_celsius"] == [({"node": "agx0"}, 61.0)]
    assert shown["potluck_node_disk_free_bytes"] == [({"node": "agx0"}, 20.0)]
    assert shown["potluck_node_agent_up"] == [({"node": "agx0"}, 1.0)]
    clock.now += 200
    machines.missed(NODE, agent, "gone")
    shown = gauges(machines)
    assert shown["potluck_node_agent_up"] == [({"node": "agx0"}, 0.0)]
    assert shown["potluck_node_memory_available_bytes"] == shown["potluck_node_temperature_celsius"] == []
    assert shown["potluck_node_disk_free_bytes"] == []
    assert shown["potluck_node_reading_age_seconds"] == [({"node": "agx0"}, 202.0)]

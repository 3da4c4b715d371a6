"""What Prometheus reads: every figure where it belongs, and no more series than the house has machines and models."""

from __future__ import annotations

import asyncio
import random
import string

from prometheus_client.parser import text_string_to_metric_families

from potluck.core.model import Engine, EngineId, EngineKind, Health, Model, ModelId, NodeId, RequestId, UserId
from potluck.core.scheduling.classes import Kind
from potluck.core.scheduling.decisions import Reason
from potluck.core.scheduling.rates import Rates
from potluck.gateway.dispatch import Decided
from potluck.gateway.exposition import LABELS, Exposition, Placing
from potluck.gateway.metrics import Metrics
from potluck.gateway.seats import Queued
from potluck.storage.records import CallStatus, RequestRecord

from .world import Client, World, world

ENGINE = EngineId("agx0/ollama:11434")
AGX0 = Engine(
    ENGINE,
    NodeId("agx0"),
    EngineKind.OLLAMA,
    Health.DRAINING,
    models={ModelId("m"): Model(ModelId("m"), resident=True), ModelId("n"): Model(ModelId("n"))},
)


def samples(exposition: Exposition) -> dict[tuple[str, str], float]:
    """By name and the labels' values."""
    return {
        (sample.name, " ".join(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(exposition.text().decode())
        for sample in family.samples
    }


def record(number: int = 0, model: str = "m") -> RequestRecord:
    return RequestRecord(
        RequestId(f"r{number}"),
        0.0,
        "openai",
        "asked",
        CallStatus.OK,
        200,
        1.0,
        queue_s=0.3,
        node=NodeId("agx0"),
        served_model=ModelId(model),
    )


def test_what_the_scheduler_knows_and_did_is_told() -> None:
    metrics = Metrics()
    metrics.call(record(), 1000.0, Kind.REVIEW)
    metrics.call(record(1), 1000.0)  # never in line
    key = UserId("k")
    placing = Placing(
        [Queued(RequestId(f"q{number}"), key, "m", Kind.CHAT, 4.0 * number, number, 1.0) for number in (1, 2)],
        {(ENGINE, ModelId("m")): Rates(600.0, 50.0, load_s=3.0), (EngineId("gone/x"), ModelId("m")): Rates(1.0, 1.0)},
        Decided(5, 2, {Reason.FULL: 3}, {ENGINE: 4}, {ENGINE: 1}),
    )
    metrics.drills["block", "held"] = 2
    metrics.answers.end("interrupted", "alone")
    metrics.answers.find("continue")
    metrics.answering = lambda: 3
    told = samples(Exposition(metrics, [AGX0], (), (), placing, ["agx0"]))
    expected = {
        ("potluck_queue_calls", "chat"): 2,
        ("potluck_queue_calls", "batch"): 0,
        ("potluck_queue_longest_wait_seconds", "chat"): 8.0,
        ("potluck_queue_seconds_count", "review"): 1,
        ("potluck_queue_seconds_count", "chat"): 0,
        ("potluck_scheduler_decisions_total", "start "): 5,
        ("potluck_scheduler_decisions_total", "wait "): 2,
        ("potluck_scheduler_decisions_total", "refuse full"): 3,
        ("potluck_scheduler_decisions_total", "refuse not_up"): 0,
        ("potluck_model_loads_total", f"{ENGINE} agx0"): 4,
        ("potluck_model_evictions_total", f"{ENGINE} agx0"): 1,
        ("potluck_learned_decode_tokens_per_second", f"{ENGINE} m agx0"): 50.0,
        ("potluck_learned_load_seconds", f"{ENGINE} m agx0"): 3.0,
        ("potluck_engine_state", f"{ENGINE} agx0 draining"): 1,
        ("potluck_engine_state", f"{ENGINE} agx0 up"): 0,
        ("potluck_engine_models_loaded", f"{ENGINE} agx0"): 1,
        ("potluck_node_in_drill", "agx0"): 1,
        ("potluck_drills_total", "block held"): 2,
        ("potluck_generations_total", "interrupted alone"): 1,
        ("potluck_generations_unfinished_total", "continue"): 1,
        ("potluck_generations_running", ""): 3,
    }
    assert expected.items() <= told.items()
    assert not [name for name, labels in told if "gone" in labels]


def test_every_label_is_one_that_is_written_down() -> None:
    metrics = Metrics()
    metrics.call(record(), 1000.0, Kind.CHAT)
    for family in Exposition(metrics, [AGX0]).collect():
        name = family.name + ("_total" if family.type == "counter" else "")
        for sample in family.samples:
            assert set(sample.labels) - {"le"} == set(LABELS.get(name, ())), name


def test_an_engine_that_makes_up_names_fills_no_memory() -> None:
    metrics = Metrics()
    for number in range(10_000):
        metrics.call(record(number, f"made-up-{number}"), 1000.0, Kind.CHAT)
    assert len(metrics.tokens) <= 2_001


def words(chance: random.Random) -> str:
    return "".join(chance.choices(string.ascii_letters + string.digits + "-._:", k=chance.randint(1, 40)))


async def ask_much(w: World, chance: random.Random, count: int) -> None:
    """Calls for names that nobody has, with agents and paths that nobody knows, on one connection."""
    client: Client = await w.connect()
    for number in range(count):
        name, agent = words(chance), words(chance)
        body = b'{"model":"%b","messages":[{"role":"user","content":"x"}]}' % name.encode()
        path = "/v1/chat/completions" if number % 4 else f"/{words(chance)}"
        client.post(body, f"user-agent: {agent}", f"x-{words(chance).replace(':', '')}: 1", path=path)
        status, _, _ = await client.answer()
        assert status == 404


async def test_ten_thousand_names_of_clients_make_no_series() -> None:
    async with world() as w:
        client = await w.connect()
        client.ask()
        assert (await client.answer())[0] == 200
        metrics = w.metrics

        def exposed() -> set[tuple[str, str]]:
            view = w.relay
            placing = Placing(view.queue(), view.rates(), view.decided())
            return set(samples(Exposition(metrics, w.fleet.snapshot(), (), (), placing)))

        await ask_much(w, random.Random(1), 8)
        before = exposed()
        crowd = [ask_much(w, random.Random(seed), 100) for seed in range(2, 12)]
        await asyncio.gather(*crowd)
        assert exposed() == before
        # The rest of ten thousand by the way that all of them go, without the wire.
        chance = random.Random(99)
        for number in range(9_000):
            metrics.call(
                RequestRecord(
                    RequestId(words(chance)),
                    0.0,
                    "openai",
                    words(chance),
                    CallStatus.CLIENT_ERROR,
                    404,
                    0.0,
                    error=words(chance),
                ),
                float(number),
                Kind.CHAT,
            )
        assert exposed() == before

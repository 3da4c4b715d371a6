"""What Prometheus may read at ``/metrics``. Every name is documented in docs/reference/metrics.md, which a test holds.

Labels come from bounded sets only: families, classes, statuses, states and reasons from this code, nodes and engines
from the config, models as engines offer them, never as clients ask for them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric

from potluck.core.model import Engine, EngineId, Health, ModelId, NodeId
from potluck.core.scheduling.classes import Kind
from potluck.core.scheduling.decisions import Reason
from potluck.core.scheduling.rates import Rates
from potluck.gateway.dispatch import Decided
from potluck.gateway.files import Standing
from potluck.gateway.machine_metrics import MACHINE_METRICS, machine_families
from potluck.gateway.machines import Machine
from potluck.gateway.metrics import SECONDS, Durations, Metrics
from potluck.gateway.seats import Queued

LABELS = {
    "potluck_calls_total": ("family", "node", "status"),
    "potluck_prompt_tokens_total": ("node", "model"),
    "potluck_completion_tokens_total": ("node", "model"),
    "potluck_rescues_total": ("outcome",),
    "potluck_engine_seconds_total": ("node", "model"),
    "potluck_energy_joules_total": ("node", "model"),
    "potluck_limited_total": ("whose", "limit"),
    "potluck_hedges_total": ("outcome",),
    "potluck_generations_total": ("state", "why"),
    "potluck_generations_unfinished_total": ("fate",),
    "potluck_engine_up": ("engine", "node"),
    "potluck_engine_slots_busy": ("engine", "node"),
    "potluck_engine_slots": ("engine", "node"),
    "potluck_node_drained": ("node",),
    "potluck_node_in_drill": ("node",),
    "potluck_drills_total": ("how", "outcome"),
    "potluck_engine_state": ("engine", "node", "state"),
    "potluck_engine_models_loaded": ("engine", "node"),
    "potluck_queue_calls": ("class",),
    "potluck_queue_longest_wait_seconds": ("class",),
    "potluck_queue_seconds": ("class",),
    "potluck_scheduler_decisions_total": ("decision", "reason"),
    "potluck_model_loads_total": ("engine", "node"),
    "potluck_model_evictions_total": ("engine", "node"),
    "potluck_learned_prefill_tokens_per_second": ("engine", "node", "model"),
    "potluck_learned_decode_tokens_per_second": ("engine", "node", "model"),
    "potluck_learned_load_seconds": ("engine", "node", "model"),
    **dict.fromkeys(MACHINE_METRICS, ("node",)),
}

# A drained engine is as well as one that serves: nobody is to be woken for maintenance.
_ANSWERS = (Health.UP, Health.SUSPECT, Health.DRAINING)


@dataclass(frozen=True, slots=True)
class Placing:
    """The scheduler at one moment."""

    queue: Sequence[Queued] = ()
    rates: Mapping[tuple[EngineId, ModelId], Rates] = field(default_factory=dict[tuple[EngineId, ModelId], Rates])
    decided: Decided = field(default_factory=Decided)


class Exposition:
    """All of it at one moment, as the client library asks for it."""

    def __init__(
        self,
        metrics: Metrics,
        engines: Sequence[Engine] = (),
        machines: Sequence[Machine] = (),
        drained: Collection[NodeId] = (),
        placing: Placing = Placing(),
        in_drill: Collection[NodeId] = (),
    ) -> None:
        self._metrics = metrics
        self._engines = engines
        self._machines = machines
        self._drained = drained
        self._placing = placing
        self._in_drill = in_drill

    def text(self) -> bytes:
        """In Prometheus' text format."""
        registry = CollectorRegistry()
        registry.register(self)
        return generate_latest(registry)

    def collect(self) -> Iterator[Metric]:
        """Prometheus' way to ask."""
        yield from self._calls()
        yield from machine_families(self._machines)
        yield from self._answers()
        yield from self._now()
        yield from self._states()
        yield from self._queues()
        yield from self._decisions()
        yield from self._rates()

    def _calls(self) -> Iterator[Metric]:
        metrics = self._metrics
        calls = _counter("potluck_calls_total", "Calls that have ended, by dialect, node and outcome.")
        for (family, node, status), count in metrics.calls.items():
            calls.add_metric([family, node, str(status)], count)
        yield calls
        prompt = _counter("potluck_prompt_tokens_total", "Tokens read by engines.")
        completion = _counter("potluck_completion_tokens_total", "Tokens written by engines.")
        for place, (read, written) in metrics.tokens.items():
            prompt.add_metric(place, read)
            completion.add_metric(place, written)
        yield prompt
        yield completion
        worked = _counter("potluck_engine_seconds_total", "Seconds in which engines worked for calls.")
        energy = _counter("potluck_energy_joules_total", "Energy drawn for calls, where node agents measure it.")
        for place, (seconds, joules) in metrics.worked.items():
            worked.add_metric(place, seconds)
            if joules:
                energy.add_metric(place, joules)
        yield worked
        yield energy
        queued = HistogramMetricFamily("potluck_queue_seconds", "Time from arrival to a seat.", labels=("class",))
        for kind in Kind:
            queued.add_metric((kind.value,), *_measured(metrics.queues[kind.place]))
        yield queued
        yield _histogram("potluck_first_byte_seconds", "Time from arrival to the first byte.", metrics.first_byte)
        yield _histogram("potluck_call_seconds", "Time from arrival to the end.", metrics.total)
        yield CounterMetricFamily(
            "potluck_failed_attempts_total",
            "Attempts that another engine had to make good.",
            value=metrics.failed_attempts,
        )
        rescues = _counter(
            "potluck_rescues_total",
            "Answers whose engine broke after the first byte: saved by another one, lost, or cancelled by the client.",
        )
        for outcome, count in metrics.rescues.items():
            rescues.add_metric([outcome], count)
        yield rescues
        limits = _counter("potluck_limited_total", "Calls refused by a limit, by whose it was and which.")
        for refused, count in metrics.limits.items():
            limits.add_metric(refused, count)
        yield limits
        hedges = _counter(
            "potluck_hedges_total",
            "Second attempts beside first ones that were late, by what became of them: won, lost, failed, cancelled.",
        )
        for outcome, count in metrics.hedges.items():
            hedges.add_metric([outcome], count)
        yield hedges
        drills = _counter("potluck_drills_total", "Drills that are over: held, lost, stopped or broken_off.")
        for told, count in metrics.drills.items():
            drills.add_metric(told, count)
        yield drills
        yield CounterMetricFamily(
            "potluck_lost_request_records_total",
            "Request records dropped because the database was away for too long.",
            value=metrics.lost_records,
        )

    def _answers(self) -> Iterator[Metric]:
        metrics = self._metrics
        yield GaugeMetricFamily(
            "potluck_generations_running", "Native answers under way, read or not.", value=metrics.answering()
        )
        ended = _counter(
            "potluck_generations_total",
            "Native answers that have ended: complete, failed, interrupted (why: client, alone, restart), or left to"
            " the next start (handed_over).",
        )
        for told, count in metrics.answers.ended.items():
            ended.add_metric(told, count)
        yield ended
        found = _counter(
            "potluck_generations_unfinished_total",
            "Native answers that a start found unfinished: to be gone on with (continue), ended there (interrupt), or"
            " whole but for the message (settle).",
        )
        for fate, count in metrics.answers.found.items():
            found.add_metric([fate], count)
        yield found

    def _now(self) -> Iterator[Metric]:
        metrics = self._metrics
        yield GaugeMetricFamily(
            "potluck_owed_bytes",
            "Bytes that wait on this machine's disk for the database: calls and conversations.",
            value=metrics.owed_bytes(),
        )
        yield from _files(metrics.files())
        yield GaugeMetricFamily("potluck_calls_waiting", "Calls in line for a slot.", value=metrics.waiting())
        yield GaugeMetricFamily("potluck_calls_running", "Calls that are seated or seeking.", value=metrics.running())
        yield GaugeMetricFamily("potluck_client_connections", "Open client connections.", value=metrics.connections())
        up = _gauge("potluck_engine_up", "1 for an engine that is up, on a drained node too.")
        busy = _gauge("potluck_engine_slots_busy", "Slots of an engine in use by us.")
        slots = _gauge("potluck_engine_slots", "Slots of an engine.")
        for engine in self._engines:
            place = (engine.id, engine.node)
            up.add_metric(place, engine.health in _ANSWERS)
            busy.add_metric(place, engine.busy)
            slots.add_metric(place, engine.slots)
        drained = _gauge("potluck_node_drained", "1 for a node that its owner has drained.")
        in_drill = _gauge("potluck_node_in_drill", "1 for a node that a drill has taken out.")
        for node in dict.fromkeys(engine.node for engine in self._engines):
            drained.add_metric((node,), node in self._drained)
            in_drill.add_metric((node,), node in self._in_drill)
        yield drained
        yield in_drill
        yield up
        yield busy
        yield slots

    def _states(self) -> Iterator[Metric]:
        state = _gauge("potluck_engine_state", "1 for the state that an engine is in, 0 for the others.")
        loaded = _gauge("potluck_engine_models_loaded", "Models in an engine's memory.")
        for engine in self._engines:
            for health in Health:
                state.add_metric((engine.id, engine.node, health.value), engine.health is health)
            loaded.add_metric((engine.id, engine.node), sum(model.resident for model in engine.models.values()))
        yield state
        yield loaded

    def _queues(self) -> Iterator[Metric]:
        calls = _gauge("potluck_queue_calls", "Calls in line, by class.")
        longest = _gauge("potluck_queue_longest_wait_seconds", "How long the oldest call in line has waited, by class.")
        for kind in Kind:
            waits_s = [each.waited_s for each in self._placing.queue if each.kind is kind]
            calls.add_metric((kind.value,), len(waits_s))
            longest.add_metric((kind.value,), max(waits_s, default=0.0))
        yield calls
        yield longest

    def _decisions(self) -> Iterator[Metric]:
        decided = self._placing.decided
        made = _counter("potluck_scheduler_decisions_total", "What the scheduler decided; refusals by their reason.")
        made.add_metric(("start", ""), decided.starts)
        made.add_metric(("wait", ""), decided.waits)
        for reason in Reason:
            made.add_metric(("refuse", reason.name.lower()), decided.refusals.get(reason, 0))
        yield made
        loads = _counter("potluck_model_loads_total", "Models loaded for a call, or in place of one that is away.")
        evictions = _counter("potluck_model_evictions_total", "Models put out of memory for others.")
        for engine in self._engines:
            loads.add_metric((engine.id, engine.node), decided.loads.get(engine.id, 0))
            evictions.add_metric((engine.id, engine.node), decided.evictions.get(engine.id, 0))
        yield loads
        yield evictions

    def _rates(self) -> Iterator[Metric]:
        prefill = _gauge("potluck_learned_prefill_tokens_per_second", "How fast a prompt is read, as learned.")
        decode = _gauge("potluck_learned_decode_tokens_per_second", "How fast one answer is written alone, as learned.")
        load = _gauge("potluck_learned_load_seconds", "How long a model takes to load, as learned.")
        nodes = {engine.id: engine.node for engine in self._engines}
        for (engine, model), rates in self._placing.rates.items():
            if engine in nodes:
                place = (engine, nodes[engine], model)
                prefill.add_metric(place, rates.prefill_tps)
                decode.add_metric(place, rates.decode_tps)
                load.add_metric(place, rates.load_s)
        yield prefill
        yield decode
        yield load


def _files(standing: Standing) -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "potluck_file_store_up", "1 while the store for files answers.", value=float(standing.answers)
    )
    yield GaugeMetricFamily(
        "potluck_files_waiting",
        "Results that wait on this machine's disk for the store for files.",
        value=standing.waiting,
    )
    yield GaugeMetricFamily("potluck_files_waiting_bytes", "Their bytes.", value=standing.waiting_bytes)
    yield CounterMetricFamily(
        "potluck_files_moved_total", "Results that waited and were brought to the store.", value=standing.moved
    )


def _counter(name: str, text: str) -> CounterMetricFamily:
    return CounterMetricFamily(name, text, labels=LABELS[name])


def _gauge(name: str, text: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, labels=LABELS[name])


def _histogram(name: str, text: str, durations: Durations) -> HistogramMetricFamily:
    buckets, sum_s = _measured(durations)
    return HistogramMetricFamily(name, text, buckets=buckets, sum_value=sum_s)


def _measured(durations: Durations) -> tuple[list[tuple[str, int]], float]:
    bounds = [*(str(float(bound)) for bound in SECONDS), "+Inf"]
    return list(zip(bounds, accumulate(durations.counts), strict=True)), durations.sum_s


def reference_markdown() -> str:
    """docs/reference/metrics.md, made from the metrics themselves."""
    rows = sorted(
        (family.name + ("_total" if family.type == "counter" else ""), family.type, family.documentation)
        for family in Exposition(Metrics()).collect()
    )
    lines = [f"| `{name}` | {kind} | {', '.join(LABELS.get(name, ()))} | {text} |" for name, kind, text in rows]
    return "\n".join([_REFERENCE_HEAD, *lines, ""])


_REFERENCE_HEAD = """# Metrics

`GET /metrics` answers in Prometheus' text format, to a key like every path
(in Prometheus' configuration: `authorization: {credentials_file: …}`).
Made from the code by `make docs`; a test holds this page to it.

| name | kind | labels | what it counts |
| --- | --- | --- | --- |"""

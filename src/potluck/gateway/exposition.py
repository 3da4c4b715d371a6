"""What Prometheus may read at ``/metrics``. Every name is documented in docs/reference/metrics.md, which a test holds.

Labels come from bounded sets only: families and statuses from this code, nodes from the config. Models are named as
engines offer them, never as clients ask for them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import accumulate

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric

from potluck.core.model import Engine, Health, NodeId
from potluck.gateway.machine_metrics import MACHINE_METRICS, machine_families
from potluck.gateway.machines import Machine
from potluck.gateway.metrics import SECONDS, Durations, Metrics

LABELS = {
    "potluck_calls_total": ("family", "node", "status"),
    "potluck_prompt_tokens_total": ("node", "model"),
    "potluck_completion_tokens_total": ("node", "model"),
    "potluck_engine_up": ("engine", "node"),
    "potluck_engine_slots_busy": ("engine", "node"),
    "potluck_engine_slots": ("engine", "node"),
    "potluck_node_drained": ("node",),
    **dict.fromkeys(MACHINE_METRICS, ("node",)),
}

# A drained engine is as well as one that serves: nobody is to be woken for maintenance.
_ANSWERS = (Health.UP, Health.SUSPECT, Health.DRAINING)


class Exposition:
    """All of it at one moment, as the client library asks for it."""

    def __init__(
        self,
        metrics: Metrics,
        engines: Sequence[Engine] = (),
        machines: Sequence[Machine] = (),
        drained: Collection[NodeId] = (),
    ) -> None:
        self._metrics = metrics
        self._engines = engines
        self._machines = machines
        self._drained = drained

    def text(self) -> bytes:
        """In Prometheus' text format."""
        registry = CollectorRegistry()
        registry.register(self)
        return generate_latest(registry)

    def collect(self) -> Iterator[Metric]:
        """Prometheus' way to ask."""
        yield from self._calls()
        yield from machine_families(self._machines)
        yield from self._now()

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
        yield _histogram("potluck_queue_seconds", "Time from arrival to a seat.", metrics.queue)
        yield _histogram("potluck_first_byte_seconds", "Time from arrival to the first byte.", metrics.first_byte)
        yield _histogram("potluck_call_seconds", "Time from arrival to the end.", metrics.total)
        yield CounterMetricFamily(
            "potluck_failed_attempts_total",
            "Attempts that another engine had to make good.",
            value=metrics.failed_attempts,
        )
        yield CounterMetricFamily(
            "potluck_lost_request_records_total",
            "Request records dropped because the database was away for too long.",
            value=metrics.lost_records,
        )

    def _now(self) -> Iterator[Metric]:
        metrics = self._metrics
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
        for node in dict.fromkeys(engine.node for engine in self._engines):
            drained.add_metric((node,), node in self._drained)
        yield drained
        yield up
        yield busy
        yield slots


def _counter(name: str, text: str) -> CounterMetricFamily:
    return CounterMetricFamily(name, text, labels=LABELS[name])


def _gauge(name: str, text: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, labels=LABELS[name])


def _histogram(name: str, text: str, durations: Durations) -> HistogramMetricFamily:
    bounds = [*(str(float(bound)) for bound in SECONDS), "+Inf"]
    return HistogramMetricFamily(
        name, text, buckets=list(zip(bounds, accumulate(durations.counts), strict=True)), sum_value=durations.sum_s
    )


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

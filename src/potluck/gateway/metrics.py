"""What Prometheus may read at ``/metrics``. Every name is documented in docs/reference/metrics.md, which a test holds.

Labels come from bounded sets only: families and statuses from this code, nodes from the config. Models are named as
engines offer them, never as clients ask for them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric

from potluck.gateway.machine_metrics import MACHINE_METRICS, MachineGauges
from potluck.storage.records import RequestRecord

LABELS = {
    "potluck_calls_total": ("family", "node", "status"),
    "potluck_prompt_tokens_total": ("node", "model"),
    "potluck_completion_tokens_total": ("node", "model"),
    "potluck_engine_up": ("engine", "node"),
    "potluck_engine_slots_busy": ("engine", "node"),
    "potluck_engine_slots": ("engine", "node"),
    **dict.fromkeys(MACHINE_METRICS, ("node",)),
}

_SECONDS = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 40, 90, 180, 600)


class Durations:
    """A histogram over `_SECONDS`: how many values fell up to each bound and not the one before, and their sum."""

    __slots__ = ("counts", "sum_s")

    def __init__(self) -> None:
        self.counts = [0] * (len(_SECONDS) + 1)
        self.sum_s = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(_SECONDS, seconds)] += 1
        self.sum_s += seconds

    def family(self, name: str, text: str) -> HistogramMetricFamily:
        bounds = [*(str(float(bound)) for bound in _SECONDS), "+Inf"]
        return HistogramMetricFamily(
            name, text, buckets=list(zip(bounds, accumulate(self.counts), strict=True)), sum_value=self.sum_s
        )


class CallTotals:
    """What is counted of every call, as plain numbers: the client library's counters lock and look up their labels,
    which cost more than the rest of a call's account. They are made into its families when somebody reads them."""

    def __init__(self) -> None:
        self._calls: dict[tuple[str, str, str], int] = {}
        self._tokens: dict[tuple[str, str], tuple[int, int]] = {}
        self._queue = Durations()
        self._first_byte = Durations()
        self._total = Durations()

    def add(self, record: RequestRecord) -> None:
        node = record.node or ""
        key = (record.family, node, record.status)
        self._calls[key] = self._calls.get(key, 0) + 1
        if record.served_model is not None:
            place = (node, record.served_model)
            prompt, completion = self._tokens.get(place, (0, 0))
            self._tokens[place] = (prompt + record.prompt_tokens, completion + record.completion_tokens)
        self._queue.add(record.queue_s)
        if record.first_byte_s is not None:
            self._first_byte.add(record.first_byte_s)
        self._total.add(record.total_s)

    def collect(self) -> Iterator[Metric]:
        """Prometheus' way to ask."""
        calls = _counter("potluck_calls_total", "Calls that have ended, by dialect, node and outcome.")
        for (family, node, status), count in self._calls.items():
            calls.add_metric([family, node, str(status)], count)
        yield calls
        prompt = _counter("potluck_prompt_tokens_total", "Tokens read by engines.")
        completion = _counter("potluck_completion_tokens_total", "Tokens written by engines.")
        for place, (read, written) in self._tokens.items():
            prompt.add_metric(place, read)
            completion.add_metric(place, written)
        yield prompt
        yield completion
        yield self._queue.family("potluck_queue_seconds", "Time from arrival to a seat.")
        yield self._first_byte.family("potluck_first_byte_seconds", "Time from arrival to the first byte.")
        yield self._total.family("potluck_call_seconds", "Time from arrival to the end.")


def _counter(name: str, text: str) -> CounterMetricFamily:
    return CounterMetricFamily(name, text, labels=LABELS[name])


class Metrics:
    """All metrics of one process, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.totals = CallTotals()
        self.registry.register(self.totals)
        self.machines = MachineGauges()
        self.registry.register(self.machines)
        self.attempts = Counter(
            "potluck_failed_attempts_total", "Attempts that another engine had to make good.", registry=self.registry
        )
        self.lost_records = Counter(
            "potluck_lost_request_records_total",
            "Request records dropped because the database was away for too long.",
            registry=self.registry,
        )
        self.waiting = Gauge("potluck_calls_waiting", "Calls in line for a slot.", registry=self.registry)
        self.running = Gauge("potluck_calls_running", "Calls that are seated or seeking.", registry=self.registry)
        self.connections = Gauge("potluck_client_connections", "Open client connections.", registry=self.registry)
        self.engine_up = Gauge(
            "potluck_engine_up", "1 for an engine that is up.", LABELS["potluck_engine_up"], registry=self.registry
        )
        self.engine_busy = Gauge(
            "potluck_engine_slots_busy",
            "Slots of an engine in use by us.",
            LABELS["potluck_engine_slots_busy"],
            registry=self.registry,
        )
        self.engine_slots = Gauge(
            "potluck_engine_slots", "Slots of an engine.", LABELS["potluck_engine_slots"], registry=self.registry
        )

    def call(self, record: RequestRecord) -> None:
        """Count a call that has ended."""
        self.totals.add(record)
        if len(record.attempts) > 1 or record.error:
            failed = sum(attempt.outcome not in ("ok", "cancelled") for attempt in record.attempts)
            self.attempts.inc(failed)

    def text(self) -> bytes:
        """All of it in Prometheus' text format."""
        return generate_latest(self.registry)


def reference_markdown() -> str:
    """docs/reference/metrics.md, made from the metrics themselves."""
    rows = sorted(
        (family.name + ("_total" if family.type == "counter" else ""), family.type, family.documentation)
        for family in Metrics().registry.collect()
    )
    lines = [f"| `{name}` | {kind} | {', '.join(LABELS.get(name, ()))} | {text} |" for name, kind, text in rows]
    return "\n".join([_REFERENCE_HEAD, *lines, ""])


_REFERENCE_HEAD = """# Metrics

`GET /metrics` answers in Prometheus' text format, to a key like every path
(in Prometheus' configuration: `authorization: {credentials_file: …}`).
Made from the code by `make docs`; a test holds this page to it.

| name | kind | labels | what it counts |
| --- | --- | --- | --- |"""

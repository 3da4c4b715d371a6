"""What Prometheus may read at ``/metrics``. Every name is documented in docs/reference/metrics.md, which a test holds.

Labels come from bounded sets only: families and statuses from this code, nodes from the config. Models are named as
engines offer them, never as clients ask for them.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from potluck.storage.records import RequestRecord

LABELS = {
    "potluck_calls_total": ("family", "node", "status"),
    "potluck_prompt_tokens_total": ("node", "model"),
    "potluck_completion_tokens_total": ("node", "model"),
    "potluck_engine_up": ("engine", "node"),
    "potluck_engine_slots_busy": ("engine", "node"),
    "potluck_engine_slots": ("engine", "node"),
}

_SECONDS = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 40, 90, 180, 600)


class Metrics:
    """All metrics of one process, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.calls = Counter(
            "potluck_calls_total",
            "Calls that have ended, by dialect, node and outcome.",
            LABELS["potluck_calls_total"],
            registry=self.registry,
        )
        self.prompt_tokens = Counter(
            "potluck_prompt_tokens_total",
            "Tokens read by engines.",
            LABELS["potluck_prompt_tokens_total"],
            registry=self.registry,
        )
        self.completion_tokens = Counter(
            "potluck_completion_tokens_total",
            "Tokens written by engines.",
            LABELS["potluck_completion_tokens_total"],
            registry=self.registry,
        )
        self.attempts = Counter(
            "potluck_failed_attempts_total", "Attempts that another engine had to make good.", registry=self.registry
        )
        self.lost_records = Counter(
            "potluck_lost_request_records_total",
            "Request records dropped because the database was away for too long.",
            registry=self.registry,
        )
        self.queue_seconds = Histogram(
            "potluck_queue_seconds", "Time from arrival to a seat.", buckets=_SECONDS, registry=self.registry
        )
        self.first_byte_seconds = Histogram(
            "potluck_first_byte_seconds",
            "Time from arrival to the first byte.",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.call_seconds = Histogram(
            "potluck_call_seconds", "Time from arrival to the end.", buckets=_SECONDS, registry=self.registry
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
        node = record.node or ""
        self.calls.labels(record.family, node, record.status.value).inc()
        if record.served_model is not None:
            self.prompt_tokens.labels(node, record.served_model).inc(record.prompt_tokens)
            self.completion_tokens.labels(node, record.served_model).inc(record.completion_tokens)
        if failed := sum(attempt.outcome not in ("ok", "cancelled") for attempt in record.attempts):
            self.attempts.inc(failed)
        self.queue_seconds.observe(record.queue_s)
        if record.first_byte_s is not None:
            self.first_byte_seconds.observe(record.first_byte_s)
        self.call_seconds.observe(record.total_s)

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

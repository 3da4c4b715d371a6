"""Looks at the machines now and then, and remembers: their last hours in memory, what went wrong in the database."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec
import structlog

from potluck.core.errors import OperatorError
from potluck.core.history import Figure, History, Series
from potluck.core.incidents import Cause, Incident, Incidents, present
from potluck.core.model import Engine, EngineId, Health, NodeId
from potluck.core.reading import hottest
from potluck.core.scheduling.fleet import memory_of
from potluck.gateway.fleet import Fleet
from potluck.gateway.machines import Machine
from potluck.storage.incidents import IncidentStore
from potluck.storage.records import RequestRecord

log = structlog.get_logger(__name__)

# What lasts less long nobody needs to be told of; a look at fifty engines takes a tenth of a millisecond.
LOOK_S: Final = 1.0
# Three samples for each step of the history.
_SAMPLE_EVERY: Final = 10
# 23 KB for each node: a card that is written to once a quarter of an hour lives long, and a crash costs as much.
_KEEP_EVERY: Final = 900
_PRUNE_EVERY: Final = 3600
_KEPT_S: Final = 90 * 86_400.0
_MOST_KEPT: Final = 10_000
# While the database is away.
_MOST_OWED: Final = 1_000
_MOST_FILE_BYTES: Final = 16_000_000

FLEET: Final = ""
"""The name under which the sums of all nodes are remembered."""

_SERVING: Final = frozenset({Health.UP, Health.SUSPECT, Health.DRAINING})

_Kept = dict[str, dict[str, bytes]]


class Recorder:
    """Owns the history and the incidents of one gateway. ``clock`` is Unix seconds.

    ``waiting`` tells how many calls in line each node could serve, and ``in_line`` how many there are; ``drilled``
    tells which nodes are out for a drill, and how. ``tokens`` counts the tokens that were written, by node and model,
    ever more.
    """

    def __init__(
        self,
        fleet: Fleet,
        store: IncidentStore,
        file: Path,
        *,
        clock: Callable[[], float],
        new_id: Callable[[], str],
        tokens: Callable[[], Mapping[tuple[str, str], tuple[int, int]]],
        waiting: Callable[[], Mapping[NodeId, int]],
        in_line: Callable[[], int],
        drained: Callable[[], frozenset[NodeId]],
        drilled: Callable[[], Mapping[NodeId, str]],
    ) -> None:
        self._fleet = fleet
        self._store = store
        self._file = file
        self._clock = clock
        self._tokens = tokens
        self._waiting = waiting
        self._in_line = in_line
        self._drained = drained
        self._drilled = drilled
        self._history = History()
        self._incidents = Incidents(new_id)
        self._since: dict[NodeId, tuple[str, float]] = {}
        self._owed: dict[str, Incident] = {}
        self._written: Counter[str] = Counter()
        self._sampled_s: float | None = None

    # --- asking ---

    def since_s(self, node: str) -> float | None:
        """Since when a node is as it is, as far as this run of the gateway knows."""
        known = self._since.get(NodeId(node))
        return known[1] if known is not None else None

    def recent(self) -> Sequence[Incident]:
        """What is not over, then what was last; as kept in memory."""
        return self._incidents.recent()

    @property
    def known_since_s(self) -> float | None:
        """When the history begins."""
        return self._history.begun_s

    def series(self, node: str, *, hours: float, steps: int = 1) -> Series:
        """The last hours of a node, or of all (`FLEET`)."""
        return self._history.series(node, now_s=self._clock(), hours=hours, steps=steps)

    def remembered(self) -> Sequence[str]:
        """The nodes that the history knows."""
        return [node for node in self._history.nodes() if node != FLEET]

    # --- what is told ---

    def broke(self, record: RequestRecord, *, rescued: bool) -> None:
        """A call failed on some engine, and has ended now, whichever way."""
        if record.status == "cancelled":
            return
        cause = Cause.LOST if record.error else Cause.RESCUED if rescued else Cause.MOVED
        failed = [each for each in record.attempts if each.outcome not in _NO_FAILURES]
        for attempt in {each.engine: each for each in failed}.values():
            node = self._node_of(attempt.engine)
            self._tell(
                [self._incidents.happened(cause, node, _NO_ENGINE, self._clock(), why=attempt.why, request=record.id)]
            )

    def took_over(self, name: str) -> None:
        """This gateway begins to lead."""
        self._tell([self._incidents.happened(Cause.TOOK_OVER, NodeId(""), _NO_ENGINE, self._clock(), why=name)])

    def _node_of(self, engine: EngineId) -> NodeId:
        known = self._fleet.engines.get(engine)
        return known.node if known is not None else NodeId(engine.partition("/")[0])

    # --- looking ---

    async def recording(self) -> None:
        """Look for ever. What cannot be kept now is kept later."""
        await self._recall()
        looks = 0
        while True:
            await asyncio.sleep(LOOK_S)
            looks += 1
            self.look()
            if looks % _SAMPLE_EVERY == 0:
                self.sample()
            await self.flush()
            if looks % _PRUNE_EVERY == 0:
                await self._prune()
            if looks % _KEEP_EVERY == 0:
                await asyncio.to_thread(self._write)

    def look(self) -> None:
        """See what is wrong now, and what is not any more."""
        engines, now_s = self._fleet.snapshot(), self._clock()
        self._tell(self._incidents.look(present(engines, self._drained(), self._drilled()), now_s))
        states: dict[NodeId, str] = {}
        for engine in engines:
            best = states.get(engine.node)
            if best is None or _ORDER.index(engine.health) < _ORDER.index(Health(best)):
                states[engine.node] = engine.health.value
        for node, state in states.items():
            if self._since.get(node, ("", 0.0))[0] != state:
                self._since[node] = state, now_s
        for gone in self._since.keys() - states.keys():
            del self._since[gone]

    def sample(self) -> None:
        """Take the figures of all nodes."""
        now_s, waiting = self._clock(), self._waiting()
        machines = {machine.known.node: machine for machine in self._fleet.machines.snapshot()}
        engines: dict[NodeId, list[Engine]] = {}
        for engine in self._fleet.snapshot():
            engines.setdefault(engine.node, []).append(engine)
        rates = self._token_rates(now_s)
        samples = {
            str(node): _sample(its, waiting.get(node, 0), rates.get(node, 0.0), machines.get(node))
            for node, its in engines.items()
        }
        together: dict[Figure, float] = {
            name: sum(sample.get(name, 0.0) for sample in samples.values())
            for name in ("up", "busy", "held_bytes", "tokens_per_s")
        }
        together["waiting"] = float(self._in_line())
        if warm := [sample["celsius"] for sample in samples.values() if "celsius" in sample]:
            together["celsius"] = max(warm)
        self._history.take({**samples, FLEET: together}, now_s)

    def _token_rates(self, now_s: float) -> Mapping[str, float]:
        """Tokens a second by node, of calls that ended since the last sample."""
        written: Counter[str] = Counter()
        for (node, _), (_, completion) in self._tokens().items():
            written[node] += completion
        before, self._written = self._written, written
        since_s, self._sampled_s = self._sampled_s, now_s
        if since_s is None or now_s <= since_s:
            return {}
        return {node: (count - before[node]) / (now_s - since_s) for node, count in written.items()}

    # --- keeping ---

    def _tell(self, changed: Sequence[Incident]) -> None:
        for incident in changed:
            self._owed.pop(incident.id, None)
            if len(self._owed) >= _MOST_OWED:
                del self._owed[next(iter(self._owed))]
            self._owed[incident.id] = incident

    async def flush(self) -> None:
        """Write incidents that are new or have changed; those that cannot be written wait."""
        if not self._owed:
            return
        batch = tuple(self._owed.values())
        try:
            await self._store.save(batch)
        except OperatorError as error:
            log.debug("incidents cannot be written yet", why=error.message)
            return
        for incident in batch:
            if self._owed.get(incident.id) is incident:
                del self._owed[incident.id]

    async def _recall(self) -> None:
        """Take what was known before: the hours from the file, and what was not over."""
        self._history.recall(await asyncio.to_thread(self._read), self._clock())
        try:
            self._incidents.recall(await self._store.open())
        except OperatorError as error:
            log.warning("the incidents that were not over cannot be read", why=error.message)

    async def _prune(self) -> None:
        try:
            await self._store.prune(before_s=self._clock() - _KEPT_S, most=_MOST_KEPT)
        except OperatorError as error:
            log.warning("old incidents cannot be forgotten", why=error.message)

    def _read(self) -> _Kept:
        try:
            if self._file.stat().st_size > _MOST_FILE_BYTES:
                return {}
            return msgspec.msgpack.decode(self._file.read_bytes(), type=_Kept)
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.MsgspecError) as error:
            log.warning("the machines' last hours cannot be read", why=str(error))
            return {}

    def _write(self) -> None:
        fresh = self._file.with_name(self._file.name + ".new")
        try:
            handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "wb") as out:
                out.write(msgspec.msgpack.encode(self._history.kept()))
            fresh.replace(self._file)
        except OSError as error:
            log.warning("the machines' last hours cannot be written", why=error.strerror)

    async def close(self) -> None:
        """Keep what is known, at the end."""
        await self.flush()
        await asyncio.to_thread(self._write)


_NO_ENGINE: Final = EngineId("")
_NO_FAILURES: Final = frozenset({"ok", "cancelled", "slower"})
_ORDER: Final = (Health.UP, Health.SUSPECT, Health.DRAINING, Health.UNKNOWN, Health.DOWN)


def _sample(
    engines: Sequence[Engine], waiting: int, tokens_per_s: float, machine: Machine | None
) -> dict[Figure, float]:
    sample: dict[Figure, float] = {
        "up": float(any(engine.health in _SERVING for engine in engines)),
        "busy": float(sum(engine.busy for engine in engines)),
        "waiting": float(waiting),
        "held_bytes": float(
            sum(memory_of(model) for each in engines for model in each.models.values() if model.resident)
        ),
        "tokens_per_s": tokens_per_s,
    }
    if machine is None or machine.reading is None or machine.silent_s is not None:
        return sample
    reading = machine.reading
    told: dict[Figure, float | None] = {
        "cpu_load": reading.cpu.load,
        "gpu_load": max((gpu.load for gpu in reading.gpus if gpu.load is not None), default=None),
        "celsius": hottest(reading),
    }
    known: dict[Figure, float] = {name: value for name, value in told.items() if value is not None}
    return sample | known

"""What every call was and cost: counted at once, written down in batches."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

import msgspec
import structlog

from potluck.core.allowances import Allowance, Claim, Meter, Unit
from potluck.core.errors import ClientError, NodeError, OperatorError, Overloaded, PotluckError, RateLimited
from potluck.core.model import EngineId, RequestId, UserId
from potluck.core.rescue import Way
from potluck.core.scheduling.decisions import Start
from potluck.core.scheduling.explain import candidates
from potluck.core.usage import kept_from
from potluck.gateway.last_minute import Minute
from potluck.gateway.metrics import Metrics
from potluck.gateway.port import Caller
from potluck.storage.journal import Journal, Segment
from potluck.storage.ports import RequestLog, UsageStore
from potluck.storage.records import WENT_ON, AttemptRecord, CallStatus, RequestRecord
from potluck.wire.estimates import estimate
from potluck.wire.port import Account

if TYPE_CHECKING:
    from potluck.gateway.relay.exchange import Exchange
    from potluck.gateway.relay.states import Attempt

log = structlog.get_logger(__name__)

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(RequestRecord).decode

# Until it is written a record lies in the journal: a crash costs no more than why its engine was chosen.
# Writing takes the processor from streams for a millisecond or two: so seldom, it delays no word in a hundred.
FLUSH_S = 2.0
# A crowd's records are written sooner: so many take half a megabyte, and a database some ten milliseconds.
_MANY = 1000
# Some 15 µs each, half a millisecond together.
_MADE_AT_ONCE = 32
# With the database away the log waits in memory, this many calls long; later ones wait in the journal alone.
MAX_WAITING = 50_000
# A record has some 400 bytes.
MOST_JOURNAL_BYTES = 256 << 20
PRUNE_EVERY_S = 3_600.0

# Looked up once: up to Python 3.11 a member costs as much as a call.
_OK = CallStatus.OK
_NO_ACCOUNT = Account()

# The public APIs' habit (API-CONTRACTS.md 0): the client went away, nobody was sent anything.
CLIENT_CLOSED = 499
# What became of an attempt that another one, asked beside it, was quicker than.
BEATEN = "slower"


# Who is over a limit may ask again as often as it likes, and must not fill the disk so: of each user's refusals so many
# are kept, and the others only counted.
_KEPT_REFUSALS = Allowance(Unit.REQUESTS, 60.0, 60.0)
_MOST_REFUSED = 1000


class Broke(Protocol):
    """Who wants to hear of calls that failed on some engine."""

    def __call__(self, record: RequestRecord, *, rescued: bool) -> None: ...


def _nobody_hears(record: RequestRecord, *, rescued: bool) -> None:
    """Nobody wants to."""


class Keep(msgspec.Struct, frozen=True):
    """For how long calls, and the usage by the day, are kept. A month answers "what happened last week", and two years
    compare one with the other; without an end the log of a busy house would fill a small disk."""

    requests_s: float = 30 * 86_400.0
    usage_s: float = 730 * 86_400.0


class Ledger:
    """Collects the records of calls that have ended."""

    def __init__(
        self, store: RequestLog, metrics: Metrics, status_of: Callable[[PotluckError], int], journal: Journal
    ) -> None:
        """``status_of`` tells the HTTP status of an error, for the log. What ``journal`` holds from before is written
        too."""
        self._store = store
        self._journal = journal
        # Whether the journal holds what is not in memory.
        self._more = bool(journal.sealed)
        self._metrics = metrics
        self._status_of = status_of
        self._waiting: list[tuple[RequestRecord, Start | None]] = []
        self._many = asyncio.Event()
        self._writing = asyncio.Lock()
        self._away = False
        self._unjournaled = False
        self._refusals = Meter()
        self.broke: Broke = _nobody_hears
        """Hears of calls that failed on some engine, once they have ended."""
        self.keep = Keep()
        """May be another at any time."""

    @property
    def owed_bytes(self) -> int:
        """What lies in the journal."""
        return self._journal.size_bytes

    def settled(self, exchange: Exchange, *, now_s: float, wall_s: float, cancelled: bool) -> RequestRecord:
        """Note a call that has ended; what is written of it."""
        total_s = now_s - exchange.started_s
        passage = exchange.passage
        account = passage.account() if passage is not None else _NO_ACCOUNT
        usage = account.usage or estimate(account.text_bytes, exchange.meta.prompt_tokens if account.text_bytes else 0)
        error = exchange.error
        served = exchange.served
        status = CallStatus.CANCELLED if cancelled else _OK if error is None else _status(error)
        first_byte_s = exchange.first_byte_s - exchange.started_s if exchange.first_byte_s is not None else None
        attempts = _failed(exchange.attempts) if exchange.attempts else ()
        if served is not None and error is None:
            way = exchange.rescue.way if exchange.rescue is not None else None
            attempts += _served(served.engine, "cancelled" if cancelled else "ok", way)
            if exchange.attempts and exchange.decision is not None:
                began_s = exchange.decision.at_s - exchange.started_s
                attempts = (*attempts[:-1], msgspec.structs.replace(attempts[-1], began_s=began_s, ended_s=total_s))
        record = RequestRecord(
            id=exchange.id,
            time_s=wall_s - total_s,
            family=exchange.door.family,
            asked_model=exchange.meta.model,
            status=status,
            http_status=CLIENT_CLOSED if cancelled else 200 if error is None else self._status_of(error),
            total_s=total_s,
            key=exchange.caller.key,
            route=served.route if served else "",
            served_model=served.model.id if served else None,
            node=served.node if served else None,
            engine=served.engine if served else None,
            attempts=attempts,
            queue_s=exchange.queue_s,
            first_byte_s=first_byte_s,
            prompt_tokens=usage.prompt,
            completion_tokens=usage.completion,
            cached_tokens=usage.cached,
            estimated=usage.estimated,
            error=str(error) if error else "",
            choice=exchange.choice.why if exchange.choice is not None else "",
            user=exchange.caller.user,
            energy_j=_energy_j(exchange, total_s - exchange.queue_s),
        )
        decision = exchange.decision
        self._metrics.call(record, wall_s, decision.ask.kind if decision is not None else exchange.wish.kind)
        if exchange.rescue is not None:
            self._metrics.rescued(_fate(error, cancelled=cancelled))
        if exchange.attempts:
            self.broke(record, rescued=exchange.rescue is not None)
        if error is not None:
            if isinstance(error, RateLimited) and not self._spares(exchange.caller.user, now_s):
                return record
            _log_failure(record, error)
        self._keep(record, decision)
        return record

    def _spares(self, user: UserId, now_s: float) -> bool:
        """Whether one more refusal of a user's is worth keeping."""
        if len(self._refusals) >= _MOST_REFUSED:
            self._refusals.sweep(now_s)
        return self._refusals.take([Claim(user, _KEPT_REFUSALS)], now_s).met

    def hedged(self, outcome: str) -> None:
        """A second attempt beside a first one is over, or has become the only one."""
        self._metrics.hedged(outcome)

    def refused(self, family: str, error: PotluckError, caller: Caller | None, request_id: str, wall_s: float) -> None:
        """Note a request that never became a call: a wrong key, a body that cannot be read."""
        record = RequestRecord(
            id=RequestId(request_id),
            time_s=wall_s,
            family=family,
            asked_model="",
            status=_status(error),
            http_status=self._status_of(error),
            total_s=0.0,
            key=caller.key if caller else None,
            user=caller.user if caller else None,
            error=str(error),
        )
        self._metrics.call(record, wall_s)
        # Requests without a valid key are counted but not stored: strangers must not fill the disk.
        if caller is not None:
            self._keep(record)

    def drawn(self, record: RequestRecord) -> None:
        """Count a picture. One whose id is there already is passed over when it is written."""
        self._keep(record)

    def last_minute(self, wall_s: float) -> Minute:
        """What ended in the 60 seconds before ``wall_s`` (Unix seconds)."""
        return self._metrics.last_minute.told(wall_s)

    def _keep(self, record: RequestRecord, decision: Start | None = None) -> None:
        """The decision's account is made when the record is written: nobody waits for that."""
        kept = self._journaled(record)
        if len(self._waiting) >= MAX_WAITING:
            self._more = self._more or kept
            self._metrics.lost_records += not kept
            return
        self._waiting.append((record, decision))
        if len(self._waiting) == _MANY:
            self._many.set()

    def _journaled(self, record: RequestRecord) -> bool:
        try:
            self._journal.append(_encode(record))
        except OperatorError as error:
            if not self._unjournaled:
                log.warning("the request log's journal cannot be written", error=error.message)
            self._unjournaled = True
            return False
        self._unjournaled = False
        return True

    async def flush(self) -> None:
        """Write what waits; a batch on its way already is waited for.

        What cannot be written, or whose writing is cancelled, waits on: a batch may be written again
        (`RequestLog.add`).
        """
        async with self._writing:
            batch, self._waiting = self._waiting, []
            self._journal.seal()
            sealed = self._journal.sealed
            left = batch
            try:
                if batch:
                    await self._store.add(await _wholes(batch))
                left, self._away = [], False
                await self._settle(sealed)
            except OperatorError as error:
                self._tell_once(error, len(batch))
            finally:
                self._waiting = left + self._waiting

    async def _settle(self, sealed: Sequence[Segment]) -> None:
        """Forget files of the journal whose records are written, after those that were in memory no more."""
        for segment in sealed:
            if self._more:
                lines = self._journal.read(segment)
                while some := list(itertools.islice(lines, _MANY)):
                    await self._store.add([record for line in some if (record := _decoded(line)) is not None])
            self._journal.drop(segment)
        self._more = False

    def _tell_once(self, error: OperatorError, waiting: int) -> None:
        """A database that stays away is one line in the log, not two a second."""
        if not self._away:
            log.warning("the request log cannot be written; it waits in memory", error=str(error), waiting=waiting)
        self._away = True

    async def flushing(self) -> None:
        """Write for ever, a batch at a time."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FLUSH_S):
                    await self._many.wait()
            self._many.clear()
            await self.flush()

    async def pruning(self, usage: UsageStore, wall_clock: Callable[[], float]) -> None:
        """Forget calls, and days of usage, that are older than they are kept, for ever. ``wall_clock`` is Unix
        seconds."""
        while True:
            now_s = wall_clock()
            try:
                forgotten = await self._store.prune(now_s - self.keep.requests_s)
                keep = self.keep
                days = await usage.prune(kept_from(now_s, keep.usage_s), kept_from(now_s, keep.requests_s))
            except OperatorError as error:
                log.warning("the request log cannot be pruned", error=str(error))
            else:
                log.debug("request log pruned", forgotten=forgotten, usage=days)
            await asyncio.sleep(PRUNE_EVERY_S)


def _decoded(line: bytes) -> RequestRecord | None:
    try:
        return _decode(line)
    except msgspec.DecodeError as error:
        log.error("an entry of the request log's journal cannot be read and is passed over", error=str(error))
        return None


def _energy_j(exchange: Exchange, engine_s: float) -> float | None:
    """What the machine drew for a call, by its agent's last word and shared with the calls beside it; None where that
    is not known."""
    served, fleet = exchange.served, exchange.relay.fleet
    if served is None or (drawn := fleet.machines.watts(served.node)) is None:
        return None
    engine = fleet.engines.get(served.engine)
    return drawn * max(0.0, engine_s) / max(1, engine.busy if engine is not None else 1)


def _status(error: PotluckError) -> CallStatus:
    match error:
        case ClientError():
            return CallStatus.CLIENT_ERROR
        case Overloaded():
            return CallStatus.OVERLOADED
        case _:
            return CallStatus.NODE_ERROR


def _failed(attempts: Sequence[Attempt]) -> tuple[AttemptRecord, ...]:
    return tuple(
        AttemptRecord(each.engine, BEATEN, each.beside, each.began_s, each.ended_s)
        if each.error is None
        else AttemptRecord(each.engine, type(each.error).__name__, _why(each, each.error), each.began_s, each.ended_s)
        for each in attempts
    )


def _why(attempt: Attempt, error: PotluckError) -> str:
    """What went wrong and, where the client had seen some of the answer, when."""
    return f"{error.message} That was after {attempt.told_tokens} tokens." if attempt.told_tokens else error.message


def _fate(error: PotluckError | None, *, cancelled: bool) -> str:
    """What became of an answer whose engine broke."""
    if cancelled:
        return "cancelled"
    return "saved" if error is None else "lost"


async def _wholes(batch: Sequence[tuple[RequestRecord, Start | None]]) -> list[RequestRecord]:
    """The records with their decisions, made a few at a time: a stream's next word must not wait for a thousand."""
    records: list[RequestRecord] = []
    for at in range(0, len(batch), _MADE_AT_ONCE):
        records += [_whole(*each) for each in batch[at : at + _MADE_AT_ONCE]]
        await asyncio.sleep(0)
    return records


def _whole(record: RequestRecord, decision: Start | None) -> RequestRecord:
    """The record with why its engine was chosen."""
    if decision is None:
        return record
    return msgspec.structs.replace(record, candidates=candidates(decision))


@lru_cache(1024)
def _served(engine: EngineId, outcome: str, way: Way | None = None) -> tuple[AttemptRecord, ...]:
    """``way`` is how it went on with what another engine began."""
    return (AttemptRecord(engine, outcome, f"{WENT_ON} {way}." if way is not None else ""),)


def _log_failure(record: RequestRecord, error: PotluckError) -> None:
    level = log.warning if isinstance(error, NodeError) else log.info
    level(
        "call failed",
        request=record.id,
        model=record.asked_model,
        node=record.node,
        status=record.http_status,
        error=error.message,
        detail=error.detail,
    )

"""``/api/v1/requests``: calls that have ended. Owners and admins see everybody's, others their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from potluck.core.errors import NotFound
from potluck.core.model import NodeId, RequestId, UserId
from potluck.core.people import Right
from potluck.core.scheduling.explain import Candidate, replay
from potluck.core.scheduling.weighing import Verdict
from potluck.storage.cursors import Mark, cursor_of, read_cursor
from potluck.storage.records import WENT_ON, AttemptRecord, RequestFilter, RequestRecord
from potluck.surfaces.v1.exchange import Exchange, Reply
from potluck.surfaces.v1.request_shapes import (
    AttemptInfo,
    CandidateInfo,
    ReplayInfo,
    RequestInfo,
    RequestList,
    RequestQuery,
)
from potluck.surfaces.v1.shapes import UsageInfo, rfc3339

# As `ReplayInfo` names them.
_RULES: Final[Mapping[Verdict, str]] = {Verdict.CHOSEN: "cost", Verdict.FIRST: "order", Verdict.TURN: "weights"}


async def list_requests(exchange: Exchange, query: RequestQuery) -> Reply:
    services, caller = exchange.services, exchange.caller
    user: UserId | None = caller.user
    if caller.may(Right.SEE_ALL):
        user = (await services.people.user(query.user)).id if query.user else None
    where = RequestFilter(
        user=user,
        node=NodeId(query.node) if query.node else None,
        model=query.model or None,
        status=query.status,
        before_s=query.before.timestamp() if query.before else None,
        since_s=query.since.timestamp() if query.since else None,
        after=read_cursor(query.cursor) if query.cursor else None,
        rescued=query.rescued,
        retried=query.retried,
    )
    await services.requests_written()
    found = await services.storage.requests.recent(limit=query.limit + 1, where=where)
    page = found[: query.limit]
    following = cursor_of(Mark(page[-1].time_s, page[-1].id)) if len(found) > query.limit else None
    return Reply(RequestList([_info(record, services.name_of) for record in page], following))


async def read_request(exchange: Exchange) -> Reply:
    await exchange.services.requests_written()
    record = await exchange.services.storage.requests.get(RequestId(exchange.path["request"]))
    if not exchange.caller.may(Right.SEE_ALL) and record.user != exchange.caller.user:
        # Word for word what the store says: another user's requests are not to be told from none.
        raise NotFound(f"There is no record of request {record.id!r}.", hint="It may be another user's.")
    return Reply(_info(record, exchange.services.name_of))


def _info(record: RequestRecord, name_of: Callable[[UserId], str]) -> RequestInfo:
    return RequestInfo(
        id=record.id,
        at=rfc3339(record.time_s),
        family=record.family,
        asked_model=record.asked_model,
        model=record.served_model,
        route=record.route,
        node=record.node,
        engine=record.engine,
        status=record.status,
        http_status=record.http_status,
        queue_s=record.queue_s,
        first_byte_s=record.first_byte_s,
        total_s=record.total_s,
        usage=UsageInfo(
            prompt_tokens=record.prompt_tokens,
            completion_tokens=record.completion_tokens,
            cached_tokens=record.cached_tokens,
            estimated=record.estimated,
        ),
        attempts=[_attempt(attempt, record) for attempt in record.attempts],
        candidates=[_candidate(one) for one in record.candidates],
        error=record.error,
        choice=record.choice,
        replay=_replayed(record.candidates),
        user=name_of(record.user) if record.user is not None else "",
        rescued=any(attempt.why.startswith(WENT_ON) for attempt in record.attempts),
    )


def _attempt(attempt: AttemptRecord, record: RequestRecord) -> AttemptInfo:
    """The only try of a call began when its wait was over."""
    began_s, ended_s = attempt.began_s, attempt.ended_s
    if began_s is None and len(record.attempts) == 1:
        began_s, ended_s = record.queue_s, record.total_s
    return AttemptInfo(attempt.engine, attempt.outcome, attempt.why, _rounded(began_s), _rounded(ended_s))


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 4)


def _candidate(one: Candidate) -> CandidateInfo:
    """Rounded: nobody reads more of a figure."""
    engine, model, reason, run, *figures = one
    return CandidateInfo(
        engine, one.chosen, reason, model, None if run is None else round(run, 4), *(round(each, 4) for each in figures)
    )


def _replayed(kept: Sequence[Candidate]) -> ReplayInfo | None:
    done = replay(kept)
    if done is None:
        return None
    return ReplayInfo(done.again.engine, done.again.model, done.same, _RULES[done.rule])

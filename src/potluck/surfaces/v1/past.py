"""How machines were, and what went wrong."""

from __future__ import annotations

from potluck.core.errors import NotFound
from potluck.core.history import Series
from potluck.core.incidents import Incident, sentence
from potluck.core.meant import others
from potluck.core.model import NodeId
from potluck.core.people import Right
from potluck.gateway.recorder import FLEET
from potluck.storage.incidents import IncidentFilter
from potluck.surfaces.v1.exchange import Exchange, Reply
from potluck.surfaces.v1.past_shapes import (
    FleetHistoryReply,
    HistoryQuery,
    HistoryReply,
    IncidentInfo,
    IncidentList,
    IncidentQuery,
    SeriesInfo,
)
from potluck.surfaces.v1.shapes import rfc3339

_STEP_S = 30
# Bytes and tokens are read in a chart: more digits are for nobody.
_DIGITS = 3


async def node_history(exchange: Exchange, query: HistoryQuery) -> Reply:
    recorder, node = exchange.services.recorder, exchange.path["node"]
    there = {str(engine.node) for engine in exchange.services.fleet.snapshot()}
    if node not in there and node not in recorder.remembered():
        raise NotFound(f"There is no node '{node}', nor was there one lately.", hint=others(node, there))
    series = recorder.series(node, hours=query.hours, steps=query.step_s // _STEP_S)
    return Reply(HistoryReply(rfc3339(series.since_s), series.step_s, _known(exchange), _series(series)))


async def fleet_history(exchange: Exchange, query: HistoryQuery) -> Reply:
    recorder, steps = exchange.services.recorder, query.step_s // _STEP_S
    whole = recorder.series(FLEET, hours=query.hours, steps=steps)
    nodes = {node: recorder.series(node, hours=query.hours, steps=steps) for node in recorder.remembered()}
    return Reply(
        FleetHistoryReply(
            since=rfc3339(whole.since_s),
            step_s=whole.step_s,
            known_since=_known(exchange),
            series=_series(whole),
            nodes={node: _series(series) for node, series in nodes.items()},
        )
    )


def _known(exchange: Exchange) -> str | None:
    since_s = exchange.services.recorder.known_since_s
    return None if since_s is None else rfc3339(since_s)


def _series(series: Series) -> SeriesInfo:
    return SeriesInfo(
        **{
            name: [None if value is None else round(value, _DIGITS) for value in values]
            for name, values in series.figures.items()
        }
    )


async def list_incidents(exchange: Exchange, query: IncidentQuery) -> Reply:
    where = IncidentFilter(
        node=NodeId(query.node) if query.node else None,
        cause=query.cause,
        open=None if query.state is None else query.state == "open",
        since_s=query.since.timestamp() if query.since else None,
        until_s=query.until.timestamp() if query.until else None,
    )
    await exchange.services.recorder.flush()
    page = await exchange.services.storage.incidents.list(limit=query.limit, where=where, cursor=query.cursor or None)
    every = exchange.caller.may(Right.SEE_ALL)
    return Reply(IncidentList([incident_info(each, every=every) for each in page.incidents], page.next))


def incident_info(incident: Incident, *, every: bool) -> IncidentInfo:
    """An incident as it is told of; ``every``: to who may see where machines are, and everybody's calls."""
    return IncidentInfo(
        id=incident.id,
        cause=incident.cause,
        state="open" if incident.until_s is None else "over",
        node=incident.node,
        engine=incident.engine,
        since=rfc3339(incident.since_s),
        until=None if incident.until_s is None else rfc3339(incident.until_s),
        sentence=sentence(incident),
        count=incident.count,
        why=incident.why if every else "",
        requests=[str(each) for each in incident.requests] if every else [],
    )

"""``/api/v1/drills``: taking a node out on purpose. For owners and admins."""

from __future__ import annotations

from potluck.core.audit import Event
from potluck.core.drill import How
from potluck.gateway.drills import Drill, Order
from potluck.surfaces.v1.drill_shapes import (
    DrillCalls,
    DrillHome,
    DrillList,
    DrillPlan,
    DrillProof,
    DrillReport,
    DrillRequest,
    DrillTarget,
)
from potluck.surfaces.v1.exchange import Exchange, Reply
from potluck.surfaces.v1.shapes import rfc3339


async def plan(exchange: Exchange, target: DrillTarget) -> Reply:
    made = exchange.services.drills().plan(target.how, target.node)
    return Reply(
        DrillPlan(
            node=made.node,
            how=made.how,
            running=made.running,
            waiting=made.waiting,
            most_waiting=made.most_waiting,
            models=[DrillHome(each.model, each.resident, each.home, list(each.nodes)) for each in made.models],
            refused=list(made.refusals()),
            impossible=list(made.refusals(force=True)),
        )
    )


async def begin(exchange: Exchange, asked: DrillRequest) -> Reply:
    """It goes on whatever becomes of this request."""
    order = Order(How(asked.how), asked.node, asked.seconds, asked.probe, asked.force)
    drill = await exchange.services.drills().begin(order, exchange.caller)
    await exchange.tell(Event.DRILL_BEGUN, drill.node, id=drill.id, how=order.how.value)
    return Reply(_report(drill))


async def list_drills(exchange: Exchange) -> Reply:
    return Reply(DrillList([_report(each) for each in exchange.services.drills().all()]))


async def read(exchange: Exchange) -> Reply:
    return Reply(_report(exchange.services.drills().get(exchange.path["drill"])))


async def end(exchange: Exchange) -> Reply:
    drill = await exchange.services.drills().end(exchange.path["drill"])
    await exchange.tell(Event.DRILL_ENDED, drill.node, id=drill.id)
    return Reply(_report(drill))


def _report(drill: Drill) -> DrillReport:
    tally = drill.tally
    return DrillReport(
        id=drill.id,
        node=drill.node,
        how=drill.order.how,
        stage=drill.stage,
        outcome=drill.outcome,
        why=drill.why,
        began_at=rfc3339(drill.began_s),
        until=_time(drill.until_s),
        ended_at=_time(drill.ended_s),
        seconds=drill.order.seconds,
        calls=DrillCalls(
            served=tally.served,
            rescued=tally.rescued,
            moved=tally.moved,
            lost=tally.lost,
            cancelled=tally.cancelled,
            unfinished=drill.unfinished,
            waited=tally.waited,
            longest_wait_s=round(tally.longest_wait_s, 3),
            queue_peak=tally.queue_peak,
        ),
        recovered_s=None if tally.recovered_s is None else round(tally.recovered_s, 3),
        restored=drill.restored,
        models=[DrillProof(each.model, each.proven, each.said, each.same) for each in drill.proofs],
    )


def _time(seconds: float | None) -> str | None:
    return None if seconds is None else rfc3339(seconds)

"""``/api/v1/boot``: all that the portal starts with, for one request.

It is asked at every start of every browser: a few short pages are read from the database, all else is in memory.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from potluck import __version__
from potluck.core.discovery import State
from potluck.core.model import Engine, Health, Model
from potluck.core.names import AUTO
from potluck.core.people import Right
from potluck.storage.conversation_records import ConversationFilter
from potluck.surfaces.services import FleetView
from potluck.surfaces.v1.boot_shapes import BootReply, ChoicePlace, Counts, Features, Kind, Me, ModelChoice
from potluck.surfaces.v1.conversation_shapes import ConversationList
from potluck.surfaces.v1.conversations import conversation_info
from potluck.surfaces.v1.exchange import Exchange, Reply
from potluck.surfaces.v1.folders import folder_info
from potluck.surfaces.v1.generations import generation_info
from potluck.surfaces.v1.preferences import preferences_of
from potluck.surfaces.v1.shapes import rfc3339

_SERVING = (Health.UP, Health.SUSPECT)
# More than any sidebar shows at first.
_FIRST_PAGE = 40
_ASKING = (State.NEW, State.MOVED)


async def boot(exchange: Exchange) -> Reply:
    """Of a guest nothing is kept, and so nothing listed."""
    services, caller = exchange.services, exchange.caller
    conversing = caller.may(Right.CONVERSE)
    listed, pinned = ConversationList([]), ConversationList([])
    if conversing:
        listed = await _page(exchange, ConversationFilter(archived=False))
        pinned = await _page(exchange, ConversationFilter(archived=False, pinned=True))
    running = await services.generations.list(caller.user) if conversing else ()
    folders = await services.storage.folders.all(caller.user) if conversing else ()
    return Reply(
        BootReply(
            version=__version__,
            name=services.settings.name,
            now=rfc3339(services.clock()),
            me=Me(
                id=caller.user,
                name=services.name_of(caller.user),
                role=caller.role,
                rights=[right.name.lower() for right in Right if caller.may(right)],
                preferences=await preferences_of(exchange),
            ),
            models=_choices(exchange),
            conversations=listed,
            pinned=pinned.conversations,
            folders=[folder_info(each) for each in folders],
            running=[generation_info(each) for each in running if each.ended_s is None],
            counts=_counts(exchange),
            features=Features(services.portal.titles, services.portal.public_shares, services.files.most_bytes),
        )
    )


async def _page(exchange: Exchange, where: ConversationFilter) -> ConversationList:
    page = await exchange.services.storage.conversations.list(exchange.caller.user, limit=_FIRST_PAGE, where=where)
    return ConversationList([conversation_info(each) for each in page.conversations], page.next)


def _choices(exchange: Exchange) -> list[ModelChoice]:
    fleet = exchange.services.fleet
    aliases = fleet.aliases()
    models = {model.id for engine in fleet.snapshot() for model in engine.models.values()}
    in_line: dict[str, float] = {}
    for each in fleet.queue() if fleet.waiting() else ():
        in_line[each.model] = max(in_line.get(each.model, 0.0), each.eta_s)
    return [
        _choice(fleet, model, _kind(model.id, aliases, models), aliases.get(model.id, ""), in_line)
        for model in fleet.listing()
        if exchange.caller.sees(model.id)
    ]


def _kind(name: str, aliases: Mapping[str, str], models: Collection[str]) -> Kind:
    if name in models:
        return "model"
    if name in aliases:
        return "alias"
    return "auto" if name == AUTO else "route"


def _choice(fleet: FleetView, model: Model, kind: Kind, alias_of: str, in_line: Mapping[str, float]) -> ModelChoice:
    offers = fleet.where(model.id)
    places = [_place(fleet, engine, known) for engine, known in offers]
    waits = [place.wait_s for place in places if place.wait_s is not None]
    serving = [known for engine, known in offers if engine.health in _SERVING]
    described = serving[0] if serving else model
    return ModelChoice(
        id=model.id,
        kind=kind,
        ready=bool(serving),
        resident=any(place.resident and place.wait_s is not None for place in places),
        capabilities=sorted(model.capabilities),
        context=model.context,
        parameter_size=described.parameter_size,
        wait_s=round(max(min(waits), in_line.get(model.id, 0.0)), 1) if waits else None,
        places=places,
        alias_of=alias_of,
    )


def _place(fleet: FleetView, engine: Engine, model: Model) -> ChoicePlace:
    wait_s = fleet.starts_s(engine.id, model.id)
    return ChoicePlace(
        node=engine.node,
        engine=engine.id,
        health=engine.health,
        resident=model.resident,
        slots=engine.slots,
        busy=engine.busy,
        wait_s=None if wait_s is None else round(wait_s, 1),
    )


def _counts(exchange: Exchange) -> Counts:
    services = exchange.services
    engines = services.fleet.snapshot()
    may_change = exchange.caller.may(Right.CHANGE_FLEET)
    return Counts(
        nodes=len({engine.node for engine in engines}),
        nodes_up=len({engine.node for engine in engines if engine.health in _SERVING}),
        busy=sum(engine.busy for engine in engines),
        waiting=services.fleet.waiting(),
        proposals=sum(each.state in _ASKING for each in services.discovery.proposals()) if may_change else None,
    )

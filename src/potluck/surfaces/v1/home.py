"""``/api/v1/home``: what matters now, in one answer; what changes after it is told by ``/api/v1/events``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from potluck.config.model import PortalConfig
from potluck.core.discovery import State
from potluck.core.model import Engine, EngineKind, Health
from potluck.core.people import Right
from potluck.surfaces.v1.exchange import Exchange, Reply
from potluck.surfaces.v1.home_shapes import BackupHint, HomeReply, SetUpInfo
from potluck.surfaces.v1.past import incident_info
from potluck.surfaces.v1.shapes import rfc3339

_SERVING: Final = frozenset({Health.UP, Health.SUSPECT})
_ASKING: Final = frozenset({State.NEW, State.MOVED})
_MOST_INCIDENTS: Final = 20
# More names than that nobody reads in a sentence.
_MOST_NAMED: Final = 3


async def read_home(exchange: Exchange) -> Reply:
    services, caller = exchange.services, exchange.caller
    engines = services.fleet.snapshot()
    nodes = list(dict.fromkeys(engine.node for engine in engines))
    up = {engine.node for engine in engines if engine.health in _SERVING}
    models = {model for engine in engines if engine.health in _SERVING for model in engine.models}
    running, waiting = sum(engine.busy for engine in engines), services.fleet.waiting()
    keeps_house = caller.may(Right.CHANGE_FLEET)
    every = caller.may(Right.SEE_ALL)
    lasting = [each for each in services.recorder.recent() if each.until_s is None][:_MOST_INCIDENTS]
    return Reply(
        HomeReply(
            name=services.settings.name,
            fleet=fleet_sentence(engines, running, waiting),
            nodes=len(nodes),
            nodes_up=len(up),
            models_ready=len(models),
            running=running,
            waiting=waiting,
            incidents=[incident_info(each, every=every) for each in lasting],
            set_up=await _set_up(exchange, engines) if keeps_house else None,
            proposals=sum(each.state in _ASKING for each in services.discovery.proposals()) if keeps_house else None,
            backup=await _backup(exchange) if keeps_house else None,
        )
    )


async def _set_up(exchange: Exchange, engines: Sequence[Engine]) -> SetUpInfo:
    services = exchange.services
    # The embedded engine is there by itself: it is no machine that somebody has found.
    machines = any(
        engine.health in _SERVING and engine.models and engine.kind is not EngineKind.LOCAL for engine in engines
    )
    named = services.settings.name != PortalConfig().name
    await services.requests_written()
    chatted = bool(await services.storage.requests.recent(limit=1))
    return SetUpInfo(named, machines, chatted, named and machines and chatted)


async def _backup(exchange: Exchange) -> BackupHint:
    care = exchange.services.backups
    made = await care.all()
    return BackupHint(not care.why_not, rfc3339(made[0].made_s) if made else None, care.trouble)


def fleet_sentence(engines: Sequence[Engine], running: int, waiting: int) -> str:
    """How the machines are, for a person."""
    nodes = list(dict.fromkeys(engine.node for engine in engines))
    if not nodes:
        return "No machine is known yet."
    up = {engine.node for engine in engines if engine.health in _SERVING}
    drained = {engine.node for engine in engines if engine.health is Health.DRAINING} - up
    away = [node for node in nodes if node not in up and node not in drained]
    models = len({model for engine in engines if engine.health in _SERVING for model in engine.models})
    ready = f"{models} model{_s(models)} {'is' if models == 1 else 'are'} ready"
    of = f"{len(up)} of {len(nodes)} machines"
    if away:
        more = len(away) - _MOST_NAMED
        named = ", ".join(away[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
        be, do = "is" if len(up) == 1 else "are", "does" if len(away) == 1 else "do"
        said = f"{of} {be} up, {ready}: {named} {do} not answer."
    elif drained:
        said = f"{of} {'serves' if len(up) == 1 else 'serve'}, {ready}; the others are kept empty."
    else:
        said = f"{'The machine is' if len(nodes) == 1 else f'All {len(nodes)} machines are'} up, {ready}."
    if running or waiting:
        said += f" {running} answer{_s(running)} {'runs' if running == 1 else 'run'}"
        said += f", {waiting} wait{'s' if waiting == 1 else ''}." if waiting else "."
    return said


def _s(count: int) -> str:
    return "" if count == 1 else "s"

"""Stage 8: what the surfaces are handed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import cache
from typing import TYPE_CHECKING

from potluck import __version__
from potluck.app.admission import ProviderWeb, openid
from potluck.app.callers import learn
from potluck.app.changing import Settings
from potluck.app.listening import listen
from potluck.app.parts import Parts
from potluck.app.stores import database_url
from potluck.gateway.attachments import Attachments
from potluck.gateway.backups import Backups
from potluck.gateway.openid.flow import OpenIdWay
from potluck.gateway.people import People
from potluck.gateway.relay.relay import Clocks
from potluck.storage.open import sqlite_file
from potluck.storage.records import Topic
from potluck.surfaces.services import Services

if TYPE_CHECKING:
    from potluck.gateway.accounts import Accounts
    from potluck.gateway.relay.bridge import AsgiSide


def services_of(parts: Parts, stack: AsyncExitStack) -> Services:
    given, stores, callers, calling = parts.given, parts.stores, parts.callers, parts.calling
    watching, answering, making = parts.watching, parts.answering, parts.making
    config, storage, relay = given.config, stores.storage, calling.relay
    web = ProviderWeb()
    stack.push_async_callback(web.aclose)

    async def changed() -> None:
        await learn(storage, callers.keyring, callers.sessions)
        stores.shared.bus.publish(Topic.PEOPLE)

    people = People(storage, given.wall_clock, relay.new_id, given.random_bytes, changed, parts.audit)
    return Services(
        calls=answering.calls,
        storage=storage,
        shared=stores.shared,
        fleet=relay,
        machines=relay.fleet.machines.snapshot,
        clock=given.wall_clock,
        new_id=relay.new_id,
        people=people,
        accounts=cache(lambda: _accounts(parts, people, changed, stack.callback)),
        name_of=callers.keyring.name_of,
        lifetimes=callers.sessions.lifetimes,
        reload=watching.reloader.reload,
        requests_written=relay.ledger.flush,
        look=watching.watch.probe,
        models=watching.models,
        discovery=watching.discovery,
        drains=calling.drains,
        drills=watching.drills,
        generations=answering.generations,
        audit=parts.audit,
        files=making.files,
        attachments=Attachments(making.files),
        gallery=making.gallery,
        progress=making.progress,
        spending=relay.admission,
        painters=calling.pictures.studio.painters,
        pictures_line=calling.pictures.studio.standing,
        places=calling.pictures.studio.places,
        feed=calling.pictures.feed,
        styles=calling.pictures.styles,
        openid=_openid(parts, web, changed),
        proxy_signs_in=config.access.trusted_header is not None,
        jobs=making.jobs,
        started_s=given.wall_clock(),
        max_body_bytes=config.limits.max_body_bytes,
        levels=relay.admission.levels,
        welcome=callers.keyring.still,
        stopping=lambda: relay.draining,
        recorder=watching.recorder,
        pictures=relay.images,
        settings=Settings(parts.machines.settings, watching.reloader),
        backups=_backups(parts),
        url=config.server.url,
        portal=config.portal,
    )


def asgi_side(parts: Parts, services: Services) -> AsgiSide:
    """The portal, and all that is not inference. Not imported until "ready" is said: a tenth of the start's time."""
    from potluck.gateway.relay.bridge import AsgiSide  # noqa: PLC0415
    from potluck.portal.site import Portal  # noqa: PLC0415
    from potluck.surfaces.application import application  # noqa: PLC0415

    fleet, callers = parts.machines.fleet, parts.callers
    return AsgiSide(Portal(application(services, fleet, parts.metrics, callers.keyring, callers.origins)))


async def open_comfyui_port(parts: Parts, services: Services, stack: AsyncExitStack) -> None:
    """For ComfyUI's clients, where the owner wants it; else nothing of it is imported. Raises `OperatorError`."""
    config, callers = parts.given.config, parts.callers
    if config.images.comfyui_port is None:
        return
    from potluck.app.comfyui_port import port  # noqa: PLC0415
    from potluck.surfaces.comfyui.application import application  # noqa: PLC0415
    from potluck.surfaces.comfyui.desk import Desk  # noqa: PLC0415

    desk = Desk(services)
    parts.calling.relay.tasks.spawn(desk.watching(), "ComfyUI's clients")
    app = application(services, callers.keyring, callers.origins, desk)
    await stack.enter_async_context(port(app, listen, config.server.host, config.images.comfyui_port))
    stack.callback(services.feed.close)  # sockets end before the port waits for them


def _accounts(
    parts: Parts,
    people: People,
    changed: Callable[[], Awaitable[None]],
    at_the_end: Callable[[Callable[[], None]], object],
) -> Accounts:
    """Not imported before somebody signs in."""
    from potluck.app.coming_in import coming_in  # noqa: PLC0415

    given = parts.given
    return coming_in(
        given.config,
        given.data,
        parts.stores.storage,
        people,
        parts.audit,
        changed,
        clock=given.wall_clock,
        monotonic=given.clock,
        new_id=given.new_id,
        random_bytes=given.random_bytes,
        at_the_end=at_the_end,
    )


def _openid(parts: Parts, web: ProviderWeb, changed: Callable[[], Awaitable[None]]) -> OpenIdWay | None:
    given = parts.given
    if given.config.access.oidc is None:
        return None
    return openid(
        given.config.access.oidc,
        given.config.server.url,
        parts.stores.storage,
        parts.audit,
        web,
        Clocks(given.clock, given.wall_clock),
        given.new_id,
        given.random_bytes,
        changed,
    )


def _backups(parts: Parts) -> Backups:
    given = parts.given
    return Backups(
        given.data,
        sqlite_file(database_url(given.config, given.data)),
        with_files=given.config.storage.blobs is None,
        version=__version__,
        clock=given.wall_clock,
        spawn=parts.calling.relay.tasks.spawn,
    )

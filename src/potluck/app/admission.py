"""From the config to who may come in without a key: by a proxy's word, or by the network they ask from."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

import structlog

from potluck.config.model import AccessConfig, OpenIdConfig, TrustedHeaderConfig, TrustedNetwork
from potluck.core.addresses import Networks
from potluck.core.audit import Event
from potluck.core.errors import Conflict, NotFound, OperatorError
from potluck.core.model import UserId
from potluck.core.people import Role, folded, own_key
from potluck.core.proxied import HeaderRules
from potluck.gateway.audit import Audit
from potluck.gateway.openid.flow import CALLBACK, OpenIdCare, OpenIdWay
from potluck.gateway.port import Caller
from potluck.gateway.relay.relay import Clocks
from potluck.storage.people_ports import UserStore
from potluck.storage.ports import Storage
from potluck.storage.records import UserRecord
from potluck.surfaces.neighbours import Neighbours
from potluck.surfaces.origins import Origins
from potluck.surfaces.proxied import Proxied
from potluck.surfaces.strangers import Strangers

if TYPE_CHECKING:  # aiohttp comes with it
    from potluck.gateway.openid.web import Web

log = structlog.get_logger(__name__)


async def ensure_guests(
    users: UserStore, networks: Sequence[TrustedNetwork], now: float, new_id: Callable[[], str]
) -> None:
    """The guests that trusted networks are, made where there are none yet. Raises `OperatorError`."""
    names = list(dict.fromkeys(network.name for network in networks))
    known = {folded(user.name) for user in await users.all()} if names else set[str]()
    for name in names:
        if folded(name) in known:
            continue
        try:
            await users.add(UserRecord(UserId(new_id()), name, Role.GUEST, now))
            log.info("made a guest for a trusted network", user=name)
        except Conflict:
            log.debug("another gateway made the guest", user=name)


def openid(
    config: OpenIdConfig,
    url: str,
    storage: Storage,
    audit: Audit,
    web: ProviderWeb,
    clocks: Clocks,
    new_id: Callable[[], str],
    random_bytes: Callable[[int], bytes],
    changed: Callable[[], Awaitable[None]],
) -> OpenIdWay:
    """Sign-in by a provider, which sends browsers back to ``url`` unless it was told another address; empty for the one
    that they came by. What it takes is loaded when somebody first signs in so: Authlib and aiohttp are 25 MB."""
    made: list[OpenIdCare] = []

    async def sign_in() -> OpenIdCare:
        if not made:
            # In a thread: streams go on meanwhile.
            await asyncio.to_thread(import_module, "potluck.gateway.openid.sign_in")
            from potluck.gateway.openid.provider import Provider  # noqa: PLC0415
            from potluck.gateway.openid.sign_in import SignIn  # noqa: PLC0415

            provider = Provider(config, web.opened(), clocks.wall, clocks.monotonic)
            once = SignIn(
                config.rules,
                config.issuer.rstrip("/"),
                provider,
                storage,
                audit,
                clock=clocks.wall,
                new_id=new_id,
                random_bytes=random_bytes,
                changed=changed,
            )
            made[:] = made or [once]  # two may have waited for the import
        return made[0]

    return OpenIdWay(config.label, config.redirect_uri or (f"{url}{CALLBACK}" if url else ""), sign_in)


class ProviderWeb:
    """What providers are asked over, opened when it is first needed and closed with `aclose`."""

    def __init__(self) -> None:
        self._web: Web | None = None

    def opened(self) -> Web:
        from potluck.gateway.openid.web import Web  # noqa: PLC0415

        self._web = self._web or Web()
        return self._web

    async def aclose(self) -> None:
        if self._web is not None:
            await self._web.aclose()


def strangers(
    access: AccessConfig,
    users: UserStore,
    later: Callable[[Coroutine[None, None, None], str], None],
    audit: Callable[[], Audit],
    origins: Origins,
    clock: Callable[[], float],
) -> Strangers | None:
    """Who may come in without a key; None where the owner said nothing of it. ``later`` runs work that no call waits
    for, by its name. ``audit`` is asked for when there is something to tell it. ``clock`` is Unix seconds."""
    header = access.trusted_header
    if header is None and not access.trusted_networks and not access.proxies:
        return None

    def keep(user: UserRecord) -> None:
        later(_keep(users, user, audit()), "a user whom a proxy named")

    return Strangers(
        Networks((*access.proxies, *(header.proxies if header is not None else ()))),
        None if header is None else Proxied(_rules(header), Networks(header.proxies), clock, keep),
        Neighbours(
            ((each.range, each.name) for each in access.trusted_networks), lambda origin: bool(origins.fields(origin))
        )
        if access.trusted_networks
        else None,
    )


def _rules(header: TrustedHeaderConfig) -> HeaderRules:
    return HeaderRules(
        user=header.user.encode(),
        email=(header.email or "").encode(),
        groups=(header.groups or "").encode(),
        roles=header.roles,
        create=header.create,
        secret="" if header.secret is None else header.secret.reveal(),
    )


async def _keep(users: UserStore, user: UserRecord, audit: Audit) -> None:
    """Write down a user who is new, or whose role is another one now. What cannot be written is so until the next
    start: then it is tried again."""
    actor = Caller(own_key(user.id), user.name, user.id, user.role)
    try:
        await users.add(user)
        await audit.tell(Event.USER_MADE, actor, user.name, role=user.role.value, by="proxy")
    except Conflict:
        try:
            await users.set_role(user.id, user.role)
            await audit.tell(Event.USER_ROLE, actor, user.name, after=user.role.value, by="proxy")
        except NotFound:  # another user has the name since
            log.warning("a user whom a proxy named could not be kept", user=user.name)
    except OperatorError as error:
        log.warning("a user whom a proxy named could not be kept", user=user.name, error=error.message)

"""From the config to who may come in without a key: by a proxy's word, or by the network they ask from."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence

import structlog

from potluck.config.model import AccessConfig, TrustedHeaderConfig, TrustedNetwork
from potluck.core.addresses import Networks
from potluck.core.errors import Conflict, NotFound, OperatorError
from potluck.core.model import UserId
from potluck.core.people import Role, folded
from potluck.core.proxied import HeaderRules
from potluck.storage.ports import UserStore
from potluck.storage.records import UserRecord
from potluck.surfaces.neighbours import Neighbours
from potluck.surfaces.origins import Origins
from potluck.surfaces.proxied import Proxied
from potluck.surfaces.strangers import Strangers

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


def strangers(
    access: AccessConfig,
    users: UserStore,
    later: Callable[[Coroutine[None, None, None], str], None],
    origins: Origins,
    clock: Callable[[], float],
) -> Strangers | None:
    """Who may come in without a key; None where the owner said nothing of it. ``later`` runs work that no call waits
    for, by its name. ``clock`` is Unix seconds."""
    header = access.trusted_header
    if header is None and not access.trusted_networks and not access.proxies:
        return None

    def keep(user: UserRecord) -> None:
        later(_keep(users, user), "a user whom a proxy named")

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


async def _keep(users: UserStore, user: UserRecord) -> None:
    """Write down a user who is new, or whose role is another one now. What cannot be written is so until the next
    start: then it is tried again."""
    try:
        await users.add(user)
        log.info("a proxy named somebody new", user=user.name, role=user.role.value)
    except Conflict:
        try:
            await users.set_role(user.id, user.role)
        except NotFound:  # another user has the name since
            log.warning("a user whom a proxy named could not be kept", user=user.name)
    except OperatorError as error:
        log.warning("a user whom a proxy named could not be kept", user=user.name, error=error.message)

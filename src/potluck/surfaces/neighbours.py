"""Who asks without any credential from a network of the owner's (``access.trusted_networks``): a guest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import structlog

from potluck.core.addresses import Network, is_local_host, plain, read_network
from potluck.core.people import Role, folded, own_key
from potluck.core.proxied import Headers
from potluck.core.scopes import Scope
from potluck.core.sessions import forged
from potluck.core.whence import Whence
from potluck.gateway.admission import PlanOf, unlimited
from potluck.gateway.port import Caller
from potluck.storage.records import UserRecord

# An address may ask models, and no more: it must not give the guest whom it shares with others a password.
_ASKING = Scope()

log = structlog.get_logger(__name__)


class Neighbours:
    """Networks, each with the name of the guest that its machines are. The narrowest network wins."""

    def __init__(self, networks: Iterable[tuple[str, str]], page_may: Callable[[bytes], bool]) -> None:
        """``page_may`` tells whether web pages of an origin may call (`surfaces.origins`)."""
        read = [(read_network(network), name) for network, name in networks]
        self._networks: Sequence[tuple[Network, str]] = sorted(read, key=lambda each: -each[0].prefixlen)
        self._page_may = page_may
        self._callers: dict[str, Caller] = {}

    def replace(self, users: Iterable[UserRecord], plan_of: PlanOf = unlimited) -> None:
        """Take users as they are stored now, and how much each may use. One who is no guest is not to be had
        for an address."""
        by_name = {folded(user.name): user for user in users}
        self._callers = {}
        for _, name in self._networks:
            user = by_name.get(folded(name))
            if user is not None and user.role is not Role.GUEST:
                log.warning("a trusted network is not let in: its user is no guest", user=name, role=user.role.value)
            elif user is not None and not user.disabled:
                self._callers[name] = Caller(
                    own_key(user.id), user.name, user.id, Role.GUEST, _ASKING, keyless=True, plan=plan_of(user, None)
                )

    def caller(self, whence: Whence, headers: Headers) -> Caller | None:
        """The guest that an address is; None for one of no network, or whose request it is not sure to be."""
        if whence.address is None or not whence.sure:
            return None
        address = plain(whence.address)
        name = next((name for network, name in self._networks if address in network), "")
        found = self._callers.get(name)
        return found if found is not None and self._is_no_strange_page(whence, headers) else None

    def _is_no_strange_page(self, whence: Whence, headers: Headers) -> bool:
        """A page on the Internet must not use a visitor's address: its browser says where the page is from."""
        told = dict(headers)
        origin, host = told.get(b"origin", b""), told.get(b"host", b"")
        if not origin:
            return told.get(b"sec-fetch-site", b"none") in (b"none", b"same-origin")
        if self._page_may(origin):
            return True
        # A named proxy answers for its names; without one, a name of the Internet's may have been bent to our address.
        ours = whence.proxied or is_local_host(host.decode("latin-1"))
        return ours and not forged(b"POST", b"", origin, host)

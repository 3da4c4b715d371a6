"""What is dangerous under ``access`` although each value is fine by itself."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from potluck.config.problems import Severity
from potluck.config.source import Finding, Path, dotted, items, mapping
from potluck.core.addresses import Network, is_local_host, is_public, read_network
from potluck.core.model import Json, JsonObject

# Providers where anybody can have an account.
_EVERYBODYS = frozenset({"accounts.google.com", "login.microsoftonline.com", "appleid.apple.com", "gitlab.com"})

_LOOPBACK = (read_network("127.0.0.0/8"), read_network("::1"))

# One proxy, a few, or those of a container network: more that are out on the Internet are not the owner's.
_MOST_PUBLIC_PROXIES = 256


def access_findings(access: JsonObject) -> Iterator[Finding]:
    """1. A proxy that could be anybody is none. 2. Who shares a proxy's address can say what it says. 3. A network
    that is out on the Internet, or behind which a proxy may stand, lets in more than its owner thinks."""
    yield from _proxies(("access", "proxies"), access.get("proxies"))
    header = mapping(access.get("trusted_header"))
    where: Path = ("access", "trusted_header")
    yield from _proxies((*where, "proxies"), header.get("proxies"))
    if "secret" not in header and any(_touches_loopback(each) for _, each in _networks(header.get("proxies"))):
        message = "Every program on this machine can claim to be any user by access.trusted_header."
        hint = "Give it a 'secret', and have the proxy send it as X-Proxy-Secret."
        yield Finding((*where, "proxies"), message, hint, severity=Severity.WARNING)
    yield from _openid(mapping(access.get("oidc")))
    yield from _trusted_networks(items(access.get("trusted_networks")))


def _proxies(path: Path, value: Json) -> Iterator[Finding]:
    for index, network in _networks(value):
        if network.prefixlen == 0:
            yield Finding((*path, index), f"{dotted(path)}: {network} is everybody.", "Name the proxy's own address.")
        elif is_public(network[0]) and network.num_addresses > _MOST_PUBLIC_PROXIES:
            message = f"{dotted(path)}: {network} is {network.num_addresses} addresses on the Internet."
            yield Finding((*path, index), message, "Name the proxy's own address.", severity=Severity.WARNING)


def _openid(oidc: JsonObject) -> Iterator[Finding]:
    where: Path = ("access", "oidc")
    claim, roles = "role_claim" in oidc, mapping(oidc.get("roles"))
    if roles and not claim:
        hint = "Name the claim: 'role_claim: groups'."
        yield Finding((*where, "roles"), "access.oidc.roles gives roles to values of no claim.", hint, at_key=True)
    if claim and not roles:
        hint = "Add 'roles: {VALUE: ROLE}'."
        yield Finding((*where, "role_claim"), "access.oidc.role_claim has values that give no role.", hint, at_key=True)
    issuer, open_to = oidc.get("issuer"), oidc.get("default_role", "none")
    host = (urlsplit(issuer).hostname or "") if isinstance(issuer, str) else ""
    if issuer and urlsplit(str(issuer)).scheme == "http" and not is_local_host(host):
        hint = "Ask for it by https: who listens between the two could sign in as anybody."
        yield Finding((*where, "issuer"), "access.oidc.issuer is asked without https.", hint, severity=Severity.WARNING)
    if host in _EVERYBODYS and open_to != "none" and not mapping(oidc.get("allow")):
        message = f"Everybody with an account at {host} is let in as {open_to}."
        hint = "Say whose under 'allow', or leave default_role out and invite people."
        yield Finding((*where, "default_role"), message, hint, severity=Severity.WARNING)


def _trusted_networks(entries: list[Json]) -> Iterator[Finding]:
    seen: dict[Network, str] = {}
    for index, entry in enumerate(entries):
        text = mapping(entry).get("range")
        path: Path = ("access", "trusted_networks", index, "range")
        network = _read(text)
        if network is None:
            continue
        first = seen.setdefault(network, dotted(path))
        if first != dotted(path):
            yield Finding(path, f"{first} and {dotted(path)} are the same network.", "Leave one of them out.")
        elif network.prefixlen == 0 or is_public(network[0]) or is_public(network[-1]):
            message = (
                f"{dotted(path)}: {network} is out on the Internet; whoever reaches Potluck from there needs no key."
            )
            hint = "Name a network of your own, such as 192.168.1.0/24."
            yield Finding(path, message, hint, severity=Severity.WARNING)
        elif _touches_loopback(network):
            message = f"{dotted(path)}: what comes by a proxy or tunnel on this machine may look as if it came from it."
            hint = "Leave it out if there is one: it lets in whoever it serves, unless it sends X-Forwarded-For."
            yield Finding(path, message, hint, severity=Severity.WARNING)


def _networks(value: Json) -> Iterator[tuple[int, Network]]:
    for index, text in enumerate(items(value)):
        if (network := _read(text)) is not None:
            yield index, network


def _read(text: Json) -> Network | None:
    """None for what is no network: that is reported already."""
    try:
        return read_network(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _touches_loopback(network: Network) -> bool:
    return network.prefixlen > 0 and any(
        each.version == network.version and each.overlaps(network) for each in _LOOPBACK
    )

"""Checks that look at more than one value. They pass over what has the wrong shape: that is reported already."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import TypeVar

from pydantic import ValidationError

from potluck.config.access import access_findings
from potluck.config.aliases import alias_findings
from potluck.config.endpoint import Endpoint, endpoint
from potluck.config.fleet_sections import NAME_PATTERN, DiscoverySection, EngineSection, NodeSection, RouteSection
from potluck.config.model import ServerConfig
from potluck.config.problems import Severity
from potluck.config.scalars import Section
from potluck.config.shape import near
from potluck.config.source import Document, Finding, Path, dotted, items, mapping
from potluck.core.discovery import unfit
from potluck.core.model import Json, JsonObject
from potluck.core.names import canonical
from potluck.core.people import Role
from potluck.core.scheduling.classes import Kind

S = TypeVar("S", bound=Section)


def cross_findings(root: JsonObject, document: Document) -> Iterator[Finding]:
    """Everything wrong between values of ``root``; ``document`` tells the lines."""
    nodes = mapping(root.get("nodes"))
    for name, value in nodes.items():
        yield from _node(name, value)
    yield from _same_port(nodes, document)
    for name, value in mapping(root.get("routes")).items():
        yield from _route(("routes", name), mapping(value), nodes)
    yield from _one_name_each(mapping(root.get("routes")), mapping(root.get("aliases")))
    yield from alias_findings(root)
    yield from _classes(mapping(root.get("classes")))
    yield from _limited(mapping(root.get("limits")), mapping(root.get("routes")))
    yield from _database(mapping(root.get("storage")).get("database"))
    yield from _replicas(mapping(root.get("storage")))
    yield from _redis(mapping(root.get("storage")).get("redis"))
    yield from _blobs(mapping(root.get("storage")).get("blobs"))
    yield from _networks(items(mapping(root.get("discovery")).get("scan")))
    yield from access_findings(mapping(root.get("access")))
    yield from _one_port_each(mapping(root.get("server")), mapping(root.get("images")))


def _one_port_each(server: JsonObject, images: JsonObject) -> Iterator[Finding]:
    port = images.get("comfyui_port")
    if port is not None and port == server.get("port", ServerConfig().port):
        hint = "ComfyUI's clients need a port of their own, such as 8188."
        yield Finding(("images", "comfyui_port"), f"Port {port} is the service's own.", hint)


def _valid(section: type[S], value: Json) -> S | None:
    try:
        return section.model_validate(value)
    except ValidationError:
        return None


def _node(name: str, value: Json) -> Iterator[Finding]:
    path: Path = ("nodes", name)
    if not re.fullmatch(NAME_PATTERN, name):
        hint = "Use letters, digits, '.', '_' and '-', beginning with a letter or a digit."
        yield Finding(path, f"{name!r} cannot be a node's name.", hint, at_key=True)
    node = mapping(value)
    has_agent = node.get("agent") not in (None, False)
    if has_agent and "address" not in node:
        hint = f"Write 'address:' into {dotted(path)}."
        yield Finding((*path, "agent"), f"Nothing says where {dotted((*path, 'agent'))} is.", hint, at_key=True)
    if isinstance(value, dict) and node.get("engines", []) == [] and not has_agent:
        hint = "List the servers that run on it: engines: [{kind: ollama}]."
        yield Finding(path, f"{dotted(path)} has no engines, so it serves nothing.", hint, severity=Severity.WARNING)
    for index, item in enumerate(items(node.get("engines"))):
        engine = _valid(EngineSection, item)
        if engine is not None:
            yield from _engine((*path, "engines", index), engine, has_address="address" in node)


def _engine(path: Path, engine: EngineSection, *, has_address: bool) -> Iterator[Finding]:
    name = dotted(path)
    if engine.url is not None and engine.model_fields_set & {"port", "tls"}:
        hint = "The url says both; leave the others out."
        yield Finding((*path, "url"), f"{name} has a url, and port or tls as well.", hint, at_key=True)
    if engine.url is None and not has_address:
        hint = f"Write 'address:' into {dotted(path[:2])}, or give the engine a 'url'."
        yield Finding(path, f"Nothing says where {name} is.", hint)


def _same_port(nodes: JsonObject, document: Document) -> Iterator[Finding]:
    """Engines that are one server under two names, whose slots would count twice; and two servers under one name."""
    listening: dict[Endpoint, Path] = {}
    names: dict[tuple[str, str, int, str], Path] = {}
    for name, value in nodes.items():
        node = mapping(value)
        shell = _valid(NodeSection, {"address": node.get("address")})
        for index, item in enumerate(items(node.get("engines"))):
            engine = _valid(EngineSection, item)
            if engine is None or (engine.url is None and shell is None):
                continue
            where = endpoint(engine, shell.address if shell else None)
            path: Path = ("nodes", name, "engines", index)
            if where is None:
                continue
            first = listening.setdefault(where, path)
            namesake = names.setdefault((name, engine.kind, where.port, where.base_path), path)
            if first != path:
                hint = "One address and port is one engine: give one another port, or leave it out."
                yield _twins(first, path, f"both listen on port {where.port}", hint, document)
            elif namesake != path:
                hint = "Potluck could not tell them apart: put one of them under a node of its own."
                yield _twins(namesake, path, "have one kind and port on one node", hint, document)


def _twins(first: Path, second: Path, what: str, hint: str, document: Document) -> Finding:
    lines = f"lines {document.place(first).line} and {document.place(second).line}"
    return Finding(second, f"{dotted(first)} and {dotted(second)} {what} ({lines}).", hint)


def _route(path: Path, route: JsonObject, nodes: Collection[str]) -> Iterator[Finding]:
    for node in mapping(route.get("weights")):
        if node not in nodes:
            yield _unknown_node((*path, "weights", node), node, nodes, at_key=True)
    seen: set[str] = set()
    for index, item in enumerate(items(route.get("order"))):
        place: Path = (*path, "order", index)
        if isinstance(item, str) and item not in nodes:
            yield _unknown_node(place, item, nodes, at_key=False)
        elif isinstance(item, str) and item in seen:
            yield Finding(place, f"{dotted(place[:3])} names {item} twice.", "Name it once.")
        if isinstance(item, str):
            seen.add(item)
    section = _valid(RouteSection, route)
    if section is not None:
        yield from _policy(path, section)


def _classes(classes: JsonObject) -> Iterator[Finding]:
    for name in classes:
        if name not in set(Kind):
            hint = near(name, [kind.value for kind in Kind]) or f"The classes are {', '.join(Kind)}."
            yield Finding(("classes", name), f"{name!r} is no class of calls.", hint, at_key=True)


def _limited(limits: JsonObject, routes: JsonObject) -> Iterator[Finding]:
    """Limits of roles and routes that are none."""
    for name in mapping(limits.get("roles")):
        if name not in set(Role):
            hint = near(name, [role.value for role in Role]) or f"The roles are {', '.join(Role)}."
            yield Finding(("limits", "roles", name), f"{name!r} is no role.", hint, at_key=True)
    known = {canonical(name) for name in routes}
    for name in mapping(limits.get("routes")):
        if canonical(name) not in known:
            hint = near(name, list(routes)) or "Routes stand under 'routes'."
            message = f"limits.routes.{name}: there is no such route."
            yield Finding(("limits", "routes", name), message, hint, at_key=True)


def _one_name_each(routes: JsonObject, aliases: JsonObject) -> Iterator[Finding]:
    """Routes and aliases are asked for as models are: in any case, with and without ``:latest``."""
    seen: dict[str, str] = {}
    for section, name in (*(("routes", name) for name in routes), *(("aliases", name) for name in aliases)):
        first = seen.setdefault(canonical(name), f"{section}.{name}")
        if first != f"{section}.{name}":
            hint = "Capital letters and ':latest' do not count: rename one."
            yield Finding((section, name), f"{first} and {section}.{name} are one name to clients.", hint, at_key=True)


def _database(url: Json) -> Iterator[Finding]:
    if isinstance(url, str) and "://" in url and not url.startswith(("sqlite:", "postgresql:")):
        message = "storage.database must begin with sqlite: or postgresql:."
        hint = "Such as postgresql://USER:PASSWORD@HOST/DATABASE; leave it out to keep a file in the data directory."
        yield Finding(("storage", "database"), message, hint)


def _replicas(storage: JsonObject) -> Iterator[Finding]:
    urls = items(storage.get("replicas"))
    for index, url in enumerate(urls):
        if isinstance(url, str) and "://" in url and not url.startswith("postgresql:"):
            place: Path = ("storage", "replicas", index)
            yield Finding(place, f"{dotted(place)} must begin with postgresql:.", "Only PostgreSQL has replicas here.")
    if urls and storage.get("database") in (None, ""):
        hint = "Name their primary in storage.database, or leave them out."
        yield Finding(
            ("storage", "replicas"), "storage.replicas follow a database that is not named.", hint, at_key=True
        )


def _redis(url: Json) -> Iterator[Finding]:
    if isinstance(url, str) and "://" in url and not url.startswith(("redis://", "rediss://", "unix://")):
        message = "storage.redis must begin with redis://, rediss:// or unix://."
        yield Finding(("storage", "redis"), message, "Such as redis://:PASSWORD@HOST:6379/0.")


def _blobs(url: Json) -> Iterator[Finding]:
    if isinstance(url, str) and not re.match(r"s3://([^@?]*@)?[^/?@]+([/?].*)?$|\$\{|file:", url):
        message = "storage.blobs must begin with s3:// and name a bucket."
        hint = "Such as s3://KEY:SECRET@BUCKET?endpoint=https://HOST:PORT; leave it out to keep files in a folder."
        yield Finding(("storage", "blobs"), message, hint)


def _networks(networks: list[Json]) -> Iterator[Finding]:
    for index, network in enumerate(networks):
        path: Path = ("discovery", "scan", index)
        if _valid(DiscoverySection, {"scan": [network]}) is not None and (why := unfit(str(network))):
            hint = "Name private networks of at most a /20, such as 192.168.1.0/24."
            yield Finding(path, f"{dotted(path)}: {network} {why}.", hint)


def _policy(path: Path, route: RouteSection) -> Iterator[Finding]:
    name = dotted(path)
    if route.weights and route.order:
        yield Finding((*path, "order"), f"{name} has weights and an order.", "Keep one of them.", at_key=True)
    if route.weights and not any(route.weights.values()):
        yield Finding((*path, "weights"), f"{name}.weights are all 0.", "Give one node more than 0.", at_key=True)
    if route.policy == "weighted" and not route.weights:
        yield Finding((*path, "policy"), f"{name} is weighted, but has no weights.", "Add 'weights: {NODE: NUMBER}'.")


def _unknown_node(path: Path, name: str, nodes: Collection[str], *, at_key: bool) -> Finding:
    known = f"The nodes are {', '.join(nodes)}." if nodes else "No nodes are configured."
    message = f"{dotted(path[:3])} names the node {name!r}, which is not under 'nodes'."
    return Finding(path, message, near(name, nodes) or known, at_key=at_key)

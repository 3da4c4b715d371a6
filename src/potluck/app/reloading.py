"""A changed configuration, taken while the service runs: most of it at once, the rest at the next start."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

import msgspec
import structlog

from potluck.app.installation import Installer
from potluck.config.changeable import changed
from potluck.config.model import ClassConfig, Config, DiscoveryConfig, NodeConfig, Policy, RouteConfig, UsageConfig
from potluck.config.restarting import AT_ONCE
from potluck.config.secret import Secret
from potluck.core.catalogue import RouteRule
from potluck.core.errors import BadRequest, OperatorError
from potluck.core.limits import Rules
from potluck.core.model import EngineId, Json, NodeId
from potluck.core.scheduling.classes import Kind, Limits, limits_within
from potluck.gateway.agents import AgentWatch
from potluck.gateway.fleet import Fleet, Installation
from potluck.gateway.watch import Watch

log = structlog.get_logger(__name__)

_FLEET = frozenset({"nodes", "routes", "aliases"})
_QUEUE = frozenset({"queue", "classes"})
_RESCUE = frozenset({"rescue", "generations"})
NOTHING_SAID: Mapping[str, Json] = MappingProxyType({})
_NOT_SETTINGS = frozenset({"source", "warnings"})


class Reloader:
    """Reads the configuration again with ``read`` and applies what differs from ``config``.

    ``discovered`` are the nodes that the owner accepted beside those of the file, for the key of their agents; ``said``
    is what was changed without the file (`config.changeable`).
    ``limit`` gives the queue its length and the classes their limits, ``relook`` has machines looked for elsewhere,
    ``allow`` takes what callers may use, ``bound`` holds what is done for broken answers, and for those that nobody
    reads, to other bounds; ``keep`` takes for how long usage is kept. ``heard`` is told what a signal has changed.
    """

    def __init__(
        self,
        config: Config,
        read: Callable[[], Config],
        *,
        installer: Installer,
        fleet: Fleet,
        watch: Watch,
        agents: AgentWatch,
        limit: Callable[[int, Mapping[Kind, Limits]], None],
        discovered: Callable[[Secret | None], Iterable[NodeConfig]] = lambda agent_key: (),
        said: Mapping[str, Json] = NOTHING_SAID,
    ) -> None:
        self._file = config
        self._said = said
        self._config = with_nodes(changed(config, said), discovered(config.discovery.agent_key))
        self._discovered = discovered
        self._read = read
        self._installer = installer
        self._fleet = fleet
        self._watch = watch
        self._agents = agents
        self._limit = limit
        self.relook: Callable[[DiscoveryConfig], None] = lambda wanted: None
        self.bound: Callable[[Config], None] = lambda wanted: None
        self.heard: Callable[[Mapping[str, bool]], None] = lambda changed: None
        self.allow: Callable[[Rules], None] = lambda rules: None
        self.keep: Callable[[UsageConfig], None] = lambda usage: None

    def reload(self) -> Mapping[str, bool]:
        """The sections that are different now, and whether that holds at once: if not, it needs a restart.

        Raises `OperatorError` for a configuration with errors; the old one then stays whole.
        """
        file, before = self._read(), self._config
        found = self._take(self._whole(file))
        self._file = file
        held = {name: name in AT_ONCE for name in found}
        if "limits" in held:  # the rules hold at once, the sizes from the next start on
            limits = msgspec.structs.replace(before.limits, rules=file.limits.rules)
            held["limits"] = limits == file.limits
        if "portal" in held:  # what it is called holds at once, too
            portal = msgspec.structs.replace(before.portal, name=self._config.portal.name)
            held["portal"] = portal == self._config.portal
        if waiting := [name for name, at_once in held.items() if not at_once]:
            log.warning("these changes need a restart", sections=waiting)
        log.info("configuration reloaded", changed=list(found))
        return held

    def discovered(self) -> None:
        """Take what the owner accepted or forgot, and where nodes were followed to."""
        before = set(self._config.engines)
        self._take(self._whole(self._file))
        for engine in self._config.engines:
            if engine not in before:
                self._watch.look_now(engine.id)

    def say(self, said: Mapping[str, Json]) -> None:
        """Let other changes go before the file, at once. Raises `BadRequest`; then the old ones stay."""
        before, self._said = self._said, said
        try:
            wanted = self._whole(self._file)
        except BadRequest:
            self._said = before
            raise
        log.info("settings changed", sections=list(self._take(wanted)))

    def _whole(self, file: Config) -> Config:
        """The file's, with what was said since and the nodes that were discovered."""
        return with_nodes(changed(file, self._said), self._discovered(file.discovery.agent_key))

    @property
    def config(self) -> Config:
        """What holds now: the file's, what was changed since, and the discovered nodes."""
        return self._config

    @property
    def configured(self) -> Collection[NodeId]:
        """The names of the file's nodes."""
        return self._file.nodes.keys()

    def _take(self, wanted: Config) -> tuple[str, ...]:
        found = changes(self._config, wanted)
        different = set(found)
        if _QUEUE & different:
            self._limit(wanted.queue.depth, class_limits(wanted))
        if "usage" in different:
            self.keep(wanted.usage)
        if "limits" in different:
            self.allow(wanted.limits.rules)
        if _RESCUE & different:
            self.bound(wanted)
        if "discovery" in different:
            self.relook(wanted.discovery)
        if _FLEET & different:
            self._fleet.reconfigure(self._installations(wanted), rules(wanted), wanted.aliases)
            self._watch.begin()
            self._fleet.machines.configure(self._installer.machines(wanted))
            self._agents.begin()
        self._config = wanted
        return found

    def on_signal(self) -> None:
        """SIGHUP: as `reload`, with errors in the log."""
        try:
            self.heard(self.reload())
        except OperatorError as error:
            log.error("the configuration has errors; the old one stays", error=str(error))

    def _installations(self, wanted: Config) -> list[Installation]:
        """Engines that did not change keep their installation; those that nobody configured stay as they are."""
        before = {engine.id: engine for engine in self._config.engines}
        kept: dict[EngineId, Installation] = dict(self._fleet.installations)
        found = [installation for engine, installation in kept.items() if engine not in before]
        configured = [
            kept[engine.id] if before.get(engine.id) == engine else self._installer.remote(engine)
            for engine in wanted.engines
        ]
        return [*configured, *(each for each in found if each.id not in {one.id for one in configured})]


def with_nodes(config: Config, discovered: Iterable[NodeConfig]) -> Config:
    """The configuration with nodes beside its own, which win where they have the same name."""
    more = {node.id: node for node in discovered if node.id not in config.nodes}
    return msgspec.structs.replace(config, nodes={**config.nodes, **more}) if more else config


def changes(before: Config, after: Config) -> tuple[str, ...]:
    """Sections in which two configurations differ."""
    names = [field.name for field in msgspec.structs.fields(Config) if field.name not in _NOT_SETTINGS]
    return tuple(name for name in names if getattr(before, name) != getattr(after, name))


def class_limits(config: Config) -> dict[Kind, Limits]:
    """The limits of all classes: the owner's, where something was said, else the defaults."""
    return {
        kind: _limits(limits, config.classes.get(kind, ClassConfig()))
        for kind, limits in limits_within(config.queue.max_wait_s).items()
    }


def _limits(default: Limits, said: ClassConfig) -> Limits:
    return replace(
        default,
        first_s=default.first_s if said.first_s is None else said.first_s,
        finish_s=default.finish_s if said.finish_s is None else said.finish_s,
        priority=default.priority if said.priority is None else said.priority,
        longest_wait_s=default.longest_wait_s if said.max_wait_s is None else said.max_wait_s,
        most_waiting=said.waiting,
        most_running=said.running,
    )


def rules(config: Config) -> dict[str, RouteRule]:
    """The configured routes, as the core knows them."""
    return {name: _rule(route) for name, route in config.routes.items()}


def _rule(route: RouteConfig) -> RouteRule:
    weighted = route.policy is Policy.WEIGHTED
    return RouteRule(route.name, route.models, route.weights, route.order, weighted=weighted, hedge=route.hedge)

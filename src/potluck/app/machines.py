"""Stage 3: the engines, as the file, the owner's changes and discovery's accepted nodes say, and the fleet of them."""

from __future__ import annotations

from contextlib import AsyncExitStack

import msgspec

from potluck.app.discovering import stored
from potluck.app.given import Given
from potluck.app.installation import Installer, usual_engines
from potluck.app.reloading import rules, with_nodes
from potluck.backends.streaming import Streaming
from potluck.config.changeable import changed
from potluck.config.model import Config, EngineConfig
from potluck.gateway.changed_settings import ChangedSettings
from potluck.gateway.discovery.kept import Kept, node_configs
from potluck.gateway.fleet import Fleet
from potluck.gateway.relay.pools import Pools
from potluck.storage.ports import SettingsStore


class Machines(msgspec.Struct, frozen=True):
    """``config`` is what holds: the ``file``'s, what was changed since (``settings``) and discovered nodes (``kept``).
    ``found`` are this machine's engines that are served without anybody's word."""

    file: Config
    config: Config
    installer: Installer
    found: tuple[EngineConfig, ...]
    kept: Kept
    settings: ChangedSettings
    fleet: Fleet


async def find_machines(given: Given, store: SettingsStore, pools: Pools, stack: AsyncExitStack) -> Machines:
    """Raises `OperatorError`."""
    config = given.config
    streaming = Streaming()
    stack.push_async_callback(streaming.aclose)
    installer = Installer(config, given.data, pools, streaming, node=given.node)
    stack.push_async_callback(installer.aclose)
    found = await usual_engines(installer, given.node) if config.source is None else ()
    kept = await stored(store, given.wall_clock)
    settings = ChangedSettings(store, given.wall_clock)
    await settings.read(config)
    accepted = node_configs(kept.accepted.values(), config.discovery.agent_key)
    file, config = config, with_nodes(changed(config, settings.said), accepted)
    installations = installer.installations([*config.engines, *found], with_local=_local_wanted(config, found))
    fleet = Fleet(
        installations,
        rules(config),
        aliases=config.aliases,
        clock=given.clock,
        interval_s=config.health.interval_s,
        chance=given.chance,
    )
    fleet.machines.configure(installer.machines(config))
    for each in installations:
        if each.supervised is not None:
            stack.push_async_callback(each.supervised.aclose)
    return Machines(file, config, installer, found, kept, settings, fleet)


def _local_wanted(config: Config, found: tuple[EngineConfig, ...]) -> bool:
    """The embedded engine serves where nothing else that writes does, unless the owner said."""
    if config.local.enabled is not None:
        return config.local.enabled
    return all(engine.kind.draws for engine in (*config.engines, *found))

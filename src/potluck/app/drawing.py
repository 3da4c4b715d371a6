"""Put what pictures are made with together: all image engines of the fleet, and what this machine does by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from potluck.config.model import Config, SharedMemory
from potluck.core.model import NodeId
from potluck.gateway.dispatch import Dispatcher
from potluck.gateway.fleet import Fleet
from potluck.gateway.painters import Local
from potluck.gateway.prompt_feed import PromptFeed
from potluck.gateway.studio import Studio
from potluck.jobs.port import Pictures
from potluck.storage.datadir import DataDir
from potluck.wire.prompts.styles import Style


def pictures(
    config: Config,
    data: DataDir,
    fleet: Fleet,
    dispatcher: Dispatcher,
    clock: Callable[[], float],
    wall_clock: Callable[[], float],
    node: NodeId,
) -> Pictures:
    """``node`` is this machine's name; ``clock`` is monotonic, ``wall_clock`` Unix seconds."""
    said = config.images

    async def local() -> Local | None:
        return await _local(data.root / "upscalers", node)

    studio = Studio(
        fleet,
        dispatcher,
        clock,
        order=said.order,
        puts_out=said.memory is not SharedMemory.TEXT_FIRST,
        insists=said.memory is SharedMemory.PICTURES_FIRST,
        local=local,
    )
    styles = {name: Style(name, each.prompt, each.negative) for name, each in said.styles.items()}
    return Pictures(studio, styles, said.wildcards, PromptFeed(wall_clock))


async def _local(own: Path, node: NodeId) -> Local | None:
    """Enlarging on the processor; None where the package for it is not installed. Looked for when it is of use."""
    from potluck.backends.local.upscaling import LocalUpscaling  # noqa: PLC0415 - most starts need none of it

    there = await asyncio.to_thread(own.is_dir)
    upscaling = LocalUpscaling(own if there else None)
    if not await asyncio.to_thread(upscaling.offered):
        return None
    return Local(node, upscaling, await upscaling.everything())

"""Stage 7: files, pictures, and the jobs that make them."""

from __future__ import annotations

from contextlib import AsyncExitStack

import msgspec

from potluck.app.calling import Calling
from potluck.app.filing import filing, gallery_of
from potluck.app.given import Given
from potluck.app.stores import Stores
from potluck.app.working import working
from potluck.gateway.files import Files
from potluck.gateway.gallery import Gallery
from potluck.gateway.picture_progress import Progresses
from potluck.gateway.port import Calls
from potluck.jobs.jobs import Jobs
from potluck.jobs.runner import Runner
from potluck.pixels.pixels import Pixels
from potluck.surfaces.auth import Keyring


class Making(msgspec.Struct, frozen=True):
    """The runner has not begun yet."""

    files: Files
    gallery: Gallery
    progress: Progresses
    jobs: Jobs
    runner: Runner


async def open_workshop(
    given: Given, stores: Stores, keyring: Keyring, calling: Calling, calls: Calls, stack: AsyncExitStack
) -> Making:
    """Raises `OperatorError`."""
    config, lead, relay = given.config, given.lead, calling.relay
    files = await filing(
        config,
        given.data,
        stores.storage,
        keyring,
        relay.tasks,
        clock=given.wall_clock,
        new_id=given.new_id,
        random_bytes=given.random_bytes,
    )
    pixels = await stack.enter_async_context(Pixels())
    gallery = gallery_of(config, stores.storage, files, pixels, keyring, relay.tasks, given.wall_clock)
    progress = Progresses()
    jobs, runner = working(
        config,
        stores.storage,
        stores.shared,
        calls,
        gallery,
        progress,
        calling.pictures,
        relay.ledger.drawn,
        relay.admission.give_images_back,
        relay.tasks,
        worker=stores.gateway,
        caller_of=keyring.of_key,
        clock=given.clock,
        wall_clock=given.wall_clock,
        chance=given.chance,
        leads=lead.leads if lead is not None else lambda: True,
        new_id=given.new_id,
    )
    return Making(files, gallery, progress, jobs, runner)

"""Put work in the background together: where jobs are asked for, and who does them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from potluck.config.model import Config
from potluck.core.errors import PotluckError
from potluck.core.model import KeyId
from potluck.gateway.gallery import Gallery
from potluck.gateway.picture_progress import Progresses
from potluck.gateway.port import Caller, Calls
from potluck.gateway.tasks import Tasks
from potluck.jobs.jobs import Jobs
from potluck.jobs.kinds import KINDS
from potluck.jobs.port import Pictures, Tools
from potluck.jobs.runner import Limits, Runner
from potluck.storage.jobs import JobFailure
from potluck.storage.ports import Storage
from potluck.storage.records import RequestRecord
from potluck.storage.shared_ports import Shared
from potluck.surfaces.v1.errors import failure_of


def working(
    config: Config,
    storage: Storage,
    shared: Shared,
    calls: Calls,
    gallery: Gallery,
    progress: Progresses,
    pictures: Pictures,
    counted: Callable[[RequestRecord], None],
    give_back: Callable[[Caller, int], Awaitable[None]],
    tasks: Tasks,
    *,
    worker: str,
    caller_of: Callable[[KeyId], Caller | None],
    clock: Callable[[], float],
    wall_clock: Callable[[], float],
    chance: Callable[[], float],
    leads: Callable[[], bool],
    new_id: Callable[[], str],
) -> tuple[Jobs, Runner]:
    """``worker`` is this gateway's id, ``leads`` whether it may schedule now; ``clock`` is monotonic, ``wall_clock``
    Unix seconds, ``chance`` from 0 to 1. The runner has not begun yet."""
    runner = Runner(
        storage.jobs,
        shared.bus,
        shared.jobs,
        KINDS,
        Tools(calls, gallery, progress, caller_of, _words, pictures, counted, give_back),
        tasks,
        Limits(config.jobs.at_once, config.jobs.keep_s),
        worker=worker,
        clock=clock,
        wall_clock=wall_clock,
        chance=chance,
        sole=True,  # of several gateways one leads, and only that one is opened as a whole
        leads=leads,
    )
    jobs = Jobs(
        storage.jobs,
        shared.bus,
        shared.jobs,
        KINDS,
        most_unfinished=config.jobs.unfinished,
        clock=wall_clock,
        new_id=new_id,
        wake=runner.wake,
    )
    return jobs, runner


def _words(error: PotluckError) -> JobFailure:
    told = failure_of(error)
    return JobFailure(told.kind, told.message, told.hint)

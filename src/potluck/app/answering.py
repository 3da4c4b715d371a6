"""Stage 6: calls from inside, and what is made of them: titles, and native answers that outlast their clients."""

from __future__ import annotations

from contextlib import AsyncExitStack

import msgspec

from potluck.app.bounds import generation_bounds
from potluck.app.given import Given
from potluck.app.stores import Stores
from potluck.gateway.announcements import Announcements
from potluck.gateway.calls import InsideCalls
from potluck.gateway.generations import Generations
from potluck.gateway.relay.relay import Relay
from potluck.gateway.titling import Titles
from potluck.storage.datadir import DataDir
from potluck.storage.generation_files import GenerationFiles
from potluck.surfaces.auth import Keyring
from potluck.surfaces.v1.errors import failure_of


class Answering(msgspec.Struct, frozen=True):
    calls: InsideCalls
    generations: Generations


def open_answers(given: Given, stores: Stores, keyring: Keyring, relay: Relay, stack: AsyncExitStack) -> Answering:
    config, lead, conversations = given.config, given.lead, stores.storage.conversations
    calls = InsideCalls(relay)
    titles = Titles(
        conversations,
        calls,
        relay.tasks,
        Announcements(stores.shared.bus),
        engines=relay.snapshot,
        caller_of=keyring.of_key,
        clock=given.wall_clock,
        wanted=config.portal.titles,
    )
    generations = Generations(
        lead.generations if lead is not None else _logs(given.data, stack),
        conversations,
        calls,
        relay.tasks,
        bounds=generation_bounds(config),
        words=failure_of,
        caller_of=keyring.of_key,
        clock=given.clock,
        wall_clock=given.wall_clock,
        kept=titles.kept,
    )
    return Answering(calls, generations)


def _logs(data: DataDir, stack: AsyncExitStack) -> GenerationFiles:
    logs = GenerationFiles(data.generations)
    stack.callback(logs.close)
    return logs

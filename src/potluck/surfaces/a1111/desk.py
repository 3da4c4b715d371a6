"""What A1111's clients expect one program to remember: which job is theirs, and which model they have chosen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Final, cast

import msgspec
from starlette.requests import Request

from potluck.core.model import Json, KeyId
from potluck.gateway.picture_progress import Told
from potluck.gateway.port import Caller
from potluck.storage.jobs import JobRecord
from potluck.storage.pictures import PictureRecord
from potluck.storage.ports import SettingsStore
from potluck.surfaces import picture_orders as orders

_NAME: Final = "sdapi.options"
_MOST_CHOICES = 1000
"""Of keys whose choice is remembered; the one that was longest without a change is forgotten first."""


class Choice(msgspec.Struct, frozen=True):
    """What a key's own ``options`` say. Empty, and 0: what is usual."""

    model: str = ""
    vae: str = ""
    clip_skip: int = 0


class Making:
    """A request's job as it stands. ``begun_s`` is Unix seconds; ``interrupted``: by the caller's own word."""

    def __init__(self, job: JobRecord) -> None:
        self.job = job
        self.told: Told | None = None
        self.preview = b""
        self.begun_s: float | None = None
        self.ahead: int | None = None
        self.interrupted = False

    def note(self, news: orders.News, now: float) -> None:
        """Take in some news, which came at ``now``."""
        match news:
            case JobRecord():
                self.job = news
            case orders.Place(ahead):
                self.ahead = ahead
            case Told():
                self.told, self.ahead = news, None
                self.preview = news.preview or self.preview
                self.begun_s = now if self.begun_s is None else self.begun_s
            case PictureRecord():
                # What is told of it last stands no longer for the one after it.
                if self.told is not None and self.told.progress.index == orders.index_of(news):
                    self.told = None


class Desk:
    """Owned by one application. What is made is in memory, what was chosen in the database: its clients choose once,
    and a restart is nothing to them. ``clock`` is Unix seconds.

    All is by key: two programs of one user do not interrupt each other.
    """

    def __init__(self, settings: SettingsStore, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._clock = clock
        self._choosing = asyncio.Lock()
        self._makings: dict[KeyId, list[Making]] = {}

    @contextmanager
    def making(self, caller: Caller, job: JobRecord) -> Generator[Making, None, None]:
        """A job that is the caller's own for as long as the block."""
        making = Making(job)
        self._makings.setdefault(caller.key, []).append(making)
        try:
            yield making
        finally:
            self._makings[caller.key].remove(making)
            if not self._makings[caller.key]:
                del self._makings[caller.key]

    def current(self, caller: Caller) -> Making | None:
        """The one of the caller's that is drawn, else the first that waits; None where there is none."""
        own = self._makings.get(caller.key, [])
        return next((each for each in own if each.told is not None), next(iter(own), None))

    async def choice(self, caller: Caller) -> Choice:
        """Raises `OperatorError`, as `choose`."""
        return (await self._choices()).get(caller.key, Choice())

    async def choose(self, caller: Caller, choice: Choice) -> None:
        async with self._choosing:
            choices = await self._choices()
            choices.pop(caller.key, None)
            choices[caller.key] = choice
            for longest in list(choices)[:-_MOST_CHOICES]:
                del choices[longest]
            await self._settings.set(_NAME, cast("Json", msgspec.to_builtins(choices)), self._clock())

    async def _choices(self) -> dict[KeyId, Choice]:
        """What another version has kept, and this one does not understand, is as if it were not there."""
        try:
            return msgspec.convert(await self._settings.get(_NAME) or {}, dict[KeyId, Choice])
        except msgspec.ValidationError:
            return {}


def desk_of(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk

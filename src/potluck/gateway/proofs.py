"""Which engines go on with which models' answers: proved when first needed, and kept across restarts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import msgspec
import structlog

from potluck.backends.port import Ready
from potluck.core.answer import Event
from potluck.core.call import Call
from potluck.core.errors import NodeFailed, OperatorError, PotluckError
from potluck.core.model import EngineId, Model
from potluck.core.rescue import Way
from potluck.core.rescue_proof import cut, goes_on, question
from potluck.gateway.fleet import Fleet, Installation
from potluck.gateway.tasks import Tasks
from potluck.storage.ports import SettingsStore
from potluck.wire.continuing import continued

log = structlog.get_logger(__name__)

NAME: Final = "continuation proofs"
# Two dozen tokens; who takes longer for them is no help to somebody who waits.
_PATIENCE_S = 20.0
# Some hundred bytes each: a house has dozens of models, and engines a new version every other week.
_MOST = 2_000

# The engine that is being asked, and its outcome: None if it failed to answer.
_Asked = tuple[EngineId, "asyncio.Future[bool | None]"]


class Proofs:
    """Owns what is known. One key is a kind of engine in one version with one model's weights, so machines that are
    alike prove for each other."""

    def __init__(self, settings: SettingsStore, fleet: Fleet, tasks: Tasks, clock: Callable[[], float]) -> None:
        """``clock`` is Unix seconds."""
        self._settings = settings
        self._fleet = fleet
        self._tasks = tasks
        self._clock = clock
        self._known: dict[str, bool] = {}
        self._under_way: dict[str, _Asked] = {}

    async def restore(self) -> None:
        """What cannot be read is proved anew."""
        try:
            kept = await self._settings.get(NAME)
            self._known = msgspec.convert(kept if kept is not None else {}, dict[str, bool])
        except (OperatorError, msgspec.ValidationError) as error:
            log.warning("the proofs of continuation cannot be read", why=str(error))

    def known(self, installation: Installation, model: Model, way: Way) -> bool | None:
        """None: not proved yet."""
        return self._known.get(self._key(installation, model, way))

    async def proved(self, installation: Installation, model: Model, way: Way) -> bool:
        """Ask the engine, unless that is known or being asked. Takes as long as two short answers."""
        key = self._key(installation, model, way)
        while (known := self._known.get(key)) is None:
            by, asked = self._under_way.get(key) or self._begin(key, installation, model, way)
            outcome = await asyncio.shield(asked)
            # That another machine failed to answer says nothing of this one.
            if outcome is not None or by == installation.id:
                return bool(outcome)
        return known

    def _begin(self, key: str, installation: Installation, model: Model, way: Way) -> _Asked:
        asked = self._under_way[key] = (installation.id, asyncio.get_running_loop().create_future())
        self._tasks.spawn(self._ask(key, asked[1], installation, model, way), f"proof of {model.id}")
        return asked

    async def _ask(
        self, key: str, asked: asyncio.Future[bool | None], installation: Installation, model: Model, way: Way
    ) -> None:
        """An engine that fails to answer has proved nothing, and is asked again the next time."""
        outcome: bool | None = None
        try:
            async with asyncio.timeout(_PATIENCE_S):
                outcome = await _outcome(installation, model, way)
        except (PotluckError, TimeoutError) as error:
            log.info("no proof that an engine goes on with an answer", engine=installation.id, why=str(error))
        finally:
            del self._under_way[key]
            asked.set_result(outcome)
        if outcome is not None:
            log.info(
                "proved whether an engine goes on with an answer", engine=installation.id, model=model.id, so=outcome
            )
            await self._keep(key, outcome)

    async def _keep(self, key: str, outcome: bool) -> None:
        self._known.pop(key, None)
        self._known[key] = outcome
        while len(self._known) > _MOST:
            del self._known[next(iter(self._known))]
        try:
            await self._settings.set(NAME, dict(self._known), self._clock())
        except OperatorError as error:
            log.warning("a proof of continuation cannot be kept", why=error.message)

    def _key(self, installation: Installation, model: Model, way: Way) -> str:
        version = self._fleet.versions.get(installation.id, "")
        return f"{installation.kind} {version} {model.digest or model.id} {way}"


async def _outcome(installation: Installation, model: Model, way: Way) -> bool | None:
    """None if the model's answer cannot be cut."""
    asked = question(model, way)
    halves = cut(await _answer(installation, model, asked))
    if halves is None:
        return None
    told, rest = halves
    return goes_on(rest, await _answer(installation, model, continued(asked, told, way)))


async def _answer(installation: Installation, model: Model, call: Call) -> Sequence[Event]:
    request = installation.backend.encode(call, model, stream=True)
    assert not isinstance(request, Ready)
    reply = await installation.http.request(request.method, request.path, request.body, timeout_s=_PATIENCE_S)
    if reply.status != 200:
        raise NodeFailed("The engine refused.", node=installation.node, status=reply.status)
    return [*request.reader.feed(reply.body), *request.reader.end()]

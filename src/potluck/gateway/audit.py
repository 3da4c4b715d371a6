"""What happened to people, keys and machines, told to the audit log (`core.audit`)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

import structlog

from potluck.core.audit import Event, Fact, Head
from potluck.core.errors import OperatorError
from potluck.core.floods import Flood, Tally
from potluck.core.keys import KEY_MARK, prefix
from potluck.core.model import UserId
from potluck.gateway.port import Caller
from potluck.storage.owed_facts import NoOwedFacts, OwedFacts
from potluck.storage.ports import AuditLog
from potluck.storage.records import Noted

log = structlog.get_logger(__name__)

# With the database away facts wait, this many; people make a few in an hour, strangers a few in a minute.
MOST_WAITING = 10_000
# What could not be written is tried again so often, and windows of refusals are looked at.
LOOK_S = 5.0
CARE_EVERY_S = 3_600.0


class Heads(Protocol):
    """Where the chain's end is noted (`storage.audit_head.HeadFile`). Raises `OperatorError`."""

    def read(self) -> Head | None: ...

    def write(self, head: Head) -> None: ...


class Audit:
    """The one that tells. A fact that was told is on disk when `tell` returns: in the database or, while that is away,
    where ``owed`` keeps it until it is written in its turn.

    ``clock`` is Unix seconds, ``monotonic`` seconds that never go back. ``name_of`` tells a user's name; ``heads``
    notes the chain's end where who writes the database does not, ``heard`` is told of every fact at once.
    """

    def __init__(
        self,
        store: AuditLog,
        *,
        clock: Callable[[], float],
        monotonic: Callable[[], float],
        new_id: Callable[[], str],
        name_of: Callable[[UserId], str],
        heads: Heads,
        heard: Callable[[Fact], None] = lambda fact: None,
        owed: OwedFacts | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._monotonic = monotonic
        self._new_id = new_id
        self._name_of = name_of
        self._heads = heads
        self._heard = heard
        self._noted = heads.read()
        self._owed = owed or NoOwedFacts()
        self._waiting: list[Noted] = list(self._owed.found())
        # So many of those that wait, the first ones, are kept by ``owed``.
        self._kept = len(self._waiting)
        if not self._waiting:  # what cannot be read, if anything
            self._owed.forget()
        self._lost = 0
        self._away = False
        self._writing = asyncio.Lock()
        self._refused = {Event.KEY_REFUSED: Flood(), Event.SIGN_IN_REFUSED: Flood()}

    @property
    def owed_bytes(self) -> int:
        """What lies on this machine's disk and not yet in the database."""
        return self._owed.size_bytes

    async def tell(self, event: Event, actor: Caller | None = None, subject: str = "", **detail: str | int) -> None:
        """Note what ``actor`` did to ``subject``; nobody for what Potluck did itself."""
        if actor is None:
            self.note(event, subject, **detail)
        else:
            who = (actor.user, self._name_of(actor.user), actor.prefix, actor.address)
            self._note(Fact(event, *who, subject, detail))
        await self.flush()

    def note(self, event: Event, subject: str = "", **detail: str | int) -> None:
        """As `tell`, for who cannot wait: it is written within seconds."""
        self._note(Fact(event, subject=subject, detail=detail))

    def anchor(self) -> Head | None:
        """What was noted of the chain's end beside the database, last."""
        return self._noted

    async def check(self) -> None:
        """Look whether the log holds what was noted of it; if not, that is told in it. Raises `OperatorError`."""
        noted = self._noted
        if noted is None:
            return
        found = await self._store.page(after=noted.seq - 1, limit=1)
        if found and (found[0].head == noted or found[0].seq > noted.seq):  # or old enough to be forgotten
            return
        log.warning("the audit log was rewritten, cut or replaced", noted=str(noted))
        self._noted = None
        await self.tell(Event.MISPLACED, noted=str(noted))

    def key_refused(self, address: str, shown: str) -> None:
        """Somebody showed a key that is not valid. Of what was ``shown`` no more is kept than of a key of ours."""
        self._count(Event.KEY_REFUSED, address, prefix(shown) if shown.startswith(KEY_MARK) else "")

    def sign_in_refused(self, address: str, user: str) -> None:
        """Somebody gave a wrong password or code for ``user``, or for nobody: what is empty here was never a name."""
        self._count(Event.SIGN_IN_REFUSED, address, user)

    async def flush(self) -> None:
        """Write what waits."""
        async with self._writing:
            batch = self._waiting[:]
            if not batch:
                return
            try:
                head = await self._store.append(batch)
            except OperatorError as error:
                self._owed.keep(self._waiting[self._kept :])
                self._kept = len(self._waiting)
                self._tell_once(error)
                return
            # Who was cancelled at the line above left the batch waiting; told again, each fact is there once.
            self._away = False
            del self._waiting[: len(batch)]
            self._kept = max(0, self._kept - len(batch))
            if not self._kept and self._owed.size_bytes:
                self._owed.forget()
            if self._lost:
                lost, self._lost = self._lost, 0
                self._note(Fact(Event.LOST, detail={"count": lost}))
            await asyncio.to_thread(self._keep, head)

    async def flushing(self) -> None:
        """Write what waits and what refusals come to, for ever."""
        while True:
            await asyncio.sleep(LOOK_S)
            self._note_windows(all_of_them=False)
            await self.flush()

    async def close(self) -> None:
        """Write what is left at the end."""
        self._note_windows(all_of_them=True)
        await self.flush()

    async def caring(self, keep_s: float) -> None:
        """Check the log and forget what is older than ``keep_s``, for ever."""
        while True:
            now = self._clock()
            try:
                await self.check()
                await self._store.prune(
                    before_ms=round((now - keep_s) * 1000), now_ms=round(now * 1000), id=self._new_id()
                )
            except OperatorError as error:
                log.warning("the audit log cannot be looked after", error=str(error))
            await asyncio.sleep(CARE_EVERY_S)

    def _note(self, fact: Fact) -> None:
        self._heard(fact)
        if len(self._waiting) >= MOST_WAITING:
            self._lost += 1
            return
        self._waiting.append(Noted(self._new_id(), round(self._clock() * 1000), fact))

    def _count(self, event: Event, address: str, shown: str) -> None:
        tally = self._refused[event].refused(address, shown, self._monotonic())
        if tally is not None:
            self._note_refusals(event, [tally])

    def _note_windows(self, *, all_of_them: bool) -> None:
        now = self._monotonic()
        for event, flood in self._refused.items():
            self._note_refusals(event, flood.due(now, all_of_them=all_of_them))

    def _note_refusals(self, event: Event, tallies: Sequence[Tally]) -> None:
        for tally in tallies:
            counted: dict[str, str | int] = {"count": tally.count, "seconds": tally.seconds}
            key, subject = (tally.shown, "") if event is Event.KEY_REFUSED else ("", tally.shown)
            self._note(Fact(event, key=key, address=tally.place, subject=subject, detail=counted))

    def _keep(self, head: Head) -> None:
        if self._noted is not None and head.seq <= self._noted.seq:
            return
        self._noted = head
        try:
            self._heads.write(head)
        except OperatorError as error:
            log.warning("the audit log's head cannot be noted", error=str(error), detail=error.detail)

    def _tell_once(self, error: OperatorError) -> None:
        if not self._away:
            log.warning("the audit log cannot be written; it waits on this machine", error=str(error))
        self._away = True

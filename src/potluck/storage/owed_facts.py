"""Facts of the audit log while its database is away, on this machine's disk: a killed gateway loses none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import msgspec
import structlog

from potluck.core.audit import bounded
from potluck.core.errors import OperatorError
from potluck.storage.journal import Journal
from potluck.storage.records import Noted

log = structlog.get_logger(__name__)

# Some twenty thousand: more than wait in memory.
MOST_OWED_FACT_BYTES = 8 << 20

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Noted).decode


class OwedFacts(Protocol):
    """Where facts are kept until the database has them."""

    @property
    def size_bytes(self) -> int:
        """What they take."""
        ...

    def found(self) -> Sequence[Noted]:
        """Those of the last run, in their order."""
        ...

    def keep(self, facts: Sequence[Noted]) -> None:
        """Keep these behind the others. What finds no room waits in memory alone."""
        ...

    def forget(self) -> None:
        """The database has all of them."""
        ...


class NoOwedFacts:
    """Nothing is kept: commands end with an error where the database is away."""

    size_bytes = 0

    def found(self) -> Sequence[Noted]:
        return ()

    def keep(self, facts: Sequence[Noted]) -> None: ...

    def forget(self) -> None: ...


class JournaledFacts:
    """In a `Journal`. A fact has an id, so one that the database has already is passed over there
    (`storage.ports.AuditLog`)."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._refused = False

    @property
    def size_bytes(self) -> int:
        return self._journal.size_bytes

    def found(self) -> Sequence[Noted]:
        return [fact for segment in self._journal.sealed for fact in _facts(self._journal.read(segment))]

    def keep(self, facts: Sequence[Noted]) -> None:
        try:
            for each in facts:
                self._journal.append(_encode(msgspec.structs.replace(each, fact=bounded(each.fact))))
        except OperatorError as error:
            if not self._refused:
                log.warning("the audit log's journal cannot be written", error=error.message)
            self._refused = True
            return
        self._refused = False

    def forget(self) -> None:
        self._journal.seal()
        for segment in self._journal.sealed:
            self._journal.drop(segment)


def _facts(lines: Iterator[bytes]) -> Iterator[Noted]:
    for line in lines:
        try:
            yield _decode(line)
        except msgspec.DecodeError as error:
            log.error("an entry of the audit log's journal cannot be read and is passed over", error=str(error))

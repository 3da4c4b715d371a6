"""The audit log: what happened to people, keys and machines, each entry bound to the one before it by SHA-256.

Whoever changes, removes, adds or reorders entries without making all later hashes anew breaks the chain where that
was. Who makes them anew, or cuts entries off the end, is found out by an anchor: a head that was noted elsewhere
(`Head`). Old entries are forgotten behind an entry of the chain itself that says up to where, so that what is left can
still be verified. docs/guides/audit.md describes the format for programs of others.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from potluck.core.errors import BadRequest

GENESIS: Final = "0" * 64
"""What stands in place of a hash before the first entry."""

# The first field of what is hashed: another way of writing entries would have another number.
_FORMAT: Final = 1
# Names come from people and from strangers; an entry stays a line.
_LONGEST: Final = 200
# What a database's text cannot hold: NUL, and halves of UTF-16 pairs; with them what would move a terminal's cursor.
_UNFIT: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029\u202a-\u202e\u2066-\u2069]")

_HASH: Final = re.compile("[0-9a-f]{64}")

Detail = Mapping[str, str | int]


class Event(StrEnum):
    """What an entry may tell of."""

    STARTED = "service.started"
    RELOADED = "settings.reloaded"
    BACKUP_BEGUN = "backup.begun"
    SETTINGS_CHANGED = "settings.changed"
    KEY_REFUSED = "key.refused"
    KEY_MADE = "key.made"
    KEY_ROTATED = "key.rotated"
    KEY_REVOKED = "key.revoked"
    KEY_LIMITED = "key.limited"
    SESSION_BEGUN = "session.begun"
    SESSION_ENDED = "session.ended"
    SIGN_IN_REFUSED = "sign_in.refused"
    PASSWORD_CHANGED = "password.changed"  # noqa: S105 - no password
    FACTOR_ADDED = "second_factor.added"
    FACTOR_REMOVED = "second_factor.removed"
    CODE_USED = "second_factor.recovery_code_used"
    LINK_MADE = "link.made"
    LINK_USED = "link.used"
    LINK_WITHDRAWN = "link.withdrawn"
    USER_MADE = "user.made"
    USER_ROLE = "user.role"
    USER_DISABLED = "user.disabled"
    USER_ENABLED = "user.enabled"
    USER_REMOVED = "user.removed"
    USER_LIMITED = "user.limited"
    IDENTITY_LINKED = "identity.linked"
    IDENTITY_UNLINKED = "identity.unlinked"
    NODE_DRAINED = "node.drained"
    NODE_RESUMED = "node.resumed"
    NODE_ACCEPTED = "node.accepted"
    NODE_FORGOTTEN = "node.forgotten"
    MODEL_REMOVED = "model.removed"
    DRILL_BEGUN = "drill.begun"
    DRILL_ENDED = "drill.ended"
    FORGOTTEN = "audit.forgotten"
    LOST = "audit.lost"
    MISPLACED = "audit.misplaced"


MEANINGS: Final[Mapping[Event, str]] = {
    Event.STARTED: "A gateway started.",
    Event.RELOADED: "The configuration was read again; `sections` are those that changed.",
    Event.BACKUP_BEGUN: "A backup was begun in the portal, or by the API.",
    Event.SETTINGS_CHANGED: "Settings were changed without the file; `keys` are those that were asked for.",
    Event.KEY_REFUSED: "Keys that are not valid were shown, `count` times in `seconds`; the first is told at once.",
    Event.KEY_MADE: "An API key was made, for the user in `for`.",
    Event.KEY_ROTATED: "An API key got a successor.",
    Event.KEY_REVOKED: "An API key was revoked.",
    Event.KEY_LIMITED: "How much may be used by an API key was changed; `limits` are those that hold.",
    Event.SESSION_BEGUN: "A browser's session began.",
    Event.SESSION_ENDED: "A browser's session was ended before its time.",
    Event.SIGN_IN_REFUSED: "Passwords or codes were wrong, `count` times in `seconds`; the first is told at once.",
    Event.PASSWORD_CHANGED: "A password was changed, or first set, by its user.",
    Event.FACTOR_ADDED: "A second factor is asked for from now on.",
    Event.FACTOR_REMOVED: "A second factor was removed.",
    Event.CODE_USED: "A recovery code stood in for a second factor; so many are `left`.",
    Event.LINK_MADE: "A one-time link was made: to `invite` somebody, to `reset` a password, or to `setup` the owner.",
    Event.LINK_USED: "A one-time link was used: somebody became a user, or chose a new password.",
    Event.LINK_WITHDRAWN: "A one-time link was withdrawn before it was used.",
    Event.USER_MADE: "A user was added.",
    Event.USER_ROLE: "A user's role changed.",
    Event.USER_DISABLED: "A user was kept out.",
    Event.USER_ENABLED: "A user was let in again.",
    Event.USER_REMOVED: "A user was removed.",
    Event.USER_LIMITED: "What a user may use was changed; `limits` are those that hold.",
    Event.IDENTITY_LINKED: "A user can sign in by an account at the provider `issuer` from now on.",
    Event.IDENTITY_UNLINKED: "A user cannot sign in by an account at the provider `issuer` any more.",
    Event.NODE_DRAINED: "A node is to be emptied.",
    Event.NODE_RESUMED: "A drained node serves again.",
    Event.NODE_ACCEPTED: "A machine that was found serves from now on, or a node's new address was taken.",
    Event.NODE_FORGOTTEN: "An accepted node was forgotten.",
    Event.MODEL_REMOVED: "A model was removed from disks.",
    Event.DRILL_BEGUN: "A node was taken out for a drill.",
    Event.DRILL_ENDED: "A drill was ended early.",
    Event.FORGOTTEN: "Entries up to number `through`, whose hash is `hash`, were old enough to be forgotten.",
    Event.LOST: "`count` entries could not be kept: the database was away for too long.",
    Event.MISPLACED: "The log lacked the entry that a gateway had `noted` as its end: it was cut or replaced.",
}
"""What each means, for docs/guides/audit.md."""


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that happened: ``actor`` did it (a user's id, with its ``name`` then), showing the key that begins with
    ``key``, from ``address``, to ``subject``. What is empty is not known, or there is none. ``event`` is an `Event`, or
    what somebody made of it."""

    event: str
    actor: str = ""
    name: str = ""
    key: str = ""
    address: str = ""
    subject: str = ""
    detail: Detail = field(default_factory=dict[str, str | int])


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the chain at some moment: an entry's number and hash. Written ``number:hash``."""

    seq: int
    hash: str

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash}"


EMPTY: Final = Head(0, GENESIS)
"""The head of a log without entries."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A fact in its place. ``seq`` counts from 1 without gaps; ``time_ms`` is Unix milliseconds, by the clock of the
    gateway that told it; ``id`` is the fact's own; hashes are in hex."""

    seq: int
    time_ms: int
    id: str
    fact: Fact
    previous: str
    hash: str

    @property
    def head(self) -> Head:
        return Head(self.seq, self.hash)


def read_head(text: str) -> Head:
    """A head as `Head` writes it. Raises `BadRequest`."""
    seq, _, digest = text.strip().partition(":")
    if not (seq.isascii() and seq.isdigit() and len(seq) < 19 and _HASH.fullmatch(digest)):
        raise BadRequest(
            "An anchor is an entry's number and hash: 12:9f86d0….",
            param="anchor",
            hint="'potluck audit verify' prints one.",
        )
    return Head(int(seq), digest)


def bounded(fact: Fact) -> Fact:
    """``fact`` as it can be kept: one line's worth of each text, without what a database or terminal cannot take."""
    return Fact(
        fact.event,
        _bounded(fact.actor),
        _bounded(fact.name),
        _bounded(fact.key),
        _bounded(fact.address),
        _bounded(fact.subject),
        {name: value if isinstance(value, int) else _bounded(value) for name, value in fact.detail.items()},
    )


def _bounded(text: str) -> str:
    return _UNFIT.sub("", text[: 2 * _LONGEST])[:_LONGEST]


def chained(last: Head, time_ms: int, id: str, fact: Fact) -> Entry:
    """The entry of a `bounded` fact that follows ``last``."""
    seq = last.seq + 1
    return Entry(seq, time_ms, id, fact, last.hash, _hash(seq, time_ms, id, fact, last.hash))


def canonical(seq: int, time_ms: int, id: str, fact: Fact) -> bytes:
    """What is hashed of an entry behind the 32 bytes of the hash before it: JSON in ASCII without spaces, names in
    order."""
    row = [_FORMAT, seq, time_ms, id, str(fact.event), fact.actor, fact.name, fact.key, fact.address, fact.subject]
    return json.dumps([*row, dict(fact.detail)], ensure_ascii=True, separators=(",", ":"), sort_keys=True).encode()


def _hash(seq: int, time_ms: int, id: str, fact: Fact, previous: str) -> str:
    return hashlib.sha256(bytes.fromhex(previous) + canonical(seq, time_ms, id, fact)).hexdigest()


def forgetting(through: Head) -> Fact:
    """What is told before the entries up to ``through`` are forgotten."""
    return Fact(Event.FORGOTTEN, detail={"through": through.seq, "hash": through.hash})


class Fault(StrEnum):
    """What may be wrong with a chain."""

    CHANGED = "changed"
    MISSING = "missing"
    DISORDER = "disorder"
    BROKEN = "broken"
    BEGINNING = "beginning"
    ANCHOR = "anchor"
    CUT = "cut"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of verifying: ``first`` and ``head`` are the ends of what was there, ``entries`` how many they were.

    ``fault`` is the first thing that is wrong, at entry ``seq``, in the words of ``why``; None for a whole chain.
    """

    entries: int
    first: int
    head: Head
    fault: Fault | None = None
    seq: int = 0
    why: str = ""

    @property
    def whole(self) -> bool:
        return self.fault is None


class Verifier:
    """Takes the entries in the order of their numbers, a page at a time, and judges them.

    1. Each entry's hash is that of what it says.        3. Its ``previous`` is the hash of the one before it.
    2. Its number is the next one.                       4. The first one is number 1, or an entry tells that those
                                                            before it were forgotten.
    5. Every anchor that is still kept is in the chain, and none lies beyond its end.
    """

    def __init__(self, anchors: Iterable[Head] = ()) -> None:
        self._anchors = sorted(anchors, key=lambda anchor: anchor.seq)
        self._first: Entry | None = None
        self._last = EMPTY
        self._entries = 0
        self._forgotten: Head | None = None
        self._found: tuple[Fault, int, str] | None = None

    def feed(self, entries: Sequence[Entry]) -> None:
        """The next entries. After the first fault no more is looked at."""
        for entry in entries:
            if self._found is None:
                self._found = self._fault(entry)
                self._entries += 1
                self._last = entry.head

    def verdict(self) -> Verdict:
        """The judgement, when all entries were fed."""
        found = self._found or self._at_the_beginning() or self._at_the_end()
        first = self._first.seq if self._first is not None else 0
        if found is None:
            return Verdict(self._entries, first, self._last)
        return Verdict(self._entries, first, self._last, *found)

    def _fault(self, entry: Entry) -> tuple[Fault, int, str] | None:
        expected = self._last.seq + 1
        if not _HASH.fullmatch(entry.previous) or entry.hash != _hash(
            entry.seq, entry.time_ms, entry.id, entry.fact, entry.previous
        ):  # 1
            return Fault.CHANGED, entry.seq, f"Entry {entry.seq} was changed: its hash is not that of what it says."
        if self._first is None:
            self._first = entry
        elif entry.seq > expected:  # 2
            return Fault.MISSING, expected, f"Entry {expected} is missing: after {self._last.seq} comes {entry.seq}."
        elif entry.seq < expected:
            return Fault.DISORDER, entry.seq, f"Entry {entry.seq} comes after entry {self._last.seq}."
        elif entry.previous != self._last.hash:  # 3
            return (
                Fault.BROKEN,
                entry.seq,
                f"Entry {entry.seq} does not follow the entry {self._last.seq} that is here.",
            )
        if entry.fact.event == Event.FORGOTTEN:
            self._forgotten = _through(entry.fact.detail)
        if any(anchor.seq == entry.seq and anchor.hash != entry.hash for anchor in self._anchors):  # 5
            return Fault.ANCHOR, entry.seq, f"Entry {entry.seq} is not the one that was noted: the log was rewritten."
        return None

    def _at_the_beginning(self) -> tuple[Fault, int, str] | None:
        first = self._first
        if first is None or (first.seq == 1 and first.previous == GENESIS):  # 4
            return None
        before = Head(first.seq - 1, first.previous)
        if self._forgotten != before:
            why = f"The log begins with entry {first.seq}, and no entry tells that those before it were forgotten."
            return Fault.BEGINNING, first.seq, why
        if any(anchor.seq == before.seq and anchor.hash != before.hash for anchor in self._anchors):
            return (
                Fault.ANCHOR,
                before.seq,
                f"Entry {before.seq} was not the one that was noted: the log was rewritten.",
            )
        return None

    def _at_the_end(self) -> tuple[Fault, int, str] | None:
        beyond = [anchor.seq for anchor in self._anchors if anchor.seq > self._last.seq]
        if not beyond:
            return None
        return (
            Fault.CUT,
            self._last.seq + 1,
            f"The log ends with entry {self._last.seq}, and entry {beyond[-1]} was noted.",
        )


def _through(detail: Detail) -> Head | None:
    seq, digest = detail.get("through"), detail.get("hash")
    return Head(seq, digest) if isinstance(seq, int) and isinstance(digest, str) else None

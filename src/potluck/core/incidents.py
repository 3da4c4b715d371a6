"""What went wrong and when: from how engines are now, and from calls that broke, to incidents that a person can read.

An incident is one thing that lasted. The same thing within a minute of its end is the same incident, so that an engine
that comes and goes fills no list; calls that break on one node within a minute of each other are one, counted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final, NamedTuple

from potluck.core.model import Engine, EngineId, Health, NodeId, RequestId


class Cause(StrEnum):
    """What kind of thing it is, the worst first."""

    NODE_DOWN = "node_down"
    ENGINE_DOWN = "engine_down"
    CALLS_FAIL = "calls_fail"
    LOST = "lost"
    RESCUED = "rescued"
    MOVED = "moved"
    DRAINED = "drained"
    DRILL = "drill"
    TOOK_OVER = "took_over"


class Key(NamedTuple):
    """What makes two troubles one."""

    cause: Cause
    node: NodeId
    engine: EngineId


@dataclass(frozen=True, slots=True)
class Incident:
    """``since_s`` and ``until_s`` are Unix seconds; None: it is not over. ``why`` is in an owner's words, and may name
    addresses. ``count`` is how often it came back, or how many calls it is about; ``requests`` are some of those."""

    id: str
    cause: Cause
    node: NodeId
    engine: EngineId
    since_s: float
    until_s: float | None = None
    why: str = ""
    count: int = 1
    requests: tuple[RequestId, ...] = ()

    @property
    def key(self) -> Key:
        return Key(self.cause, self.node, self.engine)


_AGAIN_S: Final = 60.0
_MOST_REQUESTS: Final = 20
_NO_ENGINE: Final = EngineId("")
_LONGEST_WHY: Final = 500
_RECENT: Final = 100


class Present(NamedTuple):
    """How things are: what is wrong, each with why, and what cannot be told yet."""

    troubles: Mapping[Key, str]
    undecided: Collection[NodeId]


def present(
    engines: Iterable[Engine], drained: Collection[NodeId] = (), drilled: Mapping[NodeId, str] | None = None
) -> Present:
    """1. A node of which nothing answers. 2. Else each engine that does not. 3. Engines on which calls fail. 4. What
    its owner has taken out."""
    by_node: dict[NodeId, list[Engine]] = {}
    for engine in engines:
        by_node.setdefault(engine.node, []).append(engine)
    found: dict[Key, str] = {}
    for node, its in by_node.items():
        down = [engine for engine in its if engine.health is Health.DOWN]
        if len(down) == len(its):
            found[Key(Cause.NODE_DOWN, node, _NO_ENGINE)] = down[0].why
        else:
            found.update({Key(Cause.ENGINE_DOWN, node, engine.id): engine.why for engine in down})
        for engine in its:
            if engine.failures and engine.health is not Health.DOWN:
                found[Key(Cause.CALLS_FAIL, node, engine.id)] = engine.why
        if node in drained:
            found[Key(Cause.DRAINED, node, _NO_ENGINE)] = ""
    for node, why in (drilled or {}).items():
        found[Key(Cause.DRILL, node, _NO_ENGINE)] = why
    undecided = {node for node, its in by_node.items() if any(each.health is Health.UNKNOWN for each in its)}
    return Present(found, undecided)


@dataclass(slots=True)
class Incidents:
    """Owns those that are open, and the last ones. ``new_id`` makes an id. Holds no await; times are Unix seconds."""

    new_id: Callable[[], str]
    opened: dict[Key, Incident] = field(default_factory=dict[Key, Incident])
    last: dict[Key, Incident] = field(default_factory=dict[Key, Incident])
    """The last one of each key that is over, as long as it may come back."""
    _recent: deque[Incident] = field(default_factory=lambda: deque[Incident](maxlen=_RECENT))

    def recall(self, opened: Iterable[Incident]) -> None:
        """Those that were open when the service was stopped: if the trouble lasts, they go on."""
        self.opened = {incident.key: incident for incident in opened}

    def recent(self) -> Sequence[Incident]:
        """Those that are open, then the last ones that are over, the newest first."""
        return (*sorted(self.opened.values(), key=lambda each: -each.since_s), *reversed(self._recent))

    def look(self, now: Present, now_s: float) -> list[Incident]:
        """Take in how things are; the incidents that began, ended, or have another reason."""
        changed: list[Incident] = []
        for key, why in now.troubles.items():
            known = self.opened.get(key)
            if known is None:
                changed.append(self._begin(key, _short(why), now_s))
            elif _worth_telling(known, why):
                self.opened[key] = replace(known, why=_short(why))
                changed.append(self.opened[key])
        past = [each for each in self.opened if each not in now.troubles and each.node not in now.undecided]
        changed.extend(self._over(replace(self.opened.pop(key), until_s=now_s)) for key in past)
        self._forget(now_s)
        return changed

    def _begin(self, key: Key, why: str, now_s: float) -> Incident:
        before = self.last.pop(key, None)
        if before is not None and now_s - (before.until_s or now_s) <= _AGAIN_S:
            self._recent = deque((each for each in self._recent if each.id != before.id), maxlen=_RECENT)
            incident = replace(before, until_s=None, why=why, count=before.count + 1)
        else:
            incident = Incident(self.new_id(), *key, since_s=now_s, why=why)
        self.opened[key] = incident
        return incident

    def happened(
        self, cause: Cause, node: NodeId, engine: EngineId, now_s: float, *, why: str = "", request: str = ""
    ) -> Incident:
        """Something that does not last, such as a call that broke."""
        key = Key(cause, node, engine)
        before = self.last.get(key)
        requests = (RequestId(request),) if request else ()
        if before is not None and now_s - (before.until_s or now_s) <= _AGAIN_S:
            self._recent = deque((each for each in self._recent if each.id != before.id), maxlen=_RECENT)
            known = (*before.requests, *requests)[:_MOST_REQUESTS]
            return self._over(replace(before, until_s=now_s, why=_short(why), count=before.count + 1, requests=known))
        return self._over(Incident(self.new_id(), *key, now_s, now_s, _short(why), 1, requests))

    def _over(self, incident: Incident) -> Incident:
        self.last[incident.key] = incident
        self._recent.append(incident)
        return incident

    def _forget(self, now_s: float) -> None:
        for key in [key for key, each in self.last.items() if now_s - (each.until_s or now_s) > _AGAIN_S]:
            del self.last[key]


def _short(why: str) -> str:
    return why if len(why) <= _LONGEST_WHY else f"{why[: _LONGEST_WHY - 1]}…"


def _worth_telling(known: Incident, why: str) -> bool:
    """Of calls that fail, when the engine is tried again is another word at each look, and no news."""
    return known.cause is not Cause.CALLS_FAIL and known.why != _short(why)


_WHERE: Final = "{engine} on {node}"

_SENTENCES: Final[Mapping[Cause, tuple[str, str]]] = {
    Cause.NODE_DOWN: ("{node} does not answer.", "{node} did not answer."),
    Cause.ENGINE_DOWN: (f"{_WHERE} does not answer; the node does.", f"{_WHERE} did not answer; the node did."),
    Cause.CALLS_FAIL: (
        f"Calls fail on {_WHERE}, so others are asked first.",
        f"Calls failed on {_WHERE}, so others were asked first.",
    ),
    Cause.DRAINED: ("{node} gets nothing new: its owner drains it.", "{node} got nothing new: its owner drained it."),
    Cause.DRILL: ("{node} is out for a drill.", "{node} was out for a drill."),
    Cause.TOOK_OVER: ("A gateway takes over.", "A gateway took over from another, or began to lead."),
}
"""While it lasts, and when it is over."""

_CALLS: Final[Mapping[Cause, tuple[str, str]]] = {
    Cause.RESCUED: (
        "An answer broke off on {node}, and was gone on with elsewhere.",
        "{count} answers broke off on {node}, and were gone on with elsewhere.",
    ),
    Cause.MOVED: (
        "A call failed on {node} before its first word, and was answered elsewhere.",
        "{count} calls failed on {node} before their first words, and were answered elsewhere.",
    ),
    Cause.LOST: (
        "A call failed on {node}, and could not be answered elsewhere.",
        "{count} calls failed on {node}, and could not be answered elsewhere.",
    ),
}
"""For one call, and for several."""


def sentence(incident: Incident) -> str:
    """What happened, for a person; without what is only an owner's to know."""
    engine = incident.engine.removeprefix(f"{incident.node}/")
    if (told := _CALLS.get(incident.cause)) is not None:
        return told[incident.count > 1].format(node=incident.node, count=incident.count)
    said = _SENTENCES[incident.cause][incident.until_s is not None].format(node=incident.node, engine=engine)
    return said if incident.count == 1 else f"{said} That happened {incident.count} times in a row."

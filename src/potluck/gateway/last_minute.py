"""What the last minute was like: counted by the second, forgotten by the second."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from potluck.storage.records import CallStatus

_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class Minute:
    """Calls that ended in the last 60 seconds by how they ended, and the tokens that were written for them, all
    together and by node."""

    calls: Mapping[CallStatus, int]
    completion_tokens: int
    by_node: Mapping[str, int] = field(default_factory=dict[str, int])


@dataclass(slots=True)
class _Second:
    at_s: int = -1
    tokens: int = 0
    calls: dict[CallStatus, int] = field(default_factory=dict[CallStatus, int])
    nodes: dict[str, int] = field(default_factory=dict[str, int])


class LastMinute:
    """A ring of seconds. Times are Unix seconds; a clock that is set back leaves a minute that counts too little."""

    def __init__(self) -> None:
        self._ring = [_Second() for _ in range(_SECONDS)]

    def add(self, status: CallStatus, tokens: int, now_s: float, node: str = "") -> None:
        """A call has ended, on ``node`` if on any."""
        at_s = int(now_s)
        second = self._ring[at_s % _SECONDS]
        if second.at_s != at_s:
            second = self._ring[at_s % _SECONDS] = _Second(at_s)
        second.calls[status] = second.calls.get(status, 0) + 1
        second.tokens += tokens
        if tokens and node:
            second.nodes[node] = second.nodes.get(node, 0) + tokens

    def told(self, now_s: float) -> Minute:
        calls: dict[CallStatus, int] = {}
        nodes: dict[str, int] = {}
        tokens, since_s = 0, int(now_s) - _SECONDS
        for second in self._ring:
            if since_s < second.at_s <= now_s:
                tokens += second.tokens
                for status, count in second.calls.items():
                    calls[status] = calls.get(status, 0) + count
                for node, count in second.nodes.items():
                    nodes[node] = nodes.get(node, 0) + count
        return Minute(calls, tokens, nodes)

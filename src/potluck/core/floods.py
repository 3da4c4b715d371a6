"""Refusals that anybody can cause, told once and then counted: a stranger must not fill the disk with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Final

# The first refusal from a place is told at once; what follows is summed up so much later.
WINDOW_S: Final = 900.0
# Places that are told apart at the same time. All others are one: then who attacks from a thousand addresses makes some
# seventy entries in a window, and some three megabytes in a day.
MOST_PLACES: Final = 32
ELSEWHERE: Final = "elsewhere"
# A network of one household or machine: it has all addresses below it at will (RFC 6177).
_HOUSEHOLD_BITS: Final = 64


@dataclass(frozen=True, slots=True)
class Tally:
    """``count`` refusals from a place in ``seconds``; ``shown`` is what the last one showed of itself."""

    place: str
    count: int
    seconds: int
    shown: str


@dataclass(slots=True)
class _Window:
    begun_s: float
    last_s: float
    count: int
    shown: str


class Flood:
    """Refusals of one kind. Called from one task; times are seconds of one clock that does not go back."""

    def __init__(self) -> None:
        self._windows: dict[str, _Window] = {}

    def refused(self, address: str, shown: str, now: float) -> Tally | None:
        """Count a refusal; what is to be told at once, if it is the first of its place."""
        place = place_of(address)
        window = self._windows.get(place)
        if window is None and len(self._windows) >= MOST_PLACES:
            place, window = ELSEWHERE, self._windows.get(ELSEWHERE)
        if window is None:
            self._windows[place] = _Window(now, now, 0, shown)
            return Tally(place, 1, 0, shown)
        window.count += 1
        window.last_s = now
        window.shown = shown
        return None

    def due(self, now: float, *, all_of_them: bool = False) -> Sequence[Tally]:
        """What is to be told of windows that have ended, or of all at the end; those are closed."""
        ended = [place for place, window in self._windows.items() if all_of_them or now - window.begun_s >= WINDOW_S]
        closed = [(place, self._windows.pop(place)) for place in ended]
        return [
            Tally(place, window.count, round(window.last_s - window.begun_s), window.shown)
            for place, window in closed
            if window.count
        ]


def place_of(address: str) -> str:
    """Whom an address is counted for: itself, or the network of its household."""
    try:
        known = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(known, IPv6Address):
        return str(known)
    if known.ipv4_mapped is not None:
        return str(known.ipv4_mapped)
    return f"{IPv6Address(int(known) >> _HOUSEHOLD_BITS << _HOUSEHOLD_BITS)}/{_HOUSEHOLD_BITS}"

"""Ids for requests, conversations and messages: they sort by time, and nobody guesses another's."""

from __future__ import annotations

from collections.abc import Callable

# 80 bits of chance behind the milliseconds, as a UUID of version 7 has (RFC 9562 5.7, without its fixed bits).
_CHANCE_BYTES = 10
# Asking the kernel costs more than all the rest of an id, whether for ten bytes or for some thousands.
_DRAWN_AT_ONCE = 256


class Ids:
    """Makes ids of 32 hex digits: 12 of Unix milliseconds, 20 of chance. Rows with such keys are appended to an index.

    ``clock`` is Unix seconds, ``random_bytes`` a cryptographic source.
    """

    def __init__(self, clock: Callable[[], float], random_bytes: Callable[[int], bytes]) -> None:
        self._clock = clock
        self._random_bytes = random_bytes
        self._drawn: list[str] = []

    def __call__(self) -> str:
        if not self._drawn:
            digits = self._random_bytes(_CHANCE_BYTES * _DRAWN_AT_ONCE).hex()
            width = 2 * _CHANCE_BYTES
            self._drawn = [digits[at : at + width] for at in range(0, len(digits), width)]
        return f"{int(self._clock() * 1000):012x}{self._drawn.pop()}"

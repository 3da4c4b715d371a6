"""What streams that tell of the present share: how often they look, how many there may be, and what was seen last."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Final, TypeAlias

from potluck.core.errors import Overloaded
from potluck.core.model import UserId

Picture: TypeAlias = Mapping[str, bytes]
"""Items as JSON, by id."""

# Twice a second is more than the eye wants of a table, and halves what a stream costs against four times.
TICK_S: Final = 0.5
# A browser opens six connections to one address; a user with more than five browsers full of tabs is none.
_MOST_OF_ONE: Final = 32
_MOST_OF_ALL: Final = 1_000
_MOST_PICTURES: Final = 256


class Live:
    """One owner for the streams that are open. ``tick_s`` is the pause between two looks, in seconds."""

    def __init__(self, tick_s: float = TICK_S) -> None:
        self.tick_s = tick_s
        self._open: dict[UserId, int] = {}
        self._pictures: dict[tuple[str, str], tuple[float, Picture]] = {}

    @property
    def streams(self) -> int:
        return sum(self._open.values())

    @contextmanager
    def attending(self, user: UserId) -> Generator[None]:
        """One more stream of a user, to the end of the block. Raises `Overloaded`."""
        own = self._open.get(user, 0)
        if own >= _MOST_OF_ONE or self.streams >= _MOST_OF_ALL:
            raise Overloaded(
                "Too many streams of events are open.", retry_after_s=10.0, hint="Close some of Potluck's tabs."
            )
        self._open[user] = own + 1
        try:
            yield
        finally:
            left = self._open.pop(user) - 1
            if left:
                self._open[user] = left

    def seen(self, topic: str, eyes: str, now_s: float, look: Callable[[], Picture]) -> Picture:
        """What is to be seen of a topic by all who have the same ``eyes``: looked at once in each tick. ``now_s`` is on
        any clock, but always on the same."""
        kept = self._pictures.get((topic, eyes))
        if kept is not None and 0.0 <= now_s - kept[0] < self.tick_s * 0.9:
            return kept[1]
        if len(self._pictures) >= _MOST_PICTURES:
            self._pictures.clear()
        picture = look()
        self._pictures[topic, eyes] = now_s, picture
        return picture

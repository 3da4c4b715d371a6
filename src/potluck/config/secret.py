"""A value that must not be seen: passwords, API keys, URLs that carry them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """Text that shows neither in ``repr`` nor in ``str``. `reveal` is the only way to it, and easy to search for."""

    _text: str

    def reveal(self) -> str:
        """The text itself: for the header or the connection that needs it, never for a log."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(…)"

    def __str__(self) -> str:
        return "…"

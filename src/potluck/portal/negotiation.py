"""What a client takes: which encodings (RFC 9110, 12.5.3), and whether it is a browser that wants a page."""

from __future__ import annotations

from typing import Literal, TypeAlias

Encoding: TypeAlias = Literal["br", "gzip", ""]


def encoding(accepted: str, offered: tuple[Encoding, ...]) -> Encoding:
    """The best of ``offered``, which is in our order, that ``Accept-Encoding`` allows; empty for the file as it is."""
    weights = _weights(accepted)
    allowed: list[Encoding] = [each for each in offered if weights.get(each, weights.get("*", 0.0)) > 0]
    return allowed[0] if allowed else ""


def wants_page(accept: str) -> bool:
    """Whether ``Accept`` names HTML, as browsers do where somebody goes to an address, and programs do not."""
    return _weights(accept).get("text/html", 0.0) > 0


def _weights(field: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for each in field.lower().split(","):
        name, *parameters = (part.strip() for part in each.split(";"))
        if name:
            found[name] = next((_weight(part) for part in parameters if part.startswith("q=")), 1.0)
    return found


def _weight(parameter: str) -> float:
    try:
        return float(parameter.removeprefix("q="))
    except ValueError:
        return 0.0

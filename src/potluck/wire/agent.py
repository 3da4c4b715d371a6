"""A node agent's reading, as it comes over the wire."""

from __future__ import annotations

from typing import Final

import msgspec

from potluck.core.errors import MalformedAnswer
from potluck.core.reading import Reading, impossible

# A machine with a hundred sensors tells some ten kilobytes.
_LONGEST_BYTES: Final = 256 * 1024


def read_reading(body: bytes) -> Reading:
    """The JSON of ``/reading``; fields that are not known here are a newer agent's. Raises `MalformedAnswer`."""
    if len(body) > _LONGEST_BYTES:
        raise MalformedAnswer("The agent's reading has no end.")
    try:
        reading = msgspec.json.decode(body, type=Reading)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedAnswer("What answers there is no agent of Potluck.", detail=str(error)) from error
    if why := impossible(reading):
        raise MalformedAnswer(f"The agent tells {why}.")
    return reading

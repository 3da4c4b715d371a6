"""What the agent can be told, and what holds where nothing is said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

DEFAULT_HOST: Final = "127.0.0.1"
DEFAULT_PORT: Final = 8421
# A model that loads takes seconds; a reading takes a millisecond.
DEFAULT_INTERVAL_S: Final = 5.0
SHORTEST_INTERVAL_S: Final = 1.0
LONGEST_INTERVAL_S: Final = 3600.0

KEY_VARIABLE: Final = "POTLUCK_AGENT_KEY"


@dataclass(frozen=True, slots=True)
class AgentOptions:
    """The command line of ``potluck agent``. ``disks`` empty: where engines usually keep models."""

    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    interval_s: float = DEFAULT_INTERVAL_S
    key_file: str = ""
    disks: tuple[str, ...] = ()
    announce: bool = False

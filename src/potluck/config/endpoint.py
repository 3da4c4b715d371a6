"""Where a configured engine listens."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from potluck.config.fleet_sections import USUAL_PORTS, EngineSection


@dataclass(frozen=True, slots=True)
class Endpoint:
    """``base_path`` has no slash at its end; ``host`` is bare, also for IPv6."""

    host: str
    port: int
    tls: bool
    base_path: str


def endpoint(engine: EngineSection, address: str | None) -> Endpoint | None:
    """From the engine's ``url``, else from its node's address. None if there is neither."""
    if engine.url is not None:
        parts = urlsplit(engine.url)
        tls = parts.scheme == "https"
        return Endpoint(parts.hostname or "", parts.port or (443 if tls else 80), tls, parts.path.rstrip("/"))
    if address is None:
        return None
    port = engine.port if engine.port is not None else USUAL_PORTS[engine.kind]
    return Endpoint(address, port, engine.tls, "")

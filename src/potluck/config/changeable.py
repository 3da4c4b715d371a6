"""Settings that may be changed while the service runs, without its file: by the portal, or `potluck settings set`.

Such a change is kept in the database, so that all gateways of an installation have it, and goes before the file. Only
what holds at once and can lock nobody out is among them: where Potluck listens, who may come in and where things are
kept stand in the file alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from potluck.config.model import Config
from potluck.core.errors import BadRequest
from potluck.core.meant import others
from potluck.core.model import Json

CHANGEABLE: Final[Mapping[str, str]] = {
    "portal.name": "name",
    "queue.depth": "depth",
    "queue.max_wait": "max_wait_s",
    "rescue.attempts": "attempts",
    "rescue.within": "within_s",
    "rescue.silence": "silence_s",
    "generations.alone": "alone_s",
    "generations.alone_per_key": "alone_per_key",
    "generations.keep": "keep_s",
    "generations.keep_size": "keep_bytes",
    "usage.keep": "keep_s",
    "usage.keep_requests": "keep_requests_s",
    "discovery.mdns": "mdns",
}
"""Each key of the file with its field in the section of `config.model`."""


def changed(config: Config, said: Mapping[str, Json]) -> Config:
    """The configuration with what was ``said`` in place of the file's. Raises `BadRequest` that names the key."""
    sections: dict[str, msgspec.Struct] = {}
    for key, raw in said.items():
        section, _, _ = key.partition(".")
        before = sections.get(section) or getattr(config, section, None)
        if key not in CHANGEABLE or not isinstance(before, msgspec.Struct):
            raise BadRequest(
                f"'{key[:50]}' cannot be changed while the service runs.",
                param=key[:50],
                hint=others(key, CHANGEABLE) or "Change it in the configuration file, and restart.",
            )
        sections[section] = msgspec.structs.replace(before, **{CHANGEABLE[key]: _value(key, raw)})
    return msgspec.structs.replace(config, **sections) if sections else config


def _value(key: str, raw: Json) -> object:
    from potluck.config.single import single  # noqa: PLC0415 - pydantic's 18 MB only where something was said

    return single(key, raw)

"""What of the configuration holds as soon as the file is read again, and what only from the next start on."""

from __future__ import annotations

from typing import Final

AT_ONCE: Final = frozenset(
    {"nodes", "routes", "aliases", "queue", "classes", "rescue", "generations", "discovery", "usage"}
)
"""Sections of which all holds at once."""

# Of these sections all but some holds at once, or nothing but some.
_BUT: Final = {"limits": frozenset({"max_body", "max_header"})}
_ONLY: Final = {"portal": frozenset({"name"})}


def needs_restart(key: str) -> bool:
    """Whether a change of a key of the file, as ``queue.depth`` or ``nodes[0].name``, waits for the next start."""
    section, _, rest = key.partition(".")
    section, name = section.partition("[")[0], rest.partition(".")[0]
    if section in _BUT:
        return name in _BUT[section]
    if section in _ONLY:
        return name not in _ONLY[section]
    return section not in AT_ONCE

"""Names of nodes and engines that nothing has, and what may have been meant. Models' names have rules of their own: see
`core.names.near`.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def others(name: str, known: Iterable[str]) -> str:
    """The hint for a name that nothing has: what may have been meant, else what there is.

    >>> others("agx", ["agx0", "orin0"]), others("pi", ["agx0", "orin0"])
    ('Did you mean agx0?', 'There are: agx0, orin0.')
    """
    known = tuple(dict.fromkeys(known))
    near = get_close_matches(name, known, n=3)
    return f"Did you mean {', '.join(near)}?" if near else f"There are: {', '.join(known) or 'none'}."

"""Prompts with places to fill in: ``{{name}}``, or ``{{name:what to propose}}``."""

from __future__ import annotations

import re
from typing import NamedTuple

# What stands between the braces is one line without braces; a name is words of letters, digits and the like.
_PLACE = re.compile(r"\{\{[ \t]*([^\W\d][\w \-]{0,63}?)[ \t]*(?::([^{}\n]{0,500}))?\}\}")


class Variable(NamedTuple):
    """A place to fill in; ``default`` is what is proposed, empty for nothing."""

    name: str
    default: str = ""


def variables(text: str) -> tuple[Variable, ...]:
    """Each once, in the order in which they come; the first default that is given counts."""
    found: dict[str, str] = {}
    for match in _PLACE.finditer(text):
        name, default = match[1], (match[2] or "").strip()
        found[name] = found.get(name) or default
    return tuple(Variable(name, default) for name, default in found.items())

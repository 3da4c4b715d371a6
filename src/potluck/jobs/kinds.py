"""All kinds of jobs, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias

from potluck.jobs import chat
from potluck.jobs.port import Kind

KINDS: Final[Mapping[str, Kind]] = {kind.name: kind for kind in (chat.KIND,)}

Asked: TypeAlias = chat.ChatJob
"""What asks for any of them; a union, where there are several."""

Told: TypeAlias = chat.ChatAnswer
"""A part of any one's result."""

"""All kinds of jobs, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias

from potluck.jobs import chat, image, workflow
from potluck.jobs.port import Kind

KINDS: Final[Mapping[str, Kind]] = {kind.name: kind for kind in (chat.KIND, image.KIND, workflow.KIND)}

OPEN: Final[Mapping[str, Kind]] = {chat.KIND.name: chat.KIND}
"""Those that ``POST /api/v1/jobs`` takes as they are."""

Asked: TypeAlias = chat.ChatJob
"""What ``POST /api/v1/jobs`` takes; pictures have routes of their own, which ask for what they are made from."""

Told: TypeAlias = chat.ChatAnswer
"""A part of any one's result; of a picture ``custom_id`` is its id in the gallery."""

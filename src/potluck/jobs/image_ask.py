"""What asks for a job of kind ``image``; surfaces make it (`surfaces.picture_orders`), for each of them checks more."""

from __future__ import annotations

import msgspec

from potluck.core.jobs import Priority
from potluck.core.pictures.ask import PictureAsk
from potluck.storage.pictures import PictureId


class ImageJob(msgspec.Struct, tag_field="kind", tag="image"):
    """Pictures to be made: ``ask`` is checked, its images are kept. ``tags`` and ``parent`` are the pictures' own."""

    ask: PictureAsk
    title: str = ""
    priority: Priority = Priority.NORMAL
    tags: tuple[str, ...] = ()
    parent: PictureId | None = None

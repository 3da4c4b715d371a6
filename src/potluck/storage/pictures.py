"""What is kept of pictures, and what the rest may ask of where they are kept.

`PictureStore` is a port as those of `storage.ports`: each method is one transaction, on disk when it returns, and
raises `OperatorError` where the database fails. Every implementation passes tests/contract/storage/test_pictures.py.

A picture's bytes, and those of its small copies, are files that no listing of files shows (`core.files.HIDDEN`): they
come with their references first and leave with them, as all files do (`storage.file_ports.FileStore`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NewType, Protocol

import msgspec

from potluck.core.model import UserId
from potluck.storage.records import Digest, FileId

PictureId = NewType("PictureId", str)


class PictureRecord(msgspec.Struct, frozen=True):
    """A picture in somebody's gallery: what it is, how it came about, and what its owner made of it.

    ``file`` is the original's, ``small`` and ``large`` are copies of it for lists and pages, None where none could be
    made. ``task`` is what was asked for (`core.pictures.ask.Task`), ``parameters`` all of it as JSON. ``hash`` is the
    model's. ``seconds`` are those that the engine took. ``parent`` is the picture that it was made from, which may be
    gone by now. ``job`` is empty for one that no job made.
    """

    id: PictureId
    user: UserId
    job: str
    file: FileId
    digest: Digest
    size_bytes: int
    media_type: str
    width: int
    height: int
    created_s: float
    small: FileId | None = None
    large: FileId | None = None
    task: str = ""
    prompt: str = ""
    negative: str = ""
    parameters: str = "{}"
    model: str = ""
    hash: str = ""
    engine: str = ""
    node: str = ""
    seconds: float = 0.0
    seed: int | None = None
    favourite: bool = False
    tags: tuple[str, ...] = ()
    parent: PictureId | None = None


class PicturePage(msgspec.Struct, frozen=True):
    """``more``: others follow."""

    pictures: tuple[PictureRecord, ...]
    more: bool = False


class PictureFilter(msgspec.Struct, frozen=True):
    """Which pictures to list; every field that is set must hold. ``text`` is words that the prompt has, all of them,
    whatever their case; ``tag`` is compared without its case. ``since_s`` is included, ``until_s`` is not."""

    text: str = ""
    model: str = ""
    tag: str = ""
    task: str = ""
    node: str = ""
    job: str = ""
    parent: PictureId | None = None
    favourite: bool | None = None
    since_s: float | None = None
    until_s: float | None = None


class PictureChange(msgspec.Struct, frozen=True):
    """What is to be changed; None leaves it. ``tags`` take the place of all there are; else some go, then some come."""

    favourite: bool | None = None
    tags: tuple[str, ...] | None = None
    untag: tuple[str, ...] = ()
    tag: tuple[str, ...] = ()


class PictureTotals(msgspec.Struct, frozen=True):
    """What somebody's gallery holds. ``bytes`` count its files, small copies and images to begin with, too."""

    pictures: int = 0
    bytes: int = 0


class Counted(msgspec.Struct, frozen=True):
    """How many pictures have a tag, or a model."""

    name: str
    pictures: int


MOST_WORDS = 8
"""Of a search: each one is a look at every prompt."""

MOST_TAGS = 50
"""Of one picture."""

MOST_AT_ONCE = 1000
"""Pictures that one call changes or deletes."""


class PictureStore(Protocol):
    """Galleries. Another user's picture is not there."""

    async def add(self, picture: PictureRecord, stored: Sequence[tuple[FileId, bool]], now: float) -> PictureRecord:
        """Keep a picture, and let its claimed files be seen, both at once. With each file: whether its bytes are in the
        store, as `FileStore.ready` is told.

        One whose id is there is returned as it is, and the files stay as they are. Raises `NotFound` for files that
        were given up meanwhile, or with their user.
        """
        ...

    async def get(self, picture: PictureId, user: UserId) -> PictureRecord:
        """Raises `NotFound`."""
        ...

    async def some(self, asked: Sequence[PictureId], user: UserId) -> tuple[PictureRecord, ...]:
        """Those of them that are there, in the order asked; `MOST_AT_ONCE` at most."""
        ...

    async def list(
        self,
        user: UserId,
        where: PictureFilter,
        *,
        limit: int,
        after: PictureId | None = None,
        oldest_first: bool = False,
    ) -> PicturePage:
        """Those that follow ``after``, newest first. Raises `BadRequest` for an ``after`` that is not the user's."""
        ...

    async def totals(self, user: UserId) -> PictureTotals: ...

    async def tags(self, user: UserId, *, limit: int) -> tuple[Counted, ...]:
        """The tags in use, the most frequent first."""
        ...

    async def models(self, user: UserId, *, limit: int) -> tuple[Counted, ...]:
        """The models of pictures, the most frequent first."""
        ...

    async def change(self, asked: Sequence[PictureId], user: UserId, change: PictureChange) -> int:
        """Change those of them that are there, `MOST_AT_ONCE` at most; how many they were.

        Raises `BadRequest`, and changes nothing, where one would have more than `MOST_TAGS`.
        """
        ...

    async def delete(self, asked: Sequence[PictureId], user: UserId) -> int:
        """Delete those of them that are there, with their files, `MOST_AT_ONCE` at most; how many they were."""
        ...

    async def expire(self, user: UserId, before_s: float, *, limit: int) -> int:
        """Delete pictures that were made before and are no favourites, oldest first; how many they were."""
        ...

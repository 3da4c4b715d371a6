"""Backups as the running service makes them: one at a time, in a thread, checked when it is made."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Final

import structlog

from potluck.core.errors import Conflict, PotluckError
from potluck.storage import backups
from potluck.storage.backups import Manifest, Step
from potluck.storage.datadir import DataDir

log = structlog.get_logger(__name__)

KEPT: Final = 7
"""So many are kept of those that the service makes; older ones go with each new one."""


class Backups:
    """Owns the one that is under way. ``database`` is None where a server keeps it, of which backups are its own;
    ``with_files``: the files' bytes are on this disk. ``clock`` is Unix seconds."""

    def __init__(
        self,
        data: DataDir,
        database: Path | None,
        *,
        with_files: bool,
        version: str,
        clock: Callable[[], float],
        spawn: Callable[[Coroutine[None, None, None], str], object],
    ) -> None:
        self._data = data
        self._database = database
        self._with_files = with_files
        self._version = version
        self._clock = clock
        self._spawn = spawn
        self.under_way: Step | None = None
        self.began_s: float | None = None
        self.trouble = ""
        """What became of the last one, if that was nothing good."""

    @property
    def why_not(self) -> str:
        """Why none can be made here; empty if it can."""
        if self._database is not None:
            return ""
        return "The database is a server's: back it up with the server's own tools, such as pg_dump."

    @property
    def with_files(self) -> bool:
        return self._with_files

    async def all(self) -> Sequence[Manifest]:
        """The newest first."""
        return await asyncio.to_thread(backups.listed, self._data.backups)

    def begin(self) -> None:
        """Make one in the background. Raises `Conflict` while one is made, or where none can be."""
        if self.why_not:
            raise Conflict(self.why_not, hint="The files' bytes and secret.key are to be kept, too.")
        if self.under_way is not None:
            raise Conflict("A backup is being made.", hint="Wait until it is done.")
        self.under_way, self.began_s, self.trouble = Step("database"), self._clock(), ""
        self._spawn(self._run(), "a backup")

    async def _run(self) -> None:
        try:
            made = await asyncio.to_thread(self._make)
        except PotluckError as error:
            self.trouble = error.message
            log.error("a backup failed", why=error.message, detail=error.detail)
        except Exception:
            self.trouble = "Something went wrong inside Potluck."
            log.exception("a backup stumbled")
        else:
            log.info(
                "a backup was made", name=made.name, files=made.files, bytes=made.database_bytes + made.files_bytes
            )
        finally:
            self.under_way = self.began_s = None

    def _make(self) -> Manifest:
        """1. Make it. 2. Read it again. 3. Forget the oldest."""
        assert self._database is not None
        folder = self._data.backups
        made = backups.create(
            folder,
            self._data,
            self._database,
            now_s=self._clock(),
            version=self._version,
            with_files=self._with_files,
            tell=self._tell,
        )
        problems = backups.verify(folder, made.name, now_s=self._clock(), tell=self._tell)
        if problems:
            self.trouble = f"The backup {made.name} is not whole. {problems[0]}"
        else:
            backups.forget(folder, KEPT)
        return made

    def _tell(self, step: Step) -> None:
        self.under_way = step

"""Pictures on their way, as one sees them at a terminal: a bar, and the picture below it where one can be shown."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Final, TextIO

import msgspec

from potluck.cli.graphics import Graphics, escape
from potluck.cli.output import duration
from potluck.cli.progress import Progress

_BAR: Final = 24
_ROWS: Final = 12
_SAVE: Final = "\x1b7"
_RESTORE: Final = "\x1b8"


class Error(msgspec.Struct):
    message: str = ""
    hint: str = ""


class Picture(msgspec.Struct):
    """One in the gallery."""

    id: str
    content: str
    width: int = 0
    height: int = 0
    media_type: str = "image/png"
    seed: int | None = None
    model: str = ""
    node: str = ""
    seconds: float = 0.0


class Drawing(msgspec.Struct):
    """How far a job is."""

    index: int = 0
    step: int = 0
    steps: int = 0
    share: float = 0.0
    eta_s: float | None = None
    what: str = ""
    node: str = ""
    preview: str | None = None


class PictureJob(msgspec.Struct):
    """A job that makes pictures, as far as the command line reads it."""

    id: str
    state: str
    done: int = 0
    total: int = 1
    position: int | None = None
    images: list[Picture] = []
    error: Error | None = None
    again_at: str | None = None


@dataclass(slots=True)
class Show:
    """What is seen of a job. ``graphics`` None: no pictures."""

    progress: Progress
    out: TextIO
    graphics: Graphics | None
    _room: bool = False

    def stands(self, job: PictureJob) -> None:
        """Between pictures."""
        if job.state == "queued":
            self.progress.show(waiting(job))
        elif job.state == "running" and not job.done:
            self.progress.show("begins")

    def waits(self, ahead: int) -> None:
        self.progress.show(_place(ahead))

    def draws(self, drawing: Drawing, total: int) -> None:
        self.progress.show(bar(drawing, total))
        if drawing.preview:
            self.picture(_bytes_of(drawing.preview))

    def picture(self, picture: bytes) -> None:
        """Below the line, in place of the one before."""
        if self.graphics is None or not picture:
            return
        if not self._room:
            # What scrolls away for it takes the cursor's place along, so it is made once, before it is remembered.
            self.out.write("\n" * (_ROWS + 1) + f"\x1b[{_ROWS + 1}A")
            self._room = True
        self.out.write(f"{_SAVE}\r\n{escape(picture, self.graphics, _ROWS)}{_RESTORE}")
        self.out.flush()

    def end(self) -> None:
        self.progress.hide()
        if self._room:
            self.out.write(f"\x1b[{_ROWS + 1}B\r")
            self.out.flush()
            self._room = False


def waiting(job: PictureJob) -> str:
    if job.again_at is not None and job.error is not None:
        return f"{job.error.message} Tried again at {job.again_at[11:19]}."
    return _place(job.position or 0)


def _place(ahead: int) -> str:
    return "waits, and is next" if not ahead else f"waits, {ahead} before it"


def bar(drawing: Drawing, total: int) -> str:
    """One line.

    >>> bar(Drawing(step=5, steps=20, share=0.25, eta_s=12, what="drawing", node="agx0"), 1)
    '██████░░░░░░░░░░░░░░░░░░  25 %  drawing 5/20 on agx0, 12s left'
    """
    full = round(_BAR * min(1.0, max(0.0, drawing.share)))
    words = f"{drawing.what or 'drawing'} {drawing.step}/{drawing.steps}" if drawing.steps else drawing.what
    which = f" of picture {drawing.index + 1}/{total}" if total > 1 else ""
    where = f" on {drawing.node}" if drawing.node else ""
    left = "" if drawing.eta_s is None else f", {duration(drawing.eta_s)} left"
    return f"{'█' * full}{'░' * (_BAR - full)} {drawing.share:4.0%}  {words}{which}{where}{left}".replace("%", " %")


def _bytes_of(data_uri: str) -> bytes:
    """A preview that is none is not shown."""
    try:
        return base64.b64decode(data_uri.partition(",")[2])
    except (binascii.Error, ValueError):
        return b""

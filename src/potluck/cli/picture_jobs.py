"""Jobs that make pictures, from the command line: asked for, followed over every interruption, and kept as files."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import quote

import msgspec

from potluck.cli.client import Client, decoded
from potluck.cli.drawing import Drawing, Picture, PictureJob, Show
from potluck.cli.failure import USAGE, CliError, ServiceError

JOBS: Final = "/api/v1/image/jobs"
# A service that is started again answers after seconds; who waits for pictures does not mind a minute.
_COMES_BACK_S: Final = 60.0
_PAUSE_S: Final = 1.0
ENDED: Final = frozenset({"done", "failed", "cancelled"})
# What the gallery converts to, by a file's ending.
_FORMATS: Final = {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".webp": "webp", ".avif": "avif"}
_SHOWN_PIXELS: Final = 512


class _Position(msgspec.Struct):
    position: int = 0


def path_of(job: str) -> str:
    return f"{JOBS}/{quote(job, safe='')}"


def followed(client: Client, job: str, show: Show, sleep: Callable[[float], None] = time.sleep) -> PictureJob:
    """Wait for a job's end, also over a restart of the service; how it ended."""
    away_s = 0.0
    while True:
        try:
            now = client.get(path_of(job), PictureJob)
            show.stands(now)
            if now.state in ENDED:
                return now
            away_s = 0.0
            _show_events(client, now, show)
        except ServiceError as exc:
            if exc.status or away_s >= _COMES_BACK_S:
                raise
            away_s += _PAUSE_S
            sleep(_PAUSE_S)


def _show_events(client: Client, job: PictureJob, show: Show) -> None:
    """Until the stream ends, with the job or with the connection."""
    with client.events("GET", f"{path_of(job.id)}/events") as events:
        for event in events:
            match event.name:
                case "progress":
                    show.draws(decoded(event.data, Drawing), job.total)
                case "position":
                    show.waits(decoded(event.data, _Position).position)
                case "job":
                    show.stands(decoded(event.data, PictureJob))
                case _:
                    continue


def format_of(file: Path) -> str:
    """What the gallery is to convert a picture to. Raises `CliError` for an ending that it does not know."""
    if (known := _FORMATS.get(file.suffix.lower())) is None:
        endings = ", ".join(_FORMATS)
        raise CliError(f"No picture can be written as '{file.name}'.", hint=f"Endings are {endings}.", code=USAGE)
    return known


def fetched(client: Client, picture: Picture, format_: str) -> bytes:
    """The picture's bytes: the original where its format is the wanted one, with all that made it in it."""
    same = picture.media_type == f"image/{format_}"
    return client.raw("GET", picture.content, query=None if same else {"format": format_}, patient=True)


def shown(client: Client, picture: Picture) -> bytes:
    """A small one for a terminal; nothing where there is none."""
    try:
        return client.raw("GET", picture.content, query={"size": str(_SHOWN_PIXELS)}, patient=True)
    except ServiceError:
        return b""


def names(wanted: Path, count: int) -> list[Path]:
    """A file for each picture: the wanted one, or with numbers where there are several.

    >>> [str(file) for file in names(Path("out.png"), 2)]
    ['out-1.png', 'out-2.png']
    """
    if count == 1:
        return [wanted]
    return [wanted.with_stem(f"{wanted.stem}-{number}") for number in range(1, count + 1)]


def free(wanted: Path) -> Path:
    """The same name, or the first with a number that nobody has taken."""
    number, file = 2, wanted
    while file.exists():
        file = wanted.with_stem(f"{wanted.stem}-{number}")
        number += 1
    return file


def written(file: Path, data: bytes) -> None:
    """Raises `CliError` where the file cannot be written; the picture stays in the gallery."""
    try:
        file.write_bytes(data)
    except OSError as exc:
        why = exc.strerror or "unknown error"
        raise CliError(
            f"{file} cannot be written: {why}.", hint="The picture is in your gallery; -o writes it elsewhere."
        ) from exc

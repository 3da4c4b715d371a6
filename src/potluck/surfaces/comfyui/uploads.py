"""Images that clients have uploaded, under the names that they gave them: each user's own, whatever they are called.

A name is a file's id by digest, so no name from outside is ever part of a path, and none finds another's.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Final, NamedTuple

from potluck.core.errors import BadRequest, NotFound
from potluck.core.model import UserId
from potluck.jobs.workflow import file_id
from potluck.storage.records import FileId
from potluck.surfaces.services import Services
from potluck.wire.comfyui.outputs import id_in

TYPES: Final = ("input", "temp", "output")
_ANNOTATED: Final = re.compile(r"(.*?) ?\[(input|temp|output)\]", re.DOTALL)
_LONGEST: Final = 250
# What is listed for LoadImage: the newest.
_MOST_LISTED: Final = 500


class Named(NamedTuple):
    """Where a client says that a file is: ``name`` without folders."""

    name: str
    subfolder: str = ""
    type: str = "input"


def named(name: str, subfolder: str = "", type: str = "") -> Named:
    """Checked. Raises `BadRequest` for what leads out of a folder, or is no name."""
    subfolder = subfolder.removesuffix("/")
    parts = [*subfolder.split("/"), name]
    wrong = any(part in (".", "..") for part in parts) or subfolder.startswith("/") or "/" in name or not name.strip()
    if (
        wrong
        or len(name) + len(subfolder) > _LONGEST
        or "\\" in subfolder + name
        or not (subfolder + name).isprintable()
    ):
        raise BadRequest("That is no name of a file here.", param="filename", hint="Send a plain name, such as a.png.")
    if type and type not in TYPES:
        raise BadRequest("That is no type of a file here.", param="type", hint=f"There are {', '.join(TYPES)}.")
    return Named(name, subfolder, type or "input")


def annotated(value: str) -> Named:
    """As graphs name files: ``folder/name.png [output]``. Raises `BadRequest`."""
    found = _ANNOTATED.fullmatch(value)
    where, type = (found[1], found[2]) if found else (value, "input")
    subfolder, _, name = where.rpartition("/")
    return named(name, subfolder, type)


def upload_id(user: UserId, at: Named) -> FileId:
    told = f"comfyui\0{user}\0{at.type}\0{at.subfolder}\0{at.name}"
    return FileId(f"file-{sha256(told.encode()).hexdigest()[:40]}")


async def found(services: Services, user: UserId, value: str) -> FileId | None:
    """The file that a graph names; None where its user has none of that name."""
    try:
        return await file_at(services, user, annotated(value))
    except (BadRequest, NotFound):
        return None


async def file_at(services: Services, user: UserId, at: Named) -> FileId:
    """1. A picture that was made. 2. What else was made. 3. What was uploaded. Raises `NotFound`."""
    kept = id_in(at.name) if at.type != "input" else ""
    if kept:
        try:
            return (await services.gallery.get(kept, user)).file
        except NotFound:
            return (await services.files.get(file_id(kept), user)).id
    return (await services.files.get(upload_id(user, at), user)).id


async def uploads(services: Services, user: UserId) -> list[str]:
    """The names that LoadImage offers: those of no subfolder, the newest last."""
    told = await services.storage.settings.get(_kept_as(user))
    return [each for each in told if isinstance(each, str)] if isinstance(told, list) else []


async def list_upload(services: Services, user: UserId, at: Named) -> None:
    if at.type != "input" or at.subfolder:
        return
    known = await uploads(services, user)
    names = [*(each for each in known if each != at.name), at.name][-_MOST_LISTED:]
    await services.storage.settings.set(_kept_as(user), list(names), services.clock())


def _kept_as(user: UserId) -> str:
    return f"comfyui.uploads.{user}"

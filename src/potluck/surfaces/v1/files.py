"""``/api/v1/files``: the caller's own; another's is not there. And links, by which anybody has one for a while."""

from __future__ import annotations

from functools import partial
from typing import Annotated, TypeAlias
from urllib.parse import urlencode

import msgspec
from msgspec import Meta

from potluck.core.files import NO_QUOTA, PURPOSES, USUAL_PURPOSE
from potluck.core.links import LONGEST_S
from potluck.gateway.files import Description
from potluck.storage.records import FileRecord
from potluck.surfaces.contents import Content, content_of
from potluck.surfaces.uploads import Upload
from potluck.surfaces.v1.endpoint import decode_query
from potluck.surfaces.v1.exchange import Exchange, Reply
from potluck.surfaces.v1.shapes import rfc3339

LINKS = "/api/v1/links"

Purpose: TypeAlias = Annotated[str, Meta(pattern=f"^({'|'.join(PURPOSES)})$")]
Seconds: TypeAlias = Annotated[int, Meta(ge=1, le=10 * 365 * 86_400)]


class FileInfo(msgspec.Struct):
    """``sha256`` is of its bytes, ``purpose`` one of OpenAI's; at ``expires_at`` it is gone."""

    id: str
    name: str
    media_type: str
    size_bytes: int
    sha256: str
    purpose: str
    created_at: str
    expires_at: str | None = None


class FileList(msgspec.Struct):
    """``next`` is ``after`` for the following page. ``quota_bytes`` is null where there is none."""

    files: list[FileInfo]
    next: str | None
    used_bytes: int
    quota_bytes: int | None


class FileQuery(msgspec.Struct):
    limit: Annotated[int, Meta(ge=1, le=1000)] = 50
    after: str = ""
    purpose: str = ""


class UploadQuery(msgspec.Struct):
    """What a form says in its fields; ``sha256`` is what the bytes must have."""

    name: str = ""
    purpose: Purpose = USUAL_PURPOSE
    expires_in: Seconds | None = None
    sha256: Annotated[str, Meta(pattern="^([0-9a-fA-F]{64})?$")] = ""


class LinkRequest(msgspec.Struct):
    """``expires_in`` seconds, a week at most."""

    expires_in: Annotated[int, Meta(ge=1, le=int(LONGEST_S))] = 3600


class LinkInfo(msgspec.Struct):
    """``url`` begins with a slash where it leads to this service."""

    url: str
    expires_at: str


class LinkQuery(msgspec.Struct):
    to: str = ""


async def upload(exchange: Exchange, upload: Upload, query: UploadQuery) -> Reply:
    files = exchange.services.files
    describe = partial(_described, upload, query)
    chunks = upload.chunks(files.most_bytes)
    return Reply(file_info(await files.upload(exchange.caller.user, chunks, describe, size_bytes=upload.size_bytes)))


def _described(upload: Upload, query: UploadQuery) -> Description:
    asked = {name: str(value) for name, value in msgspec.structs.asdict(query).items() if value}
    query = decode_query({**asked, **upload.fields}, UploadQuery)
    return Description(
        query.name or upload.name,
        upload.media_type,
        query.purpose,
        query.expires_in,
        query.sha256.lower() or upload.digest,
    )


async def list_files(exchange: Exchange, query: FileQuery) -> Reply:
    files, user = exchange.services.files, exchange.caller.user
    page = await files.list(user, limit=query.limit, after=query.after, purpose=query.purpose)
    kept = await files.kept(user)
    return Reply(
        FileList(
            [file_info(each) for each in page.files],
            page.files[-1].id if page.more else None,
            kept.used_bytes,
            kept.quota_bytes if kept.quota_bytes < NO_QUOTA else None,
        )
    )


async def read_file(exchange: Exchange) -> Reply:
    return Reply(file_info(await _own(exchange)))


async def read_content(exchange: Exchange) -> Content:
    return await content_of(exchange.services.files, await _own(exchange), exchange.method, dict(exchange.headers))


async def delete_file(exchange: Exchange) -> Reply:
    await exchange.services.files.delete(exchange.path["file"], exchange.caller.user)
    return Reply(None)


async def link_file(exchange: Exchange, body: LinkRequest) -> Reply:
    link = await exchange.services.files.link(await _own(exchange), body.expires_in)
    return Reply(LinkInfo(link.url or f"{LINKS}?{urlencode({'to': link.token})}", rfc3339(link.expires_s)))


async def follow_link(exchange: Exchange, query: LinkQuery) -> Content:
    files = exchange.services.files
    return await content_of(files, await files.linked(query.to), exchange.method, dict(exchange.headers))


async def _own(exchange: Exchange) -> FileRecord:
    return await exchange.services.files.get(exchange.path["file"], exchange.caller.user)


def file_info(record: FileRecord) -> FileInfo:
    return FileInfo(
        id=record.id,
        name=record.name,
        media_type=record.media_type,
        size_bytes=record.size_bytes,
        sha256=record.digest,
        purpose=record.purpose,
        created_at=rfc3339(record.created_s),
        expires_at=None if record.expires_s is None else rfc3339(record.expires_s),
    )

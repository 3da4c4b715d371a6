"""OpenAI's ``/v1/files``, over the same files as the native ones."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from potluck.core.errors import BadRequest
from potluck.core.people import Right
from potluck.gateway.files import Description
from potluck.storage.records import FileRecord
from potluck.surfaces.contents import ContentResponse, content_of
from potluck.surfaces.guarded import Guarded
from potluck.surfaces.state import caller_of, services_of
from potluck.surfaces.uploads import Upload
from potluck.surfaces.v1.endpoint import decode_query
from potluck.wire.openai.files import Deleted, FileListing, FileObject, ListQuery, read_expiry


async def files(request: Request) -> Response:
    """Upload one, or list them."""
    return await (_upload(request) if request.method == "POST" else _list(request))


async def _upload(request: Request) -> Response:
    kept, upload = services_of(request).files, Upload(request.receive, dict(request.headers.raw))

    def described() -> Description:
        if (purpose := upload.fields.get("purpose")) is None:
            raise BadRequest("The file's purpose is missing.", param="purpose", hint="Such as purpose=user_data.")
        return Description(upload.name, upload.media_type, purpose, read_expiry(upload.fields))

    chunks = upload.chunks(kept.most_bytes)
    return _json(_shown(await kept.upload(caller_of(request).user, chunks, described, size_bytes=upload.size_bytes)))


async def _list(request: Request) -> Response:
    query = decode_query(request.query_params, ListQuery)
    page = await services_of(request).files.list(
        caller_of(request).user,
        limit=query.limit,
        after=query.after,
        purpose=query.purpose,
        oldest_first=query.order == "asc",
    )
    shown = [_shown(each) for each in page.files]
    ends = (shown[0].id, shown[-1].id) if shown else (None, None)
    return _json(FileListing(data=shown, first_id=ends[0], last_id=ends[1], has_more=page.more))


async def file(request: Request) -> Response:
    """Tell of one, or delete it."""
    if request.method == "DELETE":
        await services_of(request).files.delete(request.path_params["file"], caller_of(request).user)
        return _json(Deleted(id=request.path_params["file"]))
    return _json(_shown(await _own(request)))


async def content(request: Request) -> Response:
    headers = dict(request.headers.raw)
    return ContentResponse(await content_of(services_of(request).files, await _own(request), request.method, headers))


async def _own(request: Request) -> FileRecord:
    return await services_of(request).files.get(request.path_params["file"], caller_of(request).user)


def _shown(record: FileRecord) -> FileObject:
    return FileObject(
        id=record.id,
        bytes=record.size_bytes,
        created_at=int(record.created_s),
        expires_at=msgspec.UNSET if record.expires_s is None else int(record.expires_s),
        filename=record.name,
        purpose=record.purpose,
    )


def _json(value: msgspec.Struct) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")


ROUTES = (
    Guarded("/v1/files", files, right=Right.KEEP_FILES, methods=["GET", "POST"]),
    Guarded("/v1/files/{file}", file, right=Right.KEEP_FILES, methods=["GET", "DELETE"]),
    Guarded("/v1/files/{file}/content", content, right=Right.KEEP_FILES, methods=["GET"]),
)

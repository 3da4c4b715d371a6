"""Routes of files and of the links to them. `routes` joins them."""

from __future__ import annotations

from typing import Final

from potluck.core import errors as e
from potluck.core.people import Right
from potluck.surfaces.v1 import files
from potluck.surfaces.v1.endpoint import Route, asking, perhaps, plain, uploading

FILE_ROUTES: Final[tuple[Route, ...]] = (
    Route(
        "GET",
        "/api/v1/files",
        "List your files, newest first, and how much of your quota they take.",
        asking(files.FileQuery, files.list_files),
        files.FileList,
        right=Right.KEEP_FILES,
    ),
    Route(
        "POST",
        "/api/v1/files",
        "Keep a file: the body as it is, or the field `file` of a form.",
        uploading(files.UploadQuery, files.upload),
        files.FileInfo,
        errors=(e.PayloadTooLarge, e.QuotaExceeded, e.UnsupportedEncoding, e.StorageAway, e.NoRoom),
        status=201,
        right=Right.KEEP_FILES,
    ),
    Route(
        "GET",
        "/api/v1/files/{file}",
        "Tell of a file.",
        plain(files.read_file),
        files.FileInfo,
        errors=(e.NotFound,),
        right=Right.KEEP_FILES,
    ),
    Route(
        "DELETE",
        "/api/v1/files/{file}",
        "Delete a file.",
        plain(files.delete_file),
        None,
        errors=(e.NotFound,),
        status=204,
        right=Right.KEEP_FILES,
    ),
    Route(
        "GET",
        "/api/v1/files/{file}/content",
        "Read a file's bytes, all or a `Range`; with its digest as `ETag`.",
        plain(files.read_content),
        None,
        errors=(e.NotFound, e.RangeNotSatisfiable, e.StorageAway),
        media_type="application/octet-stream",
        right=Right.KEEP_FILES,
    ),
    Route(
        "POST",
        "/api/v1/files/{file}/link",
        "Make a link by which anybody may read a file for a while.",
        perhaps(files.LinkRequest, files.link_file),
        files.LinkInfo,
        errors=(e.NotFound,),
        right=Right.KEEP_FILES,
    ),
    Route(
        "GET",
        "/api/v1/links",
        "Read the file behind a link.",
        asking(files.LinkQuery, files.follow_link),
        None,
        errors=(e.NotFound, e.RangeNotSatisfiable, e.StorageAway),
        media_type="application/octet-stream",
        right=None,
    ),
)

"""``/view`` and ``/upload``: what was made for the caller, and what the caller has brought."""

from __future__ import annotations

from hashlib import sha256

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from potluck.core.errors import BadRequest, NotFound
from potluck.core.files import disposition, shown_inline
from potluck.gateway.gallery import MOST_BYTES
from potluck.pixels.work import Alpha, Clean, Convert, Format, Made
from potluck.storage.records import FileRecord
from potluck.surfaces.body import body_of
from potluck.surfaces.comfyui.asking import desk_of, json
from potluck.surfaces.comfyui.uploads import Named, annotated, file_at, list_upload, named, upload_id
from potluck.surfaces.forms import Form, FormFile, read_form
from potluck.surfaces.state import caller_of, services_of

_TRUE = ("true", "1")
# As many files of one name are told apart.
_MOST_ALIKE = 1000
_FORMATS = {"webp": Format.WEBP, "jpeg": Format.JPEG}


class _Ref(msgspec.Struct):
    """``original_ref``: the image whose mask is brought."""

    filename: str
    subfolder: str = ""
    type: str = "output"


async def view(request: Request) -> Response:
    """``preview=webp;90`` is another format. Names are found by what they hold (`wire.comfyui.outputs`), wherever the
    client says that the file lies."""
    services, caller, asked = services_of(request), caller_of(request), request.query_params
    at = named(asked.get("filename", ""), asked.get("subfolder", ""), asked.get("type") or "output")
    try:
        record = await services.files.get(await file_at(services, caller.user, at), caller.user)
    except NotFound as error:
        raise NotFound("There is no such file of yours.", hint="GET /history tells what there is.") from error
    form, _, quality = asked.get("preview", "").partition(";")
    if form in _FORMATS:
        return await _preview(request, record, _FORMATS[form], quality)
    kind = record.media_type if shown_inline(record.media_type) else "application/octet-stream"
    headers = {"content-disposition": disposition(at.name, kind), "content-length": str(record.size_bytes)}
    chunks = await services.files.read(record, 0, record.size_bytes)
    return StreamingResponse(chunks, media_type=kind, headers=headers)


async def _preview(request: Request, record: FileRecord, form: Format, quality: str) -> Response:
    services = services_of(request)
    content = await services.files.whole(record.id, record.user, MOST_BYTES)
    level = min(100, max(1, int(quality))) if quality.isdecimal() and len(quality) < 4 else 90
    made = await services.gallery.pixels.perform(Convert(content, form, level), param="filename")
    return Response(made.image, media_type=form.media_type)


async def upload_image(request: Request) -> Response:
    form, image = await _form(request)
    made = await services_of(request).gallery.pixels.perform(Clean(image.content), param="image")
    return await _kept(request, form, image, made)


async def upload_mask(request: Request) -> Response:
    """The image that ``original_ref`` names, to be looked through where the mask can."""
    services, caller = services_of(request), caller_of(request)
    form, image = await _form(request)
    try:
        told = msgspec.json.decode(form.fields.get("original_ref", ""), type=_Ref)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise BadRequest("original_ref is no file's name.", param="original_ref", hint='{"filename": "…"}') from error
    at = annotated(told.filename) if told.filename.endswith("]") else named(told.filename, told.subfolder, told.type)
    original = await services.files.whole(await file_at(services, caller.user, at), caller.user, MOST_BYTES)
    made = await services.gallery.pixels.perform(Alpha(original, image.content), param="image")
    return await _kept(request, form, image, made)


async def _form(request: Request) -> tuple[Form, FormFile]:
    """Raises `BadRequest`."""
    form = read_form(await body_of(request), request.headers.get("content-type", ""))
    for file in form.named("image"):
        return form, file
    raise BadRequest("The form has no image.", param="image", hint="Send one as the field 'image'.")


async def _kept(request: Request, form: Form, image: FormFile, made: Made) -> Response:
    """Under the name that it came with, or the next one that is free; the same image is there once."""
    services, caller = services_of(request), caller_of(request)
    fields = form.fields
    first = named(image.filename, fields.get("subfolder", ""), fields.get("type", ""))
    digest = sha256(made.image).hexdigest()
    overwrite = fields.get("overwrite", "").lower() in _TRUE
    async with desk_of(request).uploading:
        at, there = await _place(request, first, digest, overwrite=overwrite)
        if there is not None and there.digest != digest:
            await services.files.delete(there.id, caller.user)
            there = None
        if there is None:
            await services.gallery.keep_upload(caller.user, made, at.name, upload_id(caller.user, at))
        await list_upload(services, caller.user, at)
    return json({"name": at.name, "subfolder": at.subfolder, "type": at.type})


async def _place(request: Request, first: Named, digest: str, *, overwrite: bool) -> tuple[Named, FileRecord | None]:
    """Where it is to lie, and what lies there."""
    services, user = services_of(request), caller_of(request).user
    stem, dot, ending = first.name.rpartition(".")
    for number in range(_MOST_ALIKE):
        name = f"{stem or ending} ({number}){dot if stem else ''}{ending if stem else ''}" if number else first.name
        at = first._replace(name=name)
        try:
            there = await services.files.get(upload_id(user, at), user)
        except NotFound:
            return at, None
        if overwrite or there.digest == digest:
            return at, there
    raise BadRequest("There are too many files of that name.", param="image", hint="Send overwrite=true.")

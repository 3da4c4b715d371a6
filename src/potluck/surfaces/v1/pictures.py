"""``/api/v1/images``: the caller's gallery; another's pictures are not there."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace

from potluck.core.errors import NotFound
from potluck.core.files import NO_QUOTA, disposition
from potluck.core.galleries import picture_name
from potluck.core.model import UserId
from potluck.gateway.gallery import LARGE, SMALL, Gallery
from potluck.pixels.work import Convert, Format
from potluck.storage.pictures import PictureRecord
from potluck.surfaces.contents import HARMLESS, Content, content_of
from potluck.surfaces.v1.exchange import Exchange, Reply
from potluck.surfaces.v1.picture_shapes import (
    ContentQuery,
    CountedName,
    FacetQuery,
    ImageBulk,
    ImageChange,
    ImageFacets,
    ImageList,
    ImageQuery,
    ImagesChanged,
    ZipQuery,
    image_detail,
    image_info,
)
from potluck.surfaces.v1.picture_zip import zipped
from potluck.wire.ranges import matches

# A picture's bytes never change; who may see it does, so no cache on the way keeps it.
_FOR_EVER = "private, max-age=31536000, immutable"
_PAGE = 100


async def list_images(exchange: Exchange, query: ImageQuery) -> Reply:
    gallery, user = exchange.services.gallery, exchange.caller.user
    page = await gallery.list(
        user, query.filter(), limit=query.limit, after=query.after, oldest_first=query.order == "oldest"
    )
    totals, quota_bytes = await gallery.totals(user)
    return Reply(
        ImageList(
            [image_info(each) for each in page.pictures],
            page.pictures[-1].id if page.more else None,
            totals.pictures,
            totals.bytes,
            quota_bytes if quota_bytes < NO_QUOTA else None,
        )
    )


async def list_facets(exchange: Exchange, query: FacetQuery) -> Reply:
    gallery, user = exchange.services.gallery, exchange.caller.user
    tags, models = await gallery.tags(user, limit=query.limit), await gallery.models(user, limit=query.limit)
    return Reply(
        ImageFacets(
            [CountedName(each.name, each.pictures) for each in tags],
            [CountedName(each.name, each.pictures) for each in models],
        )
    )


async def read_image(exchange: Exchange) -> Reply:
    return Reply(image_detail(await _own(exchange)))


async def change_image(exchange: Exchange, body: ImageChange) -> Reply:
    gallery, asked, user = exchange.services.gallery, exchange.path["image"], exchange.caller.user
    if await gallery.change([asked], user, body.change()) == 0:
        raise _missing()
    return Reply(image_detail(await _own(exchange)))


async def delete_image(exchange: Exchange) -> Reply:
    if await exchange.services.gallery.delete([exchange.path["image"]], exchange.caller.user) == 0:
        raise _missing()
    return Reply(None)


async def change_many(exchange: Exchange, body: ImageBulk) -> Reply:
    gallery, user = exchange.services.gallery, exchange.caller.user
    if body.delete:
        return Reply(ImagesChanged(await gallery.delete(body.images, user)))
    return Reply(ImagesChanged(await gallery.change(body.images, user, body.change())))


async def read_content(exchange: Exchange, query: ContentQuery) -> Content:
    """1. What the client has already. 2. What is kept as it is asked for. 3. What must be made of it."""
    record, gallery = await _own(exchange), exchange.services.gallery
    given = dict(exchange.headers)
    kept = _kept(record, query)
    wanted = _name_of(query.format, record)
    etag = f'"{record.digest}{"" if kept == 0 else f"-{wanted}-{query.size or 0}-{query.quality}"}"'
    if (known := given.get(b"if-none-match")) is not None and matches(known.decode("latin-1"), etag):
        return Content(304, {"etag": etag, "cache-control": _FOR_EVER, **HARMLESS})
    if kept is not None:
        file = await gallery.file(record, kept or None)
        content = await content_of(gallery.files, file, exchange.method, given if kept == 0 else {})
        return replace(content, headers={**content.headers, **_heads(record, etag, file.media_type, query)})
    whole = await gallery.content(record)
    made = await gallery.pixels.perform(
        Convert(whole, Format(wanted), query.quality, side=query.size, keep_texts=query.size is None)
    )
    headers = {
        **HARMLESS,
        **_heads(record, etag, made.media_type, query),
        "content-type": made.media_type,
        "content-length": str(len(made.image)),
    }
    return Content(200, headers, _once(made.image) if exchange.method != "HEAD" else None)


def _kept(record: PictureRecord, query: ContentQuery) -> int | None:
    """Which of the kept files it is: 0 for the original, else a copy's side; None where none is what was asked for."""
    own = query.format is None or record.media_type == f"image/{query.format}"
    if query.size is None or max(record.width, record.height) <= query.size:
        return 0 if own else None
    copies = {SMALL: record.small, LARGE: record.large}
    return query.size if query.format in (None, "webp") and copies.get(query.size) is not None else None


def _name_of(asked: str | None, record: PictureRecord) -> str:
    """The format's: what was asked for, else the picture's own, where it is one that is written."""
    own = record.media_type.removeprefix("image/")
    return asked or (own if own in set(Format) else Format.PNG)


def _heads(record: PictureRecord, etag: str, media_type: str, query: ContentQuery) -> dict[str, str]:
    shown = disposition(picture_name(record.prompt, record.id, media_type), media_type)
    if query.download:
        shown = "attachment" + shown.removeprefix("inline")
    return {"etag": etag, "cache-control": _FOR_EVER, "content-disposition": shown}


async def zip_images(exchange: Exchange, query: ZipQuery) -> Content:
    """Begun when the first picture is known: an empty archive is no answer."""
    gallery, user = exchange.services.gallery, exchange.caller.user
    wanted = _some(gallery, user, query) if query.images else _found(gallery, user, query)
    try:
        first = await anext(wanted)
    except StopAsyncIteration:
        raise NotFound("There are no such pictures.", hint="GET /api/v1/images lists yours.") from None
    headers = {
        **HARMLESS,
        "content-type": "application/zip",
        "content-disposition": 'attachment; filename="images.zip"',
        "cache-control": "no-store",
    }
    return Content(200, headers, zipped(gallery, _with_first(first, wanted)) if exchange.method != "HEAD" else None)


async def _some(gallery: Gallery, user: UserId, query: ZipQuery) -> AsyncGenerator[PictureRecord, None]:
    for record in await gallery.some(query.images.split(","), user):
        yield record


async def _found(gallery: Gallery, user: UserId, query: ZipQuery) -> AsyncGenerator[PictureRecord, None]:
    after = ""
    while True:
        page = await gallery.list(user, query.filter(), limit=_PAGE, after=after)
        for record in page.pictures:
            yield record
        if not page.more:
            return
        after = page.pictures[-1].id


async def _with_first(
    first: PictureRecord, others: AsyncGenerator[PictureRecord, None]
) -> AsyncGenerator[PictureRecord, None]:
    yield first
    async for record in others:
        yield record


async def _once(content: bytes) -> AsyncGenerator[bytes, None]:
    yield content


async def _own(exchange: Exchange) -> PictureRecord:
    return await exchange.services.gallery.get(exchange.path["image"], exchange.caller.user)


def _missing() -> NotFound:
    return NotFound("There is no such picture.", hint="GET /api/v1/images lists yours.")

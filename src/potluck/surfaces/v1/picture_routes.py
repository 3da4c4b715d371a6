"""Routes of pictures: making them, and galleries of those that are made. `routes` joins them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from potluck.core import errors as e
from potluck.core.people import Right
from potluck.surfaces.v1 import image, image_models, image_shapes, picture_parameters, pictures
from potluck.surfaces.v1 import picture_shapes as shapes
from potluck.surfaces.v1.endpoint import Action, Route, asking, plain, reading
from potluck.surfaces.v1.errors import ErrorBody

_EVENTS: Final[Mapping[str, type[msgspec.Struct]]] = {
    "job": image_shapes.ImageJobInfo,
    "position": image_shapes.ImagePosition,
    "progress": image_shapes.ImageProgress,
    "image": shapes.ImageInfo,
    "done": image_shapes.ImageJobInfo,
    "failed": image_shapes.ImageJobInfo,
    "cancelled": image_shapes.ImageJobInfo,
    "error": ErrorBody,
}

_MAKING_ERRORS: Final = (e.NotFound, e.Forbidden, e.Conflict, e.QuotaExceeded, e.RateLimited, e.Overloaded)


def _making(path: str, summary: str, action: Action) -> Route:
    return Route(
        "POST",
        path,
        summary,
        action,
        image_shapes.ImageJobInfo,
        errors=_MAKING_ERRORS,
        events=_EVENTS,
        status=202,
        right=Right.MAKE_PICTURES,
    )


_MAKING: Final = (
    _making("/api/v1/image/generate", "Make pictures out of words.", image.generate),
    _making(
        "/api/v1/image/edit",
        "Make pictures out of another: drawn over, within a mask, or beyond its edges.",
        image.edit,
    ),
    _making("/api/v1/image/upscale", "Make a picture larger.", image.upscale),
    Route(
        "GET",
        "/api/v1/image/models",
        "List all that pictures can be made with, on which nodes it is, and what each engine lacks.",
        asking(image_models.ImageModelQuery, image_models.list_models),
        image_models.ImageModels,
        right=Right.MAKE_PICTURES,
    ),
    Route(
        "GET",
        "/api/v1/image/jobs/{job}",
        "Tell how a job stands that makes pictures, and which of them are there.",
        plain(image.read_job),
        image_shapes.ImageJobInfo,
        errors=(e.NotFound,),
        right=Right.MAKE_PICTURES,
    ),
    Route(
        "GET",
        "/api/v1/image/jobs/{job}/events",
        "Follow a job that makes pictures: how it stands, then all that happens, with previews.",
        plain(image.follow_job),
        None,
        errors=(e.NotFound,),
        events=_EVENTS,
        media_type="text/event-stream",
        right=Right.MAKE_PICTURES,
    ),
    Route(
        "POST",
        "/api/v1/image/jobs/{job}/cancel",
        "Make no more pictures of a job; those that are there stay.",
        plain(image.cancel_job),
        image_shapes.ImageJobInfo,
        errors=(e.NotFound,),
        right=Right.MAKE_PICTURES,
    ),
)

_GALLERY: Final = (
    Route(
        "GET",
        "/api/v1/images",
        "List your pictures, newest first, and search them.",
        asking(shapes.ImageQuery, pictures.list_images),
        shapes.ImageList,
        right=Right.MAKE_PICTURES,
    ),
    Route(
        "GET",
        "/api/v1/images/facets",
        "List the tags and models of your pictures.",
        asking(shapes.FacetQuery, pictures.list_facets),
        shapes.ImageFacets,
        right=Right.MAKE_PICTURES,
    ),
    Route(
        "GET",
        "/api/v1/images/zip",
        "Get many of your pictures in one ZIP: some, or all that a search finds.",
        asking(shapes.ZipQuery, pictures.zip_images),
        None,
        errors=(e.NotFound,),
        media_type="application/zip",
        right=Right.MAKE_PICTURES,
    ),
    Route(
        "POST",
        "/api/v1/images/bulk",
        "Tag, mark or delete many of your pictures; those that are not there are passed over.",
        reading(shapes.ImageBulk, pictures.change_many),
        shapes.ImagesChanged,
        right=Right.MAKE_PICTURES,
    ),
    Route(
        "POST",
        "/api/v1/images/parameters",
        "Read out of a picture how it was made, as what makes it again here.",
        picture_parameters.parameters,
        shapes.ImageParameters,
        errors=(e.NotFound,),
        right=Right.MAKE_PICTURES,
    ),
    Route(
        "GET",
        "/api/v1/images/{image}",
        "Tell of one of your pictures, with all that it was asked with.",
        plain(pictures.read_image),
        shapes.ImageDetail,
        errors=(e.NotFound,),
        right=Right.MAKE_PICTURES,
    ),
    Route(
        "PATCH",
        "/api/v1/images/{image}",
        "Tag one of your pictures, or mark it as a favourite.",
        reading(shapes.ImageChange, pictures.change_image),
        shapes.ImageDetail,
        errors=(e.NotFound,),
        right=Right.MAKE_PICTURES,
    ),
    Route(
        "DELETE",
        "/api/v1/images/{image}",
        "Delete one of your pictures.",
        plain(pictures.delete_image),
        None,
        errors=(e.NotFound,),
        status=204,
        right=Right.MAKE_PICTURES,
    ),
    Route(
        "GET",
        "/api/v1/images/{image}/content",
        "Get the bytes of one of your pictures: as they are, smaller, or in another format.",
        asking(shapes.ContentQuery, pictures.read_content),
        None,
        errors=(e.NotFound, e.RangeNotSatisfiable),
        media_type="image/png",
        right=Right.MAKE_PICTURES,
    ),
)

PICTURE_ROUTES: Final[tuple[Route, ...]] = (*_MAKING, *_GALLERY)

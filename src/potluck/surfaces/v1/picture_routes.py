"""Routes of pictures: making them, and galleries of those that are made. `routes` joins them."""

from __future__ import annotations

from typing import Final

from potluck.core import errors as e
from potluck.core.people import Right
from potluck.surfaces.v1 import picture_shapes as shapes
from potluck.surfaces.v1 import pictures
from potluck.surfaces.v1.endpoint import Route, asking, plain, reading

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

PICTURE_ROUTES: Final[tuple[Route, ...]] = _GALLERY

"""Routes of models: what there is, and where it is kept. `routes` joins them."""

from __future__ import annotations

from typing import Final

from potluck.core import errors as e
from potluck.core.people import Right
from potluck.surfaces.v1 import fleet, fleet_shapes, model_shapes, models
from potluck.surfaces.v1.endpoint import Action, Route, asking, perhaps, plain, reading
from potluck.surfaces.v1.errors import ErrorBody

_KEEPING_ERRORS: Final = (e.NotImplementedHere, e.NoEngineReady, e.NodeError, e.NodeTimeout)


def _keeping(verb: str, summary: str, action: Action) -> Route:
    """A change to one model. Its name may hold slashes and a colon."""
    return Route(
        "POST",
        f"/api/v1/models/{{name:path}}/{verb}",
        summary,
        action,
        model_shapes.ModelsChanged,
        errors=(e.ModelNotFound, e.NotFound, e.Conflict, e.NoRoom, *_KEEPING_ERRORS),
        right=Right.CHANGE_FLEET,
    )


MODEL_ROUTES: Final[tuple[Route, ...]] = (
    Route(
        "GET",
        "/api/v1/models",
        "List models and where they are.",
        plain(fleet.models),
        fleet_shapes.ModelList,
        right=Right.LOOK,
    ),
    Route(
        "POST",
        "/api/v1/models/pull",
        "Fetch a model onto the best engine, or the one that is named.",
        reading(model_shapes.PullRequest, models.pull),
        model_shapes.PullDone,
        errors=(e.ModelNotFound, e.NotFound, e.Conflict, e.NoRoom, *_KEEPING_ERRORS),
        events={
            "placed": model_shapes.PullPlaced,
            "progress": model_shapes.PullProgress,
            "done": model_shapes.PullDone,
            "error": ErrorBody,
        },
        right=Right.CHANGE_FLEET,
    ),
    _keeping("load", "Bring a model into memory.", perhaps(model_shapes.LoadRequest, models.load)),
    _keeping("unload", "Take a model out of memory.", perhaps(model_shapes.PlaceQuery, models.unload)),
    _keeping("pin", "Load a model and keep it in memory.", perhaps(model_shapes.PlaceQuery, models.pin)),
    _keeping("unpin", "Let a pinned model go when it is not used.", perhaps(model_shapes.PlaceQuery, models.unpin)),
    _keeping("copy", "Give a model another name beside its own.", reading(model_shapes.CopyRequest, models.copy)),
    Route(
        "DELETE",
        "/api/v1/models/{name:path}",
        "Remove a model from the disks of the engines that have it.",
        asking(model_shapes.PlaceQuery, models.remove),
        model_shapes.ModelsChanged,
        errors=(e.ModelNotFound, e.NotFound, e.Conflict, *_KEEPING_ERRORS),
        right=Right.CHANGE_FLEET,
        lasting=True,
    ),
)

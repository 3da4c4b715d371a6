"""Routes of the completion and the review of code. `routes` joins them."""

from __future__ import annotations

from typing import Final

from potluck.core import errors as e
from potluck.core.people import Right
from potluck.surfaces.v1 import chat_shapes, code_shapes, complete, review
from potluck.surfaces.v1.endpoint import Route, reading
from potluck.surfaces.v1.errors import MODEL_ERRORS, ErrorBody

CODE_ROUTES: Final[tuple[Route, ...]] = (
    Route(
        "POST",
        "/api/v1/code/complete",
        "Complete code at the cursor; of requests with the same editor, the newest cancels the others.",
        reading(code_shapes.CompleteRequest, complete.complete),
        code_shapes.CompleteReply,
        errors=(e.Superseded, *MODEL_ERRORS),
        events={
            "meta": code_shapes.CompleteMeta,
            "delta": chat_shapes.Delta,
            "done": chat_shapes.ChatDone,
            "error": ErrorBody,
        },
        right=Right.INFER,
    ),
    Route(
        "POST",
        "/api/v1/code/review",
        "Review a diff or files; findings come as they are found.",
        reading(code_shapes.ReviewRequest, review.review),
        code_shapes.ReviewReply,
        errors=MODEL_ERRORS,
        events={
            "finding": code_shapes.FindingInfo,
            "progress": code_shapes.ReviewProgress,
            "done": code_shapes.ReviewDone,
            "error": ErrorBody,
        },
        right=Right.INFER,
    ),
)

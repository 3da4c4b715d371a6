"""Routes of work in the background. `routes` joins them."""

from __future__ import annotations

from typing import Final

from potluck.core import errors as e
from potluck.core.people import Right
from potluck.storage.jobs import STORE_EVENTS
from potluck.surfaces.v1 import chat_shapes, jobs
from potluck.surfaces.v1.endpoint import Route, asking, plain

JOB_ROUTES: Final[tuple[Route, ...]] = (
    Route(
        "POST",
        "/api/v1/jobs",
        "Have work done in the background; with an Idempotency-Key the same request again is the same job.",
        jobs.create_job,
        jobs.JobInfo,
        errors=(e.Conflict, e.Overloaded),
        status=201,
        right=Right.RUN_JOBS,
    ),
    Route(
        "GET",
        "/api/v1/jobs",
        "List your jobs, newest first.",
        asking(jobs.JobQuery, jobs.list_jobs),
        jobs.JobList,
        errors=(e.NotFound,),
        right=Right.RUN_JOBS,
    ),
    Route(
        "GET",
        "/api/v1/jobs/{job}",
        "Tell how a job stands.",
        plain(jobs.read_job),
        jobs.JobInfo,
        errors=(e.NotFound,),
        right=Right.RUN_JOBS,
    ),
    Route(
        "GET",
        "/api/v1/jobs/{job}/events",
        "Follow a job: what you have missed, then what comes. 204 if it has ended and you have it all.",
        asking(chat_shapes.EventQuery, jobs.read_job_events),
        None,
        errors=(e.NotFound,),
        events=dict.fromkeys(sorted(STORE_EVENTS), jobs.JobProgress),
        media_type="text/event-stream",
        right=Right.RUN_JOBS,
    ),
    Route(
        "GET",
        "/api/v1/jobs/{job}/result",
        "Read what a job has come to, also while it runs.",
        asking(jobs.ResultQuery, jobs.read_result),
        jobs.JobResult,
        errors=(e.NotFound,),
        right=Right.RUN_JOBS,
    ),
    Route(
        "POST",
        "/api/v1/jobs/{job}/cancel",
        "End a job; what it has come to is kept.",
        plain(jobs.cancel_job),
        jobs.JobInfo,
        errors=(e.NotFound,),
        right=Right.RUN_JOBS,
    ),
)

"""``/api/v1/code/review``: a change cut into pieces, each asked about on its own, findings told as they come.

What to ask and what an answer is worth is decided in `core.review` and `core.findings`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from msgspec import UNSET

from potluck.core.answer import Answer, Event, Failed, FinishReason, Usage, collect
from potluck.core.call import ChatCall, InfillCall
from potluck.core.diffs import FileDiff, parse_diff, whole_file
from potluck.core.errors import BadRequest, ClientError, ContextOverflow, MalformedAnswer, PotluckError
from potluck.core.findings import Reading, read_answer
from potluck.core.review import (
    Finding,
    Piece,
    Plan,
    Tally,
    answer_tokens,
    halves,
    piece_budget,
    plan,
    question,
)
from potluck.core.scheduling.classes import Kind
from potluck.gateway.port import Generation
from potluck.surfaces.v1.code_shapes import (
    FindingInfo,
    PieceFailure,
    ReviewDone,
    ReviewProgress,
    ReviewReply,
    ReviewRequest,
    SkippedFile,
)
from potluck.surfaces.v1.errors import status_of
from potluck.surfaces.v1.exchange import Events, Exchange, Reply, Result, Stream, origin_headers
from potluck.surfaces.v1.limits import standing
from potluck.surfaces.v1.shapes import UsageInfo

# More would fill a home lab's few slots with one review and keep everybody else waiting.
_AT_ONCE = 3
# Where no engine tells its context: what small servers run with by default.
_CONTEXT = 4096


@dataclass(frozen=True, slots=True)
class Job:
    """A review that can be run: the plan, and how its questions are put."""

    plan: Plan
    model: str
    instructions: str
    max_tokens: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one piece. With ``failed`` it was not looked at, or in part only."""

    piece: Piece
    readings: tuple[Reading, ...] = ()
    generations: tuple[Generation, ...] = ()
    usages: tuple[Usage, ...] = ()
    failed: PotluckError | None = None


@dataclass(slots=True)
class Growing:
    """The review as it grows. Owned by the review's task group: changed between awaits only."""

    tally: Tally
    done: int = 0
    cut_off: int = 0
    failed: list[PieceFailure] = field(default_factory=list[PieceFailure])
    generations: list[Generation] = field(default_factory=list[Generation])
    usages: list[Usage] = field(default_factory=list[Usage])

    def take(self, outcome: Outcome) -> tuple[Finding, ...]:
        """Take in an outcome; the findings that are new."""
        self.done += 1
        self.generations.extend(outcome.generations)
        self.usages.extend(outcome.usages)
        if outcome.failed:
            self.failed.append(_failure(outcome.piece, outcome.failed))
        for reading in outcome.readings:
            self.cut_off += reading.cut
            self.tally.snapped += reading.snapped
            for why in reading.dropped:
                self.tally.drop(why)
        return self.tally.add(finding for reading in outcome.readings for finding in reading.findings)


async def review(exchange: Exchange, body: ReviewRequest) -> Result:
    files = _files(body)
    job = _job(exchange, body, files)
    growing = Growing(Tally(body.min_severity))
    if body.stream:
        return Stream(lambda events: _stream(exchange, job, growing, events))

    async def note(outcome: Outcome) -> None:
        growing.take(outcome)

    await _run(exchange, job, note)
    findings = [_info(finding) for finding in growing.tally.findings()]
    done = _done(job, growing)
    reply = ReviewReply(**{name: getattr(done, name) for name in done.__struct_fields__}, findings=findings)
    return Reply(reply, {**origin_headers(growing.generations), **await standing(exchange)})


async def _stream(exchange: Exchange, job: Job, growing: Growing, events: Events) -> None:
    async def tell(outcome: Outcome) -> None:
        fresh = growing.take(outcome)
        if not events.begun:
            events.headers.update({**origin_headers(growing.generations), **await standing(exchange)})
        of, done = len(job.plan.pieces), growing.done
        for finding in fresh:
            await events.send("finding", _info(finding))
        await events.send("progress", ReviewProgress(outcome.piece.number, of, outcome.piece.path, done))

    await _run(exchange, job, tell)
    await events.send("done", _done(job, growing))


# --- The request -----------------------------------------------------------------------------------------------------


def _files(body: ReviewRequest) -> Sequence[FileDiff]:
    if (body.diff is UNSET) == (body.files is UNSET):
        raise BadRequest(
            "A review takes either 'diff' or 'files'.", param="diff", hint="Send the output of 'git diff' as 'diff'."
        )
    if isinstance(body.diff, str):
        return parse_diff(body.diff)
    assert isinstance(body.files, list)
    if not body.files:
        raise BadRequest("There is no file to review.", param="files", hint="Send at least one.")
    return [whole_file(file.path, file.text) for file in body.files]


def _job(exchange: Exchange, body: ReviewRequest, files: Sequence[FileDiff]) -> Job:
    calls, fleet = exchange.services.calls, exchange.services.fleet
    # Asked as code is, so that a route named `coding` serves reviews too.
    model = body.model or calls.default_model(InfillCall("", prefix="", suffix=""))
    contexts = [known.context for _, known in fleet.where(model) if known.context]
    context = min(contexts, default=_CONTEXT)
    planned = plan(files, piece_budget(context, body.instructions))
    return Job(planned, model, body.instructions, answer_tokens(context))


# --- The pieces ------------------------------------------------------------------------------------------------------


async def _run(exchange: Exchange, job: Job, tell: Callable[[Outcome], Awaitable[None]]) -> None:
    """Ask about every piece, a few at once; ``tell`` gets each outcome as it comes.

    Raises what would fail every piece alike: a `ClientError` such as an unknown model, or the last error if no piece
    came through.
    """
    waiting = deque(job.plan.pieces)
    fatal: list[PotluckError] = []
    failures: list[PotluckError] = []

    async def work() -> None:
        while waiting and not fatal:
            outcome = await _ask(exchange, job, waiting.popleft())
            if isinstance(outcome.failed, ClientError) and not isinstance(outcome.failed, ContextOverflow):
                fatal.append(outcome.failed)
                return
            if outcome.failed and not outcome.readings:
                failures.append(outcome.failed)
                if len(failures) == len(job.plan.pieces) and not isinstance(outcome.failed, MalformedAnswer):
                    fatal.append(outcome.failed)
                    return
            await tell(outcome)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(min(_AT_ONCE, len(waiting))):
            tasks.create_task(work())
    if fatal:
        raise fatal[0]


async def _ask(exchange: Exchange, job: Job, piece: Piece) -> Outcome:
    """One piece's outcome; a piece that is too long after all is asked about in halves."""
    call = question(piece, model=job.model, instructions=job.instructions, max_tokens=job.max_tokens)
    try:
        origin, answer = await _generate(exchange, call)
    except ContextOverflow as error:
        parts = halves(piece)
        if len(parts) == 1:
            return Outcome(piece, failed=error)
        return _joined(piece, [await _ask(exchange, job, part) for part in parts])
    except PotluckError as error:
        return Outcome(piece, failed=error)
    choice = answer.choices[0] if answer.choices else None
    reading = read_answer(choice.text if choice else "", piece)
    usages = (answer.usage,) if answer.usage else ()
    if reading.unreadable:
        ran_out = choice is not None and choice.finish is FinishReason.LENGTH
        words = "ended before its first finding" if ran_out else "was not the JSON it was asked for"
        return Outcome(piece, (), (origin,), usages, MalformedAnswer(f"The model's answer {words}."))
    return Outcome(piece, (reading,), (origin,), usages)


def _joined(piece: Piece, parts: Sequence[Outcome]) -> Outcome:
    return Outcome(
        piece,
        readings=tuple(reading for part in parts for reading in part.readings),
        generations=tuple(generation for part in parts for generation in part.generations),
        usages=tuple(usage for part in parts for usage in part.usages),
        failed=next((part.failed for part in parts if part.failed), None),
    )


async def _generate(exchange: Exchange, call: ChatCall) -> tuple[Generation, Answer]:
    kept: list[Event] = []
    async with exchange.services.calls.generate(
        call, exchange.caller, kind=Kind.REVIEW, whole=True, terms=exchange.terms
    ) as origin:
        async for event in origin.events():
            if isinstance(event, Failed):
                raise event.error
            kept.append(event)
    return origin, collect(kept)


# --- The answer ------------------------------------------------------------------------------------------------------


def _failure(piece: Piece, error: PotluckError) -> PieceFailure:
    kind = "malformed_answer" if isinstance(error, MalformedAnswer) else status_of(type(error))[1]
    return PieceFailure(piece.number, piece.path, piece.first, piece.last, kind, error.message)


def _info(finding: Finding) -> FindingInfo:
    return FindingInfo(
        path=finding.path,
        line=finding.line,
        end_line=finding.end_line,
        severity=finding.severity,
        title=finding.title,
        explanation=finding.explanation,
        suggested_patch=finding.patch or None,
    )


def _done(job: Job, growing: Growing) -> ReviewDone:
    return ReviewDone(
        model=job.model,
        pieces=len(job.plan.pieces),
        counts={str(severity): count for severity, count in growing.tally.counts().items()},
        dropped={str(why): count for why, count in sorted(growing.tally.dropped.items())},
        snapped=growing.tally.snapped,
        cut_off=growing.cut_off,
        failed=sorted(growing.failed, key=lambda failure: failure.piece),
        skipped=[SkippedFile(skipped.path, skipped.why) for skipped in job.plan.skipped],
        usage=_usage(growing.usages),
        request_ids=[generation.request for generation in growing.generations],
    )


def _usage(usages: Sequence[Usage]) -> UsageInfo:
    return UsageInfo(
        prompt_tokens=sum(usage.prompt for usage in usages),
        completion_tokens=sum(usage.completion for usage in usages),
        cached_tokens=sum(usage.cached for usage in usages),
        reasoning_tokens=sum(usage.reasoning for usage in usages),
        estimated=any(usage.estimated for usage in usages),
    )

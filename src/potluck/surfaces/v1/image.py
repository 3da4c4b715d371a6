"""``/api/v1/image``: pictures made, changed and enlarged; as a job, while one waits, or followed as it comes."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TypeVar

import msgspec
from starlette.datastructures import Headers, QueryParams

from potluck.core.errors import BadRequest, NotFound
from potluck.core.galleries import checked_tags, drawn_size
from potluck.core.jobs import ENDED, JobState, Priority
from potluck.core.pictures.ask import Control, ControlKind, ImageId, Inpaint, Masked, PictureAsk, Resize, Task, Upscale
from potluck.core.pictures.checking import checked
from potluck.gateway.picture_progress import Told
from potluck.storage.jobs import JobRecord
from potluck.storage.pictures import PictureId, PictureRecord
from potluck.surfaces import picture_orders as orders
from potluck.surfaces.forms import Form, is_form, read_form
from potluck.surfaces.picture_inputs import Taken, take, take_mask
from potluck.surfaces.v1.endpoint import Action
from potluck.surfaces.v1.exchange import Events, Exchange, Page, Result, Stream
from potluck.surfaces.v1.idempotency import idempotency_key
from potluck.surfaces.v1.image_shapes import (
    EditRequest,
    GenerateRequest,
    ImageControl,
    ImageDrawing,
    ImageInpaint,
    ImageJobInfo,
    ImageOrder,
    ImagePosition,
    ImageProgress,
    UpscaleRequest,
    drawing_ask,
    hires_of,
    outpaint_of,
)
from potluck.surfaces.v1.jobs import job_error, job_time
from potluck.surfaces.v1.picture_shapes import image_info
from potluck.surfaces.v1.shapes import rfc3339
from potluck.wire.body import decode_body
from potluck.wire.images import sniff

T = TypeVar("T", bound=msgspec.Struct)

_PRIORITIES = {"high": Priority.HIGH, "normal": Priority.NORMAL, "low": Priority.LOW}
# In place of an image that is not kept yet: what else is asked for is looked at before.
_LATER = ImageId("file-later")
_STREAM = "text/event-stream"
_ENDS = {JobState.DONE: "done", JobState.FAILED: "failed", JobState.CANCELLED: "cancelled"}


# --- what is asked for ---


async def _generate(exchange: Exchange, body: bytes, _: QueryParams) -> Result:
    asked, form = read_asked(exchange, body, GenerateRequest)
    ask = _drawing(exchange, asked, Task.TXT2IMG)
    ask = replace(ask, hires=hires_of(asked.hires), controls=_controls(asked.controls))
    ask = await _with_controls(exchange, checked(ask), asked.controls, form)
    return await _made(exchange, asked, ask)


async def _edit(exchange: Exchange, body: bytes, _: QueryParams) -> Result:
    """1. What is asked for, as far as that is known without the images. 2. The images. 3. At what size it is drawn."""
    asked, form = read_asked(exchange, body, EditRequest)
    masked = asked.inpaint or (ImageInpaint(asked.mask) if asked.mask or form.named("mask") else None)
    task = Task.INPAINT if masked else Task.OUTPAINT if asked.outpaint else Task.IMG2IMG
    ask = checked(
        replace(
            _drawing(exchange, asked, task),
            init=_LATER,
            denoise=asked.denoise,
            resize=Resize(asked.resize),
            inpaint=None if masked is None else _inpaint(masked, _LATER),
            outpaint=outpaint_of(asked.outpaint),
            controls=_controls(asked.controls),
        )
    )
    image = await _image(exchange, asked.image or asked.init, form)
    ask = replace(ask, init=image.id)
    if masked is not None:
        sent = file_of(form, "mask") or masked.mask
        mask = await take_mask(exchange.services, exchange.caller.user, sent, image, "mask", invert=masked.invert)
        ask = replace(ask, inpaint=replace(_inpaint(masked, mask.id), invert=False))
    if not ask.width and task is not Task.OUTPAINT:
        width, height = drawn_size(image.width, image.height)
        ask = replace(ask, width=width, height=height)
    ask = await _with_controls(exchange, ask, asked.controls, form)
    return await _made(exchange, asked, ask, image.picture)


async def _upscale(exchange: Exchange, body: bytes, _: QueryParams) -> Result:
    asked, form = read_asked(exchange, body, UpscaleRequest)
    upscale = Upscale(asked.scale, asked.upscaler)
    if asked.upscale is not None:
        upscale = Upscale(asked.upscale.scale, asked.upscale.upscaler)
    ask = checked(PictureAsk(task=Task.UPSCALE, init=_LATER, upscale=upscale, node=asked.node))
    image = await _image(exchange, asked.image or asked.init, form)
    return await _made(exchange, asked, replace(ask, init=image.id), image.picture)


generate = Action(_generate, body=GenerateRequest)
edit = Action(_edit, body=EditRequest)
upscale = Action(_upscale, body=UpscaleRequest)
"""Read by hand: they may come as forms, too."""


def read_asked(exchange: Exchange, body: bytes, shape: type[T]) -> tuple[T, Form]:
    """A JSON body, or a form with files and fields of the same names; a field ``request`` may hold the JSON."""
    content_type = Headers(raw=list(exchange.headers)).get("content-type", "")
    if not is_form(content_type):
        return decode_body(body, shape), Form()
    form = read_form(body, content_type)
    fields = dict(form.fields)
    asked = msgspec.structs.asdict(decode_body(fields.pop("request", "{}").encode(), shape))
    told = {field.encode_name for field in msgspec.structs.fields(shape)}
    given = {name: _field(text) for name, text in fields.items() if name in told and text}
    try:
        return msgspec.convert({**msgspec.to_builtins(asked), **given}, shape, strict=False), form
    except msgspec.ValidationError as exc:
        what, _, where = str(exc).partition(" - at `$.")
        name = where.rstrip("`")
        raise BadRequest(f"Invalid value for the field '{name}': {what}.", param=name) from exc


def _field(text: str) -> object:
    """A field's text; JSON where it can only be that."""
    if text[:1] in ("[", "{"):
        with suppress(msgspec.DecodeError):
            return msgspec.json.decode(text)
    return text


def _drawing(exchange: Exchange, asked: ImageDrawing, task: Task) -> PictureAsk:
    return replace(drawing_ask(asked, task), model=orders.meant(exchange.services, asked.model.strip()))


def _controls(asked: list[ImageControl]) -> tuple[Control, ...]:
    return tuple(
        Control(ControlKind(each.kind), _LATER, each.model, each.weight, each.start, each.end, each.preprocess)
        for each in asked
    )


def _inpaint(asked: ImageInpaint, mask: ImageId) -> Inpaint:
    content = Masked(asked.content)
    return Inpaint(mask, asked.blur, content, asked.only_masked, asked.padding, asked.invert)


async def _with_controls(exchange: Exchange, ask: PictureAsk, asked: list[ImageControl], form: Form) -> PictureAsk:
    taken: list[Control] = []
    for at, (unit, control) in enumerate(zip(ask.controls, asked, strict=True)):
        param = f"controls[{at}].image"
        sent = file_of(form, f"controls[{at}]", param) or control.image
        image = await take(exchange.services, exchange.caller.user, sent, param)
        taken.append(replace(unit, image=image.id))
    return replace(ask, controls=tuple(taken))


async def _image(exchange: Exchange, sent: str, form: Form) -> Taken:
    image = file_of(form, "image", "init", "image[]") or sent
    if not image:
        raise BadRequest("There is no image.", param="image", hint="Send an id, base64, a data URI, or a form.")
    return await take(exchange.services, exchange.caller.user, image, "image")


def file_of(form: Form, *names: str) -> bytes | None:
    found = form.named(*names)
    return found[0].content if found else None


# --- what comes of it ---


async def _made(exchange: Exchange, asked: ImageOrder, ask: PictureAsk, parent: PictureId | None = None) -> Result:
    order = orders.Order(ask, checked_tags(asked.tags), parent, asked.title.strip(), _PRIORITIES[asked.priority])
    job = await orders.submit(exchange.services, exchange.caller, order, idempotency_key(exchange))
    headers = {"location": f"/api/v1/image/jobs/{job.id}"}
    if _STREAM in Headers(raw=list(exchange.headers)).get("accept", ""):
        return _followed(exchange, job, headers)
    with suppress(TimeoutError):
        async with asyncio.timeout(asked.wait):
            job = await orders.watch(exchange.services, exchange.caller, job, _nobody)
    # Whether it was there in time or not, it is told as it stands now.
    info = await _info(exchange, await exchange.services.jobs.get(job.id, exchange.caller))
    return Page(msgspec.json.encode(info), "application/json", headers, 200 if info.ended_at else 202)


async def _nobody(_: orders.News) -> None:
    """Who waits for the end needs no news."""


async def read_job(exchange: Exchange) -> Result:
    info = await _info(exchange, await _own(exchange))
    return Page(msgspec.json.encode(info), "application/json")


async def follow_job(exchange: Exchange) -> Result:
    return _followed(exchange, await _own(exchange), {})


async def cancel_job(exchange: Exchange) -> Result:
    job = await orders.cancel(exchange.services, exchange.caller, (await _own(exchange)).id)
    return Page(msgspec.json.encode(await _info(exchange, job)), "application/json")


async def _own(exchange: Exchange) -> JobRecord:
    job = await exchange.services.jobs.get(exchange.path["job"], exchange.caller)
    if job.kind != "image":
        raise NotFound("There is no such job that makes pictures.", hint="GET /api/v1/jobs lists yours.")
    return job


def _followed(exchange: Exchange, job: JobRecord, headers: Mapping[str, str]) -> Stream:
    async def run(events: Events) -> None:
        events.headers.update(headers)
        stands = _Stands(job)

        async def tell(news: orders.News) -> None:
            match news:
                case JobRecord():
                    stands.job = news
                    await events.send(_ENDS.get(news.state, "job"), await _info(exchange, news))
                case orders.Place(ahead):
                    await events.send("position", ImagePosition(ahead))
                case Told():
                    new = stands.shown is not news.preview
                    await events.send("progress", _progress(stands, news, with_preview=new))
                    stands.shown = news.preview
                case PictureRecord():
                    stands.pictures.append(news)
                    await events.send("image", image_info(news))

        if job.state not in _ENDS:
            # First of all how it stands: what is watched for comes in any order.
            await events.send("job", await _info(exchange, job))
        await orders.watch(exchange.services, exchange.caller, job, tell)

    return Stream(run)


class _Stands:
    """What a follower knows by now. ``shown`` is the preview that it was sent last: none is sent twice."""

    def __init__(self, job: JobRecord) -> None:
        self.job = job
        self.pictures: list[PictureRecord] = []
        self.shown = b""


def _progress(stands: _Stands, told: Told, *, with_preview: bool) -> ImageProgress:
    progress, job = told.progress, stands.job
    preview = _data_uri(told.preview) if told.preview and with_preview else None
    share = min(1.0, (job.done + progress.share) / max(1, job.total))
    eta_s = _eta_s(job, [each.seconds for each in stands.pictures], progress.eta_s)
    return ImageProgress(progress.index, progress.step, progress.steps, share, eta_s, progress.what, told.node, preview)


def _eta_s(job: JobRecord, took_s: list[float], this_s: float | None) -> float | None:
    """Until all pictures are there, if each takes as long as those that are there did."""
    left = job.total - job.done - 1
    if left <= 0:
        return this_s
    if this_s is None or not took_s:
        return None
    return this_s + left * sum(took_s) / len(took_s)


def _data_uri(preview: bytes) -> str:
    plain = base64.b64encode(preview).decode()
    return f"data:{sniff(plain) or 'image/jpeg'};base64,{plain}"


async def _info(exchange: Exchange, job: JobRecord) -> ImageJobInfo:
    services = exchange.services
    stands = _Stands(job)
    stands.pictures = await orders.pictures_of(services, job) if job.done else []
    told = services.progress.of(job.id) if job.state is JobState.RUNNING else None
    waits = job.state is JobState.QUEUED
    return ImageJobInfo(
        id=job.id,
        state=job.state.value,
        title=job.title,
        done=job.done,
        total=job.total,
        failures=job.failures,
        position=await orders.ahead(services, exchange.caller, job),
        progress=None if told is None else _progress(stands, told, with_preview=True),
        images=[image_info(each) for each in stands.pictures],
        error=job_error(job.failure),
        again_at=job_time(job.not_before_s) if waits and job.failure is not None else None,
        created_at=rfc3339(job.created_s),
        started_at=job_time(job.started_s),
        ended_at=job_time(job.ended_s) if job.state in ENDED else None,
    )

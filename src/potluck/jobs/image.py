"""Jobs of kind ``image``: pictures drawn by whatever engine can, each kept in its owner's gallery as it comes."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256

import msgspec

from potluck.core.errors import BadRequest, Forbidden, MalformedAnswer, PotluckError, QuotaExceeded
from potluck.core.jobs import another_try, counts_most
from potluck.core.model import ModelId, RequestId
from potluck.core.pictures.ask import Lora, PictureAsk, each
from potluck.core.pictures.checking import checked
from potluck.core.pictures.outcome import Progress
from potluck.gateway.gallery import Gallery, NewPicture
from potluck.gateway.port import Caller
from potluck.gateway.studio import Studio
from potluck.gateway.wishes import Finished, Order
from potluck.jobs.image_ask import ImageJob
from potluck.jobs.image_inputs import Incoming
from potluck.jobs.port import Kind, Pictures, Prepared, Tools, Work
from potluck.storage.jobs import Part
from potluck.storage.pictures import PictureId, PictureRecord
from potluck.storage.records import CallStatus, RequestRecord
from potluck.wire.png import with_texts
from potluck.wire.prompts.dynamic import expanded
from potluck.wire.prompts.loras import without_loras
from potluck.wire.prompts.of_picture import KEY, infotext_of
from potluck.wire.prompts.styles import styled

# More of one job's pictures than this in line at once tell nothing new of it.
_AT_ONCE = 8
# Waiting in the studio's line costs next to nothing, and that is fair by itself.
_JOBS_AT_ONCE = 32


class ImagePart(msgspec.Struct, omit_defaults=True):
    """A picture that is kept: ``custom_id`` is its id in the gallery."""

    index: int
    custom_id: str
    model: str = ""
    node: str = ""
    seed: int = 0
    seconds: float = 0.0


_jobs = msgspec.json.Decoder(ImageJob)


def prepare(asked: ImageJob, caller: Caller) -> Prepared:
    """Raises `ClientError` for what no engine could draw."""
    ask = checked(asked.ask)
    request = msgspec.json.encode(msgspec.structs.replace(asked, ask=ask)).decode()
    return Prepared(request, ask.count, asked.title.strip(), asked.priority)


async def run(work: Work, tools: Tools) -> None:
    """Draw what is not kept yet, several at a time: what one engine draws another one does not wait for."""
    asked, pictures = _jobs.decode(work.request), tools.pictures
    if pictures is None:
        raise BadRequest("There is no image engine here.")
    ask = asked.ask.seeded(_number(work.record.id))
    left = iter([(index, one) for index, one in enumerate(each(ask)) if index not in work.kept])
    trouble: list[PotluckError] = []
    drawing = _Drawing(asked, work, tools, pictures)
    try:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(min(_AT_ONCE, ask.count)):
                tasks.create_task(drawing.some(left, trouble))
    except Exception:  # of our own making: the job ends with it
        await drawing.give_back(ask.count)
        raise
    finally:
        tools.progress.ended(work.record.id)
    if trouble:
        error = counts_most(trouble)
        if not another_try(error, last=work.last_try):
            await drawing.give_back(ask.count)
        raise error


def _number(job: str) -> int:
    """The same for a job each time: its id holds enough chance."""
    return int.from_bytes(sha256(job.encode()).digest()[:4])


def order_id(job: str, index: int) -> str:
    """What a picture is called in the studio's line: the same after a restart."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"potluck:{job}:{index}"))


class _Drawing:
    """The pictures of one job."""

    def __init__(self, asked: ImageJob, work: Work, tools: Tools, pictures: Pictures) -> None:
        self._asked = asked
        self._work = work
        self._tools = tools
        self._pictures = pictures
        self._studio: Studio = pictures.studio
        self._gallery: Gallery = tools.gallery
        self._user = work.record.user
        self._kept = 0
        self._incoming = Incoming(self._gallery, self._user)

    async def some(self, left: Iterator[tuple[int, PictureAsk]], trouble: list[PotluckError]) -> None:
        """One after the other, until there are none left or one says that the others would end alike."""
        for index, ask in left:
            if trouble:
                return
            if self._tools.caller_of(self._work.record.key) is None:
                trouble.append(Forbidden("The key that asked for this job does not count any more."))
                return
            try:
                await self._one(index, ask)
            except PotluckError as error:
                trouble.append(error)
                return

    async def _one(self, index: int, ask: PictureAsk) -> None:
        """1. The words. 2. The picture. 3. Into the gallery, under the same id each time. 4. Into the job."""
        job = self._work.record.id
        id_ = order_id(job, index)

        def tell(progress: Progress, node: str) -> None:
            self._tools.progress.tell(job, replace(progress, index=index), node)

        finished = await self._studio.draw(
            Order(id_, self._user, self._worded(ask), self._incoming.prepare, tell, again=self._work.again)
        )
        tell(Progress(1, 1, what="keeping"), finished.node)
        picture = PictureId(f"{job}-{index}")
        kept = await self._keep(picture, finished)
        part = ImagePart(
            index, picture, finished.ask.model, finished.node, finished.ask.seed, round(finished.seconds, 2)
        )
        await self._work.keep(Part(index, msgspec.json.encode(part).decode()))
        self._kept += 1
        self._count(id_, finished, kept.created_s)

    async def give_back(self, asked: int) -> None:
        """What was counted for its user and will not be made."""
        caller = self._tools.caller_of(self._work.record.key)
        if caller is not None:
            await self._tools.give_back(caller, asked - len(self._work.kept) - self._kept)

    def _count(self, id_: str, finished: Finished, kept_s: float) -> None:
        job, ask = self._work.record, self._asked.ask
        record = RequestRecord(
            id=RequestId(id_),
            time_s=kept_s - finished.seconds,
            family="images",
            asked_model=ask.model or "images",
            status=CallStatus.OK,
            http_status=200,
            total_s=finished.seconds,
            key=job.key,
            route="images",
            served_model=ModelId(finished.ask.model or ask.task.value),
            node=finished.node,
            engine=finished.engine,
            user=job.user,
            images=1,
        )
        self._tools.counted(record)

    # --- words ---

    def _worded(self, ask: PictureAsk) -> PictureAsk:
        """Dynamic prompts, styles, and LoRAs that stand in the prompt. The seed decides: it is the same each time."""
        if not ask.generates:
            return ask
        chance = random.Random(ask.seed)
        lists = self._pictures.wildcards
        prompt, negative = expanded(ask.prompt, lists, chance), expanded(ask.negative, lists, chance)
        unknown = [name for name in ask.styles if name not in self._pictures.styles]
        if unknown:
            hint = f"There are {', '.join(self._pictures.styles)}." if self._pictures.styles else "There are none."
            raise BadRequest(f'There is no style "{unknown[0]}".', param="styles", hint=hint)
        prompt, negative = styled(prompt, negative, [self._pictures.styles[name] for name in ask.styles])
        bare = without_loras(prompt)
        loras = (*ask.loras, *(Lora(found.name, found.weight) for found in bare.loras))
        # Styles are in the prompt now: drawn again with what is kept, they are not to count twice.
        return replace(ask, prompt=bare.prompt.strip(), negative=negative, loras=loras, styles=())

    # --- what comes out ---

    async def _keep(self, picture: PictureId, finished: Finished) -> PictureRecord:
        ask, job = finished.ask, self._work.record
        new = NewPicture(
            picture,
            self._user,
            finished.data,
            job=job.id,
            task=ask.task.value,
            prompt=ask.prompt,
            negative=ask.negative,
            parameters=msgspec.json.encode(ask).decode(),
            model=ask.model,
            hash=finished.hash,
            engine=finished.kind.value,
            node=finished.node,
            seconds=round(finished.seconds, 2),
            seed=ask.seed if ask.generates else None,
            tags=self._asked.tags,
            parent=self._asked.parent,
        )
        try:
            content = await self._incoming.whole(ask, finished.data)
            if ask.generates:
                with suppress(ValueError):  # an engine that is set up to give other files than PNG writes its own
                    content = with_texts(content, {KEY: infotext_of(ask, finished.hash)})
            return await self._gallery.keep(msgspec.structs.replace(new, content=content))
        except QuotaExceeded:
            raise
        except BadRequest as error:
            message = "The engine's picture cannot be read."
            raise MalformedAnswer(message, node=finished.node, detail=error.message) from error


KIND = Kind(ImageJob, prepare, run, _JOBS_AT_ONCE)

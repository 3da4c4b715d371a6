"""Jobs of kind ``workflow``: graphs of ComfyUI's clients, run by whatever ComfyUI can, as if there were but one.

What the engine says on the way goes to the client whose prompt it is (`gateway.prompt_feed`), files go to its user's
gallery under ids that do not depend on where or how often the graph is run.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final
from zlib import crc32

import msgspec

from potluck.backends.images.port import Executed, File, GraphEvent
from potluck.core.errors import BadRequest, Conflict, Forbidden, PotluckError
from potluck.core.files import NO_QUOTA, PICTURE_INPUT
from potluck.core.jobs import Priority, another_try
from potluck.core.model import JsonObject, ModelId, RequestId, UserId
from potluck.core.pictures.outcome import Progress
from potluck.gateway.files import Description
from potluck.gateway.gallery import INPUT_KEPT_S, MOST_BYTES, NewPicture
from potluck.gateway.graph_wishes import GraphWish, PromptFailed, Ran
from potluck.gateway.painters import Place
from potluck.gateway.port import Caller
from potluck.jobs.port import Kind, Pictures, Prepared, Tools, Work
from potluck.storage.jobs import Part
from potluck.storage.pictures import PictureId
from potluck.storage.records import CallStatus, FileId, RequestRecord
from potluck.wire.comfyui.frames import Said, Shown, renamed, write_text
from potluck.wire.comfyui.outputs import Entry, kept_id, name_of, with_names
from potluck.wire.comfyui.parameters import ask_of
from potluck.wire.comfyui.validation import Upload

NAME: Final = "workflow"
_JOBS_AT_ONCE: Final = 32
# As ComfyUI's temporary folder, which is emptied whenever it starts.
_TEMP_KEPT_S: Final = 86_400.0
_LIVE: Final = "SaveImageWebsocket"
_PNG: Final = b"\x89PNG"
# Nodes that a graph has made of itself have ids of their own; these come behind all that a graph can have.
_BEYOND: Final = 100_000


class WorkflowJob(msgspec.Struct, tag_field="kind", tag=NAME, kw_only=True):
    """A graph to be run. ``files`` are the uploaded images that it names, by those names; ``outputs`` are the nodes for
    which it is run. ``count`` pictures were counted for it.

    ``previews``: its client knows pictures on the way from those that are made. Simple programs take every picture that
    comes by the socket for the result; they are those that open it after they have asked.
    """

    graph: dict[str, Any]
    prompt: str
    number: float
    client: str = ""
    extra: dict[str, Any] = {}
    outputs: tuple[str, ...] = ()
    uploads: tuple[Upload, ...] = ()
    files: dict[str, FileId] = {}
    count: int = 1
    previews: bool = False
    title: str = ""
    priority: Priority = Priority.NORMAL


_jobs = msgspec.json.Decoder(WorkflowJob)


def read_job(request: str) -> WorkflowJob:
    """What `prepare` has made."""
    return _jobs.decode(request)


def job_id(user: UserId, prompt: str) -> str:
    """A client's own name for a prompt is one of its user's job: no two users' are the same."""
    return uuid.uuid5(uuid.NAMESPACE_URL, f"potluck:{user}:{prompt}").hex


def wish_id(job: str) -> str:
    """What it is called in the studio's line, and at engines: the same after a restart."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"potluck:{job}"))


def file_id(kept: str) -> FileId:
    """The file of what is kept outside galleries."""
    return FileId(f"file-{kept}")


def prepare(asked: WorkflowJob, caller: Caller) -> Prepared:
    return Prepared(msgspec.json.encode(asked).decode(), 1, asked.title, asked.priority)


async def run(work: Work, tools: Tools) -> None:
    """Run the graph to its end, and keep what is to be told of it."""
    if 0 in work.kept:
        return
    if tools.pictures is None:
        raise BadRequest("There is no image engine here.")
    if tools.caller_of(work.record.key) is None:
        raise Forbidden("The key that asked for this job does not count any more.")
    running = _Running(read_job(work.request), work, tools, tools.pictures)
    try:
        await running.run()
    except PotluckError as error:
        if not another_try(error, last=work.last_try):
            await running.fail(error)
        raise
    finally:
        tools.progress.ended(work.record.id)


class _Running:
    """One try. ``entry`` becomes the prompt's history."""

    def __init__(self, asked: WorkflowJob, work: Work, tools: Tools, pictures: Pictures) -> None:
        self._asked = asked
        self._work = work
        self._tools = tools
        self._pictures = pictures
        self._user = work.record.user
        self._ask = ask_of(asked.graph)
        self._entry = Entry(custom_id=asked.prompt)
        self._names: dict[str, dict[int, str]] = {}
        self._live: dict[str, int] = {}
        self._step = Progress()
        self._made: set[str] = set()

    async def run(self) -> None:
        """1. Draw. 2. Tell the client that it is done. 3. Keep what is told of it. 4. Count it."""
        asked = self._asked
        ran = await self._pictures.studio.draw(
            GraphWish(
                wish_id(self._work.record.id),
                self._user,
                asked.graph,
                asked.extra,
                asked.outputs,
                asked.uploads,
                self._inputs,
                self._tell,
                self._hear,
                again=self._work.again,
            )
        )
        self._note("execution_success", {})
        await self._keep()
        self._say("execution_success", self._entry.messages[-1][1])
        self._count(ran)
        await self._give_back(max(0, asked.count - len(self._made)))

    async def fail(self, error: PotluckError) -> None:
        """For good: its client is told so, as it would be by an engine."""
        failed = error.failed if isinstance(error, PromptFailed) else None
        told: JsonObject = {
            "node_id": failed.graph_node if failed else "",
            "node_type": failed.node_type if failed else "",
            "executed": list(self._entry.outputs),
            "exception_message": failed.words if failed else str(error),
            "exception_type": failed.exception if failed else type(error).__name__,
            "traceback": [],
            "current_inputs": {},
            "current_outputs": [],
        }
        self._note("execution_error", told)
        self._entry.failed = True
        await self._keep()
        self._say("execution_error", self._entry.messages[-1][1])
        await self._give_back(self._asked.count)

    async def _give_back(self, count: int) -> None:
        caller = self._tools.caller_of(self._work.record.key)
        if caller is not None and count:
            await self._tools.give_back(caller, count)

    async def _keep(self) -> None:
        await self._work.keep(Part(0, msgspec.json.encode(self._entry).decode()))

    def _count(self, ran: Ran) -> None:
        job = self._work.record
        record = RequestRecord(
            id=RequestId(wish_id(job.id)),
            time_s=self._pictures.feed.now_ms() / 1000 - ran.seconds,
            family="images",
            asked_model=ran.model or "images",
            status=CallStatus.OK,
            http_status=200,
            total_s=ran.seconds,
            key=job.key,
            route="images",
            served_model=ModelId(ran.model or NAME),
            node=ran.node,
            engine=ran.engine,
            user=job.user,
            images=len(self._made),
        )
        self._tools.counted(record)

    # --- what goes in ---

    async def _inputs(self) -> Mapping[str, bytes]:
        files = self._tools.gallery.files
        return {name: await files.whole(file, self._user, MOST_BYTES) for name, file in self._asked.files.items()}

    # --- what comes ---

    def _tell(self, progress: Progress, node: str) -> None:
        self._step = progress
        self._tools.progress.tell(self._work.record.id, progress, node)

    async def _hear(self, event: GraphEvent, place: Place) -> None:
        match event:
            case Said():
                self._said(event)
            case Shown():
                await self._shown(event, place)
            case File():
                where = event.place
                named = await self._kept(where.node, where.position, where.filename, where.type, event.data, place)
                self._names.setdefault(where.node, {})[where.position] = named
            case Executed():
                self._executed(event)
            case Progress():
                pass
            case _:
                self._to_client(event.frame, shared=True)

    def _said(self, said: Said) -> None:
        """What begins twice, where an engine has died, has begun once for the client."""
        data = renamed(said.data, self._asked.prompt)
        if said.kind in ("execution_start", "execution_cached"):
            self._live.clear()
            if any(kind == said.kind for kind, _ in self._entry.messages):
                return
            self._entry.messages.append((said.kind, data))
        self._say(said.kind, data)

    async def _shown(self, shown: Shown, place: Place) -> None:
        live = self._asked.graph.get(shown.node, {}).get("class_type") == _LIVE
        if live:
            position = self._live[shown.node] = self._live.get(shown.node, -1) + 1
            await self._kept(shown.node, position, "ComfyUI.png", "output", shown.image, place)
        else:
            self._tools.progress.tell(self._work.record.id, replace(self._step, preview=shown.image), place.node)
        about: JsonObject = renamed(dict(shown.about), self._asked.prompt) if shown.about else {}
        told = shown._replace(prompt=self._asked.prompt, about=about)
        self._to_client(told, shared=True, known_only=not (live or self._asked.previews))

    def _executed(self, event: Executed) -> None:
        if event.node in self._entry.outputs:
            return
        output = with_names(event.output, self._names.get(event.node, {}))
        self._entry.outputs[event.node] = output
        data: JsonObject = {
            "node": event.node,
            "display_node": event.node,
            "output": output,
            "prompt_id": self._asked.prompt,
        }
        self._say("executed", data)

    # --- what is kept ---

    async def _kept(self, node: str, position: int, filename: str, kind: str, data: bytes, place: Place) -> str:
        """The name under which a file is found again."""
        ids = list(self._asked.graph)
        ordinal = ids.index(node) if node in self._asked.graph else _BEYOND + crc32(node.encode()) % (9 * _BEYOND)
        kept = kept_id(self._work.record.id, ordinal, position)
        name = name_of(kept, filename)
        if kind == "temp":
            await self._keep_file(kept, name, data, _TEMP_KEPT_S)
            self._made.add(kept)
            return name
        try:
            await self._tools.gallery.keep(self._picture(kept, data, place))
            self._made.add(kept)
        except BadRequest:  # a film, a sound, a text
            await self._keep_file(kept, name, data, INPUT_KEPT_S)
        return name

    async def _keep_file(self, kept: str, name: str, data: bytes, keep_s: float) -> None:
        media_type = "image/png" if data.startswith(_PNG) else ""
        described = Description(name, media_type, expires_in_s=keep_s)
        with suppress(Conflict):  # an earlier try has kept it
            await self._tools.gallery.files.keep_hidden(
                self._user, data, PICTURE_INPUT, described, quota_bytes=NO_QUOTA, id=file_id(kept)
            )

    def _picture(self, kept: str, data: bytes, place: Place) -> NewPicture:
        ask, found = self._ask, place.has.checkpoint(self._ask.model) if self._ask.model else None
        return NewPicture(
            PictureId(kept),
            self._user,
            data,
            job=self._work.record.id,
            task=ask.task.value,
            prompt=ask.prompt,
            negative=ask.negative,
            parameters=msgspec.json.encode(ask).decode(),
            model=found.name if found is not None else ask.model,
            hash=found.hash if found is not None else "",
            engine=place.kind.value,
            node=place.node,
            seed=ask.seed if ask.seed >= 0 else None,
        )

    # --- what the client hears ---

    def _note(self, kind: str, data: JsonObject) -> None:
        told: JsonObject = {**data, "prompt_id": self._asked.prompt, "timestamp": self._pictures.feed.now_ms()}
        self._entry.messages.append((kind, told))

    def _say(self, kind: str, data: JsonObject) -> None:
        self._to_client(write_text(kind, data), shared=kind in ("progress", "progress_state"))

    def _to_client(self, news: str | bytes | Shown, *, shared: bool, known_only: bool = False) -> None:
        """A prompt of no client is seen by all of its user's, as far as it is with ComfyUI."""
        if self._asked.client:
            self._pictures.feed.send(self._user, self._asked.client, news, known_only=known_only)
        elif shared:
            self._pictures.feed.send_all(self._user, news, known_only=known_only)


KIND = Kind(WorkflowJob, prepare, run, _JOBS_AT_ONCE)

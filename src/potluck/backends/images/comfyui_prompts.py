"""Our prompts at one ComfyUI: what it calls them, how they stand, and their end. Everybody else's are left alone."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from potluck.backends.images.port import ImageHttp
from potluck.backends.images.uploads import form
from potluck.backends.reading import decoded, decoded_body, refused
from potluck.core.errors import NodeError, NodeFailed, OutOfMemory
from potluck.core.model import JsonObject
from potluck.wire.comfyui.reading import Ended, History, Output, Queue, Refused, is_out_of_memory, read_history

# A list of all node classes with everything that custom nodes bring is some megabytes, and takes a small machine long.
LONG_S = 60.0


class _Queued(msgspec.Struct):
    prompt_id: str


class _Uploaded(msgspec.Struct):
    name: str
    subfolder: str = ""
    type: str = "input"


class Prompts:
    """``id`` is always ours; builds of before 2025 choose ids themselves."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def named(self, id: str) -> str:
        """What the engine calls it."""
        return self._names.get(id, id)

    async def send(self, id: str, graph: JsonObject, extra: JsonObject, http: ImageHttp) -> None:
        """Raises `NodeFailed` where the engine refuses the graph."""
        body: dict[str, Any] = {
            "prompt": graph,
            "client_id": id,
            "prompt_id": id,
            "extra_data": {"preview_method": "auto", "extra_pnginfo": {}, **extra},
        }
        reply = await http.request("POST", "/prompt", msgspec.json.encode(body), timeout_s=LONG_S)
        if reply.status == 400:
            told = decoded_body(reply.body, Refused).told()
            raise NodeFailed("The engine refuses the graph.", status=400, hint=told, detail=told)
        self._names[id] = decoded(reply, _Queued).prompt_id

    async def upload(self, data: bytes, http: ImageHttp) -> str:
        """Into the temporary folder, which the engine empties when it starts; the same bytes lie there once."""
        name, body, content_type = form(data)
        reply = await http.request("POST", "/upload/image", body, timeout_s=LONG_S, content_type=content_type)
        if reply.status >= 400:
            raise refused(reply)
        told = decoded(reply, _Uploaded)
        where = f"{told.subfolder}/{told.name}" if told.subfolder else told.name or name
        return f"{where} [{told.type}]"

    async def waits(self, id: str, http: ImageHttp) -> bool:
        return self.named(id) in (await queue(http)).pending

    async def is_there(self, id: str, http: ImageHttp) -> bool:
        """Whether it waits, or is run."""
        there = await queue(http)
        return self.named(id) in (*there.running, *there.pending)

    async def history(self, id: str, http: ImageHttp) -> bytes:
        """What is written of its end; ``{}`` before."""
        reply = await http.request("GET", f"/history/{quote(self.named(id), safe='')}")
        if reply.status >= 400:
            raise refused(reply)
        return reply.body

    async def ended(self, id: str, http: ImageHttp) -> Ended | None:
        """None while it waits or is run."""
        return read_history(decoded_body(await self.history(id, http), History), self.named(id))

    async def still(self, id: str, http: ImageHttp) -> Ended | None:
        """The same. Raises `NodeFailed` where the engine knows nothing of it: it was started anew."""
        for _ in range(2):
            if (ended := await self.ended(id, http)) is not None:
                return ended
            if await self.is_there(id, http):
                return None
        # Between the two looks it may have ended, so it was looked for twice.
        raise NodeFailed("The engine has forgotten the picture.", hint="It was started anew, or its queue was cleared.")

    async def forget(self, id: str, http: ImageHttp) -> None:
        """Whoever looks at the engine's own page would read the prompt there."""
        prompt = self._names.pop(id, id)
        with suppress(NodeError):
            await http.request("POST", "/history", msgspec.json.encode({"delete": [prompt]}))

    async def cancel(self, id: str, http: ImageHttp) -> bool:
        """1. Where it is. 2. Out of the queue, or, only if it is what runs, interrupted: builds of before 2025 overlook
        the id, and stop whatever runs."""
        prompt = self.named(id)
        with suppress(NodeError):
            there = await queue(http)
            if prompt in there.pending:
                await http.request("POST", "/queue", msgspec.json.encode({"delete": [prompt]}))
                there = await queue(http)
            if prompt in there.running:
                await http.request("POST", "/interrupt", msgspec.json.encode({"prompt_id": prompt}))
            elif prompt in there.pending:
                return False
            self._names.pop(id, None)
            return True
        return False


async def queue(http: ImageHttp) -> Queue:
    return decoded(await http.request("GET", "/queue"), Queue)


async def view(output: Output, http: ImageHttp) -> bytes:
    where = {"filename": output.filename, "subfolder": output.subfolder, "type": output.type}
    reply = await http.request("GET", f"/view?{urlencode(where, quote_via=quote)}", timeout_s=LONG_S)
    if reply.status >= 400 or not reply.body:
        raise refused(reply)
    return reply.body


def failed(ended: Ended) -> NodeError:
    if is_out_of_memory(ended.kind, ended.text):
        return OutOfMemory(
            "The engine's memory does not hold this picture.",
            hint="Ask for a smaller one, or for another node.",
            detail=ended.text[:500],
        )
    return NodeFailed("The engine failed while it drew.", detail=f"{ended.kind}: {ended.text}"[:500])

"""The embedded engine's pulls: from a URL or a hub into the models' folder, with a record of where each came from."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import msgspec

from potluck.backends.local.download import Download, Fetched, Waiting, checked
from potluck.backends.local.hub import Hub, Offer, refused
from potluck.backends.local.library import PROJECTORS, place_of
from potluck.backends.local.part import PULLS, Part, disk_error, free_bytes, prune, size_here
from potluck.backends.outward import Ask, Outward
from potluck.backends.port import PullOrder, Weight
from potluck.core.errors import BadRequest, Conflict, ModelNotFound
from potluck.core.model import JsonObject
from potluck.core.model_sources import (
    FromHub,
    FromRegistry,
    FromUrl,
    parse_source,
    read_sha256,
    url_name,
    without_query,
)
from potluck.core.names import tagged

NO_REGISTRY = "The embedded engine fetches GGUF files: give a URL, or a hub's repository as in hf.co/OWNER/REPO:Q4_K_M."


class Record(msgspec.Struct, frozen=True):
    """Where a model came from, without the URL's query; beside its file."""

    url: str
    sha256: str
    size: int
    validator: str = ""
    license: str = ""


class Puller:
    """``now`` is Unix seconds; ``free`` and ``pause`` as for `Download`."""

    def __init__(
        self,
        folder: Path,
        outward: Outward,
        hub: Hub,
        *,
        now: Callable[[], float],
        free: Callable[[Path], int] = free_bytes,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._folder = folder
        self._parts = folder / PULLS
        self._outward = outward
        self._hub = hub
        self._now = now
        self._free = free
        self._download = Download(outward, free=free, pause=pause)
        self._under_way: set[str] = set()

    async def room(self) -> int | None:
        """Free bytes on the models' disk; None if that cannot be told."""
        try:
            return await asyncio.to_thread(self._free, self._folder)
        except OSError:
            return None

    async def weigh(self, order: PullOrder) -> Weight | None:
        """What is to be fetched, and what is here of it. None for what cannot be fetched from here, or if the server
        does not tell. Raises as `pull` does."""
        source = parse_source(order.name)
        if isinstance(source, FromRegistry):
            return None
        offer = await self._offer(source, order)
        size = offer.size_bytes if offer.size_bytes is not None else await self._told_size(offer, order)
        if size is None:
            return None
        return Weight(size, await asyncio.to_thread(size_here, self._parts, offer.url))

    async def pull(self, order: PullOrder) -> AsyncGenerator[JsonObject]:
        """Ollama's status objects, the last being ``success``; what was begun before goes on.

        Raises `ModelNotFound`, `BadRequest`, `Forbidden`, `Conflict`, `NoRoom`, `NodeError`.
        """
        source = parse_source(order.name)
        if isinstance(source, FromRegistry):
            raise ModelNotFound(order.name, hint=NO_REGISTRY)
        yield {"status": "pulling manifest"}
        offer = await self._offer(source, order)
        place = self._place(offer.name)
        ours = {str(place), offer.url}  # two downloads share neither a name nor a part
        if ours & self._under_way:
            raise Conflict(f"'{offer.name}' is being pulled already, under another name or from elsewhere.")
        self._under_way |= ours
        try:
            if offer.license:
                yield license_step(offer.license)
            if await self._unchanged(offer, order, place):
                yield {"status": "success", "model": offer.name}
                return
            async with aclosing(self._pulled(offer, order, place)) as steps:
                async for step in steps:
                    yield step
        finally:
            self._under_way -= ours

    # --- what is meant ---

    async def _offer(self, source: FromHub | FromUrl, order: PullOrder) -> Offer:
        if isinstance(source, FromHub):
            offer = await self._hub.offer(source)
        else:
            name = order.alias or url_name(source.url)
            offer = Offer(source.url, name, sha256=source.sha256)
        return replace(offer, name=tagged(order.alias or offer.name))

    def _place(self, name: str) -> Path:
        place = place_of(name)
        if place is None:
            raise BadRequest(f"'{name}' is not a name for a model.", hint="Such as my-model or my-model:7b.")
        return self._folder / place

    async def _told_size(self, offer: Offer, order: PullOrder) -> int | None:
        """What the server says of the file's size, from the head of its answer."""
        async with self._outward.get(Ask(offer.url, inside=order.inside or offer.trusted)) as answer:
            if answer.status >= 400:
                raise refused(answer.status, offer.name, hub=offer.trusted)
            length = answer.headers.get("content-length", "")
            return int(length) if length.isdecimal() else None

    async def _unchanged(self, offer: Offer, order: PullOrder, place: Path) -> bool:
        """Whether the file in its place is what the server has now."""
        record = await asyncio.to_thread(read_record, place)
        if (
            record is None
            or record.url != without_query(offer.url)
            or record.size != await asyncio.to_thread(_size, place)
        ):
            return False
        if known := read_sha256(order.sha256) or offer.sha256:
            return known == record.sha256
        if not record.validator:
            return False
        name = "if-none-match" if '"' in record.validator else "if-modified-since"
        ask = Ask(offer.url, inside=order.inside or offer.trusted, headers={name: record.validator})
        async with self._outward.get(ask) as answer:
            return answer.status == 304 or (answer.status == 200 and answer.headers.get("etag") == record.validator)

    # --- the work ---

    async def _pulled(self, offer: Offer, order: PullOrder, place: Path) -> AsyncGenerator[JsonObject]:
        """1. Fetch. 2. Check. 3. Into its place."""
        wanted = read_sha256(order.sha256)
        # Ollama's clients tell downloads apart by their digests: where none is known before, the URL's stands in.
        digest = wanted or offer.sha256 or hashlib.sha256(offer.url.encode()).hexdigest()
        line: JsonObject = {"status": f"pulling {digest[:12]}", "digest": f"sha256:{digest}"}
        part, fetched = Part(self._parts, offer.url), Fetched()
        await asyncio.to_thread(prune, part, self._now())
        try:
            async with aclosing(self._download.fetch(offer, part, fetched, inside=order.inside)) as samples:
                async for sample in samples:
                    if isinstance(sample, Waiting):
                        yield {"status": f"the line broke, going on in {sample.seconds:g} s"}
                    else:
                        yield {**line, "total": sample.total, "completed": sample.completed}
            yield {"status": "verifying sha256 digest"}
            facts = await checked(offer, part, fetched, wanted)
            if facts.architecture in PROJECTORS:
                await asyncio.to_thread(part.drop)
                raise BadRequest("The file is a projector, a part of another model.", param="model")
            if facts.license and not offer.license:
                yield license_step(facts.license)
            yield {"status": "writing manifest"}
            record = Record(part.url, part.sha256, part.size, fetched.validator, offer.license or facts.license)
            await asyncio.to_thread(_settle, part, place, record)
        finally:
            await asyncio.to_thread(part.close)
        yield {"status": "success", "model": offer.name}


def license_step(license: str) -> JsonObject:
    return {"status": f"license {license}", "license": license}


def record_path(place: Path) -> Path:
    """The record of a model's file."""
    return place.with_name(f".{place.name}.source")


def read_record(place: Path) -> Record | None:
    try:
        return msgspec.json.decode(record_path(place).read_bytes(), type=Record)
    except (OSError, msgspec.DecodeError):
        return None


def _settle(part: Part, place: Path, record: Record) -> None:
    """The record goes first: one of a file that is not there yet says nothing, for its size does not fit."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        record_path(place).write_bytes(msgspec.json.encode(record))
    except OSError as error:
        raise disk_error(error) from error
    part.settle(place)


def _size(place: Path) -> int:
    try:
        return place.stat().st_size
    except OSError:
        return -1

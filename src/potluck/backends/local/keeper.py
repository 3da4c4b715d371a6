"""Looking after the embedded engine's models: files in one folder, fetched, or uploaded and kept by their digest."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, suppress
from pathlib import Path
from tempfile import mkstemp

from potluck.backends.digests import checked_digest
from potluck.backends.local.engine import LocalEngine
from potluck.backends.local.gguf import Gguf, NotGguf, read
from potluck.backends.local.library import BLOBS, Weights, place_of
from potluck.backends.local.part import disk_error
from potluck.backends.local.pulling import NO_REGISTRY, Puller, read_record, record_path
from potluck.backends.port import EngineHttp, PullOrder, Weight
from potluck.core.errors import BadRequest, Conflict, Forbidden, ModelNotFound, NotImplementedHere
from potluck.core.model import Json, JsonObject, Model
from potluck.core.model_sources import FromHub, FromRegistry, FromUrl, Source, parse_source
from potluck.core.names import canonical, same_model, tagged

# What a Modelfile may say beside FROM and LICENSE.
_NOT_KEPT = ("system", "template", "parameters", "messages", "adapters", "quantize")


class LocalKeeper:
    """`ModelKeeper` for the embedded engine, which shares its folder. ``http`` is not used: there is no server to ask.

    Files come into place whole: a half-written one never has a model's name.
    """

    def __init__(self, engine: LocalEngine, puller: Puller) -> None:
        self._engine = engine
        self._puller = puller
        self._folder = engine.library.folder

    async def show(self, model: Model, http: EngineHttp, *, verbose: bool) -> JsonObject:
        """What the file says of itself, in Ollama's words."""
        weights = await self._weights(model.id)
        facts = weights.facts
        info: JsonObject = {
            "general.architecture": facts.architecture,
            "general.basename": facts.name,
            "general.size_label": facts.size_label,
            f"{facts.architecture}.context_length": facts.context,
            f"{facts.architecture}.embedding_length": facts.embedding,
        }
        record = await asyncio.to_thread(read_record, weights.path)
        license = facts.license or (record.license if record else "")
        return {"license": license, "model_info": {name: value for name, value in info.items() if value}}

    def fetches(self, source: Source) -> bool:
        """GGUF files, from a URL or a hub's repository."""
        return isinstance(source, FromHub | FromUrl)

    async def room(self) -> int | None:
        return await self._puller.room()

    async def weigh(self, order: PullOrder) -> Weight | None:
        return await self._puller.weigh(order)

    async def pull(self, order: PullOrder, http: EngineHttp) -> AsyncIterator[JsonObject]:
        """A GGUF file by URL or hub's name; for any other name only what is here, which is up to date."""
        if isinstance(parse_source(order.name), FromRegistry):
            await self._here(order.name)
            yield {"status": "pulling manifest"}
            yield {"status": "success"}
            return
        if order.alias and any(
            weights.shipped and same_model(weights.id, order.alias) for weights in await self._all_weights()
        ):
            raise Forbidden(f"'{order.alias}' is the model that comes with Potluck.", hint="Choose another name.")
        async with aclosing(self._puller.pull(order)) as steps:
            async for step in steps:
                yield step

    async def load(self, name: str, http: EngineHttp, *, keep_s: float | None) -> None:
        """Pinned ones have no end of their time and are never given up."""
        weights = await self._weights(name)
        await self._engine.load(weights.id, keep_s)

    async def unload(self, name: str, http: EngineHttp) -> None:
        weights = await self._weights(name)
        self._engine.unload(weights.id)

    def push(self, name: str, http: EngineHttp, *, insecure: bool) -> AsyncIterator[JsonObject]:
        raise NotImplementedHere("The embedded engine does not upload models.")

    async def create(self, request: Mapping[str, Json], http: EngineHttp) -> AsyncIterator[JsonObject]:
        """A model of one uploaded GGUF file (``files``), or another name for one that is here (``from``).

        Raises `NotImplementedHere` for what would change how it answers: nothing here would keep that.
        """
        name, source = request.get("model"), request.get("from")
        if not isinstance(name, str) or not name:
            raise BadRequest("model is required", param="model")
        if lost := next((field for field in _NOT_KEPT if request.get(field)), None):
            raise NotImplementedHere(
                f"The embedded engine does not keep a model's '{lost}'.",
                hint="Leave it out, and send it with each call.",
            )
        if isinstance(source, str) and source:
            yield {"status": "using existing layer"}
            await self.copy(source, name, http)
        else:
            blob = self._blob(_only_file(request.get("files")))
            yield {"status": "parsing GGUF"}
            await asyncio.to_thread(_check_gguf, blob)
            yield {"status": "writing manifest"}
            await asyncio.to_thread(_link, blob, self._free_place(name))
        yield {"status": "success"}

    async def copy(self, source: str, destination: str, http: EngineHttp) -> None:
        """One file under two names: it takes its room once."""
        weights = await self._weights(source)
        place = self._free_place(destination)
        if canonical(source) != canonical(destination):
            await asyncio.to_thread(_link, weights.path, place)

    async def delete(self, name: str, http: EngineHttp) -> None:
        """Raises `Forbidden` for the weights that come with Potluck, `Conflict` while they answer."""
        weights = await self._weights(name)
        if weights.shipped:
            raise Forbidden(f"'{name}' comes with Potluck and cannot be deleted.", hint="Others can.")
        if await self._engine.works_with(weights.id):
            raise Conflict(f"'{name}' is answering now.", hint="Try again when it has ended.")
        self._engine.forget(weights.id)
        await asyncio.to_thread(_remove, weights.path, self._folder)

    async def has_blob(self, digest: str, http: EngineHttp) -> bool:
        return self._blob_path(digest).is_file()

    async def put_blob(self, digest: str, pieces: AsyncIterator[bytes], http: EngineHttp) -> None:
        """Keep what comes if its SHA-256 is the digest. Raises `BadRequest` if not; then nothing is left of it."""
        part = await asyncio.to_thread(_Part, self._blob_path(digest))
        try:
            async for piece in pieces:
                await asyncio.to_thread(part.append, piece)
            await asyncio.to_thread(part.finish, checked_digest(digest))
        finally:
            await asyncio.to_thread(part.close)

    def _blob_path(self, digest: str) -> Path:
        return self._folder / BLOBS / checked_digest(digest).replace(":", "-")

    def _blob(self, digest: str) -> Path:
        path = self._blob_path(digest)
        if not path.is_file():
            raise BadRequest(f"The blob {digest} was not uploaded.", param="files")
        return path

    async def _weights(self, name: str) -> Weights:
        """Raises `ModelNotFound`."""
        for weights in await self._all_weights():
            if same_model(weights.id, name):
                return weights
        raise ModelNotFound(name)

    async def _all_weights(self) -> tuple[Weights, ...]:
        return await asyncio.to_thread(self._engine.library.scan)

    async def _here(self, name: str) -> Weights:
        """Raises `ModelNotFound` that says what can be fetched instead."""
        try:
            return await self._weights(name)
        except ModelNotFound as error:
            raise ModelNotFound(name, hint=NO_REGISTRY) from error

    def _free_place(self, name: str) -> Path:
        """Raises `BadRequest` for what cannot be a name. A name in use is given to the new model, as Ollama does."""
        place = place_of(tagged(name))
        if place is None:
            raise BadRequest(f"'{name}' is not a name for a model.", hint="Such as my-model or my-model:7b.")
        return self._folder / place


def _only_file(files: Json) -> str:
    digests = [digest for digest in files.values() if isinstance(digest, str)] if isinstance(files, dict) else []
    if not digests:
        raise BadRequest("neither 'from' or 'files' was specified", param="files")
    if len(digests) > 1:
        raise NotImplementedHere("The embedded engine takes models of one GGUF file.", hint="Join its parts first.")
    return digests[0]


def _check_gguf(path: Path) -> Gguf:
    try:
        return read(path)
    except NotGguf as error:
        raise BadRequest(f"The uploaded file is not a GGUF file. {error}", param="files") from error


def _link(source: Path, place: Path) -> None:
    """The same file under another name: by a hard link, or by a copy where the disk's border is between them."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        part = place.with_name(f".{place.name}.part")
        part.unlink(missing_ok=True)
        try:
            os.link(source.resolve(), part)
        except OSError:
            shutil.copyfile(source, part)
        part.replace(place)
        # Two names of one file: the replacement is none, and leaves both.
        part.unlink(missing_ok=True)
    except OSError as error:
        raise disk_error(error) from error


def _remove(path: Path, folder: Path) -> None:
    """Delete the file, and the upload that it was made of unless another model is made of that."""
    try:
        uploads = [blob for blob in (folder / BLOBS).glob("sha256-*") if path.exists() and blob.samefile(path)]
        path.unlink(missing_ok=True)
        record_path(path).unlink(missing_ok=True)
        for blob in uploads:
            if blob.stat().st_nlink == 1:
                blob.unlink()
    except OSError as error:
        raise Conflict("The model's file cannot be deleted.") from error
    # Folders of names that nothing is left of; one that is not empty stays.
    for parent in path.parents:
        if parent == folder or not parent.is_relative_to(folder):
            return
        with suppress(OSError):
            parent.rmdir()


class _Part:
    """A file that is being uploaded: beside its place, without a name that anybody looks for. Every step blocks."""

    def __init__(self, place: Path) -> None:
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            handle, name = mkstemp(dir=place.parent, prefix=".part-")
        except OSError as error:
            raise disk_error(error) from error
        self._file = os.fdopen(handle, "wb")
        self._path, self._place = Path(name), place
        self._hash = hashlib.sha256()

    def append(self, piece: bytes) -> None:
        self._hash.update(piece)
        try:
            self._file.write(piece)
        except OSError as error:
            raise disk_error(error) from error

    def finish(self, digest: str) -> None:
        """Move it to its place, safely on disk. Raises `BadRequest` if it does not have the digest."""
        if f"sha256:{self._hash.hexdigest()}" != digest:
            raise BadRequest("The blob does not have the digest it was sent under.", param="digest")
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._path.replace(self._place)
        except OSError as error:
            raise disk_error(error) from error

    def close(self) -> None:
        """Nothing of it is left but what was finished."""
        with suppress(OSError):
            self._file.close()
        self._path.unlink(missing_ok=True)

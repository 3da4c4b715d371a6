"""The embedded engine's models as files: names, copies, uploads. No process is started here."""

from __future__ import annotations

import hashlib
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from potluck.backends.local.child import Task
from potluck.backends.local.engine import LocalEngine, LocalSettings
from potluck.backends.local.hub import Hub
from potluck.backends.local.keeper import LocalKeeper
from potluck.backends.local.library import BLOBS, Library
from potluck.backends.local.process import Process
from potluck.backends.local.pulling import Puller
from potluck.backends.outward import Outward
from potluck.backends.port import PullOrder
from potluck.core.errors import BadRequest, Forbidden, ModelNotFound, NotImplementedHere
from potluck.core.model import Model, ModelId
from tests.backends.local.gguf_files import CHAT, gguf
from tests.backends.scripted import Script

HTTP = Script({})
DATA = gguf(CHAT)
DIGEST = f"sha256:{hashlib.sha256(DATA).hexdigest()}"


async def nobody(task: Task) -> Process:
    raise AssertionError("no process is wanted here")


class Shelf:
    """A keeper with its folder; the shipped weights are a small file."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "models"
        self.shipped = root / "shipped.gguf"
        self.shipped.write_bytes(DATA)
        self.library = Library(self.folder, shipped=self.shipped)
        engine = LocalEngine(
            self.library,
            LocalSettings(),
            http_for=lambda address: HTTP,
            clock=lambda: 0.0,
            wall_clock=lambda: 0.0,
            chance=random.Random(1),
            new_key=lambda: "k",
            spawn=nobody,
        )
        # Nothing here goes out: `test_pulling` has a server for that.
        outward = Outward()
        self.keeper = LocalKeeper(engine, Puller(self.folder, outward, Hub(outward), now=lambda: 0.0))

    def ids(self) -> list[str]:
        return [weights.id for weights in self.library.scan()]

    def files(self) -> list[str]:
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file())

    async def upload(self, data: bytes = DATA, digest: str = DIGEST) -> None:
        await self.keeper.put_blob(digest, in_pieces(data), HTTP)

    async def create(self, **request: Any) -> list[str]:
        return [str(step["status"]) async for step in self.keeper.create(request, HTTP)]


async def in_pieces(data: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(data), 100):
        yield data[start : start + 100]


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


async def test_an_uploaded_file_becomes_a_model(shelf: Shelf) -> None:
    assert not await shelf.keeper.has_blob(DIGEST, HTTP)
    await shelf.upload()
    assert await shelf.keeper.has_blob(DIGEST, HTTP)
    assert shelf.ids() == ["smollm2:135m"]
    assert (await shelf.create(model="mine", files={"m.gguf": DIGEST}))[-1] == "success"
    assert shelf.ids() == ["smollm2:135m", "mine:latest"]


async def test_an_upload_that_is_not_its_digest_leaves_nothing(shelf: Shelf) -> None:
    with pytest.raises(BadRequest, match="digest"):
        await shelf.upload(DATA + b"more")
    assert shelf.files() == []


async def test_an_upload_that_breaks_off_leaves_nothing(shelf: Shelf) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield DATA[:50]
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await shelf.keeper.put_blob(DIGEST, broken(), HTTP)
    assert shelf.files() == []


async def test_a_file_that_is_no_model_is_refused_at_creation(shelf: Shelf) -> None:
    noise = b"noise" * 50
    digest = f"sha256:{hashlib.sha256(noise).hexdigest()}"
    await shelf.upload(noise, digest)
    with pytest.raises(BadRequest, match="GGUF"):
        await shelf.create(model="mine", files={"m.gguf": digest})
    assert shelf.ids() == ["smollm2:135m"]


@pytest.mark.parametrize(
    "request_",
    [{"model": "x"}, {"files": {"a": DIGEST}}, {"model": "x", "files": {"a": DIGEST}}, {"model": "x", "files": 5}],
)
async def test_what_is_missing_is_named(shelf: Shelf, request_: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        await shelf.create(**request_)


@pytest.mark.parametrize("name", ["../x", f"{BLOBS}/x", "a/b/c", "x:../y"])
async def test_a_name_that_leads_elsewhere_is_refused(shelf: Shelf, name: str) -> None:
    await shelf.upload()
    with pytest.raises(BadRequest):
        await shelf.create(model=name, files={"m.gguf": DIGEST})
    with pytest.raises(BadRequest):
        await shelf.keeper.copy("smollm2:135m", name, HTTP)


async def test_a_copy_is_another_name_and_survives_the_first(shelf: Shelf) -> None:
    await shelf.keeper.copy("smollm2:135m", "one", HTTP)
    await shelf.keeper.copy("one", "two:7b", HTTP)
    assert shelf.ids() == ["smollm2:135m", "one:latest", "two:7b"]
    assert (shelf.folder / "two" / "7b.gguf").stat().st_nlink >= 2
    await shelf.keeper.delete("one", HTTP)
    assert shelf.ids() == ["smollm2:135m", "two:7b"]
    assert not (shelf.folder / "one").exists()


async def test_a_copy_onto_itself_changes_nothing(shelf: Shelf) -> None:
    await shelf.keeper.copy("smollm2:135m", "one", HTTP)
    await shelf.keeper.copy("one", "ONE:latest", HTTP)
    assert shelf.ids() == ["smollm2:135m", "one:latest"]


async def test_what_is_here_needs_no_pulling(shelf: Shelf) -> None:
    steps = [step async for step in shelf.keeper.pull(PullOrder("SmolLM2:135m"), HTTP)]
    assert steps[-1] == {"status": "success"}


@pytest.mark.parametrize("lost", [{"system": "You are a pirate."}, {"parameters": {"temperature": 0}}])
async def test_what_would_be_lost_at_creation_is_refused(shelf: Shelf, lost: dict[str, Any]) -> None:
    with pytest.raises(NotImplementedHere, match="send it with each call"):
        await shelf.create(**{"model": "mine", "from": "smollm2:135m", "license": "MIT"}, **lost)
    assert shelf.ids() == ["smollm2:135m"]


async def test_an_upload_goes_with_the_last_model_that_is_made_of_it(shelf: Shelf) -> None:
    await shelf.upload()
    for name in ("one", "two"):
        await shelf.create(model=name, files={"m.gguf": DIGEST})
    await shelf.keeper.delete("one", HTTP)
    assert await shelf.keeper.has_blob(DIGEST, HTTP)
    await shelf.keeper.delete("two", HTTP)
    assert not await shelf.keeper.has_blob(DIGEST, HTTP)


async def test_a_model_from_another_is_a_copy(shelf: Shelf) -> None:
    assert (await shelf.create(**{"model": "mine", "from": "smollm2:135m"}))[-1] == "success"
    assert shelf.ids() == ["smollm2:135m", "mine:latest"]


async def test_the_shipped_weights_are_never_deleted(shelf: Shelf) -> None:
    with pytest.raises(Forbidden):
        await shelf.keeper.delete("smollm2:135m", HTTP)
    assert shelf.shipped.exists()


async def test_a_model_that_is_not_there_is_not_found(shelf: Shelf) -> None:
    with pytest.raises(ModelNotFound):
        await shelf.keeper.delete("nobody", HTTP)
    with pytest.raises(ModelNotFound):
        await shelf.keeper.copy("nobody", "x", HTTP)


async def test_a_model_is_shown_by_what_its_file_says(shelf: Shelf) -> None:
    shown = await shelf.keeper.show(Model(ModelId("smollm2:135m")), HTTP, verbose=False)
    info = shown["model_info"]
    assert isinstance(info, dict)
    assert (info["general.architecture"], info["llama.context_length"]) == ("llama", 4096)


async def test_there_is_no_registry_here_and_it_says_what_there_is(shelf: Shelf) -> None:
    with pytest.raises(ModelNotFound, match="OWNER/REPO"):
        await anext(aiter(shelf.keeper.pull(PullOrder("x"), HTTP)))
    with pytest.raises(NotImplementedHere):
        shelf.keeper.push("x", HTTP, insecure=False)


async def test_nothing_is_pulled_in_the_place_of_the_shipped_model(shelf: Shelf) -> None:
    order = PullOrder("https://x.org/m.gguf", alias="SmolLM2:135m")
    with pytest.raises(Forbidden):
        await anext(aiter(shelf.keeper.pull(order, HTTP)))


async def test_a_model_that_is_not_there_is_neither_loaded_nor_unloaded(shelf: Shelf) -> None:
    with pytest.raises(ModelNotFound):
        await shelf.keeper.load("nobody", HTTP, keep_s=None)
    with pytest.raises(ModelNotFound):
        await shelf.keeper.unload("nobody", HTTP)


async def test_the_licence_is_shown_if_the_file_tells_it(shelf: Shelf) -> None:
    path = shelf.folder / "licensed.gguf"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(gguf({**CHAT, "general.license": "apache-2.0"}))
    shown = await shelf.keeper.show(Model(ModelId("licensed")), HTTP, verbose=False)
    assert shown["license"] == "apache-2.0"

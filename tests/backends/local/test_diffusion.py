"""Drawing on the processor without the library: who waits, what is kept in memory, and what is told of a crash."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from potluck.backends.images.port import ImageHttp, Run
from potluck.backends.local.diffusion import LocalDiffusion
from potluck.backends.local.diffusion_files import Shelves
from potluck.core.errors import BadRequest, NodeFailed
from potluck.core.model import EngineKind
from potluck.core.pictures.ask import ImageId, PictureAsk, Task, Upscale
from potluck.core.pictures.catalogue import Catalogue

NO_HTTP = cast("ImageHttp", None)
HAS = Catalogue(EngineKind.LOCAL, samplers=("euler",), schedulers=("simple",))


def backend(folder: Path, available: int | None = None) -> LocalDiffusion:
    return LocalDiffusion(Shelves(folder), threads=1, clock=lambda: 0.0, available=lambda: available)


async def ends(folder: Path, ask: PictureAsk) -> None:
    async for _ in backend(folder).run(Run("a", ask, HAS, {}), NO_HTTP):
        raise AssertionError("Nothing should come.")


async def test_what_it_cannot_do_is_refused_before_any_process_starts(tmp_path: Path) -> None:
    with pytest.raises(BadRequest):
        await ends(tmp_path, PictureAsk(task=Task.UPSCALE, init=ImageId("a"), upscale=Upscale(2.0)))
    with pytest.raises(NodeFailed, match="not here any more"):
        await ends(tmp_path, PictureAsk(prompt="a cat", model="gone"))


async def test_where_nothing_was_drawn_there_is_nothing_to_stop_or_to_give_back(tmp_path: Path) -> None:
    made = backend(tmp_path)
    assert not await made.cancel("a", NO_HTTP)
    assert not await made.left("a", NO_HTTP)
    await made.free(NO_HTTP)
    assert await made.memory(NO_HTTP) is None
    assert (await made.waiting(NO_HTTP), await made.glance(NO_HTTP)) == (0, "stable-diffusion.cpp")
    await made.aclose()

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.contract.backends.rigs import REAL, RIGS, Rig


@pytest_asyncio.fixture(
    scope="session",
    loop_scope="session",
    params=[pytest.param(name, marks=pytest.mark.model) if name in REAL else name for name in RIGS],
)
async def rig(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Rig]:
    folder: Path = tmp_path_factory.mktemp("models")
    async with RIGS[request.param](folder) as rig:
        yield rig

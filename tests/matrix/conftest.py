from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio

from potluck.config.model import RouteConfig
from potluck.core.model import ModelId
from tests.matrix.world import ALL, World, engine, world

_OLLAMA = (
    f"m-ollama,capabilities={ALL}",
    "plain-ollama,capabilities=completion",
    "think-ollama,capabilities=completion+tools+thinking",
)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def every(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[World]:
    """Engines of every kind, each with a model that can do all, one that can only chat, and one that thinks.

    Shared by all tests that break nothing.
    """
    specs = (
        engine("ollama", "ollama", *_OLLAMA, slots=8),
        engine("llamacpp", "llamacpp", f"m-llamacpp,capabilities={ALL}"),
        engine("llamacpp-plain", "llamacpp", "plain-llamacpp,capabilities=completion"),
        engine("llamacpp-think", "llamacpp", "think-llamacpp,capabilities=completion+tools+thinking"),
        engine(
            "openai",
            "openai",
            "m-openai,capabilities=completion+tools+vision",
            "plain-openai,capabilities=completion",
            "think-openai,capabilities=completion+tools+thinking",
            "embed-openai,capabilities=embedding",
            "Org/Big-Model:7B,capabilities=completion",
        ),
    )
    routes = {
        "writing": RouteConfig("writing", (ModelId("m-llamacpp"), ModelId("m-ollama"))),
        "coding": RouteConfig("coding", (ModelId("m-ollama"),)),
    }
    async with world(tmp_path_factory.mktemp("every"), *specs, routes=routes) as made:
        yield made

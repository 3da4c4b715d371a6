from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import pytest_asyncio
from msgspec.structs import replace

from potluck.config.model import RouteConfig
from potluck.core.model import ModelId
from tests.matrix.world import ALL, World, engine, world

_OLLAMA = (
    f"m-ollama,capabilities={ALL}",
    "plain-ollama,capabilities=completion",
    "think-ollama,capabilities=completion+tools+thinking",
)

_HERE = Path(__file__).parent
# What says most in the shortest time: the rest is quick test by test, but there are two thousand of them.
_QUICK = ("test_answers.py", "test_contexts.py", "test_names.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(_HERE) and item.path.name not in _QUICK:
            item.add_marker(pytest.mark.slow)


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
    aliases = {"gpt-4o": "m-ollama", "scribe": "writing"}
    folder = tmp_path_factory.mktemp("every")
    async with world(folder, *specs, routes=routes, change=lambda config: replace(config, aliases=aliases)) as made:
        yield made

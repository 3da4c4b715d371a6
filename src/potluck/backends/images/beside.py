"""Something that goes on beside a generator's body, and ends with it, however that ends.

A `TaskGroup` around a ``yield`` would wrap what the consumer throws in (its leaving, too) in a group of errors; nothing
of the body's passes through this one. What is run so raises nothing of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

T = TypeVar("T")


@asynccontextmanager
async def beside(work: Coroutine[Any, Any, T]) -> AsyncGenerator[asyncio.Task[T]]:
    """Within its block ``work`` runs; what is left of it is cancelled at the end."""
    group = asyncio.TaskGroup()
    await group.__aenter__()
    task = group.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        await group.__aexit__(None, None, None)

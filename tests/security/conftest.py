from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e import processes
from tests.e2e.processes import Fronted

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What needs the service takes seconds; its start has a limit of its own."""
    for item in items:
        if item.path.is_relative_to(_HERE) and "fronted" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)
            item.add_marker(pytest.mark.timeout(150, func_only=True))


@pytest.fixture(scope="session")
def fronted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fronted]:
    """The service in front of two fake engines; nothing that is done to it here disturbs another test."""
    with processes.fronted(tmp_path_factory.mktemp("attacked")) as running:
        yield running

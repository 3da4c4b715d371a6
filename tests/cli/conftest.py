from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from potluck.cli.root import app
from tests.cli.fake_service import FakeService, running

Run = Callable[..., Result]


@pytest.fixture
def service() -> Iterator[FakeService]:
    with running() as fake:
        yield fake


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs a command with a data directory of its own and nothing from the environment."""

    def invoke(*arguments: str, stdin: str | bytes = "") -> Result:
        clean = {"POTLUCK_URL": None, "POTLUCK_KEY": None, "POTLUCK_DATA": str(tmp_path / "data")}
        return CliRunner().invoke(app, arguments, input=stdin, env=clean, prog_name="potluck")

    return invoke


@pytest.fixture
def ask(run: Run, service: FakeService) -> Run:
    """Runs a command against the fake service."""

    def invoke(*arguments: str, stdin: str | bytes = "") -> Result:
        return run(*arguments, "--url", service.url, "--key", "pk-test", stdin=stdin)

    return invoke

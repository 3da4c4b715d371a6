from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import processes
from tests.e2e.installed import CannotInstall, node_bin, npm_set, python_set
from tests.e2e.outside import Outside, refusing
from tests.e2e.processes import Fronted, Service
from tests.e2e.sandbox import Sandbox, sandbox
from tests.e2e.stands import Stand, stand_of
from tests.e2e.tap import Tap, tapping

_HERE = Path(__file__).parent
_LOG_TAIL = 6000


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here is slow. The time limit is the test's own: starting and installing have their limits."""
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker(pytest.mark.slow)
            item.add_marker(pytest.mark.timeout(150, func_only=True))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """A failed test shows what the services that it used have logged."""
    report = yield
    if report.failed and isinstance(item, pytest.Function) and item.path.is_relative_to(_HERE):
        for name, value in item.funcargs.items():
            service = value.service if isinstance(value, Fronted) else value
            if isinstance(service, Service):
                report.sections.append((f"log of {name}", service.log.read_text(errors="replace")[-_LOG_TAIL:]))
    return report


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service on its own small model."""
    with processes.embedded(tmp_path_factory.mktemp("embedded")) as running:
        yield running


@pytest.fixture(scope="session")
def fronted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fronted]:
    """The service in front of a fake Ollama and a fake OpenAI-compatible server, whose answers are known."""
    with processes.fronted(tmp_path_factory.mktemp("fronted")) as running:
        yield running


@pytest.fixture
def tap(fronted: Fronted) -> Iterator[Tap]:
    """A tap in front of the service of ``fronted``."""
    with tapping(fronted.service.url) as made:
        yield made


@pytest.fixture
def outside() -> Iterator[Outside]:
    with refusing() as made:
        yield made


@pytest.fixture(scope="session")
def say(pytestconfig: pytest.Config) -> Any:
    """Prints a line at once, past pytest's capture: an installation of a minute must not look like a hang."""
    capture = pytestconfig.pluginmanager.getplugin("capturemanager")

    def said(line: str) -> None:
        with capture.global_and_fixture_disabled():
            print(f"\n[clients] {line}", file=sys.stderr, flush=True)

    return said


def _or_skip(error: CannotInstall) -> None:
    """Without the network these tests cannot be had at home; in CI that is a failure."""
    reason = f"THIRD-PARTY CLIENTS ARE NOT TESTED: {error}"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def _python(name: str, say: Any) -> Path:
    try:
        return python_set(name, say)
    except CannotInstall as error:
        _or_skip(error)
        raise


@pytest.fixture(scope="session")
def python_clients(say: Any) -> Path:
    """``bin`` with llm, LangChain and LiteLLM."""
    return _python("clients", say)


@pytest.fixture(scope="session")
def aider_client(say: Any) -> Path:
    """``bin`` with aider, and SDKs of an earlier generation."""
    if sys.version_info >= (3, 13):
        pytest.skip("aider-chat installs on Python before 3.13 only")
    return _python("aider", say)


@pytest.fixture(scope="session")
def npm_clients(say: Any) -> Path:
    """``node_modules`` with the JavaScript SDKs and the agents."""
    try:
        return npm_set(say)
    except CannotInstall as error:
        _or_skip(error)
        raise


@pytest.fixture
def box(tmp_path: Path, outside: Outside) -> Sandbox:
    """A sandbox without any client."""
    return sandbox(tmp_path, outside.url)


@pytest.fixture
def python_box(tmp_path: Path, outside: Outside, python_clients: Path) -> Sandbox:
    return sandbox(tmp_path, outside.url, python_clients)


@pytest.fixture
def aider_box(tmp_path: Path, outside: Outside, aider_client: Path) -> Sandbox:
    """A sandbox with aider after its first day: it fetches a list of models' prices and keeps it."""
    made = sandbox(tmp_path, outside.url, aider_client)
    kept = made.home / ".aider" / "caches" / "model_prices_and_context_window.json"
    kept.parent.mkdir(parents=True)
    kept.write_text('{"some-model": {"max_input_tokens": 8192}}')
    return made


@pytest.fixture
def npm_box(tmp_path: Path, outside: Outside, npm_clients: Path) -> Sandbox:
    """A sandbox with the programs of npm, and the libraries importable from its project."""
    made = sandbox(tmp_path, outside.url, npm_clients / ".bin", node_bin())
    (made.project / "node_modules").symlink_to(npm_clients)
    (made.project / ".git" / "info" / "exclude").write_text("node_modules\n")
    return made


@pytest.fixture(params=[pytest.param("embedded", marks=pytest.mark.model), "ollama", "openai"])
def stand(request: pytest.FixtureRequest) -> Stand:
    """Each place where an SDK's behaviour is tried, in turn."""
    return stand_of(request.param, request.getfixturevalue)


@pytest.fixture(params=["ollama", "openai"])
def known(request: pytest.FixtureRequest) -> Stand:
    """The places where answers are known."""
    return stand_of(request.param, request.getfixturevalue)

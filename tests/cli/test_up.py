"""The command line of ``up`` is read twice: quickly for the plain case, by typer for the rest. Both read the same."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.main import get_command
from typer.testing import CliRunner

from potluck.cli import up, upline
from potluck.cli.upline import LogFormat, LogLevel, UpLine

OPTIONS = [
    "--config",
    "--data",
    "--host",
    "--port",
    "--log-level",
    "--log-format",
    "--local",
    "--no-local",
    "--help",
    "-h",
]
JOINED = ["--port=0", "--host=::1", "--data=", "--log-level=debug", "--config=a=b", "--portt"]
VALUES = ["extra", "json", "info", "80", "-1", "65536", "x.yaml"]
words = st.sampled_from([*OPTIONS, *JOINED, *VALUES])


def read_by_typer(arguments: list[str]) -> UpLine | None:
    """What typer makes of it; None if it refuses or shows help."""
    command = get_command(up.app)
    seen: list[UpLine] = []
    command.callback = lambda **values: seen.append(up.up_line(**values))
    with suppress(SystemExit):
        command.main(arguments, "potluck up")
    return seen[0] if seen else None


@given(st.lists(words, max_size=5))
def test_what_the_quick_reader_takes_typer_takes_as_well(arguments: list[str]) -> None:
    quick = upline.read(arguments, {})
    if quick is not None:
        assert quick == read_by_typer(arguments)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ([], UpLine()),
        (["--no-local"], UpLine(local=False)),
        (["--local", "--port", "0", "--host=::"], UpLine(local=True, port=0, host="::")),
        (["--config", "a.yaml", "--data", "d"], UpLine(config="a.yaml", data="d")),
        (["--log-level", "debug", "--log-format=json"], UpLine(log_level=LogLevel.DEBUG, log_format=LogFormat.JSON)),
    ],
)
def test_plain_lines_need_no_typer(arguments: list[str], line: UpLine) -> None:
    assert upline.read(arguments, {}) == line == read_by_typer(arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["extra"],
        ["--port"],
        ["--port", "x"],
        ["--data="],
        ["--port", "65536"],
        ["--log-level", "loud"],
        ["--data", "--local"],
    ],
)
def test_whatever_is_not_plain_goes_to_typer(arguments: list[str]) -> None:
    assert upline.read(arguments, {}) is None


def test_the_environment_names_the_data_directory_and_an_option_wins() -> None:
    assert upline.read([], {"POTLUCK_DATA": "e"}) == UpLine(data="e")
    assert upline.read(["--data", "d"], {"POTLUCK_DATA": "e"}) == UpLine(data="d")


def test_every_option_of_up_can_be_read_quickly() -> None:
    names = {name for param in get_command(up.app).params for name in [*param.opts, *param.secondary_opts]}
    assert names - {"--install-completion", "--show-completion"} == {*upline._OPTIONS, *upline._SWITCHES}


def test_a_wrong_option_is_wrong_usage() -> None:
    result = CliRunner().invoke(up.app, ["--port", "99999"])
    assert result.exit_code == 2


def modules_after(code: str) -> set[str]:
    """Names of the modules that a fresh interpreter has imported."""
    ended = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"], capture_output=True, text=True, check=True
    )
    return set(ended.stdout.split())


def test_up_pays_for_no_other_command() -> None:
    heavy = {"typer", "click", "rich", "prompt_toolkit", "pydantic", "jsonschema"}
    assert not heavy & modules_after("import potluck.cli, potluck.cli.upline")
    # structlog imports rich for itself; its Markdown, which only `chat` needs, is the larger part.
    assert not {"typer", "rich.markdown", "prompt_toolkit"} & modules_after("import potluck.cli.serving")


def test_up_says_ready_before_it_pays_for_what_no_call_needs() -> None:
    later = {"starlette", "uvicorn", "prometheus_client", "zeroconf", "aiohttp", "potluck.surfaces.application"}
    assert not later & modules_after("import potluck.cli.serving")


def test_the_collector_leaves_alone_what_a_start_imports() -> None:
    code = "import gc; from potluck.cli import _imported; _imported('upline')"
    assert "potluck.cli.upline" in modules_after(f"{code}; assert gc.isenabled() and gc.get_freeze_count()")


def test_help_imports_no_command() -> None:
    modules = modules_after(
        "from typer.testing import CliRunner\nfrom potluck.cli.root import app\nCliRunner().invoke(app, ['--help'])"
    )
    assert {name for name in modules if name.startswith("potluck.")} <= {
        "potluck.cli",
        "potluck.cli.failure",
        "potluck.cli.lazy",
        "potluck.cli.root",
        "potluck.cli.upline",
        "potluck.core",
        "potluck.core.errors",
    }
    assert not {"rich", "prompt_toolkit", "pydantic"} & modules


def test_chat_in_a_pipe_pays_for_no_terminal() -> None:
    assert not {"rich", "prompt_toolkit", "sqlalchemy"} & modules_after("import potluck.cli.chat")


def test_a_configuration_that_is_not_there_is_wrong_usage(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "potluck.cli", "up", "--config", str(tmp_path / "gone.yaml")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert ended.stderr.startswith("Error: There is no file ")

"""The program as a whole: its commands, its help, its page in the docs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from potluck import __version__
from potluck.cli.lazy import COMMANDS, load
from potluck.cli.reference import reference
from potluck.cli.slash import SLASHES
from tests.cli.conftest import Run

DOCS = Path(__file__).parents[2] / "docs"


def test_the_version_is_printed(run: Run) -> None:
    assert run("--version").stdout == f"potluck {__version__}\n"


def test_help_names_every_command(run: Run) -> None:
    shown = run("--help").stdout
    assert all(f"  {name} " in shown for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself_as_the_list_does(run: Run, name: str) -> None:
    result = run(name, "--help")
    assert result.exit_code == 0
    assert (load(name).help or "").splitlines()[0] == COMMANDS[name]


def test_an_unknown_command_brings_up_similar_ones(run: Run) -> None:
    result = run("reviw")
    assert result.exit_code == 2
    assert "Did you mean 'review'?" in result.stderr


@pytest.mark.parametrize("arguments", [["frobnicate"], ["chat", "--frob"], ["models", "frob"], ["keys"]])
def test_wrong_usage_is_2(run: Run, arguments: list[str]) -> None:
    assert run(*arguments).exit_code == 2


def test_the_reference_is_what_the_program_says() -> None:
    page = (DOCS / "reference" / "cli.md").read_text(encoding="utf-8")
    assert page == reference(), "Run: python -m potluck.cli.reference > docs/reference/cli.md"


def test_the_guide_to_talks_knows_every_command() -> None:
    page = (DOCS / "guides" / "chat-in-the-terminal.md").read_text(encoding="utf-8")
    heads = {f"`/{slash} {argument}`".replace(" `", "`") for slash, (argument, _) in SLASHES.items()}
    assert {head for head in heads if head not in page} == set()


@pytest.mark.parametrize("guide", ["chat-in-the-terminal.md", "code-review.md"])
def test_the_guides_use_options_that_exist(guide: str) -> None:
    page = (DOCS / "guides" / guide).read_text(encoding="utf-8")
    used = re.findall(r"potluck (chat|review|keys create)\b([^`\n|]*)", page)
    known = {name: reference().partition(f"## potluck {name}\n")[2].partition("\n## ")[0] for name, _ in used}
    wrong = [
        (name, option) for name, rest in used for option in re.findall(r"--[a-z-]+", rest) if option not in known[name]
    ]
    assert used
    assert wrong == []

from __future__ import annotations

import pytest

from potluck.cli.repl import _ACTIONS
from potluck.cli.slash import SLASHES, Do, Meaning, Nothing, Say, Slash, Unknown, help_text, meaning


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("", Nothing()),
        ("  ", Nothing()),
        (" hello ", Say("hello")),
        ("/exit", Do(Slash.EXIT)),
        ("/quit", Do(Slash.EXIT)),
        ("/model  llama3.2 ", Do(Slash.MODEL, "llama3.2")),
        ("/system be brief", Do(Slash.SYSTEM, "be brief")),
        ("/modle x", Unknown("modle", ("model", "models"))),
        ("/", Unknown("")),
        ("/etc/hosts is what?", Say("/etc/hosts is what?")),
    ],
)
def test_what_a_line_means(line: str, meant: Meaning) -> None:
    assert meaning(line) == meant


def test_every_command_is_explained_and_done() -> None:
    assert set(SLASHES) == set(Slash)
    assert {*_ACTIONS, Slash.EXIT} == set(Slash)
    assert all(f"/{slash}" in help_text() for slash in Slash)

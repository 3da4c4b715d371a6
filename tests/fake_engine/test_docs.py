"""The reference page names everything that can be set."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from potluck_fake_engine import control
from potluck_fake_engine.dialects import DIALECTS, a1111
from potluck_fake_engine.dialects.openai import QUIRKS
from potluck_fake_engine.faults import Fault, FaultKind
from potluck_fake_engine.main import parser
from potluck_fake_engine.settings import CAPABILITIES, ModelSpec

PAGE = (Path(__file__).parents[2] / "docs/reference/fake-engine.md").read_text()


@pytest.mark.parametrize(
    "name",
    [
        *(option for action in parser()._actions for option in action.option_strings if option not in ("-h", "--help")),
        *(field.name for field in fields(ModelSpec) if field.name != "name"),
        *CAPABILITIES,
        *DIALECTS,
        *QUIRKS,
        *a1111.QUIRKS,
        *(kind.value for kind in FaultKind),
        *Fault.__struct_fields__,
        *control.SETTABLE,
    ],
)
def test_the_reference_page_names(name: str) -> None:
    assert f"`{name}" in PAGE or f"**{name}" in PAGE


@pytest.mark.parametrize(("method", "path"), sorted(control.HANDLERS))
def test_the_reference_page_names_the_control(method: str, path: str) -> None:
    assert f"`{method} {path}" in PAGE or (method == "POST" and f"`GET {path}" in PAGE)

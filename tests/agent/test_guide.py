"""The guide and the unit name what there is."""

from __future__ import annotations

import re
from pathlib import Path

from potluck.agent.options import KEY_VARIABLE
from potluck.cli import agentline

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs/guides/node-agent.md").read_text(encoding="utf-8")
UNIT = (ROOT / "examples/systemd/potluck-agent.service").read_text(encoding="utf-8")


def test_the_unit_starts_the_agent_with_options_that_exist() -> None:
    (arguments,) = re.findall(r"^ExecStart=\S*/potluck agent(.*)$", UNIT, re.M)
    assert agentline.read(arguments.split(), {}) is not None


def test_unit_and_guide_agree_on_the_key() -> None:
    (file,) = re.findall(r"^EnvironmentFile=(\S+)$", UNIT, re.M)
    assert file in GUIDE
    assert f"{KEY_VARIABLE}=" in GUIDE

"""The guide and the unit name what there is."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

from potluck.agent.options import DEFAULT_PORT, KEY_VARIABLE
from potluck.cli import agentline
from potluck.config.load import load
from potluck.config.model import AgentConfig

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


def test_what_the_guide_writes_into_the_configuration_loads(tmp_path: Path) -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", GUIDE, re.S)
    (tmp_path / "potluck.yaml").write_text(textwrap.dedent(block))
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/agx0-agent.key").write_text("0123456789abcdef\n")
    (node,) = load(tmp_path / "potluck.yaml", {}).nodes.values()
    assert node.agent is not None
    assert (node.agent.host, node.agent.port) == ("192.168.1.154", DEFAULT_PORT)
    assert AgentConfig("").port == DEFAULT_PORT

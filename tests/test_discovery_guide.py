"""docs/guides/find-your-machines.md names what there is."""

from __future__ import annotations

import re
from pathlib import Path

from potluck.app.discovering import PORTS
from potluck.cli.lazy import load as command
from potluck.config.load import load
from potluck.core.discovery import AGENT, LARGEST_NETWORK, Grade, State
from potluck.gateway.discovery.mdns import SERVICES
from potluck.gateway.discovery.probing import A_SECOND, AT_ONCE

GUIDE = (Path(__file__).parents[1] / "docs/guides/find-your-machines.md").read_text(encoding="utf-8")


def test_its_configuration_loads(tmp_path: Path) -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", GUIDE, re.S)
    (tmp_path / "potluck.yaml").write_text(block)
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/agents.key").write_text("0123456789abcdef\n")
    discovery = load(tmp_path / "potluck.yaml", {}).discovery
    assert (discovery.mdns, discovery.scan) == (True, ("192.168.1.0/24",))
    assert discovery.agent_key is not None


def test_its_commands_exist() -> None:
    known = command("nodes").commands  # type: ignore[union-attr]
    used = set(re.findall(r"potluck nodes (\w+)", GUIDE))
    assert used >= {"discover", "accept", "dismiss", "forget", "export", "ls"}
    assert used <= set(known)


def test_its_words_and_numbers_are_the_programs() -> None:
    for word in (*State, *Grade):
        assert f"| `{word.value}` |" in GUIDE
    for kind, port in PORTS:
        assert f"({port})" in GUIDE, kind
    assert (AGENT, 8421) in PORTS
    for service in SERVICES:
        assert f"`{service.removesuffix('.local.')}`" in GUIDE
    assert f"{LARGEST_NETWORK:,} addresses" in GUIDE
    assert f"At most {AT_ONCE} addresses are knocked at at a time and {A_SECOND} in a second" in GUIDE

"""The reference fleet in network namespaces: discovery, a cable cut, a reboot, a node that lies.

It needs Linux, iproute2, and leave to make namespaces: root, or a kernel that gives every user some of their own. Where
something is not installed it is skipped at home and fails in CI. Where the kernel forbids them, as in a container
without CAP_SYS_ADMIN, nothing on this side could cure that: it is skipped there too, and says so loudly.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.lan import walled
from tests.e2e.stories import told

_STORY = Path(__file__).with_name("seven_hosts.py")
_LONGEST_S = 400.0


@pytest.mark.timeout(_LONGEST_S + 30, func_only=True)
def test_seven_hosts_with_the_reference_addresses(say: Any, tmp_path: Path) -> None:
    told(_STORY, walled, "A FLEET OF SEVEN HOSTS", tmp_path, _LONGEST_S, say)

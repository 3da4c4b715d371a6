"""Chaos on the network: loss and delay, half-open connections, a partition that heals, in namespaces.

It needs what `test_seven_hosts` needs, and TUN/TAP for the bad cables (`cable`): where the kernel has none, or the
container is not let at it, this is skipped, and says so loudly.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.lan import walled_with_cables
from tests.e2e.stories import told

_STORY = Path(__file__).with_name("bad_network.py")
_LONGEST_S = 200.0


@pytest.mark.timeout(_LONGEST_S + 30, func_only=True)
def test_a_bad_network_costs_time_and_no_answer(say: Any, tmp_path: Path) -> None:
    told(_STORY, walled_with_cables, "A BAD NETWORK", tmp_path, _LONGEST_S, say)

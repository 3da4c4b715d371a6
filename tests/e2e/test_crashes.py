"""``kill -9`` under load: what was acknowledged is there at the next start, and once. `make bench-crashes` has more."""

from __future__ import annotations

import random
from pathlib import Path

from benchmarks.crashes.house import MIXES, house
from benchmarks.crashes.play import play


def test_what_was_acknowledged_is_there_after_kills(tmp_path: Path) -> None:
    with house(tmp_path, MIXES[0]) as config:
        outcome = play(tmp_path, config, 3, random.Random(1))
    assert outcome.wrong == []

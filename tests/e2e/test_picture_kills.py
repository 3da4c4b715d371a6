"""The small form of `make bench-images`: image nodes, the gateway and clients' connections die; no picture is lost."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest
from benchmarks.images.house import house
from benchmarks.images.play import play

pytestmark = pytest.mark.slow


def test_every_picture_is_there_once_whatever_dies(tmp_path: Path) -> None:
    with house(tmp_path, with_redis=False, pace=0.5) as made:
        pauses = {"between_s": (0.1, 0.4), "away_s": (0.1, 0.3)}
        outcome = asyncio.run(play(made, 15, random.Random(1), rounds=1, **pauses))
    assert outcome.wrong == []

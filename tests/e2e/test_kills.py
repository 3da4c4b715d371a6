"""The small form of `make bench-kills`: real engines killed at a random token, and answers that go on by prefill."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.model
def test_answers_of_killed_engines_go_on_by_prefill_with_whole_seams() -> None:
    command = [
        sys.executable,
        "-m",
        "benchmarks.kills",
        "--times",
        "2",
        "--ways",
        "prefill",
        "--tokens",
        "16",
        "--json",
    ]
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(command, capture_output=True, text=True, timeout=140, check=False, cwd=root)
    assert done.returncode == 0, done.stdout + done.stderr
    (way,) = json.loads(done.stdout)["ways"]
    assert (way["kills"], way["lost"], way["broken_seams"], way["bad"]) == (2, 0, 0, [])

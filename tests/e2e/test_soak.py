"""The small form of `make soak`: some seconds of mixed traffic, with faults."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path


def test_mixed_traffic_over_faults_loses_nothing_and_leaves_nothing_behind() -> None:
    command = [sys.executable, "-m", "benchmarks.soak", "--minutes", "0.1", "--callers", "4", "--json"]
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(command, capture_output=True, text=True, timeout=140, check=False, cwd=root)
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads(done.stdout)
    assert result["whole"] > 0
    assert result["faults"]
    assert not result["broken"]

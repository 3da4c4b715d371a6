"""Under what a result was measured: figures of one machine, load and commit say nothing of another's."""

from __future__ import annotations

import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

_ROOT = Path(__file__).resolve().parents[1]


def circumstances() -> dict[str, Any]:
    """The first fields of a result: date, machine, Python, commit, load average of the last minute."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False, cwd=_ROOT
    )
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{psutil.cpu_count()} cores, {platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "commit": commit.stdout.strip(),
        "load_average": round(psutil.getloadavg()[0], 2),
    }

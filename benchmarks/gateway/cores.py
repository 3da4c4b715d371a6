"""Who runs where: the subject alone on the last core, everything else on the others, so that neither steals time."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence

_ALL = sorted(os.sched_getaffinity(0))
SUBJECT_CORES = _ALL[-1:]
LOAD_CORES = _ALL[:-1] or _ALL


def pinned(command: Sequence[str], cores: Sequence[int]) -> list[str]:
    """The command on these cores alone. `taskset` execs, so the process is the command's own."""
    taskset = shutil.which("taskset")
    return [taskset, "-c", ",".join(map(str, cores)), *command] if taskset else list(command)

"""For all tests: how hypothesis searches, no terminal, and that no secret reaches a log."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

from tests.leaks import no_secret_in_any_log, pytest_runtest_makereport

__all__ = ["no_secret_in_any_log", "pytest_runtest_makereport"]

# No test is about the speed of the machine it runs on. In CI a search is the same each time: what it finds elsewhere is
# kept as an example, and no landing fails for another's luck.
settings.register_profile(
    "potluck",
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
settings.load_profile("potluck")

# Side by side, tests are run by processes for which a terminal of 80 columns is invented.
os.environ.pop("COLUMNS", None)

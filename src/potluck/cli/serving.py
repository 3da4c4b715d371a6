"""From the command line of ``potluck up`` to the service, all of which is imported here."""

from __future__ import annotations

from pathlib import Path

import potluck.logs as _  # noqa: F401 - before all that logs: it keeps rich out
from potluck.app.serving import UpOptions, serve
from potluck.cli.places import DEFAULT_DATA, config_file
from potluck.cli.upline import LogFormat, UpLine


def run(line: UpLine) -> int:
    """Serve until stopped; the exit code. Raises `CliError` for a configuration that is not there."""
    return serve(
        UpOptions(
            config_path=config_file(Path(line.config) if line.config else None),
            data_dir=(Path(line.data) if line.data else DEFAULT_DATA).expanduser(),
            host=line.host or None,
            port=line.port,
            local=line.local,
            log_level=line.log_level,
            log_format="json" if line.log_format is LogFormat.JSON else "text",
        )
    )

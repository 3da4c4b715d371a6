"""The reference fleet in network namespaces: discovery, a cable cut, a reboot, a node that lies.

It needs Linux, iproute2, and leave to make namespaces: root, or a kernel that gives every user some of their own. Where
something is not installed it is skipped at home and fails in CI. Where the kernel forbids them, as in a container
without CAP_SYS_ADMIN, nothing on this side could cure that: it is skipped there too, and says so loudly.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.lan import NoNamespaces, walled

_STORY = Path(__file__).with_name("seven_hosts.py")
_LONGEST_S = 400.0


@pytest.mark.timeout(_LONGEST_S + 30, func_only=True)
def test_seven_hosts_with_the_reference_addresses(say: Any, tmp_path: Path) -> None:
    try:
        walls = walled()
    except NoNamespaces as error:
        reason = f"A FLEET OF SEVEN HOSTS IS NOT TESTED: {error}"
        if error.curable and os.environ.get("CI"):
            pytest.fail(reason)
        say(reason)
        pytest.skip(reason)
    # Without capture: the story watches its own stdin, whose end is ours.
    story = [sys.executable, "-m", "pytest", "-x", "-s", "-v", "--color=no", "-p", "no:cacheprovider", str(_STORY)]
    log = tmp_path / "story.log"
    with (
        log.open("wb") as out,
        subprocess.Popen(
            [*walls, *story, "--basetemp", str(tmp_path / "story")],
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        try:
            code = process.wait(_LONGEST_S)
        finally:
            process.kill()
    assert code == 0, log.read_text(errors="replace")

"""What the log says, and what it never says."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Iterator

import pytest
import structlog

from potluck.logs import LogFormat, Meant, configure, redacted

KEY = "pk-osTHPp" + "0123456789abcdefghijABCDEFGHIJ"


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    """Logging is the process's: leave it as it was found."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    structlog.reset_defaults()
    root.handlers = handlers
    root.setLevel(level)


def lines(capfd: pytest.CaptureFixture[str], form: LogFormat) -> list[str]:
    configure("info", form)
    structlog.get_logger().info("call failed", detail="", node=None, status=400, header=f"Bearer {KEY}")
    logging.getLogger("uvicorn").warning("GET /api/version?key=%s", KEY)
    return capfd.readouterr().err.splitlines()


def test_no_key_reaches_a_log(capfd: pytest.CaptureFixture[str]) -> None:
    for form in ("text", "json"):
        written = lines(capfd, form)
        assert len(written) == 2
        assert not any(KEY in line or KEY[12:] in line for line in written)


def test_a_link_that_is_handed_over_by_the_log_is_whole(capfd: pytest.CaptureFixture[str]) -> None:
    link = "http://127.0.0.1:8420/setup?token=0123456789abcdefghijABCDEFGHIJ"
    for form in ("text", "json"):
        configure("info", form)
        structlog.get_logger().info(Meant(f"set it up at {link}"), link=link)
        assert capfd.readouterr().err.count(link) == 1


def test_people_are_spared_empty_fields_and_programs_are_not(capfd: pytest.CaptureFixture[str]) -> None:
    text, _ = lines(capfd, "text")
    assert "status" in text
    assert "detail" not in text
    assert "node" not in text
    fields = json.loads(lines(capfd, "json")[0])
    assert (fields["detail"], fields["node"], fields["event"]) == ("", None, "call failed")


def test_what_is_left_of_a_key_is_its_shown_beginning() -> None:
    assert redacted(f"key {KEY}.") == "key pk-osTHPp…."


def test_stdout_is_not_for_logs() -> None:
    imports = "import structlog; from potluck.logs import configure"
    code = f"{imports}; configure('info', 'text'); structlog.get_logger().info('x')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    assert "x" in done.stderr

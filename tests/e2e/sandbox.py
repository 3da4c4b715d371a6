"""Where a third-party program runs: a home of its own, a small git repository, no way out but loopback."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# The variables by which the clients that these tests drive are told not to phone home. docs/guides/connect-a-client.md
# names those that a user may want; the rest only keeps the tests quiet.
QUIET = {
    "AIDER_ANALYTICS": "false",
    "AIDER_CHECK_UPDATE": "false",
    "ANONYMIZED_TELEMETRY": "false",
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "CONTINUE_TELEMETRY_ENABLED": "0",
    "DISABLE_AUTOUPDATER": "1",
    "DISABLE_ERROR_REPORTING": "1",
    "DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "LANGCHAIN_TRACING_V2": "false",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "OPENCODE_DISABLE_AUTOUPDATE": "1",
    "OPENCODE_DISABLE_LSP_DOWNLOAD": "1",
    "OPENCODE_DISABLE_MODELS_FETCH": "1",
}


@dataclass(frozen=True, slots=True)
class Done:
    """How a program ended."""

    command: str
    code: int
    out: str
    err: str

    def fine(self) -> Done:
        """Itself, if it exited with 0; else an assertion with all it said."""
        assert self.code == 0, f"{self}"
        return self

    def __str__(self) -> str:
        return f"{self.command}\nexit code {self.code}\n--- stdout\n{self.out[-4000:]}\n--- stderr\n{self.err[-4000:]}"


@dataclass(frozen=True, slots=True)
class Sandbox:
    """``path`` holds directories of programs, looked in before the system's. ``proxy`` refuses what leaves loopback."""

    home: Path
    project: Path
    proxy: str
    path: tuple[Path, ...] = ()

    def environment(self) -> dict[str, str]:
        """All of it: nothing comes from the machine but where its own programs are."""
        proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), self.proxy)
        nearby = dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1,localhost")
        return {
            "PATH": os.pathsep.join([*map(str, self.path), os.environ.get("PATH", os.defpath)]),
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "TERM": "dumb",
            "NO_COLOR": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            **proxies,
            **nearby,
            **QUIET,
        }

    def run(self, *command: str, timeout_s: float = 90.0, environment: Mapping[str, str] | None = None) -> Done:
        """Run to the end in the project's directory, without a terminal; `TimeoutError` says what it printed so far."""
        process = subprocess.Popen(
            command,
            cwd=self.project,
            env={**self.environment(), **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        try:
            out, err = process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
            done = Done(" ".join(command), -signal.SIGKILL, out, err)
            raise TimeoutError(f"not done within {timeout_s:.0f} s: {done}") from None
        return Done(" ".join(command), process.returncode, out, err)


def sandbox(directory: Path, proxy: str, *path: Path) -> Sandbox:
    """A fresh one under ``directory``: an empty home, and a repository with one committed file."""
    home, project = directory / "home", directory / "project"
    home.mkdir()
    project.mkdir()
    (home / ".gitconfig").write_text(
        "[user]\n\tname = Tester\n\temail = tester@example.org\n[init]\n\tdefaultBranch = main\n"
    )
    (project / "greet.py").write_text('def greet(name: str) -> str:\n    return f"Hello {name}"\n')
    made = Sandbox(home, project, proxy, path)
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "A start"]):
        made.run("git", *arguments).fine()
    return made

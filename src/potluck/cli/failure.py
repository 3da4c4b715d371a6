"""What ends a command: words for the user and an exit code."""

from __future__ import annotations

from typing import Final

from potluck.core.errors import PotluckError, with_hint

FAILED: Final = 1
USAGE: Final = 2
SERVICE: Final = 3
"""Only where 1 has a meaning of its own, as in ``review``."""
INTERRUPTED: Final = 130


class CliError(Exception):
    """Ends the command with one line on stderr. ``hint`` says what to do; ``code`` is the exit status."""

    def __init__(self, message: str, *, hint: str = "", code: int = FAILED) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code


class ServiceError(CliError):
    """The service cannot be reached, or refused. ``status`` is HTTP's, 0 where there was no answer."""

    def __init__(self, message: str, *, hint: str = "", status: int = 0) -> None:
        super().__init__(message, hint=hint)
        self.status = status


class Unreachable(ServiceError):
    """Nobody listens there: no service runs, or not at this address."""


def shown(error: CliError | PotluckError) -> str:
    """The line for stderr.

    >>> shown(CliError("No such model.", hint="Did you mean x?"))
    'Error: No such model. Did you mean x?'
    """
    return f"Error: {with_hint(_one_line(error.message), _one_line(error.hint))}"


def _one_line(text: str) -> str:
    return " ".join(text.split())

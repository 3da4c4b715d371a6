"""What is wrong with a config file, each thing with its place and a remedy."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import msgspec

from potluck.core.errors import OperatorError


class Severity(StrEnum):
    """A ``WARNING`` does not keep the file from being used."""

    ERROR = "error"
    WARNING = "warning"


class ConfigProblem(msgspec.Struct, frozen=True):
    """One thing to mend. ``line`` and ``column`` count from 1; 0 where the problem is the file itself.

    ``file`` is the path as it was given. No text here shows a secret.
    """

    file: str
    line: int
    column: int
    message: str
    hint: str = ""
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        """``FILE:LINE:COLUMN: [warning:] message hint``, as compilers do, so that editors find the place."""
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        mark = "warning: " if self.severity is Severity.WARNING else ""
        return f"{place}: {mark}{self.message} {self.hint}".rstrip()


class ConfigErrors(OperatorError):
    """The file cannot be used. ``problems`` holds everything that is wrong with it, in the order of its lines."""

    def __init__(self, problems: Sequence[ConfigProblem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)

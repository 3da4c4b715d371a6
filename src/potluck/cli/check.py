"""``potluck check``: everything that is wrong with the configuration, where, and what to do."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from potluck.cli.failure import FAILED
from potluck.cli.output import harmless, note, print_json
from potluck.cli.places import config_file
from potluck.cli.service import AsJson
from potluck.config.load import check as problems_of
from potluck.config.problems import ConfigProblem, Severity
from potluck.config.reference import json_schema

app = typer.Typer(rich_markup_mode=None, add_completion=False)

ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", help="The configuration; ./potluck.yaml if present.", metavar="FILE"),
]


@app.command()
def check(
    config: ConfigFile = None,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON schema of the file, for editors.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check the configuration; print every error with file, line and a hint.

    Exits with 1 if there is an error; a warning alone is none.
    """
    if schema:
        print_json(json_schema())
        return
    file = config_file(config)
    problems = problems_of(file, os.environ)
    if as_json:
        print_json({"file": None if file is None else str(file), "ok": not failed(problems), "problems": problems})
    else:
        for problem in problems:
            print(line(problem))
        if file is None:
            note("There is no potluck.yaml here: the defaults are used.")
        if not failed(problems):
            print("ok")
    if failed(problems):
        raise typer.Exit(FAILED)


def failed(problems: Sequence[ConfigProblem]) -> bool:
    """Whether the file cannot be used."""
    return any(problem.severity is Severity.ERROR for problem in problems)


def line(problem: ConfigProblem) -> str:
    """``FILE:LINE:COLUMN: error: message (hint)``, which editors can jump from."""
    place = f"{problem.file}:{problem.line}:{problem.column}" if problem.line else problem.file
    hint = f" ({problem.hint})" if problem.hint else ""
    return harmless(f"{place}: {problem.severity}: {problem.message}{hint}")

"""Read the owner's file: `load` to use it, `check` to say everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from potluck.config.model import Config
from potluck.config.problems import ConfigErrors, ConfigProblem


def load(path: Path | None, env: Mapping[str, str]) -> Config:
    """The settings of ``path``, or the defaults for None. ``env`` answers the file's ``${NAME}``.

    What is odd but usable stands in ``Config.warnings``. Raises `ConfigErrors` with all errors and warnings.
    """
    if path is None:
        return Config()
    from potluck.config.read import read  # noqa: PLC0415 - pydantic's 18 MB only where there is a file to check

    config, problems = read(path, env)
    if config is None:
        raise ConfigErrors(problems)
    return config


def check(path: Path | None, env: Mapping[str, str]) -> list[ConfigProblem]:
    """Every error and warning, in the order of the lines; none for the defaults."""
    try:
        return list(load(path, env).warnings)
    except ConfigErrors as error:
        return list(error.problems)

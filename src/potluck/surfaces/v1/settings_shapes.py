"""What the native API says and hears of settings."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import Meta

Plain: TypeAlias = str | int | float | bool | None


class SettingInfo(msgspec.Struct):
    """A setting. ``value`` is as it is written; of a secret only dots, null for one that is not set, for which
    ``default`` holds. ``source`` is what counts: ``portal`` for what was changed here, else the ``command line``, the
    ``environment`` (a variable that the file names), the ``file``, where ``line`` is, or the ``default``. What is
    not ``changeable`` here is changed in the file: then it holds when that is read again, or, with ``restart``, from
    the next start on.
    """

    key: str
    section: str
    type: str
    value: Any
    default: str
    source: Literal["portal", "command line", "environment", "file", "default"]
    line: int | None
    changeable: bool
    description: str
    restart: bool = False


class SettingsReply(msgspec.Struct):
    """``file`` is the configuration file's name, empty where there is none."""

    file: str
    settings: list[SettingInfo]


class SettingsChange(msgspec.Struct):
    """New values by key; null: as in the file again. All hold at once, or none."""

    changes: Annotated[dict[str, Plain], Meta(min_length=1, max_length=50)]


class SettingsChanged(msgspec.Struct):
    """``previous`` is what undoes it: the ``changes`` to ask for. ``settings`` are those that were asked for."""

    previous: dict[str, Plain]
    settings: list[SettingInfo]

"""Pages of listings by time, in SQL (`storage.cursors`)."""

from __future__ import annotations

from sqlalchemy import Column, ColumnElement, and_, or_

from potluck.storage.cursors import Mark


def older(time: Column[float], id_: Column[str], mark: Mark) -> ColumnElement[bool]:
    """The rows after ``mark``, where the newest come first and ids decide between equals."""
    return or_(time < mark.time_s, and_(time == mark.time_s, id_ < mark.id))

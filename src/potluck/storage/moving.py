"""Open databases to move from and to (`storage.sql.moving`)."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from potluck.storage.open import bring_up_to_date, engine_for, known_revision, url_of
from potluck.storage.sql.moving import Place
from potluck.storage.sql.schema import HEAD
from potluck.storage.sql.sqlite import open_read_only


@contextmanager
def open_place(url: str, *, clock: Callable[[], float], read_only: bool = False) -> Generator[Place, None, None]:
    """A database to move from or to, with this version's tables; raises as `open_storage`. ``read_only`` changes
    nothing in a SQLite file, and so finds the tables as they are."""
    parts = url_of(url)
    if read_only and parts.get_backend_name() == "sqlite":
        engine, traits = open_read_only(Path(parts.database or ""))
    else:
        engine, traits = engine_for(url, clock)
    place = Place(engine, traits)
    try:
        with place.reading() as connection:
            revision = known_revision(connection)
        if not read_only and revision != HEAD:
            with place.writing() as connection:
                bring_up_to_date(connection, traits=traits)
        yield place
    finally:
        engine.dispose()

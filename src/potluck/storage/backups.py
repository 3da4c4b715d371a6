"""Backups of an installation that keeps its state on its own disk: the database, the files' bytes, the keys.

A backup is a folder by the time it was made. Bytes of files lie beside all of them, once each, as links where that can
be: they never change. It is written under another name, and is there when it is whole. All here blocks: it is for a
thread or a command. Who may read a backup may read everything: folders are 0700, files 0600.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from potluck.core.errors import Conflict, NotFound, OperatorError
from potluck.storage.blobs.port import digest_of, is_digest, key_of
from potluck.storage.datadir import DataDir, write_private
from potluck.storage.sql.schema import REVISIONS

MANIFEST: Final = "manifest.json"
_DATABASE: Final = "database.db"
_DIGESTS: Final = "files.txt"
_BLOBS: Final = "blobs"
_PART: Final = ".part"
_NAME: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}-\d{2}-\d{2}Z(-\d+)?")
_CHUNK: Final = 1 << 20
_MOST_MANIFEST: Final = 1_000_000


class Manifest(msgspec.Struct):
    """What a backup holds. Times are Unix seconds; ``verified_s`` is when all of it was last read and found whole.
    ``schema`` is that of the database; ``with_files``: the bytes of files are here, and not in a bucket of their own.
    ``missing`` are digests of files whose bytes were not there when it was made.
    """

    name: str
    made_s: float
    version: str
    schema: str
    database_bytes: int
    database_sha256: str
    with_files: bool
    files: int
    files_bytes: int
    missing: list[str] = []
    verified_s: float | None = None


class Step(msgspec.Struct, frozen=True):
    """How far it is: ``done`` of ``total`` of a ``stage`` (``database``, ``files``, ``checking``)."""

    stage: str
    done: int = 0
    total: int = 0


Tell = Callable[[Step], None]


def listed(folder: Path) -> list[Manifest]:
    """The backups in a folder, the newest first. What is none is passed over."""
    try:
        names = [each.name for each in folder.iterdir() if _NAME.fullmatch(each.name)]
    except OSError:
        return []
    found: list[Manifest] = []
    for name in names:
        try:
            found.append(read(folder, name))
        except (NotFound, OperatorError):
            continue
    return sorted(found, key=lambda each: (each.made_s, each.name), reverse=True)


def read(folder: Path, name: str) -> Manifest:
    """Raises `NotFound`, and `OperatorError` for one that cannot be read."""
    if not _NAME.fullmatch(name):
        raise NotFound(f"There is no backup named '{name[:50]}'.")
    try:
        with (folder / name / MANIFEST).open("rb") as file:
            return msgspec.json.decode(file.read(_MOST_MANIFEST), type=Manifest)
    except FileNotFoundError as error:
        raise NotFound(f"There is no backup named '{name}'.") from error
    except (OSError, msgspec.MsgspecError) as error:
        raise OperatorError(f"The backup '{name}' cannot be read.", detail=str(error)) from error


def create(
    folder: Path, data: DataDir, database: Path, *, now_s: float, version: str, with_files: bool, tell: Tell
) -> Manifest:
    """Make one, of a service that may run. Raises `OperatorError`."""
    try:
        return _create(folder, data, database, now_s, version, with_files=with_files, tell=tell)
    except (OSError, sqlite3.Error) as error:
        raise OperatorError(
            f"The backup could not be made: {error}.", hint="Is there room, and may Potluck write there?"
        ) from error


def _create(
    folder: Path, data: DataDir, database: Path, now_s: float, version: str, *, with_files: bool, tell: Tell
) -> Manifest:
    """1. The database as it is at one moment. 2. The bytes it refers to. 3. The keys. 4. All on disk, and then
    named."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = _free_name(folder, now_s)
    part = folder / (name + _PART)
    part.mkdir(mode=0o700)
    try:
        tell(Step("database"))
        copy = part / _DATABASE
        _copy_database(database, copy)
        schema, blobs = _contents(copy)
        missing: list[str] = []
        if with_files:
            for done, (digest, _) in enumerate(blobs, start=1):
                if not _take(data.blobs / key_of(digest_of(digest)), folder / _BLOBS / key_of(digest_of(digest))):
                    missing.append(digest)
                tell(Step("files", done, len(blobs)))
        lost = frozenset(missing)
        kept = [each for each in blobs if with_files and each[0] not in lost]
        write_private(part / _DIGESTS, "".join(f"{digest} {size}\n" for digest, size in kept))
        for key in (data.secret_key, data.owner_key):
            if key.is_file():
                write_private(part / key.name, key.read_text("ascii"))
        manifest = Manifest(
            name=name,
            made_s=now_s,
            version=version,
            schema=schema,
            database_bytes=copy.stat().st_size,
            database_sha256=_sha256(copy),
            with_files=with_files,
            files=len(kept),
            files_bytes=sum(size for _, size in kept),
            missing=missing[:100],
        )
        _write_manifest(part, manifest)
        part.rename(folder / name)
        _sync(folder)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    return manifest


def _free_name(folder: Path, now_s: float) -> str:
    stem = datetime.fromtimestamp(now_s, UTC).strftime("%Y-%m-%dT%H-%M-%SZ")
    names = (stem, *(f"{stem}-{number}" for number in range(2, 1000)))
    return next(name for name in names if not any((folder / f"{name}{end}").exists() for end in ("", _PART)))


def _copy_database(source: Path, target: Path) -> None:
    """By SQLite's own backup: one moment of it, while others write."""
    with (
        closing(sqlite3.connect(f"file:{source.absolute()}?mode=ro", uri=True)) as read_from,
        closing(sqlite3.connect(target)) as write_to,
    ):
        target.chmod(0o600)
        read_from.backup(write_to)
        write_to.execute("PRAGMA journal_mode=DELETE")  # one file alone, to be carried anywhere
    _sync(target)


def _contents(database: Path) -> tuple[str, list[tuple[str, int]]]:
    """Its schema, and the bytes that its files refer to."""
    with closing(sqlite3.connect(f"file:{database.absolute()}?mode=ro", uri=True)) as connection:
        (schema,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        rows = connection.execute(
            "SELECT digest, size_bytes FROM blobs WHERE stored_s IS NOT NULL"
            " AND digest IN (SELECT digest FROM files) ORDER BY digest"
        ).fetchall()
    return str(schema), [(str(digest), int(size)) for digest, size in rows if is_digest(str(digest))]


def _take(source: Path, target: Path) -> bool:
    """Whether ``target`` has the bytes now: by a link, or on another disk by a copy."""
    if target.exists():
        return True
    if not source.exists():
        return False
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        fresh = target.with_name(target.name + ".new")
        shutil.copyfile(source, fresh)
        fresh.chmod(0o600)
        _sync(fresh)
        fresh.replace(target)
    return True


def verify(folder: Path, name: str, *, now_s: float, tell: Tell) -> list[str]:
    """Read all of it; what is wrong, nothing where it is whole. Raises as `read`."""
    manifest = read(folder, name)
    problems: list[str] = []
    database = folder / name / _DATABASE
    tell(Step("checking"))
    try:
        if _sha256(database) != manifest.database_sha256:
            problems.append("The database is not as it was written.")
        else:
            problems += _damage(database)
        blobs = list(_digests(folder / name))
        for done, (digest, size) in enumerate(blobs, start=1):
            file = folder / _BLOBS / key_of(digest_of(digest))
            if not file.is_file():
                problems.append(f"The bytes {digest} are not there.")
            elif file.stat().st_size != size or _sha256(file) != digest:
                problems.append(f"The bytes {digest} are damaged.")
            tell(Step("checking", done, len(blobs)))
    except (OSError, ValueError) as error:
        problems.append(f"It cannot be read: {error}.")
    if not problems:
        manifest.verified_s = now_s
        _write_manifest(folder / name, manifest)
    return problems


def _damage(database: Path) -> list[str]:
    try:
        with closing(sqlite3.connect(f"file:{database.absolute()}?mode=ro", uri=True)) as connection:
            found = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(5)")]
    except sqlite3.Error as error:
        return [f"The database is damaged: {error}."]
    return [] if found == ["ok"] else [f"The database is damaged: {each}." for each in found]


def restore(folder: Path, name: str, data: DataDir, *, now_s: float, replace: bool, tell: Tell) -> Path | None:
    """Put a backup in the place of what a data directory holds, which nobody uses meanwhile (`rundir.claim`).

    What was there is put aside, in the folder that is returned; None if there was nothing. Raises `Conflict` where
    there is something and ``replace`` is false, `NotFound`, and `OperatorError` for a backup that is not whole.
    """
    manifest = read(folder, name)
    if manifest.schema not in REVISIONS:
        raise OperatorError(
            f"The backup '{name}' was made by a newer version of Potluck ({manifest.version}).",
            hint="Install that version or a later one.",
        )
    if data.database.exists() and not replace:
        raise Conflict(
            "The data directory holds a database already.", hint="Give --replace to put it aside, or another --data."
        )
    if problems := verify(folder, name, now_s=now_s, tell=tell):
        raise OperatorError(f"The backup '{name}' is not whole. {problems[0]}", hint="Take an older one.")
    try:
        aside = _put_aside(data, now_s)
        blobs = list(_digests(folder / name))
        for done, (digest, _) in enumerate(blobs, start=1):
            _take(folder / _BLOBS / key_of(digest_of(digest)), data.blobs / key_of(digest_of(digest)))
            tell(Step("files", done, len(blobs)))
        for key in (data.secret_key, data.owner_key):
            if (held := folder / name / key.name).is_file():
                write_private(key, held.read_text("ascii"))
        fresh = data.database.with_name(data.database.name + ".new")
        shutil.copyfile(folder / name / _DATABASE, fresh)
        fresh.chmod(0o600)
        _sync(fresh)
        fresh.replace(data.database)
        _sync(data.root)
    except OSError as error:
        raise OperatorError(f"The backup could not be put back: {error}.", hint="Is there room?") from error
    return aside


def _put_aside(data: DataDir, now_s: float) -> Path | None:
    """The database with what belongs to it: what it is owed and what runs is of another time."""
    beside = [data.database.with_name(data.database.name + end) for end in ("", "-wal", "-shm")]
    own = (data.journal, data.generations, data.audit_head, data.secret_key, data.owner_key)
    there = [each for each in (*beside, *own) if each.exists()]
    if not there:
        return None
    stem = datetime.fromtimestamp(now_s, UTC).strftime("replaced-%Y-%m-%dT%H-%M-%SZ")
    aside = data.root / stem
    aside.mkdir(mode=0o700)
    for each in there:
        each.rename(aside / each.name)
    return aside


def forget(folder: Path, keep: int) -> list[str]:
    """Remove all but the newest ``keep``, and the bytes that none of these refers to; the names of the removed."""
    found = listed(folder)
    gone = [each.name for each in found[keep:]]
    for name in gone:
        (folder / name / MANIFEST).unlink(missing_ok=True)  # from here on it is none
        shutil.rmtree(folder / name, ignore_errors=True)
    wanted = {digest for each in found[:keep] for digest, _ in _digests(folder / each.name)}
    for file in (folder / _BLOBS).glob("[0-9a-f][0-9a-f]/*"):
        if file.name not in wanted:
            file.unlink(missing_ok=True)
    return gone


def _digests(backup: Path) -> Iterator[tuple[str, int]]:
    for line in _lines(backup / _DIGESTS):
        digest, _, size = line.partition(" ")
        yield digest, int(size)


def _lines(file: Path) -> Iterable[str]:
    with file.open(encoding="ascii") as lines:
        yield from (line.rstrip("\n") for line in lines)


def _write_manifest(backup: Path, manifest: Manifest) -> None:
    write_private(backup / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)).decode("ascii") + "\n")


def _sha256(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as data:
        while chunk := data.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

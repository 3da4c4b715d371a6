"""The data directory: what lies where, and that nobody else can read it."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from potluck.core.errors import Conflict, OperatorError
from potluck.core.keys import KEY_MARK, digest, make_key, prefix
from potluck.core.model import KeyId
from potluck.core.people import OWNER_ID, OWNER_NAME, Role
from potluck.storage.people_ports import KeyStore, UserStore
from potluck.storage.records import KeyRecord, UserRecord

_PRIVATE_DIR = 0o700
_PRIVATE_FILE = 0o600


class DataDir(msgspec.Struct, frozen=True):
    """Paths in a data directory. Nothing is touched by asking for them."""

    root: Path

    @property
    def database(self) -> Path:
        return self.root / "potluck.db"

    @property
    def owner_key(self) -> Path:
        """The owner's key in plain text, for commands on this machine. Mode 0600."""
        return self.root / "owner.key"

    @property
    def secret_key(self) -> Path:
        """What second factors are encrypted with, and known devices told by. Mode 0600; made when first needed."""
        return self.root / "secret.key"

    @property
    def models(self) -> Path:
        """GGUF files of the embedded engine."""
        return self.root / "models"

    @property
    def generations(self) -> Path:
        """Logs of answers under way, and of those that ended lately."""
        return self.root / "generations"

    @property
    def journal(self) -> Path:
        """What the database is still owed."""
        return self.root / "journal"

    @property
    def audit_head(self) -> Path:
        """The audit log's end, as this gateway saw it last."""
        return self.root / "audit.head"

    @property
    def history(self) -> Path:
        """The last hours of each machine, as they were at the last stop. Of no worth to anybody else."""
        return self.root / "history.bin"

    @property
    def backups(self) -> Path:
        """Backups that the service makes. They hold every secret that the database does."""
        return self.root / "backups"

    @property
    def blobs(self) -> Path:
        """Files' bytes; where these are kept elsewhere, those on their way there."""
        return self.root / "blobs"

    @property
    def waiting_blobs(self) -> Path:
        """Bytes of our own making that could not be brought to their store yet."""
        return self.blobs / "waiting"

    @property
    def run(self) -> Path:
        """What belongs to the process that runs now: lock, pid, address."""
        return self.root / "run"


def open_datadir(root: Path) -> DataDir:
    """Make the directory and those in it where they are missing; a new ``root`` is for its owner alone (0700).

    Raises `OperatorError` that names the path if it cannot be made or written.
    """
    data = DataDir(root)
    for folder in (root, data.models, data.run):
        try:
            folder.mkdir(mode=_PRIVATE_DIR, parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise OperatorError(
                f"The data directory cannot be used: {folder} is not a folder, or stands in a file.",
                hint="Choose another directory with --data.",
            ) from error
        except OSError as error:
            raise _unusable(folder, error) from error
    if not os.access(root, os.R_OK | os.W_OK | os.X_OK):
        raise OperatorError(
            f"The data directory {root} cannot be written.",
            hint="Give the user that runs Potluck the right to (chown, chmod u+rwx), or choose another with --data.",
        )
    return data


def _unusable(path: Path, error: OSError) -> OperatorError:
    return OperatorError(
        f"The data directory cannot be used: {path}: {error.strerror}.",
        hint="Give the user that runs Potluck the right to write there, or choose another directory with --data.",
    )


def read_owner_key(data: DataDir) -> str | None:
    """The key in the file; None if there is no file, or no key in it. Raises `OperatorError` if it cannot be read."""
    try:
        text = data.owner_key.read_text("ascii").strip()
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        return None
    except OSError as error:
        raise OperatorError(
            f"The owner's key {data.owner_key} cannot be read: {error.strerror}.",
            hint="Run this as the user that runs Potluck, or pass --key.",
        ) from error
    return text if text.startswith(KEY_MARK) else None


def ensure_secret_key(data: DataDir, random: bytes) -> bytes:
    """The data directory's secret; ``random`` (32 bytes) becomes it where there is none. Raises `OperatorError`."""
    try:
        text = data.secret_key.read_text("ascii").strip()
    except FileNotFoundError:
        write_private(data.secret_key, random.hex() + "\n")
        return random
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable_secret(data, str(error)) from error
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        raise _unreadable_secret(data, "it is not in hexadecimal digits") from error


def _unreadable_secret(data: DataDir, why: str) -> OperatorError:
    return OperatorError(
        "The data directory's secret.key cannot be read.",
        hint="Put a backup in its place; without it second factors must be set up anew.",
        detail=f"{data.secret_key}: {why}",
    )


async def ensure_owner(users: UserStore, *, now: float) -> None:
    """The user whom the owner's key belongs to, made where there is none yet. Raises `OperatorError`."""
    if any(user.id == OWNER_ID for user in await users.all()):
        return
    try:
        await users.add(UserRecord(OWNER_ID, OWNER_NAME, Role.OWNER, now))
    except Conflict as error:  # another gateway that starts at this moment may have made it
        if not any(user.id == OWNER_ID for user in await users.all()):
            raise OperatorError(
                f"The owner could not be kept: {error.message}", hint="Rename or remove that user."
            ) from error


async def ensure_owner_key(
    data: DataDir, keys: KeyStore, *, key_id: KeyId, random: bytes, now: float, name: str = OWNER_NAME
) -> str:
    """The owner's key, in its file and in the store, made or mended where it is not.

    Each gateway on one database has one of its own, by the ``name`` of the gateway.
    ``key_id`` and ``random`` (`core.keys.RANDOM_BYTES`) are for a new key, if one must be made:

    1. File and store agree: nothing changes, but the file's mode, if others could read it.
    2. The file's key was never in this store (a new database): it is added, so that who has it may go on.
    3. No file, no key in it, or a revoked one: a new key; the old one of that name is revoked.

    The file is written before the store: a crash between the two leaves case 2. Raises `OperatorError`.
    """
    records = await keys.all()
    key = read_owner_key(data)
    known = next((record for record in records if key is not None and record.digest == digest(key)), None)
    if key is not None and known is not None and known.live and known.owner:
        _tighten(data.owner_key)
        return key
    if key is None or known is not None:
        key = make_key(random)
        write_private(data.owner_key, key + "\n")
    new = KeyRecord(key_id, name, prefix(key), digest(key), now, owner=True, user=OWNER_ID)
    old = next((record for record in records if record.live and record.owner and record.name == name), None)
    try:
        if old is None:
            await keys.add(new)
        else:
            await keys.replace(old.id, new, now)
    except Conflict as error:
        raise OperatorError(
            f"The owner's key could not be kept: {error.message}",
            hint="Start again; if that does not help, another key has its name and is to be revoked.",
        ) from error
    return key


def _tighten(file: Path) -> None:
    try:
        if file.stat().st_mode & 0o077:
            file.chmod(_PRIVATE_FILE)
    except OSError as error:
        raise _unusable(file, error) from error


def write_private(file: Path, text: str) -> None:
    """Write a file that only its owner can read at any moment, whole or not at all, and on disk when this returns."""
    fresh = file.with_name(file.name + ".new")
    try:
        fresh.unlink(missing_ok=True)
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE_FILE)
        with os.fdopen(handle, "w", encoding="ascii") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        fresh.replace(file)
        folder = os.open(file.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise _unusable(file, error) from error

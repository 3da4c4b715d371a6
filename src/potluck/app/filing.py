"""Put files together: the store for bytes that the configuration names, and what keeps it in order."""

from __future__ import annotations

from collections.abc import Callable

from potluck.config.model import Config
from potluck.core.files import Quotas
from potluck.core.model import UserId
from potluck.gateway.blob_collection import collecting
from potluck.gateway.files import Files
from potluck.gateway.gallery import Gallery, Pixels, sweeping
from potluck.gateway.tasks import Tasks
from potluck.gateway.waiting_blobs import WaitingBlobs
from potluck.storage.blobs.disk import DiskBlobs
from potluck.storage.blobs.open import open_blobs
from potluck.storage.blobs.spool import clear_incoming
from potluck.storage.datadir import DataDir
from potluck.storage.ports import Storage
from potluck.surfaces.auth import Keyring


async def filing(
    config: Config,
    data: DataDir,
    storage: Storage,
    keyring: Keyring,
    tasks: Tasks,
    *,
    clock: Callable[[], float],
    new_id: Callable[[], str],
    random_bytes: Callable[[int], bytes],
) -> Files:
    """``clock`` is Unix seconds. Raises `OperatorError` for a bucket's URL that is not understood."""
    url = config.storage.blobs
    blobs = open_blobs(None if url is None else url.reveal(), data.blobs)
    clear_incoming(data.blobs)
    waiting = None
    if url is not None:
        waiting = WaitingBlobs(DiskBlobs(data.waiting_blobs), blobs, storage.files, clock)
        await waiting.restore()
        tasks.spawn(waiting.moving(), "files on their way to their store")

    def quota_of(user: UserId) -> int | None:
        return _quota_of(config.files.quotas, keyring, user)

    tasks.spawn(collecting(blobs, storage.files, clock), "unused files")
    return Files(
        blobs,
        waiting,
        storage.files,
        storage.settings,
        quota_of=quota_of,
        most_bytes=config.files.max_bytes,
        clock=clock,
        new_id=new_id,
        random_bytes=random_bytes,
    )


def gallery_of(
    config: Config,
    storage: Storage,
    files: Files,
    pixels: Pixels,
    keyring: Keyring,
    tasks: Tasks,
    clock: Callable[[], float],
) -> Gallery:
    """Pictures over ``files``, and what forgets old ones. ``clock`` is Unix seconds."""

    def kept_s() -> list[tuple[UserId, float]]:
        people = ((user.id, config.images.keeping.of(user.name, user.role)) for user in keyring.users())
        return [(user, keep_s) for user, keep_s in people if keep_s is not None]

    tasks.spawn(sweeping(storage.pictures, kept_s, clock), "old pictures")
    return Gallery(
        files,
        storage.pictures,
        pixels,
        quota_of=lambda user: _quota_of(config.images.quotas, keyring, user),
        clock=clock,
    )


def _quota_of(quotas: Quotas, keyring: Keyring, user: UserId) -> int | None:
    record = keyring.user(user)
    return None if record is None or record.disabled else quotas.of(record.name, record.role)

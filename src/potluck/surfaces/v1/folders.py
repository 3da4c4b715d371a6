"""``/api/v1/folders``: of conversations, the caller's own."""

from __future__ import annotations

from potluck.core.errors import BadRequest, Conflict
from potluck.storage.conversation_records import Folder
from potluck.surfaces.v1.exchange import Exchange, Reply
from potluck.surfaces.v1.portal_shapes import FolderInfo, FolderList, FolderName

# More than anybody finds anything in.
_MOST = 500


async def list_folders(exchange: Exchange) -> Reply:
    folders = await exchange.services.storage.folders.all(exchange.caller.user)
    return Reply(FolderList([folder_info(each) for each in folders]))


async def create_folder(exchange: Exchange, body: FolderName) -> Reply:
    services, user = exchange.services, exchange.caller.user
    if len(await services.storage.folders.all(user)) >= _MOST:
        raise Conflict(f"You have {_MOST} folders, and no more are kept.", hint="Remove some first.")
    folder = Folder(services.new_id(), user, _name(body), services.clock())
    await services.storage.folders.add(folder)
    return Reply(folder_info(folder))


async def rename_folder(exchange: Exchange, body: FolderName) -> Reply:
    folders = exchange.services.storage.folders
    return Reply(folder_info(await folders.rename(exchange.path["folder"], exchange.caller.user, _name(body))))


async def remove_folder(exchange: Exchange) -> Reply:
    """What is in it stays."""
    await exchange.services.storage.folders.remove(exchange.path["folder"], exchange.caller.user)
    return Reply(None)


def _name(body: FolderName) -> str:
    name = " ".join(body.name.split())
    if not name:
        raise BadRequest("A folder needs a name.", param="name", hint="Say what is to be in it.")
    return name


def folder_info(folder: Folder) -> FolderInfo:
    return FolderInfo(folder.id, folder.name, folder.conversations)

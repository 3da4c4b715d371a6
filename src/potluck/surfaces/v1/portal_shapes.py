"""What the native API takes and gives of folders, shares, prompts and preferences. The same rules as `shapes`."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

from potluck.surfaces.v1.conversation_shapes import ConversationThread
from potluck.surfaces.v1.shapes import Named

# --- Folders ----------------------------------------------------------------------------------------------------------


class FolderName(msgspec.Struct):
    name: Named


class FolderInfo(msgspec.Struct):
    """``conversations`` is how many are in it."""

    id: str
    name: str
    conversations: int = 0


class FolderList(msgspec.Struct):
    folders: list[FolderInfo]


# --- Shares -----------------------------------------------------------------------------------------------------------


class NewShare(msgspec.Struct, forbid_unknown_fields=True):
    """``leaf`` is the last message that is shown, by default that of the branch that is shown; what is said later is
    not. ``public``: who has the link need not sign in, where the owner lets that be (`portal.public_shares`)."""

    leaf: str = ""
    expires_in_s: Annotated[int, Meta(ge=60, le=315_360_000)] | None = None
    public: bool = False


class ShareInfo(msgspec.Struct):
    """``path`` is where the portal shows it. ``expires_at`` is null for one that lasts until it is withdrawn."""

    id: str
    conversation: str
    path: str
    public: bool
    created_at: str
    expires_at: str | None


class ShareList(msgspec.Struct):
    shares: list[ShareInfo]


class ShareQuery(msgspec.Struct):
    """``conversation`` leaves out the shares of all others."""

    conversation: str = ""


class OpenShare(msgspec.Struct):
    """``share`` is its id, from the link."""

    share: str


class SharedThread(msgspec.Struct):
    """What is shared: one branch, read only. ``by`` is whose it is."""

    id: str
    by: str
    public: bool
    created_at: str
    expires_at: str | None
    thread: ConversationThread


# --- Prompts ----------------------------------------------------------------------------------------------------------

PromptText = Annotated[str, Meta(min_length=1, max_length=50_000)]


class NewPrompt(msgspec.Struct):
    """``text`` may have places to fill in: ``{{name}}``, or ``{{name:what to propose}}``. ``shared``: everybody may use
    it."""

    name: Named
    text: PromptText
    shared: bool = False


class PromptPatch(msgspec.Struct, omit_defaults=True):
    """What is left out stays."""

    name: Named | UnsetType = UNSET
    text: PromptText | UnsetType = UNSET
    shared: bool | UnsetType = UNSET


class PromptVariable(msgspec.Struct):
    """``default`` is what is proposed, empty for nothing."""

    name: str
    default: str


class PromptInfo(msgspec.Struct):
    """``mine``: the caller may change it. ``variables`` are its places to fill in, in the order of the text."""

    id: str
    name: str
    text: str
    shared: bool
    mine: bool
    by: str
    variables: list[PromptVariable]
    updated_at: str


class PromptList(msgspec.Struct):
    prompts: list[PromptInfo]


# --- Preferences ------------------------------------------------------------------------------------------------------


SetupStep: TypeAlias = Literal["name", "machines", "chat"]


class Preferences(msgspec.Struct):
    """How somebody wants the portal. ``theme`` and ``language``: ``auto`` is as the browser has it. ``model`` is what a
    new conversation asks for, empty for what the service chooses. ``send`` is the key that sends a message.
    ``notifications``: tell when long work has ended. ``skipped`` are steps of the set-up that they do not want to see.
    """

    theme: Literal["auto", "light", "dark"] = "auto"
    language: Literal["auto", "en", "de"] = "auto"
    model: Annotated[str, Meta(max_length=200)] = ""
    send: Literal["enter", "mod-enter"] = "enter"
    notifications: bool = False
    skipped: list[SetupStep] = []


class PreferencesPatch(msgspec.Struct, omit_defaults=True):
    """What is left out stays. As of `Preferences`."""

    theme: Literal["auto", "light", "dark"] | UnsetType = UNSET
    language: Literal["auto", "en", "de"] | UnsetType = UNSET
    model: Annotated[str, Meta(max_length=200)] | UnsetType = UNSET
    send: Literal["enter", "mod-enter"] | UnsetType = UNSET
    notifications: bool | UnsetType = UNSET
    skipped: Annotated[list[SetupStep], Meta(max_length=3)] | UnsetType = UNSET


# --- Taken along, and brought -----------------------------------------------------------------------------------------

Format: TypeAlias = Literal["json", "markdown"]


class ExportQuery(msgspec.Struct):
    """``markdown`` is a ZIP with a file for each conversation."""

    format: Format = "json"


class ExportOneQuery(msgspec.Struct):
    """``branch`` is ``active``, the one that is shown, or the id of its last message; left out, JSON has all and
    Markdown the one that is shown."""

    format: Format = "json"
    branch: str = ""


class ImportQuery(msgspec.Struct):
    """Nothing is to be said: what the file is shows in it."""


class ImportSkipped(msgspec.Struct):
    title: str
    why: str


class LeftOut(msgspec.Struct):
    what: str
    count: int


class ImportReport(msgspec.Struct):
    """What was taken: ``conversations`` that are new or have new ``messages``; ``known`` were here already, whole.
    ``skipped`` could not be read, the first of them named with ``why``. ``left_out`` is what was not taken of the
    others, such as images, which exports do not hold."""

    conversations: int = 0
    messages: int = 0
    known: int = 0
    skipped: int = 0
    why: list[ImportSkipped] = []
    left_out: list[LeftOut] = []

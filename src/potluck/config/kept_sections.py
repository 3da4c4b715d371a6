"""Keys of the file for what is kept, where, how much of it and how long."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, PlainValidator

from potluck.config import model
from potluck.config.scalars import Duration, SecretText, Section, Size, Text, shown_as
from potluck.config.units import Unfit, parse_duration, parse_size
from potluck.core.files import NO_QUOTA
from potluck.core.people import Role


def _quota(value: object) -> int:
    return NO_QUOTA if value == "none" else parse_size(value)


def _retention(value: object) -> float | None:
    if value == "none":
        return None
    if (seconds := parse_duration(value)) < 3600:
        raise Unfit("be an hour at least, or none", "Such as 90d.")
    return seconds


Quota = Annotated[int, BeforeValidator(_quota), shown_as("size or `none`", {"type": "integer"}, {"type": "string"})]
Retention = Annotated[
    float | None,
    PlainValidator(_retention),
    shown_as("duration or `none`", {"type": "number"}, {"type": "string"}),
]
_AUDIT = model.AuditConfig()
_FILES = model.FilesConfig()
_QUOTAS = _FILES.quotas.roles
_USAGE = model.UsageConfig()


class AuditSection(Section):
    """What happened to people, keys and machines."""

    # A day at least: a mistyped unit must not forget what somebody is about to ask for.
    keep: Duration = Field(
        _AUDIT.keep_s, ge=86_400.0, description="How long entries of the audit log are kept; a day at least."
    )


class StorageSection(Section):
    """Where things are kept; each left out stays in the data directory."""

    database: SecretText | None = Field(
        None,
        description="The database's URL: `postgresql://USER:PASSWORD@HOST:PORT/DATABASE` or `sqlite:////PATH`; left "
        "out, a file in the data directory.",
    )
    redis: SecretText | None = Field(
        None,
        description="URL of a Redis that several Potlucks share: `redis://:PASSWORD@HOST:6379/0`, `rediss://…` or "
        "`unix://…`; left out, nothing is shared but the database.",
    )
    blobs: SecretText | None = Field(
        None,
        description="The bucket for files: `s3://KEY:SECRET@BUCKET/PREFIX?endpoint=https://HOST:PORT&region=R`. Key "
        "and secret may stand in `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY` instead; left out, a folder in the "
        "data directory.",
    )
    replicas: list[SecretText] = Field(
        [],
        description="Servers that follow the PostgreSQL of `database`: `postgresql://…` each. Conversations are listed "
        "and searched, usage and the request log are read, there; none of them has to answer.",
    )


class QuotaSection(Section):
    """How much the files of one user may take together: a size, or `none` for no limit."""

    owner: Quota = Field(_QUOTAS[Role.OWNER], description="For each owner.")
    admin: Quota = Field(_QUOTAS[Role.ADMIN], description="For each admin.")
    member: Quota = Field(_QUOTAS[Role.MEMBER], description="For each member. Guests keep no files.")
    users: dict[str, Quota] = Field({}, description="For single users, by their names, instead of their role's.")


class FilesSection(Section):
    """Files that people keep."""

    max_size: Size = Field(_FILES.max_bytes, ge=1, description="The largest file that is taken.")
    quota: QuotaSection = Field(QuotaSection.model_construct(), description="How much each user may keep.")


class RetentionSection(Section):
    """For how long pictures are kept that are no favourites: a duration, or `none` for ever, as where it is left
    out."""

    owner: Retention = Field(None, description="For each owner.")
    admin: Retention = Field(None, description="For each admin.")
    member: Retention = Field(None, description="For each member.")
    users: dict[str, Retention] = Field({}, description="For single users, by their names, instead of their role's.")


class StyleSection(Section):
    """Texts that go around a prompt, where they hold `{prompt}`, or behind it."""

    prompt: str = Field("", description="For what is to be seen: `photo of {prompt}, 35mm`.")
    negative: str = Field("", description="For what is not.")


class ImagesSection(Section):
    """Pictures: how they are made, and that people keep them in their galleries."""

    quota: QuotaSection = Field(
        QuotaSection.model_construct(),
        description="How much the pictures of one user may take together, apart from other files; who is over it asks "
        "for no more.",
    )
    keep: RetentionSection = Field(RetentionSection.model_construct(), description="For how long they are kept.")
    order: list[Text] = Field(
        [],
        description="Nodes, the primary one first: a picture goes to the first that can draw it and is up. Left out, "
        "where it will be finished first.",
    )
    memory: Literal["shared", "text", "pictures"] = Field(
        "shared",
        description="Who gives way where pictures and text share a node's memory: `shared`, idle models of either; "
        "`text`, pictures put no text model out; `pictures`, no text model puts theirs out.",
    )
    weights: Text | None = Field(
        None,
        description="Folder of diffusion weights that this machine draws with by itself, laid out as ComfyUI's "
        "`models`, from the config file's folder; left out, `diffusion/` in the data directory.",
    )
    workflows: dict[str, Text] = Field(
        {}, description="Graphs of your own by name: files that ComfyUI exported as API format, beside this one."
    )
    styles: dict[str, StyleSection] = Field({}, description="Styles that can be asked for by name.")
    wildcards: dict[str, list[Text]] = Field({}, description="Lists for `__name__` in prompts.")
    comfyui_port: int | None = Field(
        None,
        ge=1,
        le=65_535,
        description="A port for ComfyUI's clients, at the host of `server`; 8188 is what they expect. Left out, there "
        "is none.",
    )


class UsageSection(Section):
    """For how long it is kept what everybody used, and how single calls went."""

    keep: Duration = Field(_USAGE.keep_s, ge=86_400, description="The sums by day that `potluck usage` tells.")
    keep_requests: Duration = Field(
        _USAGE.keep_requests_s, ge=86_400, description="The request log that `potluck explain` tells from."
    )

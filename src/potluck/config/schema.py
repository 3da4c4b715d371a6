"""The file's shape: every key with its type, its default and its sentence. Defaults stand in `config.model` alone.

From here come the checks, the JSON schema for editors and docs/reference/config.md.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

from potluck.config import model
from potluck.config.access_sections import AccessSection
from potluck.config.call_sections import (
    ClassSection,
    GenerationsSection,
    LimitsSection,
    QueueSection,
    RescueSection,
    ServerSection,
)
from potluck.config.fleet_sections import (
    DiscoverySection,
    GatewaySection,
    HealthSection,
    LocalSection,
    NodeSection,
    RouteSection,
    local_section,
)
from potluck.config.kept_sections import AuditSection, FilesSection, ImagesSection, StorageSection, UsageSection
from potluck.config.scalars import Count, Duration, Section, Slots, Switch, Text
from potluck.config.units import Unfit
from potluck.core.scheduling.classes import Kind as Classes


def _service_name(value: object) -> str:
    name = " ".join(value.split()) if isinstance(value, str) else ""
    if not name or len(name) > 60 or not name.isprintable():
        raise Unfit("be a name of 1 to 60 letters, digits and signs that can be printed", "Such as 'Home AI'.")
    return name


ServiceName = Annotated[str, BeforeValidator(_service_name), WithJsonSchema({"type": "string", "x-type": "name"})]

# More names than anybody keeps in mind, and few enough for every listing of models.
_MOST_ALIASES = 500
_JOBS = model.JobsConfig()
_PORTAL = model.PortalConfig()


class JobsSection(Section):
    """Work in the background."""

    at_once: Slots = Field(_JOBS.at_once, description="How many run at once; each may ask models several things.")
    unfinished: Count = Field(_JOBS.unfinished, description="How many that are not finished each user may have.")
    keep: Duration = Field(_JOBS.keep_s, description="How long those that have ended are kept with their results.")


class PortalSection(Section):
    """What people see of the service, what the portal does by itself, and what people may show of it."""

    name: ServiceName = Field(
        _PORTAL.name, description="What the service is called, in the portal and where one signs in."
    )
    titles: Switch = Field(
        _PORTAL.titles,
        description="Whether a small model that is in memory gives conversations a title and tags after their first "
        "answer, in the background.",
    )
    public_shares: Switch = Field(
        _PORTAL.public_shares,
        description="Whether people may share a conversation with whoever has the link; left out, who reads one must "
        "sign in.",
    )


class FileSection(Section):
    """``potluck.yaml``. Every section may be left out."""

    nodes: dict[str, NodeSection] = Field({}, description="The machines, by names of your choice.")
    routes: dict[str, RouteSection] = Field({}, description="Policies, by the name that clients ask for as a model.")
    aliases: dict[str, Text] = Field(
        {},
        max_length=_MOST_ALIASES,
        description="Other names for models, routes or `auto`, for clients that ask for `gpt-4o` and the like: "
        "`{gpt-4o: llama3.2}`. A model's or route's own name goes before an alias.",
    )
    server: ServerSection = Field(ServerSection.model_construct(), description="Where Potluck listens.")
    limits: LimitsSection = Field(LimitsSection.model_construct(), description="What is refused for its size.")
    queue: QueueSection = Field(QueueSection.model_construct(), description="Calls that wait for a slot.")
    classes: dict[str, ClassSection] = Field(
        {},
        description="Limits by class of calls.",
        json_schema_extra={"propertyNames": {"enum": [kind.value for kind in Classes]}},
    )
    health: HealthSection = Field(HealthSection.model_construct(), description="How engines are watched.")
    rescue: RescueSection = Field(RescueSection.model_construct(), description="Answers whose engine breaks.")
    generations: GenerationsSection = Field(
        GenerationsSection.model_construct(), description="Answers of the native chat."
    )
    storage: StorageSection = Field(StorageSection.model_construct(), description="Where things are kept.")
    files: FilesSection = Field(FilesSection.model_construct(), description="Files that people keep.")
    images: ImagesSection = Field(ImagesSection.model_construct(), description="Pictures that people keep.")
    gateway: GatewaySection = Field(
        GatewaySection.model_construct(), description="This gateway among others on the same database."
    )
    access: AccessSection = Field(AccessSection.model_construct(), description="Who may come in, and for how long.")
    jobs: JobsSection = Field(JobsSection.model_construct(), description="Work in the background.")
    portal: PortalSection = Field(PortalSection.model_construct(), description="What the portal does by itself.")
    audit: AuditSection = Field(AuditSection.model_construct(), description="The audit log.")
    usage: UsageSection = Field(UsageSection.model_construct(), description="How long usage is kept.")
    discovery: DiscoverySection = Field(DiscoverySection.model_construct(), description="Where engines are looked for.")
    local: Annotated[LocalSection, BeforeValidator(local_section)] = Field(
        LocalSection.model_construct(), description="The embedded engine."
    )

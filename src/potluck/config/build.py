"""The checked file, turned into the frozen `Config`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from potluck.config import model
from potluck.config.access_sections import AccessSection, OpenIdSection, TrustedHeaderSection
from potluck.config.call_sections import ClassSection, GenerationsSection, LimitsSection, UseSection
from potluck.config.endpoint import endpoint
from potluck.config.fleet_sections import HedgeSection, LocalSection, NodeSection, RouteSection
from potluck.config.kept_sections import FilesSection, ImagesSection
from potluck.config.problems import ConfigProblem
from potluck.config.schema import FileSection
from potluck.core.files import Quotas
from potluck.core.galleries import Keeping
from potluck.core.generations import Unfinished
from potluck.core.hedging import HedgeRule
from potluck.core.limits import AMOUNTS, Limits, Rules
from potluck.core.model import EngineKind, ModelId, NodeId
from potluck.core.openid import OpenIdRules
from potluck.core.people import Role
from potluck.core.scheduling.classes import Kind


def build(file: FileSection, source: Path, warnings: tuple[ConfigProblem, ...]) -> model.Config:
    """``file`` must have passed every check. ``source``'s folder is where relative paths count from."""
    return model.Config(
        source=source,
        nodes={NodeId(name): _node(NodeId(name), node) for name, node in file.nodes.items()},
        routes={name: _route(name, route) for name, route in file.routes.items()},
        aliases=file.aliases,
        server=model.ServerConfig(
            file.server.host,
            file.server.port,
            file.server.drain,
            tuple(file.server.origins),
            file.server.url.rstrip("/"),
        ),
        limits=model.LimitsConfig(file.limits.max_body, file.limits.max_header, _rules(file.limits)),
        queue=model.QueueConfig(file.queue.depth, file.queue.max_wait),
        classes={Kind(name): _class(each) for name, each in file.classes.items()},
        health=model.HealthConfig(file.health.interval, file.health.reload_lost),
        rescue=model.RescueConfig(file.rescue.attempts, file.rescue.within, file.rescue.silence),
        generations=_generations(file.generations),
        access=_access(file.access),
        audit=model.AuditConfig(file.audit.keep),
        portal=model.PortalConfig(file.portal.name, file.portal.titles, file.portal.public_shares),
        jobs=model.JobsConfig(file.jobs.at_once, file.jobs.unfinished, file.jobs.keep),
        storage=model.StorageConfig(
            file.storage.database, file.storage.redis, file.storage.blobs, tuple(file.storage.replicas)
        ),
        files=_files(file.files),
        images=_images(file.images, source.parent),
        gateway=model.GatewayConfig(file.gateway.name, file.gateway.advertise),
        usage=model.UsageConfig(file.usage.keep, file.usage.keep_requests),
        discovery=model.DiscoveryConfig(file.discovery.mdns, tuple(file.discovery.scan), file.discovery.agent_key),
        local=_local(file.local, source.parent),
        warnings=warnings,
    )


def _access(section: AccessSection) -> model.AccessConfig:
    header = section.trusted_header
    return model.AccessConfig(
        section.session_idle,
        section.session_length,
        tuple(section.proxies),
        None if header is None else _trusted_header(header),
        tuple(model.TrustedNetwork(each.range, each.as_) for each in section.trusted_networks),
        None if section.oidc is None else _openid(section.oidc),
        section.secret_key,
    )


def _openid(section: OpenIdSection) -> model.OpenIdConfig:
    return model.OpenIdConfig(
        issuer=section.issuer,
        client_id=section.client_id,
        client_secret=section.client_secret,
        scopes=tuple(dict.fromkeys(("openid", *section.scopes))),
        label=section.label,
        redirect_uri=section.redirect_uri,
        rules=OpenIdRules(
            domains=frozenset(each.lower().removeprefix("@") for each in section.allow.domains),
            emails=frozenset(each.lower() for each in section.allow.emails),
            name_claim=section.name_claim,
            role_claim=section.role_claim or "",
            roles={value: Role(role) for value, role in section.roles.items()},
            default_role=None if section.default_role == "none" else Role(section.default_role),
            link_email=section.link_email,
        ),
    )


def _trusted_header(section: TrustedHeaderSection) -> model.TrustedHeaderConfig:
    groups = section.groups
    return model.TrustedHeaderConfig(
        proxies=tuple(section.proxies),
        user=section.user,
        email=section.email,
        groups=None if groups is None else groups.header,
        roles={} if groups is None else {group: Role(role) for group, role in groups.roles.items()},
        create=None if section.create == "none" else Role(section.create),
        secret=section.secret,
    )


def _generations(section: GenerationsSection) -> model.GenerationsConfig:
    return model.GenerationsConfig(
        section.alone,
        section.alone_per_key,
        section.keep,
        section.keep_size,
        Unfinished(section.unfinished),
        section.unfinished_within,
    )


def _files(section: FilesSection) -> model.FilesConfig:
    roles = {Role.OWNER: section.quota.owner, Role.ADMIN: section.quota.admin, Role.MEMBER: section.quota.member}
    return model.FilesConfig(section.max_size, Quotas(roles, section.quota.users))


def _images(section: ImagesSection, folder: Path) -> model.ImagesConfig:
    quota, keep = section.quota, section.keep
    roles = {Role.OWNER: quota.owner, Role.ADMIN: quota.admin, Role.MEMBER: quota.member}
    kept_s = {Role.OWNER: keep.owner, Role.ADMIN: keep.admin, Role.MEMBER: keep.member}
    keeping = Keeping({role: each for role, each in kept_s.items() if each is not None}, keep.users)
    return model.ImagesConfig(
        Quotas(roles, quota.users),
        keeping,
        order=tuple(NodeId(node) for node in section.order),
        memory=model.SharedMemory(section.memory),
        weights=None if section.weights is None else folder / section.weights,
        workflows={name: folder / file for name, file in section.workflows.items()},
        styles={name: model.StyleConfig(each.prompt, each.negative) for name, each in section.styles.items()},
        wildcards={name: tuple(each) for name, each in section.wildcards.items()},
        comfyui_port=section.comfyui_port,
    )


def _rules(section: LimitsSection) -> Rules:
    return Rules(
        _limits(section.default),
        {Role(name): _limits(each) for name, each in section.roles.items()},
        {name: _limits(each) for name, each in section.routes.items()},
    )


def _limits(section: UseSection) -> Limits:
    return Limits(
        **{name: getattr(section, name) for name in AMOUNTS},
        models=None if section.models is None else tuple(section.models),
        priority=None if section.priority is None else Kind(section.priority),
    )


def _node(name: NodeId, node: NodeSection) -> model.NodeConfig:
    return model.NodeConfig(
        id=name,
        address=node.address or "",
        memory_bytes=node.memory,
        engines=tuple(_engines(name, node)),
        agent=_agent(node),
    )


def _agent(node: NodeSection) -> model.AgentConfig | None:
    if node.agent is None or node.address is None:
        return None
    return model.AgentConfig(node.address, node.agent.port, node.agent.api_key)


def _engines(name: NodeId, node: NodeSection) -> Iterator[model.EngineConfig]:
    for engine in node.engines:
        where = endpoint(engine, node.address)
        if where is None:
            continue
        yield model.EngineConfig(
            node=name,
            kind=EngineKind(engine.kind),
            host=where.host,
            port=where.port,
            tls=where.tls,
            base_path=where.base_path,
            api_key=engine.api_key,
            models=tuple(ModelId(each) for each in engine.models),
            slots=engine.slots,
            context=engine.context,
        )


def _route(name: str, route: RouteSection) -> model.RouteConfig:
    return model.RouteConfig(
        name=name,
        models=tuple(ModelId(each) for each in route.models),
        weights={NodeId(node): weight for node, weight in route.weights.items()},
        order=tuple(NodeId(node) for node in route.order),
        policy=model.Policy(route.policy),
        hedge=None if route.hedge is None else _hedge(route.hedge),
    )


def _hedge(hedge: HedgeSection) -> HedgeRule:
    if isinstance(hedge.after, str):
        return HedgeRule(quantile=int(hedge.after.removeprefix("p")) / 100, share=hedge.share)
    return HedgeRule(after_s=hedge.after, share=hedge.share)


def _class(said: ClassSection) -> model.ClassConfig:
    return model.ClassConfig(said.first, said.finish, said.priority, said.max_wait, said.waiting, said.running)


def _local(local: LocalSection, folder: Path) -> model.LocalConfig:
    return model.LocalConfig(
        enabled=local.enabled,
        models_dir=None if local.models_dir is None else folder / local.models_dir,
        idle_unload_s=local.idle_unload,
        slots=local.slots,
        threads=local.threads,
        context=local.context,
        hub=local.hub.rstrip("/"),
        hub_token=local.hub_token,
    )

"""Keys of the file for machines, the engines on them, the routes to them, and how they are found and watched."""

from __future__ import annotations

import re
from typing import Annotated, Literal, TypeAlias, cast

from pydantic import BeforeValidator, Field, PlainValidator

from potluck.config import model
from potluck.config.scalars import (
    Address,
    Context,
    Duration,
    HeaderSecret,
    Network,
    Port,
    Section,
    Size,
    Slots,
    Switch,
    Text,
    Url,
    no_bool,
    shown_as,
)
from potluck.config.units import Unfit, parse_duration
from potluck.core.hedging import HedgeRule


def local_section(value: object) -> object:
    """``true`` and ``false`` are short for a mapping; a mapping wants the engine unless it says otherwise."""
    if isinstance(value, bool):
        return {"enabled": value}
    if isinstance(value, dict):
        keys = cast("dict[str, object]", value)
        return {"enabled": True, **keys}
    raise Unfit("be true, false or a mapping of keys")


def _agent(value: object) -> object:
    """``true`` is short for an agent as it is without options, ``false`` for none."""
    if isinstance(value, bool):
        return {} if value else None
    if isinstance(value, dict):
        return cast("dict[str, object]", value)
    raise Unfit("be true, false or a mapping of keys")


def _hedge(value: object) -> object:
    """``true`` is short for a hedge as it is without keys, ``false`` for none."""
    if isinstance(value, bool):
        return {} if value else None
    if isinstance(value, dict):
        return cast("dict[str, object]", value)
    raise Unfit("be true, false or a mapping of keys")


def _lateness(value: object) -> float | str:
    """A percentile stays as it is written."""
    text = value.strip() if isinstance(value, str) else ""
    if re.fullmatch(r"p[5-9]\d", text):
        return text
    try:
        seconds = parse_duration(value)
    except Unfit:
        seconds = 0.0
    if seconds < 0.1:
        raise Unfit("be p50 to p99, or a duration of 100ms at least", "Such as p95 or 2s.")
    return seconds


Weight = Annotated[
    float, BeforeValidator(no_bool), Field(ge=0, le=1e9), shown_as("number", {"type": "number", "minimum": 0})
]
Share = Annotated[
    float, BeforeValidator(no_bool), Field(gt=0, le=0.25), shown_as("number", {"type": "number", "maximum": 0.25})
]
Lateness = Annotated[
    float | str,
    PlainValidator(_lateness),
    shown_as("percentile or duration", {"type": "number"}, {"type": "string"}),
]
Kind: TypeAlias = Literal["ollama", "llamacpp", "openai", "comfyui", "a1111"]

# It goes into the header x-potluck-node and into engine ids, where "/" and ":" have a meaning.
NAME_PATTERN = r"[A-Za-z0-9][A-Za-z0-9_.-]*"

# The port each kind of server listens on if nobody says otherwise (its own default; for `openai`, that of vLLM).
USUAL_PORTS = {"ollama": 11434, "llamacpp": 8080, "openai": 8000, "comfyui": 8188, "a1111": 7860}


class EngineSection(Section):
    """A server that runs models."""

    kind: Kind = Field(description="What server it is. `comfyui` and `a1111` draw pictures.")
    port: Port | None = Field(
        None,
        description="Its port on the node's address; left out, the one usual for its kind: "
        + ", ".join(f"{kind} {port}" for kind, port in USUAL_PORTS.items())
        + ".",
    )
    url: Url | None = Field(
        None, description="Where it listens, with a path if it has one, instead of `address`, `port` and `tls`."
    )
    tls: Switch = Field(False, description="Whether it speaks HTTPS.")
    api_key: HeaderSecret | None = Field(
        None, description="The key that Potluck shows to this engine. Clients' keys never reach an engine."
    )
    models: list[Text] = Field([], description="Its models, for a server that does not list them.")
    slots: Slots | None = Field(
        None, description="How many generations it runs at once; left out, what the engine tells, else 1."
    )
    context: Context | None = Field(
        None, description="Its models' context in tokens, where the engine does not tell or less is wanted."
    )


class AgentSection(Section):
    """What tells how much the machine has left: a running `potluck agent`. `agent: true` is one without a key."""

    port: Port = Field(model.AgentConfig("").port, description="Its port on the node's address.")
    api_key: HeaderSecret | None = Field(None, description="The key that it was started with.")


class NodeSection(Section):
    """A machine."""

    address: Address | None = Field(
        None, description="Its host name or IP address. It may be left out if every engine has a `url`."
    )
    memory: Size | None = Field(None, ge=1, description="Memory that models may fill. Left out, it is learned.")
    agent: Annotated[AgentSection | None, BeforeValidator(_agent)] = Field(
        None, description="The node agent that runs there, or `true`; left out, its machine is not asked."
    )
    engines: list[EngineSection] = Field([], description="The servers on it that run models.")


_HEDGE = HedgeRule()


class HedgeSection(Section):
    """Streams whose first byte is late are asked of a second engine as well. `hedge: true` is one without keys."""

    after: Lateness = Field(
        f"p{_HEDGE.quantile * 100:.0f}",
        description="How late: `p95` is when 95 of 100 first bytes are there, as learned of each model on each engine; "
        "or a duration.",
    )
    share: Share = Field(_HEDGE.share, description="The most of the route's calls that a second engine is asked for.")


class RouteSection(Section):
    """A policy. Its name can be asked for as a model."""

    models: list[Text] = Field([], description="Models in order of preference; left out, any that fits.")
    weights: dict[str, Weight] = Field(
        {}, description="How much of the calls each node is to get, relative to the others: a start to learn from."
    )
    order: list[Text] = Field(
        [], description="Nodes in order of preference, instead of weights: the next one helps where the first cannot."
    )
    policy: Literal["learned", "weighted"] = Field(
        model.RouteConfig("").policy.value, description="`weighted` makes the weights exact instead of a start."
    )
    hedge: Annotated[HedgeSection | None, BeforeValidator(_hedge)] = Field(
        None,
        description="When a second engine is asked as well because the first one is late, or `true`; left out, never.",
    )


_DISCOVERY = model.DiscoveryConfig()
_LOCAL = model.LocalConfig()


class HealthSection(Section):
    """How engines are watched."""

    interval: Duration = Field(
        model.HealthConfig().interval_s, ge=0.1, description="The pause between two looks at an engine that is well."
    )
    reload_lost: Switch = Field(
        model.HealthConfig().reload_lost,
        description="Whether models in use on a machine that goes down are loaded on others that have them, before the "
        "next call; only where memory is free, and never while calls wait.",
    )


class GatewaySection(Section):
    """This gateway among others that use the same PostgreSQL database."""

    name: Text | None = Field(
        None, description="What it is called in logs and listings; left out, the machine's name and the port."
    )
    advertise: Url | None = Field(
        None,
        description="Where the other gateways reach it, such as `http://192.168.1.20:8420`; left out, where it "
        "listens.",
    )


class DiscoverySection(Section):
    """Where engines are looked for beside `nodes`."""

    mdns: Switch = Field(
        _DISCOVERY.mdns,
        description="Whether to listen for node agents and engines that announce themselves by multicast DNS.",
    )
    scan: list[Network] = Field(
        [],
        description="Networks of your own, such as `192.168.1.0/24`, whose usual ports are knocked at once an hour; "
        "each at most a /20.",
    )
    agent_key: HeaderSecret | None = Field(
        None,
        description="The key that your node agents were started with. It is never sent to find them: both sides prove "
        "that they have it, and so a machine is known again at another address.",
    )


class LocalSection(Section):
    """The embedded engine. `local: true` and `local: false` are short for `enabled`."""

    enabled: Switch | None = Field(
        None, description="Whether it runs; left out, it does if no engine is configured or `local` has other keys."
    )
    models_dir: Text | None = Field(
        None,
        description="Folder of GGUF files, from the config file's folder; left out, `models/` in the data directory.",
    )
    idle_unload: Duration = Field(
        _LOCAL.idle_unload_s,
        description="How long an unused model stays loaded; 0 keeps it for ever. The first one always stays.",
    )
    slots: Slots = Field(_LOCAL.slots, description="How many generations each model runs at once.")
    threads: Slots | None = Field(None, description="Threads for each model; left out, one for each core.")
    context: Context = Field(
        _LOCAL.context, description="Context of each slot in tokens, at most what the model was made for."
    )
    hub: Url = Field(
        _LOCAL.hub,
        description="The hub that `potluck models pull hf.co/OWNER/REPO` asks; it may stand inside the network.",
    )
    hub_token: HeaderSecret | None = Field(
        None, description="The token that Potluck shows to the hub, for repositories that are not for everybody."
    )

"""Who is measured: Potluck and its peers in front of the nodes, each set up as well as its documentation allows.

The peers are installed by `make bench-gateway ARGS=--peers`. Their settings stand in docs/reference/faults.md.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from faults.clients import (
    ANTHROPIC,
    DIALECTS,
    OLLAMA_CHAT,
    OLLAMA_GENERATE,
    OPENAI_CHAT,
    OPENAI_COMPLETION,
    Access,
    Dialect,
)
from faults.nodes import SLOTS, Nodes
from native import CACHE, free_ports
from peers import PEERS
from processes import running
from subjects import NGINX as PLAIN_NGINX
from subjects import POTLUCK as PLAIN_POTLUCK
from subjects import Start

# Longer than the slowest load, of 45 s: a shorter one would end hangs sooner, and lose every answer of a cold engine.
PATIENCE_S = 60
# How long a node that broke is shunned. Short, as a machine that came back should be used again.
SHUNNED_S = 3
_STARTED_AT_ONCE = 3

_PEERS = {each.name: each for each in PEERS}


@dataclass(frozen=True, slots=True)
class Process:
    """One process to start, and at which port each of the nodes behind it is asked for."""

    start: Start
    behind: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Subject:
    """``processes`` makes of all nodes what is to be started. ``pause_s``: how long it shuns a node that broke, so that
    the next round begins when it has forgotten. ``calls_per_s``: as fast as it can be asked without being the
    bottleneck itself. ``can`` returns why it cannot be measured, or nothing.
    """

    name: str
    does: str
    dialects: Sequence[Dialect]
    processes: Callable[[Sequence[Nodes], Path], Sequence[Process]]
    can: Callable[[], str]
    version: Callable[[], str]
    patience_s: float = 30.0
    pause_s: float = SHUNNED_S + 2.0
    calls_per_s: float = 40.0


@asynccontextmanager
async def started(subject: Subject, nodes: Sequence[Nodes]) -> AsyncIterator[Mapping[str, Access]]:
    """Where each of the nodes' models is asked for. Raises `native.BenchError` if a process gives no answer."""
    found: dict[str, Access] = {}
    turns = asyncio.Semaphore(_STARTED_AT_ONCE)
    with tempfile.TemporaryDirectory(prefix="potluck-faults-") as home:
        async with AsyncExitStack() as stack:

            async def up(number: int, process: Process) -> None:
                # In a thread, since the engines that it waits for live in this loop.
                folder = Path(home) / str(number)
                folder.mkdir(exist_ok=True)
                one = running(process.start, folder, subject.patience_s)
                async with turns:
                    headers = (await asyncio.to_thread(one.__enter__)).headers
                stack.push_async_callback(asyncio.to_thread, one.__exit__, None, None, None)
                key = headers.get("authorization", "Bearer none").removeprefix("Bearer ")
                found.update({name: Access(f"http://127.0.0.1:{port}", key) for name, port in process.behind.items()})

            made = subject.processes(nodes, Path(home))
            await asyncio.gather(*(up(number, process) for number, process in enumerate(made)))
            yield found


def _path(nodes: Nodes) -> str:
    return "/api/chat" if nodes.kind == "ollama" else "/v1/chat/completions"


# --- Potluck: nothing is set but where the engines are ---


def _potluck(nodes: Sequence[Nodes], home: Path) -> Sequence[Process]:
    (port,) = free_ports(1)
    config, data = home / "potluck.yaml", home / "data"
    machines = {
        f"{each.name}-{number}": {
            "address": "127.0.0.1",
            "engines": [{"kind": each.kind, "port": engine, "slots": SLOTS}],
        }
        for each in nodes
        for number, engine in enumerate(each.ports, 1)
    }
    config.write_text(json.dumps({"nodes": machines, "local": False, "discovery": {"mdns": False}}))  # JSON is YAML

    def key() -> Mapping[str, str]:
        return {"authorization": f"Bearer {(data / 'owner.key').read_text().strip()}"}

    program = str(Path(sys.executable).with_name("potluck"))
    command = [program, "up", "--config", str(config), "--data", str(data), "--port", str(port)]
    start = Start(command, port, {}, key, model=nodes[0].name)
    return [Process(start, {each.name: port for each in nodes})]


# --- nginx ---

_NGINX = """
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log stderr error;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host localhost;
    proxy_buffering off;
    proxy_connect_timeout 2s;
    proxy_read_timeout {patience_s}s;
    proxy_next_upstream error timeout invalid_header http_500 http_502 http_503 http_504 http_429 non_idempotent;
    proxy_next_upstream_tries 3;
{servers}}}
"""
_SERVER = """    upstream {name} {{
        zone {name} 64k;
        least_conn;
{upstreams}        keepalive 16;
    }}
    server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://{name}; }} }}
"""


def nginx_config(nodes: Mapping[str, tuple[int, Sequence[int]]], folder: str) -> str:
    """By name: the port to listen at, and those of its engines."""
    servers = [
        _SERVER.format(
            name=name,
            port=port,
            upstreams="".join(
                f"        server 127.0.0.1:{engine} max_fails=1 fail_timeout={SHUNNED_S}s;\n" for engine in engines
            ),
        )
        for name, (port, engines) in nodes.items()
    ]
    return _NGINX.format(folder=folder, patience_s=PATIENCE_S, servers="".join(servers))


def _nginx(nodes: Sequence[Nodes], home: Path) -> Sequence[Process]:
    ports = free_ports(len(nodes))
    behind = {each.name: port for each, port in zip(nodes, ports, strict=True)}
    config = home / "nginx.conf"
    config.write_text(nginx_config({each.name: (behind[each.name], each.ports) for each in nodes}, str(home)))
    command = [shutil.which("nginx") or "nginx", "-p", str(home), "-c", str(config)]
    return [Process(Start(command, ports[0], model=nodes[0].name, path=_path(nodes[0])), behind)]


# --- LiteLLM ---

LITELLM_SETTINGS: Mapping[str, object] = {
    "num_retries": 3,
    "retry_after": 0,
    "allowed_fails": 0,
    "cooldown_time": SHUNNED_S,
    "timeout": PATIENCE_S,
    "stream_timeout": PATIENCE_S,
    "routing_strategy": "simple-shuffle",
}
_AGAIN = "-again"


def _litellm(nodes: Sequence[Nodes], home: Path) -> Sequence[Process]:
    (port,) = free_ports(1)
    models = [
        {
            "model_name": group,
            "litellm_params": {
                "model": f"openai/{each.name}", "api_base": f"http://127.0.0.1:{engine}/v1", "api_key": "none"
            },
        }
        for each in nodes
        for group in (each.name, each.name + _AGAIN)
        for engine in each.ports
    ]  # fmt: skip
    # A stream that broke before its first word goes to a fallback, never to its own group: so there is a second one.
    fallbacks = [{each.name: [each.name + _AGAIN]} for each in nodes]
    config = home / "config.yaml"
    config.write_text(
        json.dumps(
            {
                "model_list": models,
                "router_settings": {**LITELLM_SETTINGS, "fallbacks": fallbacks},
                "general_settings": {"master_key": "sk-bench"},
                "litellm_settings": {
                    "request_timeout": PATIENCE_S,
                    "drop_params": True,
                    # Else it asks OpenAI-compatible engines by the Responses API, which llama.cpp has not.
                    "use_chat_completions_url_for_anthropic_messages": True,
                },
            }
        )
    )
    environment = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR", "LITELLM_MODE": "PRODUCTION"}
    options = ["--host", "127.0.0.1", "--port", str(port), "--num_workers", "1"]
    start = Start(
        [str(CACHE / "litellm" / "bin" / "litellm"), "--config", str(config), *options],
        port,
        environment,
        lambda: {"authorization": "Bearer sk-bench"},
        model=nodes[0].name,
    )
    return [Process(start, {each.name: port for each in nodes})]


# --- sglang-router ---

SGLANG_OPTIONS = [
    "--policy", "round_robin",
    "--retry-max-retries", "5",
    "--retry-initial-backoff-ms", "50",
    "--cb-failure-threshold", "1",
    "--cb-success-threshold", "1",
    "--cb-timeout-duration-secs", str(SHUNNED_S),
    "--health-check-interval-secs", str(SHUNNED_S),
    "--health-check-timeout-secs", "2",
    "--health-failure-threshold", "1",
    "--health-success-threshold", "1",
    "--worker-startup-check-interval", "1",
    "--request-timeout-secs", str(PATIENCE_S),
]  # fmt: skip


def _sglang(nodes: Sequence[Nodes], home: Path) -> Sequence[Process]:
    """It has one set of engines, whatever model is asked for: so it is started once for each."""
    ports = free_ports(2 * len(nodes))
    made: list[Process] = []
    for number, each in enumerate(nodes):
        port, metrics = ports[2 * number : 2 * number + 2]
        engines = [f"http://127.0.0.1:{engine}" for engine in each.ports]
        listens = ["--host", "127.0.0.1", "--port", str(port), "--log-level", "error"]
        told = ["--prometheus-port", str(metrics), "--prometheus-host", "127.0.0.1"]
        program = [str(CACHE / "sglang-router" / "bin" / "python"), "-m", "sglang_router.launch_router"]
        command = [*program, "--worker-urls", *engines, *listens, *told, *SGLANG_OPTIONS]
        made.append(Process(Start(command, port, model=each.name), {each.name: port}))
    return made


SUBJECTS: Mapping[str, Subject] = {
    each.name: each
    for each in (
        Subject(
            "potluck",
            "As `potluck up` runs it, with nothing set but its engines.",
            tuple(DIALECTS.values()),
            _potluck,
            PLAIN_POTLUCK.ready,
            PLAIN_POTLUCK.version,
        ),
        Subject(
            "nginx",
            "Relays bytes; asks the next engine where the first refuses, says 429 or 5xx, or is silent for too long.",
            (OPENAI_CHAT, OPENAI_COMPLETION, OLLAMA_CHAT, OLLAMA_GENERATE),
            _nginx,
            PLAIN_NGINX.ready,
            PLAIN_NGINX.version,
        ),
        Subject(
            "litellm",
            "Retries, cools engines down, and goes to a fallback where a stream broke before its first word.",
            (OPENAI_CHAT, OPENAI_COMPLETION, ANTHROPIC),
            _litellm,
            _PEERS["litellm"].ready,
            _PEERS["litellm"].version,
            patience_s=180.0,
            calls_per_s=8.0,
        ),
        Subject(
            "sglang-router",
            "Retries on other engines, with a circuit breaker and health checks.",
            (OPENAI_CHAT, OPENAI_COMPLETION),
            _sglang,
            _PEERS["sglang-router"].ready,
            _PEERS["sglang-router"].version,
            patience_s=60.0,
        ),
    )
}

"""The other gateways: each in a folder of its own under `native.CACHE`, installed on first use, at a fixed version.

Each is set up as its documentation says for one process on one core, with the choice among engines that costs it least.
"""

from __future__ import annotations

import functools
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from native import CACHE, Upstream, free_ports
from subjects import MODEL, Start, Subject

_INSTALL_S = 900.0


def _python(folder: str, requirement: str) -> Callable[[], str]:
    """Installs a package with pip into a virtual environment of its own, once."""

    @functools.cache
    def ready() -> str:
        place = CACHE / folder
        done = place / ".installed"
        if done.exists() and done.read_text() == requirement:
            return ""
        sys.stderr.write(f"installing {requirement} …\n")
        pip = [str(place / "bin" / "python"), "-m", "pip", "install", "--quiet", requirement]
        return _install([[sys.executable, "-m", "venv", "--clear", str(place)], pip], place, done, requirement)

    return ready


def _node(folder: str, requirement: str) -> Callable[[], str]:
    """Installs a package with npm into a folder of its own, once."""

    @functools.cache
    def ready() -> str:
        if shutil.which("npm") is None:
            return "it needs npm"
        place = CACHE / folder
        done = place / ".installed"
        if done.exists() and done.read_text() == requirement:
            return ""
        sys.stderr.write(f"installing {requirement} …\n")
        npm = ["npm", "install", "--silent", "--no-fund", "--no-audit", "--prefix", str(place), requirement]
        return _install([npm], place, done, requirement)

    return ready


def _install(commands: list[list[str]], place: Path, done: Path, requirement: str) -> str:
    place.mkdir(parents=True, exist_ok=True)
    for command in commands:
        try:
            made = subprocess.run(command, capture_output=True, text=True, timeout=_INSTALL_S, check=False)
        except subprocess.TimeoutExpired:
            return f"{requirement} took too long to install"
        if made.returncode:
            said = (made.stderr or made.stdout).strip().splitlines() or ["no reason given"]
            return f"{requirement} cannot be installed: {said[-1]}"
    done.write_text(requirement)
    return ""


def _peer(requirement: str) -> Callable[[], str]:
    return lambda: requirement.rpartition("@" if requirement.startswith("@") else "==")[2]


# --- routers in Rust ---


def _urls(up: Upstream) -> list[str]:
    return [f"http://127.0.0.1:{port}" for port in (up.first, up.second)]


def _router(program: list[str]) -> Callable[[Upstream, int, Path], Start]:
    def start(up: Upstream, port: int, folder: Path) -> Start:
        options = ["--host", "127.0.0.1", "--port", str(port), "--policy", "round_robin", "--log-level", "error"]
        metrics = ["--prometheus-port", str(free_ports(1)[0]), "--prometheus-host", "127.0.0.1"]
        return Start([*program, "--worker-urls", *_urls(up), *options, *metrics], port)

    return start


_ROUTES = "Parses the body, round robin over two engines, health checks, retries, metrics. No keys, no record of calls."

_SGLANG = "sglang-router==0.3.2"
_VLLM = "vllm-router==0.1.17"
_SMG = "smg==1.13.0"

# --- LiteLLM ---

# 1.107.0 is reported as compromised; later ones need packages newer than some mirrors have.
_LITELLM = "litellm[proxy]==1.106.2"


def _litellm(settings: dict[str, object], options: list[str]) -> Callable[[Upstream, int, Path], Start]:
    def start(up: Upstream, port: int, folder: Path) -> Start:
        models = [
            {
                "model_name": MODEL,
                "litellm_params": {"model": f"openai/{MODEL}", "api_base": f"{url}/v1", "api_key": "none"},
            }
            for url in _urls(up)
        ]
        config = folder / "config.yaml"
        general = {"master_key": "sk-bench"}
        # JSON is YAML.
        config.write_text(json.dumps({"model_list": models, "general_settings": general, "litellm_settings": settings}))
        command = [str(CACHE / "litellm" / "bin" / "litellm"), "--config", str(config)]
        environment = {
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # else it waits for a download at start
            "LITELLM_LOG": "ERROR",
            "LITELLM_MODE": "PRODUCTION",
        }
        return Start(
            [*command, "--host", "127.0.0.1", "--port", str(port), "--num_workers", "1", *options],
            port,
            environment,
            lambda: {"authorization": "Bearer sk-bench"},
        )

    return start


# --- Portkey ---

_PORTKEY = "@portkey-ai/gateway@1.15.2"


def _portkey(up: Upstream, port: int, folder: Path) -> Start:
    program = CACHE / "portkey" / "node_modules" / "@portkey-ai" / "gateway" / "build" / "start-server.js"
    headers = {
        "x-portkey-provider": "openai",
        "x-portkey-custom-host": f"http://127.0.0.1:{up.first}/v1",
        "authorization": "Bearer none",
    }
    environment = {"NODE_ENV": "production", "TRUSTED_CUSTOM_HOSTS": "127.0.0.1,localhost"}
    command = [shutil.which("node") or "node", str(program), f"--port={port}", "--headless"]
    return Start(command, port, environment, lambda: headers)


PEERS = (
    Subject(
        "vllm-router",
        _ROUTES,
        _router([str(CACHE / "vllm-router" / "bin" / "vllm-router")]),
        version=_peer(_VLLM),
        ready=_python("vllm-router", _VLLM),
        patience_s=40.0,
    ),
    Subject(
        "smg",
        _ROUTES,
        _router([str(CACHE / "smg" / "bin" / "smg"), "launch"]),
        version=_peer(_SMG),
        ready=_python("smg", _SMG),
        patience_s=40.0,
    ),
    Subject(
        "sglang-router",
        _ROUTES,
        _router([str(CACHE / "sglang-router" / "bin" / "python"), "-m", "sglang_router.launch_router"]),
        version=_peer(_SGLANG),
        ready=_python("sglang-router", _SGLANG),
        patience_s=40.0,
    ),
    Subject(
        "portkey",
        "Reads its orders from headers, rewrites the body through its provider's adapter, one engine. No keys of its "
        "own, no record of calls without its service.",
        _portkey,
        version=_peer(_PORTKEY),
        ready=_node("portkey", _PORTKEY),
    ),
    Subject(
        "litellm",
        "Master key, body rewritten through its own SDK, two engines, callbacks and cost of each call. No database, "
        "so no record of calls. As its documentation starts it.",
        _litellm({}, []),
        version=_peer(_LITELLM),
        ready=_python("litellm", _LITELLM),
        patience_s=90.0,
    ),
    Subject(
        "litellm-tuned",
        "The same on its fastest server (Granian), telemetry and verbose logs off, requests not checked against the "
        "list of parameters.",
        _litellm(
            {"telemetry": False, "set_verbose": False, "turn_off_message_logging": True, "request_timeout": 600},
            ["--run_granian"],
        ),
        version=_peer(_LITELLM),
        ready=_python("litellm", _LITELLM),
        patience_s=90.0,
    ),
)

"""What is measured: how each subject is started, and what it does with a request. The peers are in `peers`."""

from __future__ import annotations

import compileall
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from native import Upstream

import potluck

MODEL = "bench"
OLLAMA_MODEL = "bench-ollama"


@dataclass(frozen=True, slots=True)
class Start:
    """How to start a subject on ``port``. ``headers`` is called when it is up: keys may only exist then."""

    command: list[str]
    port: int
    environment: Mapping[str, str] = field(default_factory=dict)
    headers: Callable[[], Mapping[str, str]] = dict
    path: str = "/v1/chat/completions"
    model: str = MODEL


@dataclass(frozen=True, slots=True)
class Subject:
    """``does`` is printed beside the figures: what it does with a request, and what not.

    ``start`` is None for the engine itself. ``ready`` installs what is missing and returns why it cannot, or nothing.
    """

    name: str
    does: str
    start: Callable[[Upstream, int, Path], Start] | None
    version: Callable[[], str] = lambda: ""
    ready: Callable[[], str] = lambda: ""
    patience_s: float = 20.0
    translates: bool = False
    can_stream: bool = True


def _said(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (done.stdout or done.stderr).strip().splitlines()[0]


def _installed(program: str, package: str) -> Callable[[], str]:
    return lambda: "" if shutil.which(program) else f"it is not installed (Debian: apt-get install {package})"


# --- nginx ---

_NGINX = """
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log stderr error;
events {{ worker_connections 16384; }}
http {{
    access_log off;
    keepalive_requests 1000000;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    upstream engines {{
        server 127.0.0.1:{first};
        server 127.0.0.1:{second};
        keepalive 1024;
        keepalive_requests 1000000;
    }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{
            proxy_pass http://engines;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_buffering off;
        }}
    }}
}}
"""


def _nginx(up: Upstream, port: int, folder: Path) -> Start:
    config = folder / "nginx.conf"
    config.write_text(_NGINX.format(folder=folder, first=up.first, second=up.second, port=port))
    return Start([shutil.which("nginx") or "nginx", "-p", str(folder), "-c", str(config)], port)


# --- HAProxy ---

_HAPROXY = """
global
    nbthread 1
    maxconn 8192
defaults
    mode http
    timeout connect 5s
    timeout client 120s
    timeout server 120s
    http-reuse always
    option http-no-delay
frontend clients
    bind 127.0.0.1:{port} backlog 4096
    default_backend engines
backend engines
    balance leastconn
    server one 127.0.0.1:{first} pool-max-conn 1024
    server two 127.0.0.1:{second} pool-max-conn 1024
"""


def _haproxy(up: Upstream, port: int, folder: Path) -> Start:
    config = folder / "haproxy.cfg"
    config.write_text(_HAPROXY.format(first=up.first, second=up.second, port=port))
    return Start([shutil.which("haproxy") or "haproxy", "-db", "-f", str(config)], port)


# --- Potluck, as an owner would run it: nothing switched off, nothing tuned but the engines' slots ---

_POTLUCK = """
nodes:
  one:
    address: 127.0.0.1
    engines:
      - {{kind: openai, port: {first}, slots: 1024}}
      - {{kind: ollama, port: {ollama}, slots: 1024}}
  two:
    address: 127.0.0.1
    engines:
      - {{kind: openai, port: {second}, slots: 1024}}
"""


def _compiled() -> str:
    """As pip leaves what it installs, peers among it. We run from a checkout, whose files a developer's environment
    (PYTHONDONTWRITEBYTECODE) may never have let Python keep compiled: half a second of every start."""
    return "" if compileall.compile_dir(Path(potluck.__file__).parent, quiet=1) else "it does not compile"


def _potluck(up: Upstream, port: int, folder: Path) -> Start:
    config, data = folder / "potluck.yaml", folder / "data"
    config.write_text(_POTLUCK.format(first=up.first, second=up.second, ollama=up.ollama))
    program = Path(sys.executable).parent / "potluck"

    def key() -> Mapping[str, str]:
        return {"authorization": f"Bearer {(data / 'owner.key').read_text().strip()}"}

    return Start([str(program), "up", "--config", str(config), "--data", str(data), "--port", str(port)], port, {}, key)


DIRECT = Subject("direct", "The fake engine itself, nothing between.", None)
NGINX = Subject(
    "nginx",
    "Relays bytes, round robin over two upstreams, keep-alive on both sides, buffering and access log off. "
    "No key, no look into the body, no account of a call, no retry after a first byte.",
    _nginx,
    version=lambda: _said(["nginx", "-v"]).rpartition("/")[2],
    ready=_installed("nginx", "nginx-light"),
)
HAPROXY = Subject(
    "haproxy",
    "Relays bytes, fewest connections first over two upstreams, one thread, no log. Otherwise as nginx.",
    _haproxy,
    version=lambda: _said(["haproxy", "-v"]).split()[2],
    ready=_installed("haproxy", "haproxy"),
)
POTLUCK = Subject(
    "potluck",
    "The product as `potluck up` runs it: key checked, body read and checked, model looked up, engine with the "
    "smallest load chosen, bounded queue, answer watched and kept for the account, tokens and times counted, "
    "metrics, and every call written to the database.",
    _potluck,
    version=lambda: _said([str(Path(sys.executable).parent / "potluck"), "--version"]).split()[-1],
    ready=_compiled,
    translates=True,
)
OWN = (DIRECT, NGINX, HAPROXY, POTLUCK)

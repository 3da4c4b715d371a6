"""Machines on a network of their own: a switch and hosts in Linux namespaces, with addresses of our choice.

Everything here runs in a process that `walled` started, the first one of namespaces of its own: with its end the kernel
takes away whatever was made in them, interfaces, mounts and processes. Nothing outside is touched, and nothing is left.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.e2e import processes
from tests.e2e.cable import TRIED, Cable, device

NETWORK_BITS = 24
_SWITCH = "switch"
_CABLE = "eth0"
_UNPLUGGED = "unplugged"

# Machines are known by this; each host has its own of everything in /etc, so that it may have its own of this.
_MACHINE_ID = "machine-id"

_WALLS = ("--net", "--mount", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc")
_ROOM = ("--net", "--mount", "--uts")

# Holds a host's namespaces until its stdin ends.
_HOLDER = "import socket, sys; socket.sethostname(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
# What a machine's first minute does: its loopback, its address (as $1), its own /etc (from $2).
_BOOT = 'ip link set lo up && ip addr add "$1" dev eth0 && ip link set eth0 up && mount --bind "$2" /etc'


class NoNamespaces(Exception):
    """Why there can be none here. ``curable``: by installing something."""

    def __init__(self, why: str, *, curable: bool) -> None:
        super().__init__(why)
        self.curable = curable


def walled() -> list[str]:
    """The beginning of a command that runs in namespaces of its own: root's, else a user's who is root in them alone.

    Raises:
        NoNamespaces: iproute2 or util-linux is missing, or the kernel lets nobody have any (as in most containers).
    """
    missing = [program for program in ("ip", "unshare", "nsenter", "mount") if shutil.which(program) is None]
    if missing:
        raise NoNamespaces(f"not installed: {', '.join(missing)} (Debian: iproute2, util-linux, mount)", curable=True)
    said = ""
    for who in ((), ("--user", "--map-root-user")):
        command = ["unshare", *who, *_WALLS]
        tried = [*command, "sh", "-c", "ip link add try type bridge && ip link add one type veth peer name two"]
        done = subprocess.run(tried, capture_output=True, text=True, timeout=30, check=False)
        if done.returncode == 0:
            return command
        said = done.stderr.strip() or f"exit code {done.returncode}"
    raise NoNamespaces(f"the kernel allows no network namespaces here: {said}", curable=False)


def walled_with_cables() -> list[str]:
    """The same, where hosts can have bad cables.

    Raises:
        NoNamespaces: or there is no TUN/TAP.
    """
    command = walled()
    tried = [*command, sys.executable, "-I", "-S", "-c", TRIED]
    done = subprocess.run(tried, capture_output=True, text=True, timeout=30, check=False)
    if done.returncode:
        why = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise NoNamespaces(f"no bad cables can be made here (TUN/TAP): {why}", curable=False)
    return command


@dataclass(slots=True)
class Host:
    """A machine on the network. ``pid`` is that of the process which holds its namespaces; ``cable`` is there if it can
    be a bad one."""

    name: str
    address: str
    pid: int
    cable: Cable | None = None
    _running: list[subprocess.Popen[str]] = field(default_factory=list[subprocess.Popen[str]])

    def start(self, *command: str, environment: dict[str, str] | None = None) -> str:
        """A program of this machine; the first line that it says."""
        process = subprocess.Popen(
            [*self.inside(), *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **(environment or {})},
        )
        self._running.append(process)
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, f"{self.name}: {command} ended with {process.wait()} before it said anything"
        return line

    def cut(self) -> None:
        """Pull its cable."""
        _ip("link", "set", self.name, "down")

    def mend(self) -> None:
        _ip("link", "set", self.name, "up")

    def move(self, address: str) -> None:
        """What a router's DHCP does after a reboot."""
        self.run("ip", "addr", "flush", "dev", _CABLE)
        self.address = address
        self.run("ip", "addr", "add", f"{address}/{NETWORK_BITS}", "dev", _CABLE)

    def kill(self) -> None:
        """Every program ends without a word. (The kernel still ends their connections, unless the cable is cut.)"""
        for process in self._running:
            process.kill()
        for process in self._running:
            process.communicate()
        self._running.clear()

    def run(self, *command: str) -> None:
        _run([*self.inside(), *command])

    def inside(self) -> list[str]:
        """The beginning of a command that runs on this machine."""
        return ["nsenter", "--target", str(self.pid), "--net", "--mount", "--uts"]


@dataclass(slots=True)
class Lan:
    """A switch that this process is plugged into, and the hosts on it."""

    home: Path
    _stack: ExitStack

    def host(self, name: str, address: str, *, chance: random.Random | None = None) -> Host:
        """A new machine: its own network, name and machine id, the same programs and files as ours. With ``chance`` its
        cable can be a bad one."""
        command = ["unshare", *_ROOM, sys.executable, "-I", "-S", "-c", _HOLDER, name]
        holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._stack.callback(_end, holder)
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        host = Host(name, address, holder.pid)
        self._stack.callback(host.kill)
        if chance is None:
            _ip("link", "add", name, "type", "veth", "peer", "name", _CABLE, "netns", str(holder.pid))
        else:
            host.cable = Cable(device(name), device(_UNPLUGGED), chance)
            self._stack.callback(host.cable.close)
            _ip("link", "set", _UNPLUGGED, "netns", str(holder.pid), "name", _CABLE)
        _ip("link", "set", name, "master", _SWITCH, "up")
        host.run("sh", "-ec", _BOOT, "boot", f"{address}/{NETWORK_BITS}", str(self._own_etc(name)))
        return host

    def _own_etc(self, name: str) -> Path:
        made = self.home / f"etc-of-{name}"
        # What this user may not read, a program of ours does not need.
        subprocess.run(["cp", "-r", "/etc", str(made)], stderr=subprocess.DEVNULL, check=False)
        (made / _MACHINE_ID).unlink(missing_ok=True)
        (made / _MACHINE_ID).write_text(f"{name.encode().hex():0<32}\n"[:33])
        return made


@contextmanager
def lan(home: Path, address: str) -> Iterator[Lan]:
    """A switch, and this process plugged into it with ``address``."""
    with ExitStack() as stack:
        _ip("link", "set", "lo", "up")
        _ip("link", "add", _SWITCH, "type", "bridge")
        stack.callback(_ip, "link", "del", _SWITCH)
        _ip("addr", "add", f"{address}/{NETWORK_BITS}", "dev", _SWITCH)
        _ip("link", "set", _SWITCH, "up")
        yield Lan(home, stack)


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def _ip(*arguments: str) -> None:
    _run(["ip", *arguments])


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=processes.STOP_S, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
